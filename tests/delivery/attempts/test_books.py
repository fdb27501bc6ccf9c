"""Whatever happens to calls, the books agree: span, session, budget, journal; nothing is left."""

import asyncio
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Act, Scene, fails, plays

import onefold as of
from onefold.core.usage import NOTHING
from onefold.runtime.clock import instantly

KINDS = (of.Unreachable, of.RateLimited, of.Refused, of.TimedOut, of.Unreadable)
seconds = st.sampled_from([0.0, 0.5, 2.0, 40.0])
words = st.sampled_from([(), ("yes",), ("y", "e", "s")])
failures = st.builds(
    lambda kind, billed, after: fails(kind, billed=billed, retry_after=after).brings,
    st.sampled_from(KINDS),
    st.booleans(),
    st.none() | seconds,
)
replies = st.builds(lambda n: of.Reply("yes", n, 0, n), st.integers(0, 300))
acts = st.builds(Act, replies | failures | st.just(lambda: KeyError("lost")), seconds, words)
terms = st.fixed_dictionaries(
    {},
    optional={
        "retry": st.builds(of.Retry, st.integers(1, 4), st.just(0.25), spare=st.integers(0, 9)),
        "limits": st.sampled_from(
            [of.Limits(concurrency=2, most=3), of.Limits(requests=5), of.Limits(tokens=500)]
        ),
        "breaker": st.just(of.Breaking(least=3, rest=2.0)),
        "hedge": st.sampled_from([of.Hedging(after=1.0, extra=1.0), of.Hedging(after=0.0)]),
        "timeout": st.sampled_from([1.0, 5.0]),
    },
)
deployments = st.lists(
    st.tuples(st.lists(acts, min_size=1, max_size=6), terms), min_size=1, max_size=3
)
caps = st.fixed_dictionaries(
    {},
    optional={
        "usd": st.floats(0, 40),
        "calls": st.integers(0, 12),
        "tokens": st.integers(0, 4000),
        "seconds": st.sampled_from([1.0, 30.0]),
    },
)
leaving = st.lists(st.none() | st.sampled_from([0.0, 0.7, 3.0]), min_size=1, max_size=6)


async def asked(number, leaves):
    """What came of a question whose asker leaves after so many seconds, if ever."""
    question = of.Within(of.Model("all"), seconds=500.0)
    task = asyncio.create_task(question(f"question {number}"))
    if leaves is not None:
        asyncio.get_running_loop().call_later(leaves, task.cancel)
    (result,) = await asyncio.gather(task, return_exceptions=True)
    return result


@settings(max_examples=60)
@given(deployments, caps, leaving, st.integers(0, 99))
def test_the_books_agree_and_nothing_is_left_behind(models, caps, leaving, seed):
    spans = []

    def listener(phase, span, what, value):
        if phase == "stop" and span.parent is None:
            spans.append(span)

    listener.wants_words = bool(seed % 2)
    scenes = [Scene(*played) for played, _ in models]
    known = {
        name: plays(scene, name, typical_tokens=50, **about)
        for name, scene, (_, about) in zip("abc", scenes, models, strict=False)
    }
    budget = of.Budget(**caps)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "paid.db"
        entries = {**known, "all": {"fleet": [*known]}}
        with of.Session(entries, journal=path, budget=budget, listeners=[listener]) as held:
            held.models.random = Random(seed)

            async def main():
                return await asyncio.gather(*(asked(*about) for about in enumerate(leaving)))

            results = instantly(main())
            paid, unfinished = held.journal.total(), held.journal.unfinished
            used = sum((spent.used for spent in held.usage().values()), NOTHING)
    for result in results:
        assert isinstance(result, of.Answer | of.OnefoldError | asyncio.CancelledError), result
    told = sum((span.usage for span in spans), NOTHING)
    for other in (used, told):
        assert (other.calls, other.tokens) == (paid.calls, paid.tokens)
        assert other.usd == pytest.approx(paid.usd)
    assert budget.spent.calls == used.calls
    assert budget.spent.usd >= used.usd - 1e-9
    assert (budget.held.calls, budget.held.tokens) == (0, 0)
    assert budget.calls is None or used.calls <= budget.calls
    assert unfinished == 0
    for scene, model in zip(scenes, known.values(), strict=True):
        line = held.models.line(model)
        assert scene.inside == 0
        assert line.calls == scene.calls
        if line.gate is not None:
            assert (line.gate.inside, line.gate.waiting, line.limiter.waiting) == (0, 0, 0)
    assert held.flying == {}
