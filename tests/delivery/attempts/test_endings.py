"""What the journal says of every call, however it ended, and of those whose end nobody saw."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest
from stage import Act, Scene, fails, plays, session

import onefold as of
from onefold.delivery.journal import LATER, Journal
from onefold.runtime.clock import instantly

RETRY = of.Retry(attempts=3, base=1e-3)


def rows(path, columns="status, error, tokens_out, estimated, usd"):
    """Columns of all rows, in the order in which their calls began."""
    with sqlite3.connect(path) as db:
        found = db.execute(f"SELECT {columns} FROM calls ORDER BY rowid").fetchall()
    db.close()
    return found


def asked(path, scene, *, text="word", operator="m", **terms):
    """What came of a question to a model that plays a scene, with a journal."""
    with session(plays(scene, typical_tokens=7, **terms), journal=path):
        return instantly(of.build(operator)(text))


def told(path, scene, error=of.ModelError, **terms):
    """The rows after a question that failed."""
    with pytest.raises(error):
        asked(path, scene, **terms)
    return rows(path)


def test_a_call_is_in_the_journal_before_it_is_made(tmp_path):
    path = tmp_path / "paid.db"
    seen = []

    class Looks(of.Provider, name="test_endings_looks"):
        async def complete(self, request):
            seen.extend(rows(path, "status, model, origin, query, sample, tokens_out, estimated"))
            return of.Reply("yes", 1, 0, 1)

    with of.Session({"m": {"provider": Looks(), "typical_tokens": 7}}, journal=path):
        asyncio.run(of.Model("m")(of.Query("q", id="row 1", sample=2)))
    assert seen == [("begun", "m", "test_endings_looks", "row 1", 2, 7, 1)]
    assert rows(path, "status, estimated, seconds >= 0") == [("ok", 0, 1)]


def test_a_reply_is_ok_with_all_that_it_used(tmp_path):
    path = tmp_path / "paid.db"
    reply = of.Reply("yes", 100, 40, 20, tokens_written=30, tokens_reasoning=5)
    asked(path, Scene(Act(reply, 2.0)), price=of.Price(1.0, 1.0))
    columns = (
        "status, error, model, origin, tokens_in, tokens_cached, tokens_out, tokens_written, "
        "tokens_reasoning, usd, estimated, seconds"
    )
    assert rows(path, columns) == [
        ("ok", "", "m", "test_stage_plays", 100, 40, 20, 30, 5, 120e-6, 0, 2.0)
    ]
    journal = Journal(path)
    assert journal.total() == of.Usage(100, 40, 20, 120e-6, 1, False, 30, 5)
    journal.close()


def test_a_failure_that_is_not_billed_is_a_row_that_costs_nothing(tmp_path):
    path = tmp_path / "paid.db"
    assert told(path, Scene(fails(of.Refused))) == [("failed", "Refused", 0, 0, 0.0)]
    journal = Journal(path)
    assert journal.total() == of.Usage()
    assert (journal.unfinished, journal.unused, journal.lost) == (0, {}, {})
    journal.close()


def test_a_failure_that_may_be_billed_is_broken_and_booked_at_its_estimate(tmp_path):
    path = tmp_path / "paid.db"
    scene = Scene(fails(of.Unreachable, billed=True))
    assert told(path, scene) == [("broken", "Unreachable", 7, 1, 0.08)]
    journal = Journal(path)
    assert (journal.total().calls, journal.total().estimated) == (1, True)
    journal.close()


def test_a_call_that_took_too_long_is_broken(tmp_path):
    path = tmp_path / "paid.db"
    assert told(path, Scene(Act(seconds=9.0)), timeout=2.0) == [("broken", "TimedOut", 7, 1, 0.08)]
    assert rows(path, "seconds") == [(2.0,)]


def test_a_bug_of_the_provider_s_is_a_row_as_well(tmp_path):
    path = tmp_path / "paid.db"
    scene = Scene(Act(lambda: KeyError("lost")))
    assert told(path, scene) == [("failed", "ModelError", 0, 0, 0.0)]


def test_every_attempt_is_a_row_of_its_own(tmp_path):
    path = tmp_path / "paid.db"
    scene = Scene(fails(), fails(of.RateLimited, billed=True), of.Reply("yes", 1, 0, 1))
    answer = asked(path, scene, retry=RETRY)
    assert [row[:2] for row in rows(path)] == [
        ("failed", "Unreachable"),
        ("broken", "RateLimited"),
        ("ok", ""),
    ]
    journal = Journal(path)
    assert journal.total() == answer.usage
    journal.close()
    assert asked(path, scene, retry=RETRY).text == "yes", "and one reply to resume from"
    assert scene.calls == 3


def test_the_loser_of_a_race_is_cancelled_and_not_asked_again(tmp_path):
    path = tmp_path / "paid.db"
    quick, slow = Scene(Act("quick", 1.0)), Scene(Act("slow", 60.0))
    panel = of.Panel(["quick", "slow"], stop="first")
    for _ in range(2):
        with session(plays(quick, "quick"), plays(slow, "slow"), journal=path):
            assert instantly(panel("q")).text == "quick"
    assert rows(path, "model, status, error, estimated") == [
        ("quick", "ok", "", 0),
        ("slow", "cancelled", "CancelledError", 1),
    ]
    assert (quick.calls, slow.calls) == (1, 1)


def test_the_loser_of_a_hedge_is_cancelled_and_the_call_resumes_from_the_winner(tmp_path):
    path = tmp_path / "paid.db"
    scene = Scene(Act("slow", 60.0), Act("quick", 1.0))
    hedge = of.Hedging(after=1.0, extra=1.0)
    first = asked(path, scene, hedge=hedge)
    assert [row[0] for row in rows(path)] == ["cancelled", "ok"]
    journal = Journal(path)
    assert journal.total() == first.usage
    journal.close()
    assert asked(path, scene, hedge=hedge).text == "quick"
    assert scene.calls == 2


def test_a_question_that_is_cancelled_is_interrupted_and_asked_again(tmp_path):
    path = tmp_path / "paid.db"
    scene = Scene(Act("slow", 60.0), Act("yes", 1.0))

    async def main():
        call = asyncio.create_task(of.Panel(["m"])("word"))
        await asyncio.sleep(1)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    with session(plays(scene, typical_tokens=7), journal=path):
        instantly(main())
    assert rows(path) == [("interrupted", "CancelledError", 7, 1, 0.08)]
    asked(path, scene, operator={"panel": ["m"]})
    assert [row[0] for row in rows(path)] == ["interrupted", "ok"]
    assert scene.calls == 2


def test_a_call_that_never_started_is_no_row(tmp_path):
    path = tmp_path / "paid.db"
    assert told(path, Scene(), error=of.ConfigError, text="x" * 9_000_000) == []
    with (
        session(plays(Scene()), journal=path, budget=of.Budget(calls=0)),
        pytest.raises(of.BudgetExceeded),
    ):
        instantly(of.Model("m")("q"))
    assert rows(path) == []


def test_a_call_that_is_cancelled_while_it_waits_for_a_place_is_no_row(tmp_path):
    path = tmp_path / "paid.db"
    scene = Scene(Act("yes", 10.0))
    limits = of.Limits(concurrency=1, most=1)

    async def main():
        calls = [asyncio.create_task(of.Model("m")(f"q{i}")) for i in range(2)]
        await asyncio.sleep(1)
        calls[1].cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    with session(plays(scene, limits=limits), journal=path) as held:
        instantly(main())
        assert held.usage()["m"].calls == 1
    assert [row[0] for row in rows(path)] == ["ok"]


def test_local_models_need_no_row_before_they_answer(tmp_path):
    path = tmp_path / "paid.db"
    seen = []

    class Near(of.Provider, name="test_endings_near"):
        remote = False

        async def complete(self, request):
            seen.extend(rows(path))
            return of.Reply("yes", 1, 0, 1)

    with of.Session({"m": Near()}, journal=path):
        asyncio.run(of.Model("m")("q"))
    assert seen == []
    assert rows(path, "status, origin") == [("ok", "test_endings_near")]


OLD = """
    CREATE TABLE calls (
        key TEXT NOT NULL, at REAL NOT NULL, model TEXT NOT NULL, query TEXT NOT NULL,
        sample INTEGER NOT NULL, status TEXT NOT NULL, tokens_in INTEGER NOT NULL,
        tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL, usd REAL,
        estimated INTEGER NOT NULL, seconds REAL NOT NULL, reply BLOB);
    CREATE INDEX calls_key ON calls (key);
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
"""


def key_of(scene, text):
    """What the journal knows a question by."""
    request = of.Model("m")._request(of.Query(text))
    return request.key(plays(scene).identity)


def test_a_file_of_an_earlier_version_is_resumed_from_and_gains_the_later_columns(tmp_path):
    path, scene = tmp_path / "paid.db", Scene("anew")
    reply = json.dumps({"text": "as before", "tokens_in": 10, "tokens_out": 5})
    values = (key_of(scene, "old"), 1.0, "m", "", 0, "ok", 10, 0, 5, 0.25, 0, 2.0, reply)
    with sqlite3.connect(path) as db:
        db.executescript(OLD)
        db.execute(f"INSERT INTO calls VALUES ({', '.join('?' * 13)})", values)
    db.close()
    for _ in range(2):
        answer = asked(path, scene, text="old")
        assert (answer.text, answer.usage) == ("as before", of.Usage(10, 0, 5, 0.25, 1))
    asked(path, scene, text="new")
    assert scene.calls == 1
    columns = ", ".join(["status", *LATER])
    assert rows(path, columns) == [
        ("ok", 0, 0, "", ""),
        ("ok", 0, 0, "test_stage_plays", ""),
    ]
    with sqlite3.connect(path) as db:
        names = {row[1] for row in db.execute("PRAGMA index_list(calls)")}
    db.close()
    assert "calls_key" not in names


@pytest.mark.parametrize("missing", LATER)
def test_each_later_column_is_added_where_it_alone_is_missing(tmp_path, missing):
    path = tmp_path / "paid.db"
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"ALTER TABLE calls DROP COLUMN {missing}")
    db.close()
    asked(path, Scene())
    assert rows(path, f"status, {missing}")[0][0] == "ok"


KILLED = """
    import asyncio, os, signal, sys
    import onefold as of

    class Dies(of.Provider, name="dies"):
        async def complete(self, request):
            if "last" in request.prompt:
                os.kill(os.getpid(), signal.SIGKILL)
            return of.Reply("yes", 1, 0, 1)

    async def main():
        await of.Model("m")("first")
        await asyncio.gather(*(of.Model("m")(f"last {i}") for i in range(3)))

    price = {"tokens_in": 1e4, "tokens_out": 1e4}
    with of.Session({"m": {"provider": Dies(), "price": price}}, journal=sys.argv[1]):
        asyncio.run(main())
