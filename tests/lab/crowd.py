"""Two models that take a second and remember what they were asked, and what a run of them paid."""

import asyncio

import onefold as of
from onefold import Provider, Reply, Session
from onefold.delivery.journal import Journal
from onefold.runtime.clock import instantly


class Crowded(Provider, name="crowded"):
    """Counts how many calls are under way."""

    async def complete(self, request):
        book = LOG
        book["now"] += 1
        book["most"] = max(book["most"], book["now"])
        book["asked"].append(request.prompt)
        await asyncio.sleep(1.0)
        book["now"] -= 1
        return Reply(f"re {request.prompt}", 10, 0, 5)


LOG: dict = {}


def crowd(**more):
    entry = {"provider": "crowded", "price": {"tokens_in": 1e3, "tokens_out": 2e3}}
    return Session({"m": entry, "n": entry}, **more)


def go(operator, questions, **about):
    return instantly(of.arun(operator, questions, **about))


def questions(count):
    return [f"q{n}" for n in range(count)]


def paid(folder):
    journal = Journal(folder / "journal.sqlite")
    rows = journal.store.read("SELECT count(*) FROM calls WHERE status = 'ok'")[0][0]
    total = journal.total()
    journal.close()
    return rows, total
