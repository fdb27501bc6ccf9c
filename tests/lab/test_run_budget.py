"""Runs under a budget: it ends them cleanly, keeps what was answered, and holds over resumes."""

import pytest

import onefold as of
from onefold import Fake, Model, Panel, Session
from onefold.core.errors import ConfigError, NotRecorded
from onefold.delivery.journal import Journal
from onefold.lab import book
from onefold.runtime.clock import instantly

CALL = 0.2


def session(budget, **more):
    fake = {"provider": Fake(("a",), tokens=(100, 100), price=(1000, 1000)), "typical_tokens": 100}
    return Session(dict.fromkeys("mno", fake), budget=budget, **more)


def go(operator, count, budget, **about):
    asked = [f"q{n}" for n in range(count)]
    return instantly(of.arun(operator, asked, session=session(budget), concurrency=1, **about))


def spent(folder):
    journal = Journal(folder / "journal.sqlite")
    total = journal.total()
    journal.close()
    return total.usd


def test_a_spent_budget_ends_the_run_and_keeps_what_was_answered(tmp_path):
    done = go(Model("m"), 10, 3 * CALL, out=tmp_path)
    assert len(done) == 3
    assert done.stopped.startswith("BudgetExceeded: ")
    assert "raise the budget" in done.stopped
    assert len(book.read_outcomes(tmp_path / "answers.jsonl")) == 3
    assert spent(tmp_path) <= 3 * CALL * 1.001


def test_the_same_run_with_a_larger_budget_goes_on_and_pays_only_the_rest(tmp_path):
    go(Model("m"), 10, 3 * CALL, out=tmp_path)
    done = go(Model("m"), 10, 11 * CALL, out=tmp_path)
    assert (len(done), done.stopped) == (10, "")
    assert spent(tmp_path) == pytest.approx(10 * CALL)
    assert of.statistics(done).usage.usd == pytest.approx(10 * CALL)


def test_a_budget_holds_for_the_run_however_often_it_is_resumed(tmp_path):
    for _ in range(4):
        done = go(Model("m"), 10, 3.5 * CALL, out=tmp_path)
    assert len(done) == 3
    assert spent(tmp_path) <= 3.5 * CALL


def test_a_budget_of_nothing_asks_nobody(tmp_path):
    done = go(Model("m"), 3, 0.0, out=tmp_path)
    assert (len(done), spent(tmp_path)) == (0, 0)
    assert done.stopped


def test_no_question_is_answered_by_fewer_members_because_money_ran_out(tmp_path):
    panel = Panel([Model(name) for name in "mno"])
    done = go(panel, 5, 4.5 * CALL, out=tmp_path)
    assert done.stopped
    assert all(d.status == "answered" for answer in done.answers for d in answer.drafts)
    again = go(panel, 5, 100.0, out=tmp_path)
    whole = go(panel, 5, 100.0)
    assert [a.votes for a in again.answers] == [a.votes for a in whole.answers]
    assert of.statistics(again).usage.usd == pytest.approx(15 * CALL)
    assert spent(tmp_path) == pytest.approx(15 * CALL)


def test_a_model_of_unknown_price_under_a_budget_is_refused_first(tmp_path):
    class Silent(of.Provider, name="silent"):
        async def complete(self, request):
            raise AssertionError("asked")

    held = Session({"x": "silent"}, budget=1.0)
    with pytest.raises(ConfigError, match=r"'x' has no known price.*give it a price"):
        instantly(of.arun(Model("x"), ["q"], session=held, out=tmp_path))


def test_a_full_disk_ends_the_run_and_the_same_command_goes_on(tmp_path, monkeypatch):
    real = book.Book.write
    written = []

    def full(self, outcome):
        if len(written) == 2:
            raise NotRecorded("no space left: make room and run the same command again")
        written.append(outcome)
        real(self, outcome)

    monkeypatch.setattr(book.Book, "write", full)
    done = go(Model("m"), 6, None, out=tmp_path)
    assert done.stopped.startswith("NotRecorded: no space left")
    assert len(book.read_outcomes(tmp_path / "answers.jsonl")) == 2
    monkeypatch.setattr(book.Book, "write", real)
    again = go(Model("m"), 6, None, out=tmp_path)
    assert (len(again), again.stopped) == (6, "")
    assert spent(tmp_path) == pytest.approx(6 * CALL)


def test_a_device_that_is_full_is_told_in_words(tmp_path):
    done = go(Model("m"), 1, None, out=tmp_path)
    writer = book.Book(tmp_path, Model("m"), session(None))
    with open("/dev/full", "wb", buffering=0) as full:
        writer.file = full
        with pytest.raises(NotRecorded, match=r"what was paid is in the journal: make room"):
            writer.write(done.outcomes[0])
