"""A thread beside the event loop that serves whoever waits for one model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, main_thread
from time import sleep

from onefold.core.errors import ModelError, OnefoldError
from onefold.delivery.provider import Reply, Request

LINGER = 0.001  # seconds in which those who come together find each other


class Job:
    """A request with its reply to be.

    tell: hears pieces of the reply, in the worker's thread; None where nobody listens.
    given_up: set by whoever no longer waits for it.
    """

    def __init__(self, request: Request, tell: Callable[[str], None] | None = None) -> None:
        self.request, self.tell = request, tell
        self.done: Future[Reply] = Future()
        self.given_up = False

    def fail(self, error: BaseException) -> None:
        """Hand over an error instead of a reply."""
        if not self.done.done():
            self.done.set_exception(error)


class Worker:
    """Jobs that wait, and a thread that lives while there are any.

    serve: called in the thread; takes jobs from the worker until none waits, and ends each.
    """

    def __init__(self, serve: Callable[[Worker], None]) -> None:
        self.serve = serve
        self.waiting: deque[Job] = deque()
        self.taken: list[Job] = []
        self.lock = Lock()
        self.working = False
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="onefold-transformers")

    def add(self, job: Job) -> None:
        """Let a job be done, with those that wait already."""
        with self.lock:
            self.waiting.append(job)
            if not self.working:
                self.working = True
                self.thread.submit(self._work)

    def take(self, most: int) -> list[Job]:
        """Up to so many jobs that wait, in the order they came; those given up are left out.

        Raises:
            OnefoldError: the process is ending.
        """
        if not main_thread().is_alive():  # it waits for this thread to end
            raise OnefoldError("the process ended before the reply")
        fresh: list[Job] = []
        with self.lock:
            while self.waiting and len(fresh) < most:
                job = self.waiting.popleft()
                if job.done.set_running_or_notify_cancel() and not job.given_up:
                    fresh.append(job)
            self.taken = [job for job in self.taken if not job.done.done()] + fresh
        return fresh

    def _work(self) -> None:
        """Serve until nobody waits; what fails altogether fails for all who wait."""
        sleep(LINGER)
        while True:
            with self.lock:
                if not self.waiting:
                    self.working = False
                    return
            try:
                self.serve(self)
            except Exception as error:
                with self.lock:
                    lost, self.taken, self.waiting = [*self.taken, *self.waiting], [], deque()
                for job in lost:
                    job.fail(explained(error))


def explained(error: Exception) -> Exception:
    """An error, with the way out where memory is short."""
    if type(error).__name__ != "OutOfMemoryError":
        return error
    return ModelError(f"no memory for so many rows at once, a smaller `batch` needs less: {error}")
