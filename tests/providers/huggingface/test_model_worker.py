"""The thread that serves jobs: together where they come together, each with an end of its own."""

import asyncio
import threading
from asyncio import wrap_future

import pytest

from onefold.core.errors import ModelError, OnefoldError
from onefold.delivery.provider import Reply, Request
from onefold.providers.huggingface import worker as rooms
from onefold.providers.huggingface.worker import Job, Worker


def job():
    return Job(Request("m", ()))


def echo(served, most=100):
    """What serves: answers all it takes, and notes how many these were."""

    def serve(worker):
        while jobs := worker.take(most):
            served.append(len(jobs))
            for each in jobs:
                each.done.set_result(Reply("ok"))

    return serve


def test_jobs_that_come_together_are_served_together_off_the_loop():
    served, threads = [], set()

    def serve(worker):
        threads.add(threading.get_ident())
        echo(served)(worker)

    async def asked():
        worker = Worker(serve)
        jobs = [job() for _ in range(30)]
        for each in jobs:
            worker.add(each)
        return await asyncio.gather(*(wrap_future(each.done) for each in jobs))

    assert [reply.text for reply in asyncio.run(asked())] == ["ok"] * 30
    assert served == [30]
    assert threading.get_ident() not in threads


def test_no_more_are_taken_than_fit():
    served = []
    worker = Worker(echo(served, 4))
    jobs = [job() for _ in range(10)]
    for each in jobs:
        worker.add(each)
    assert [each.done.result(5).text for each in jobs] == ["ok"] * 10
    assert served == [4, 4, 2]


def test_what_was_given_up_or_cancelled_before_it_began_is_not_served():
    served = []
    worker = Worker(echo(served))
    jobs = [job() for _ in range(3)]
    jobs[0].given_up = True
    jobs[1].done.cancel()
    for each in jobs:
        worker.add(each)
    assert jobs[2].done.result(5).text == "ok"
    assert served == [1]


def test_a_failure_reaches_all_who_wait_and_the_next_are_served_again():
    broken = [True]
    served = []

    def serve(worker):
        if broken.pop() if broken else False:
            worker.take(2)
            raise ValueError("no model")
        echo(served)(worker)

    worker = Worker(serve)
    jobs = [job() for _ in range(3)]
    for each in jobs:
        worker.add(each)
    for each in jobs:
        with pytest.raises(ValueError, match="no model"):
            each.done.result(5)
    worker.add(last := job())
    assert last.done.result(5).text == "ok"


def test_where_memory_is_short_the_error_says_what_to_do():
    class OutOfMemoryError(RuntimeError):
        pass

    def serve(worker):
        worker.take(1)
        raise OutOfMemoryError("CUDA out of memory")

    worker = Worker(serve)
    worker.add(one := job())
    with pytest.raises(ModelError, match="a smaller `batch` needs less: CUDA out of memory"):
        one.done.result(5)


def test_nothing_is_begun_while_the_process_ends(monkeypatch):
    class Gone:
        def is_alive(self):
            return False

    monkeypatch.setattr(rooms, "main_thread", Gone)
    worker = Worker(echo([]))
    worker.add(one := job())
    with pytest.raises(OnefoldError, match="the process ended"):
        one.done.result(5)
