"""The truth of what was paid: one row a call, durable, resumed from, and never written past."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import textwrap
from typing import ClassVar

import pytest

import onefold as of
from onefold.delivery.journal import Journal


class Counting(of.Provider, name="test_journal_counting"):
    """Counts how often it is really called."""

    calls: ClassVar[list[str]] = []
    then: ClassVar[list] = []

    async def complete(self, request):
        self.calls.append(request.prompt)
        while self.then:
            self.then.pop()()
        return of.Reply(f"{request.prompt}#{len(self.calls)}", 10, 0, 5)


@pytest.fixture
def paid():
    Counting.calls.clear()
    return Counting()


def session(path, provider, **more):
    models = {name: of.Deployment(name, provider, of.Price(1.0, 2.0)) for name in "mn"}
    return of.Session(models, journal=path, **more)


def ask(path, provider, *prompts, operator="m", **more):
    async def main():
        part = of.Model(operator) if isinstance(operator, str) else operator
        return await asyncio.gather(*(part(prompt) for prompt in prompts))

    with session(path, provider, **more) as inside:
        return asyncio.run(main()), inside.journal.total()


def rows(path, columns="*"):
    with sqlite3.connect(path) as db:
        found = db.execute(f"SELECT {columns} FROM calls ORDER BY rowid").fetchall()
    db.close()
    return found


def test_every_paid_call_is_one_row(tmp_path, paid):
    path = tmp_path / "paid.db"
    _, total = ask(path, paid, "a", "b", "c")
    assert (total.calls, total.tokens_in, total.tokens_out) == (3, 30, 15)
    assert total.usd == pytest.approx(3 * 20e-6)
    assert (
        rows(path, "model, status, tokens_in, tokens_out, estimated") == [("m", "ok", 10, 5, 0)] * 3
    )


def test_a_second_run_pays_nothing_and_gives_the_same_answers_and_totals(tmp_path, paid):
    path = tmp_path / "paid.db"
    first, before = ask(path, paid, "a", "b")
    second, after = ask(path, paid, "a", "b", "c")
    assert paid.calls == ["a", "b", "c"]
    assert [a.text for a in second[:2]] == [a.text for a in first]
    assert [a.usage for a in second[:2]] == [a.usage for a in first]
    assert after.calls == before.calls + 1


def test_equal_requests_that_were_paid_n_times_resume_as_n(tmp_path, paid):
    path = tmp_path / "paid.db"
    first, _ = ask(path, paid, *["same"] * 5)
    assert len(paid.calls) == 5
    second, total = ask(path, paid, *["same"] * 7)
    assert len(paid.calls) == 7
    assert total.calls == 7
    assert [a.text for a in second[:5]] == [a.text for a in first]


def test_another_model_sampling_sample_or_system_is_another_call(tmp_path, paid):
    path = tmp_path / "paid.db"
    ask(path, paid, "a")
    for operator in (
        of.Model("n"),
        of.Model("m", temperature=0.5),
        of.Model("m", system="be brief"),
    ):
        ask(path, paid, "a", operator=operator)
    ask(path, paid, of.Query("a", sample=1))
    ask(path, paid, of.Query("a", labels=("x", "y")))
    assert len(paid.calls) == 6


def test_draws_of_one_member_are_apart_and_resume_apart(tmp_path, paid):
    path = tmp_path / "paid.db"
    panel = of.Panel(["m"] * 4)
    (first,), _ = ask(path, paid, "a", operator=panel)
    (second,), _ = ask(path, paid, "a", operator=panel)
    assert len(paid.calls) == 4
    assert [d.text for d in second.drafts] == [d.text for d in first.drafts]
    assert sorted(rows(path, "sample")) == [(0,), (1,), (2,), (3,)]


def test_what_is_recalled_counts_against_the_budget_as_when_it_was_paid(tmp_path, paid):
    path = tmp_path / "paid.db"
    ask(path, paid, "a", "b")
    budget = of.Budget(calls=2)
    with pytest.raises(of.BudgetExceeded):
        ask(path, paid, "a", "b", "c", budget=budget)
    assert budget.spent.calls == 2
    assert paid.calls == ["a", "b"]


def test_failed_calls_are_no_rows_and_are_tried_again(tmp_path):
    path = tmp_path / "paid.db"
    for _ in range(2):
        with (
            of.Session({"m": of.Fake(error="RateLimited")}, journal=path),
            pytest.raises(of.RateLimited),
        ):
            of.Model("m").ask("a")
    assert rows(path) == []


def test_a_cancelled_call_is_a_row_with_an_estimate_and_is_not_resumed_from(tmp_path):
    path = tmp_path / "paid.db"
    slow = {
        "provider": of.Fake(("late",), seconds=(0.5,)),
        "price": {"tokens_in": 1, "tokens_out": 1},
    }
    panel = of.Panel(["fake:quick", "slow"], stop="first")
    with of.Session({"slow": slow}, journal=path):
        answer = panel.ask("q")
    assert answer.usage.estimated
    assert sorted(rows(path, "model, status, estimated")) == [
        ("fake:quick", "ok", 0),
        ("slow", "cancelled", 1),
    ]
    journal = Journal(path)
    assert journal.total() == answer.usage
    assert [len(held) for held in journal.unused.values()] == [1]
    journal.close()


def test_resuming_a_finished_race_pays_nothing(tmp_path):
    slow = {
        "provider": of.Fake(("late",), seconds=(0.5,)),
        "price": {"tokens_in": 1, "tokens_out": 1},
    }
    panel = of.Panel(["slow", "fake:quick"], stop="first")
    totals = []
    for _ in range(3):
        with of.Session({"slow": slow}, journal=tmp_path / "paid.db") as inside:
            assert panel.ask("q").text == "quick"
            totals.append(inside.journal.total())
    assert totals[0].calls == 2
    assert totals[1:] == totals[:1] * 2


def test_unknown_prices_stay_unknown_in_the_journal(tmp_path, paid):
    with of.Session({"m": {"provider": paid}}, journal=tmp_path / "paid.db") as inside:
        of.Model("m").ask("a")
        assert inside.journal.total().usd is None


def test_the_cache_answers_before_the_journal_and_pays_no_row(tmp_path, paid):
    path = tmp_path / "paid.db"
    with session(path, paid, cache="memory"):
        of.Model("m").ask("a")
        cached = of.Model("m").ask("a")
    assert cached.usage.calls == 0
    assert len(rows(path)) == 1


def full(inside):
    (used,) = inside.journal.store.db.execute("PRAGMA page_count").fetchone()
    inside.journal.store.db.execute(f"PRAGMA max_page_count = {used}")


def roomy(inside):
    inside.journal.store.db.execute("PRAGMA max_page_count = 1073741823")


@pytest.mark.parametrize("operator", [of.Model("m"), of.Panel(["m", "m", "m"])])
def test_a_full_disk_stops_everything_before_anything_further_is_paid(tmp_path, paid, operator):
    path = tmp_path / "paid.db"
    with session(path, paid) as inside:
        for number in range(3):
            of.Model("m").ask(f"early {number}")
        full(inside)
        with pytest.raises(of.NotRecorded, match=r"full.*make room"):
            list(map(operator.ask, (f"{number} " + "x" * 3000 for number in range(200))))
        calls, kept = len(paid.calls), len(rows(path))
        for _ in range(3):
            with pytest.raises(of.NotRecorded, match="no further call"):
                operator.ask("again")
        assert len(paid.calls) == calls
        assert 3 <= kept <= calls
        roomy(inside)
    assert len(rows(path)) == calls, "rows that had to wait are written once there is room"


def test_calls_that_cannot_be_written_down_before_they_are_made_are_not_made(tmp_path, paid):
    path = tmp_path / "paid.db"
    with session(path, paid) as inside:
        full(inside)
        results = many(400)
        assert {type(result) for result in results} == {of.NotRecorded}
        assert paid.calls == []
        roomy(inside)
    assert rows(path) == []


def test_many_calls_in_flight_when_the_disk_fills_are_all_recorded_in_the_end(tmp_path, paid):
    path = tmp_path / "paid.db"
    with session(path, paid) as inside:
        paid.then.append(lambda: full(inside))
        results = many(100)
        assert of.NotRecorded in {type(result) for result in results}
        roomy(inside)
    assert len(rows(path, "status")) == len(paid.calls) == 100
    assert set(rows(path, "status")) == {("ok",)}


def many(count):
    async def main():
        tasks = [of.Model("m")(f"{n} " + "x" * 2000) for n in range(count)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(main())


def test_what_an_earlier_run_recorded_is_served_even_when_the_disk_is_full(tmp_path, paid):
    path = tmp_path / "paid.db"
    ask(path, paid, "a")
    with session(path, paid) as inside:
        full(inside)
        inside.journal.full = True
        assert of.Model("m").ask("a").text == "a#1"
        with pytest.raises(of.NotRecorded):
            of.Model("m").ask("b")
        roomy(inside)


RUN = """
    import asyncio, sys
    import onefold as of

    slow = of.Fake(("yes",), seconds=(0.02,), tokens=(10, 5), price=(1.0, 2.0))

    async def main(count):
        model, limit = of.Model("m"), asyncio.Semaphore(4)
        async def one(number):
            async with limit:
                answer = await model(f"question {number % 150}")
            print(number, flush=True)
            return answer.usage
        return sum(await asyncio.gather(*(one(n) for n in range(count))), of.Usage())

    with of.Session({"m": slow}, journal=sys.argv[1]):
        usage = asyncio.run(main(200))
    print("done", usage.calls, usage.tokens, round(usage.usd * 1e6), flush=True)