"""


def test_calls_of_a_process_that_was_killed_are_unfinished_counted_and_made_again(tmp_path):
    path = tmp_path / "paid.db"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(path)])
    assert done.returncode == -signal.SIGKILL
    assert sorted(rows(path, "status")) == [("begun",)] * 3 + [("ok",)]
    journal = Journal(path)
    assert journal.unfinished == 3
    assert (journal.total().calls, journal.total().estimated) == (4, True)
    journal.close()
    scene = Scene("again")
    with session(plays(scene), journal=path) as held:
        for text in ("last 0", "last 1"):
            assert instantly(of.Model("m")(text)).text == "again"
        assert held.journal.unfinished == 3, "nobody knows what became of them"
        assert held.journal.total().calls == 6
    assert scene.calls == 2


def test_a_row_that_began_in_this_process_is_finished_by_its_end(tmp_path):
    path, scene = tmp_path / "paid.db", Scene(Act("yes", 5.0))

    async def main():
        call = asyncio.ensure_future(of.Model("m")("q"))
        await asyncio.sleep(1)
        during = held.journal.unfinished
        await call
        return during, held.journal.unfinished

    with session(plays(scene), journal=path) as held:
        assert instantly(main()) == (1, 0)


def test_a_paced_journal_gives_replies_after_the_time_they_took(tmp_path):
    path, scene = tmp_path / "paid.db", Scene(Act("yes", 5.0))
    asked(path, scene)
    journal = Journal(path, paced=True)
    with session(plays(scene), journal=journal):
        answer = instantly(of.Model("m")("word"))
    journal.close()
    assert (answer.text, answer.seconds, scene.calls) == ("yes", 5.0, 1)


def test_a_paced_loser_loses_again_and_a_paced_one_whom_nobody_beats_is_asked(tmp_path):
    path = tmp_path / "paid.db"
    quick, slow = Scene(Act("quick", 1.0)), Scene(Act("slow", 60.0))
    models = plays(quick, "quick"), plays(slow, "slow")
    with session(*models, journal=path):
        instantly(of.Panel(["quick", "slow"], stop="first")("q"))
    journal = Journal(path, paced=True)
    with session(*models, journal=journal):
        answer = instantly(of.Panel(["quick", "slow"], stop="first")("q"))
        assert (answer.text, answer.drafts[1].usage.estimated) == ("quick", True)
        assert (quick.calls, slow.calls) == (1, 1)
        alone = instantly(of.Model("slow")("q"))
    journal.close()
    assert (alone.text, slow.calls) == ("slow", 2)


def test_other_terms_make_no_other_call(tmp_path):
    path, scene = tmp_path / "paid.db", Scene("yes")
    asked(path, scene)
    assert asked(path, scene, retry=RETRY, limits=of.Limits(), tags=("x",)).text == "yes"
    assert scene.calls == 1
