"""Logs: a record a call, a line a span, no words unless they are asked for, no disturbance."""

import asyncio
import gc
import json
import logging
import threading
from datetime import timedelta

import msgspec
import pytest

from onefold import Fake, Model, Panel, Query, Session
from onefold.core.errors import ConfigError, NoAnswer
from onefold.core.usage import Usage
from onefold.functions import judge, operator
from onefold.runtime.clock import instantly
from onefold.runtime.logs import Line, Lines, Logged
from onefold.runtime.trace import Span

SECRET = "canary-7f3a"
MODELS = {
    "good": Fake((SECRET,), seconds=(1.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "other": Fake(("b",), seconds=(2.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "slow": Fake((SECRET,), seconds=(9.0,)),
    "broken": Fake(error="Refused"),
    "dear": {"provider": Fake(("b",)), "price": None},
}


def ask(listener, part, query="?", **about):
    """Ask once in virtual time, in a session of its own."""

    async def asked():
        with Session(MODELS, listeners=[listener], **about):
            return await part(query)

    return instantly(asked())


def panel(*members, **about):
    return Panel([Model(name) for name in members], **about)


@operator
def betrayer(query):
    raise ValueError(f"cannot digest {query.text} \ud800")


@pytest.fixture
def records(caplog):
    """Records of the logger, as they come."""

    class Kept(logging.Handler):
        def emit(self, record):
            kept.append(record)

    kept, handler = [], Kept()
    caplog.set_level(logging.DEBUG, "onefold")
    logging.getLogger("onefold").addHandler(handler)
    yield kept
    logging.getLogger("onefold").removeHandler(handler)


@pytest.fixture
def lines(tmp_path):
    """`lines(part, query, …)` asks and returns what was written."""

    def written(part, query="?", content=False, fails=False, **about):
        path = tmp_path / "spans.jsonl"
        with Lines(path, content=content) as listener:
            if fails:
                with pytest.raises(NoAnswer):
                    ask(listener, part, query, **about)
            else:
                ask(listener, part, query, **about)
        assert list(listener.faults) == []
        return read(path)

    return written


def read(path):
    return [msgspec.json.decode(line, type=Line) for line in path.read_bytes().splitlines()]


def test_every_model_call_and_every_question_is_one_record(records):
    ask(Logged(), panel("good", "other", "good"))
    said = [record.getMessage() for record in records]
    assert said == [
        "model good: ok · 1.000 s · $0.02 · 1 call · 10+5 tokens",
        "model good: ok · 1.000 s · $0.02 · 1 call · 10+5 tokens",
        "model other: ok · 2.000 s · $0.02 · 1 call · 10+5 tokens",
        "question to panel: ok · 2.000 s · $0.06 · 3 calls · 30+15 tokens",
    ]
    assert {record.levelname for record in records} == {"INFO"}


def test_records_carry_their_numbers(records):
    ask(Logged(), Model("good"))
    (record, _) = records
    told = {key[8:]: value for key, value in vars(record).items() if key.startswith("onefold_")}
    assert told == {
        "verb": "complete",
        "name": "good",
        "status": "ok",
        "seconds": 1.0,
        "tokens_in": 10,
        "tokens_out": 5,
        "usd": pytest.approx(0.02),
        "calls": 1,
        "estimated": False,
        "error": None,
        "answered_from": None,
    }


def test_what_failed_is_a_warning_and_what_is_no_longer_needed_is_none(records):
    ask(Logged(level="DEBUG"), panel("broken", "good", "slow", stop="first"))
    assert {r.onefold_name: (r.levelname, r.onefold_status) for r in records} == {
        "broken": ("WARNING", "failed"),
        "good": ("DEBUG", "ok"),
        "slow": ("DEBUG", "cancelled"),
        "panel": ("DEBUG", "ok"),
    }
    assert [r.onefold_error for r in records if r.onefold_status == "failed"] == ["Refused"]


def test_a_level_above_warning_holds_for_failures_too(records):
    ask(Logged(level=logging.ERROR), panel("broken", "good", "good"))
    assert {record.levelname for record in records} == {"ERROR"}


def test_a_logger_that_is_off_hears_nothing(caplog):
    caplog.set_level(logging.WARNING, "quiet")
    ask(Logged("quiet"), panel("broken", "good", "good"))
    assert [record.onefold_name for record in caplog.records] == ["broken"]


def test_a_level_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="no level named 'WARNIN'; did you mean 'WARNING'"):
        Logged(level="WARNIN")


def test_what_came_from_the_cache_says_so(records, tmp_path):
    with Session(MODELS, listeners=[Logged()], cache="memory"):
        Model("dear").ask("?")
        Model("dear").ask("?")
    said = [r.getMessage() for r in records if r.onefold_verb == "complete"]
    assert "from" not in said[0]
    assert said[1].startswith("model dear: ok from the cache · ")
    assert records[-2].onefold_answered_from == "cache"


def test_records_hold_no_words_unless_asked_for(records):
    with pytest.raises(ValueError, match=SECRET):
        ask(Logged(), betrayer, SECRET)
    ask(Logged(), Model("good"), SECRET)
    assert len(records) == 3
    assert SECRET not in "".join(f"{r.getMessage()} {vars(r)}" for r in records)


def test_records_hold_the_words_where_asked_for(records):
    with pytest.raises(ValueError, match=SECRET):
        ask(Logged(content=True), betrayer, SECRET)
    ask(Logged(content=True), Model("good"), "line\nbreak")
    failed, call, _ = [record.getMessage() for record in records]
    assert failed.endswith(f"asked {SECRET!r} · because 'cannot digest {SECRET} ?'")
    assert call.endswith(f"asked 'line\\nbreak' · answered {SECRET!r}")


def test_a_log_that_breaks_disturbs_nobody_and_is_kept():
    class Broken(logging.Filter):
        def filter(self, record):
            raise ZeroDivisionError

    logged, broken = Logged("broken-log"), Broken()
    logged.logger.addFilter(broken)
    logged.logger.setLevel("DEBUG")
    assert ask(logged, Model("other")).text == "b"
    assert [type(fault) for fault in logged.faults] == [ZeroDivisionError] * 2


def test_every_span_is_one_line_below_its_parent(lines):
    told = lines(panel("good", "other", "good"))
    assert [(line.verb, line.name) for line in told] == [
        ("complete", "good"),
        ("draft", "good"),
        ("complete", "good"),
        ("draft", "good#2"),
        ("complete", "other"),
        ("draft", "other"),
        ("decide", "majority"),
        ("answer", "panel"),
    ]
    root = told[-1]
    names = {line.span: line.name for line in told}
    assert len(names) == 8
    assert {line.trace for line in told} == {root.trace}
    assert root.parent is None
    assert all(names[line.parent] == "panel" for line in told if line.verb in ("draft", "decide"))
    assert all(names[line.parent].startswith(line.name) for line in told if line.verb == "complete")


def test_a_line_tells_time_tokens_money_and_agreement(lines):
    told = lines(panel("good", "other", "good", "dear"))
    root = told[-1]
    assert (root.tokens_in, root.calls, root.usd, root.agreement) == (31, 4, None, 0.5)
    assert root.estimated is False
    call = next(line for line in told if line.verb == "complete" and line.name == "other")
    assert (call.status, call.seconds, call.tokens_out, call.usd) == ("ok", 2.0, 5, 0.02)
    assert call.time.utcoffset() == timedelta(0)
    assert (call.error, call.agreement, call.score, call.prompt) == (
        None,
        None,
        None,
        msgspec.UNSET,
    )


def test_every_question_has_a_trace_of_its_own(tmp_path):
    with Lines(tmp_path / "l") as listener:
        for _ in range(3):
            ask(listener, Model("other"))
    told = read(tmp_path / "l")
    assert len({line.trace for line in told}) == 3
    assert len({line.span for line in told}) == 6


def test_failed_and_cancelled_calls_are_told_with_their_kind(lines):
    told = lines(panel("broken", "good", "slow", stop="first"))
    calls = {line.name: line for line in told if line.verb == "complete"}
    assert {name: (line.status, line.error) for name, line in calls.items()} == {
        "broken": ("failed", "Refused"),
        "good": ("ok", None),
        "slow": ("cancelled", None),
    }
    assert calls["slow"].estimated


def test_a_judges_score_is_told(lines):
    @judge
    def half(query, answer):
        return 0.5

    told = lines(panel("good", judge=half))
    assert [line.score for line in told if line.verb == "score"] == [0.5]


def test_what_the_journal_and_the_cache_answer_is_marked(tmp_path):
    def call(**about):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl"
        with Lines(path) as listener:
            for _ in range(2):
                ask(listener, Model("other"), **about)
        return [line.answered_from for line in read(path) if line.verb == "complete"]

    assert call(journal=tmp_path / "calls.sqlite") == [None, "journal"]
    assert call(cache=tmp_path / "cache.sqlite") == [None, "cache"]


def test_lines_hold_no_words_unless_asked_for(lines, tmp_path):
    lines(Panel([betrayer, Model("good"), Model("good")]), SECRET)
    text = (tmp_path / "spans.jsonl").read_text()
    assert SECRET not in text
    assert '"ValueError"' in text
    assert {"prompt", "text", "message"}.isdisjoint(json.loads(text.splitlines()[0]))


def test_lines_hold_the_words_where_asked_for(lines):
    told = lines(Panel([betrayer, Model("good"), Model("good")]), "why?", content=True)
    assert {line.prompt for line in told} == {"why?"}
    assert [line.text for line in told if line.verb == "complete"] == [SECRET, SECRET]
    assert {line.message for line in told} == {"", "cannot digest why? ?"}


def test_lines_are_appended_to_what_is_there(lines):
    assert len(lines(Model("other"))) == 2
    assert len(lines(Model("other"))) == 4


def test_a_question_that_fails_leaves_its_line(lines):
    root = lines(panel("broken", "broken"), fails=True)[-1]
    assert (root.status, root.error) == ("failed", "NoAnswer")


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere/l cannot be appended to: No such file"):
        Lines(tmp_path / "nowhere" / "l")


def test_a_full_disk_disturbs_nobody_and_is_kept():
    with Lines("/dev/full") as listener:
        assert ask(listener, Model("other")).text == "b"
    assert [type(fault) for fault in listener.faults] == [OSError] * 2


def test_a_line_that_was_torn_spoils_no_other(tmp_path):
    class Narrow:
        """A file on a disk with room for half of one line."""

        def __init__(self, file):
            self.file, self.room = file, 40

        def write(self, line):
            line, self.room = line[: self.room], 10**6
            return self.file.write(line)

        def close(self):
            self.file.close()

    with Lines(tmp_path / "l") as listener:
        listener.file = Narrow(listener.file)
        ask(listener, Model("other"))
    assert [str(fault)[:11] for fault in listener.faults] == ["only 40 of "]
    first, second = (tmp_path / "l").read_bytes().splitlines()
    assert len(first) == 40
    assert msgspec.json.decode(second, type=Line).verb == "answer"


def test_spans_that_end_after_the_file_is_closed_disturb_nobody(tmp_path):
    listener = Lines(tmp_path / "l")
    listener.close()
    assert ask(listener, Model("other")).text == "b"
    assert read(tmp_path / "l") == []
    assert len(listener.faults) == 2


def test_faults_do_not_pile_up(tmp_path):
    listener = Lines(tmp_path / "l")
    listener.close()
    for _ in range(120):
        ask(listener, Model("other"))
    assert len(listener.faults) == 100


def test_threads_share_a_file_line_by_line(tmp_path):
    with Lines(tmp_path / "l", content=True) as listener:

        def asking():
            for _ in range(25):
                ask(listener, panel("good", "other"), SECRET * 1000)

        threads = [threading.Thread(target=asking) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert list(listener.faults) == []
    told = read(tmp_path / "l")
    assert len(told) == 4 * 25 * 6
    assert len({line.trace for line in told}) == 100


def test_spans_that_never_end_are_forgotten_with_their_question(tmp_path):
    async def asked():
        with Span("answer", "root", Query("?"), None, (listener,)) as root:
            Span("draft", "lost", Query("?"), Span("draft", "lost", Query("?"), root))

    with Lines(tmp_path / "l") as listener:
        asyncio.run(asked())
    gc.collect()
    assert listener._places == {}
    assert [line.name for line in read(tmp_path / "l")] == ["root"]


def test_lines_survive_the_round_through_json(tmp_path):
    async def asked():
        with Span("complete", "m", Query("?"), None, (listener,)) as span:
            span.usage = Usage(1, 0, 2, None, 1, estimated=True)

    with Lines(tmp_path / "l") as listener:
        asyncio.run(asked())
    (line,) = read(tmp_path / "l")
    assert (line.usd, line.estimated, line.calls) == (None, True, 1)
    assert msgspec.json.decode(msgspec.json.encode(line), type=Line) == line