"""


def started(path):
    command = [sys.executable, "-c", textwrap.dedent(RUN), str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_run_killed_half_way_resumes_and_the_journal_shows_exactly_one_pass(tmp_path):
    path = tmp_path / "paid.db"
    with started(path) as process:
        told = [process.stdout.readline() for _ in range(100)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    kept = rows(path, "rowid, key")
    assert len(kept) >= len(told) - 1, "an answer that was given is durable"
    assert len(kept) < 200
    with started(path) as process:
        out, _ = process.communicate(timeout=60)
    assert out.splitlines()[-1] == "done 200 3000 4000"
    after = rows(path, "rowid, key")
    assert len(after) == 200
    assert after[: len(kept)] == kept
    assert sum(n for (n,) in rows(path, "tokens_in + tokens_out")) == 3000
    journal = Journal(path)
    assert (journal.total().calls, journal.total().tokens) == (200, 3000)
    assert journal.total().usd == pytest.approx(0.004)
    journal.close()


def test_notes_are_kept_and_replaced(tmp_path):
    journal = Journal(tmp_path / "paid.db")
    assert journal.about("plan") is None
    journal.note("plan", "one")
    journal.note("plan", "two")
    journal.close()
    again = Journal(tmp_path / "paid.db")
    assert again.about("plan") == "two"
    again.close()
