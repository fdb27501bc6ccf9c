"""Operators that take time and say what they were asked, and a loop that waits for threads."""

from __future__ import annotations

import asyncio
import hashlib
from asyncio import sleep
from inspect import iscoroutinefunction
from selectors import DefaultSelector

from onefold import Answer, Fake, Model, Operator, Refused
from onefold.promises import body as bodies_module
from onefold.promises.call import Call
from onefold.runtime.clock import VirtualLoop, _Jumping


def slow(name, seconds=0.0, says=None, **more):
    """A model that answers after so many seconds."""
    return Model(name, provider=Fake((says or f"{name} says",), seconds=(seconds,), **more))


def told(name, text, drafts):
    """What `Teller` says: another text for every other question, and for other drafts."""
    shown = "|".join([name, text, *(draft.text for draft in drafts)])
    return f"{name}:{hashlib.sha256(shown.encode()).hexdigest()[:8]}"


class Teller(Operator, name="test_teller"):
    """Says a text that depends on all it was shown, and keeps count.

    fails: the share of questions, in 256ths, for which it fails.
    """

    name: str
    seconds: float = 0.0
    fails: int = 0
    asked: list = []

    async def answer(self, query):
        self.asked.append((self.name, query.text, tuple(draft.text for draft in query.drafts)))
        await sleep(self.seconds)
        said = told(self.name, query.text, query.drafts)
        if failing(self.fails, said):
            raise Refused(f"{said} refused")
        return Answer(said)


def failing(fails, said):
    """Whether a teller that would say this fails instead."""
    return int(said[-2:], 16) < fails


class Threads:
    """The threads in which bodies of jit functions run, and what each of them waits for."""

    def __init__(self):
        self.running = 0
        self.waiting = {}

    @property
    def awake(self):
        """Whether one of them is not waiting for a call that is under way."""
        asleep = sum(not call.done.done() for call in list(self.waiting.values()))
        return self.running > asleep


class PatientSelector(_Jumping):
    """Jumps in time only while every body waits for a call."""

    def __init__(self, loop, threads):
        super().__init__(loop)
        self.threads = threads

    def select(self, timeout=None):
        while timeout is not None and timeout > 0 and self.threads.awake:
            if ready := DefaultSelector.select(self, 0.001):
                return ready
        return super().select(timeout)


class PatientLoop(VirtualLoop):
    """A loop in virtual time in which blocking functions take none."""

    def __init__(self, threads):
        self.now = 0.0
        asyncio.SelectorEventLoop.__init__(self, PatientSelector(self, threads))


def exactly(work, patch):
    """Run work in virtual time, to which the threads of plain jit functions keep."""
    threads = Threads()
    returned, wait = bodies_module.returned, Call.wait

    async def counted(function):
        if iscoroutinefunction(function):
            return await returned(function)
        threads.running += 1
        try:
            return await returned(function)
        finally:
            threads.running -= 1

    def waiting(call):
        key = object()
        threads.waiting[key] = call
        try:
            return wait(call)
        finally:
            del threads.waiting[key]

    patch.setattr(bodies_module, "returned", counted)
    patch.setattr(Call, "wait", waiting)
    with asyncio.Runner(loop_factory=lambda: PatientLoop(threads)) as runner:
        return runner.run(work)
