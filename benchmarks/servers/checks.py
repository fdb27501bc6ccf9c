"""What is checked at each door of a real server: a door is one server, spoken to on one wire.

Every check speaks to the models of the session that it runs in: `asked` is the door itself, `wrong
key` and `unknown model` the same with one thing changed, `vectors` one that embeds, and the others
are models that fail on purpose. It raises AssertionError where the door differs from its API.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import onefold as of
from onefold.core import errors
from onefold.core.query import Message
from onefold.delivery.session import here

QUESTION = of.Query("what is water?", system="be brief")
TURNS = (
    Message("user", "the"),
    Message("assistant", "of"),
    Message("user", "what is water?"),
)
LENGTH = 12  # tokens of a reply
AT_ONCE = 64
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["yes", "no"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
PIECES: list[str] = []  # of the last stream
Check = Callable[[], Awaitable[None]]


def model(name: str = "asked", **settings: Any) -> of.Model:
    """A model of the session, greedy and short."""
    return of.Model(name, **{"temperature": 0, "max_tokens": LENGTH, **settings})


async def streamed(query: of.Query, **settings: Any) -> of.Answer:
    """The answer at the end of a stream; its pieces are left in PIECES."""
    PIECES.clear()
    async for event in model(**settings).stream(query):
        if event.kind == "token":
            PIECES.append(event.text)
    assert event.answer is not None, "the stream has no answer"
    said = "".join(PIECES)
    assert said == event.answer.text, f"its pieces are {said!r}, its end {event.answer.text!r}"
    return event.answer


def counted(answer: of.Answer) -> tuple[int, int]:
    """Tokens in and out, as the server counted them."""
    used = answer.usage
    assert used.calls == 1, f"{used.calls} calls"
    assert not used.estimated, "the server counts no tokens"
    return used.tokens_in, used.tokens_out


async def chat() -> None:
    """A reply with words, with tokens that the server counted."""
    answer = await model()(QUESTION)
    assert answer.text.strip(), "the reply is empty"
    assert min(counted(answer)) > 0, answer.usage


async def turns() -> None:
    """A system's message and earlier turns arrive: they are counted, and they change the reply."""
    bare = await model()(of.Query(QUESTION.text))
    told = await model()(QUESTION)
    long = await model()(of.Query(messages=TURNS, system=QUESTION.system))
    assert counted(bare)[0] < counted(told)[0] < counted(long)[0], "earlier turns are not counted"
    assert len({bare.text, told.text, long.text}) == 3, "earlier turns change nothing"


async def stream() -> None:
    """A stream says and counts what the same question says and counts without one."""
    whole, flowed = await model()(QUESTION), await streamed(QUESTION)
    assert len(PIECES) > 1, "it came in one piece"
    assert flowed.text == whole.text, f"{flowed.text!r}, and without a stream {whole.text!r}"
    assert flowed.finish == whole.finish, f"{flowed.finish}, and without a stream {whole.finish}"
    ours, theirs = counted(flowed), counted(whole)
    assert ours == theirs, f"{ours} tokens, and without a stream {theirs}"


async def words_alone() -> None:
    """A stream says what the same question says without one; tokens are left aside."""
    whole, flowed = await model()(QUESTION), await streamed(QUESTION)
    assert len(PIECES) > 1, "it came in one piece"
    assert flowed.text == whole.text, f"{flowed.text!r}, and without a stream {whole.text!r}"


async def limit() -> None:
    """A reply ends at the limit of tokens and says so."""
    answer = await model(max_tokens=5)(QUESTION)
    assert counted(answer)[1] == 5, f"{answer.usage.tokens_out} tokens"
    assert answer.finish == "length", f"it says that it ended by {answer.finish}"


async def stop() -> None:
    """A reply ends before a text at which it is to stop."""
    whole = (await model()(QUESTION)).text
    middle = len(whole) // 2
    until = whole[middle : middle + 3]
    answer = await model(until=(until,))(QUESTION)
    assert answer.finish == "stop", f"it says that it ended by {answer.finish}"
    wanted = whole.partition(until)[0]
    assert answer.text == wanted, f"{answer.text!r} instead of {wanted!r}"


async def probabilities() -> None:
    """Each token of the reply has its log-probability."""
    answer = await model(logprobs=2)(QUESTION)
    assert answer.tokens, "there are none"
    assert len(answer.tokens) == counted(answer)[1], f"there are {len(answer.tokens)}"
    assert "".join(token.text for token in answer.tokens) == answer.text, "of other words"
    assert 0 < (answer.confidence or 0) <= 1, f"its confidence is {answer.confidence}"


async def schema() -> None:
    """A reply fits the JSON Schema that it must."""
    answer = await model(schema=SCHEMA, max_tokens=200)(QUESTION)
    try:
        said = json.loads(answer.text)
    except ValueError:
        raise AssertionError(f"it is no JSON: {answer.text[:40]!r}") from None
    assert said.get("verdict") in ("yes", "no"), said


async def at_once() -> None:
    """64 calls at once are all answered, and all counted."""
    before = here().usage()["asked"].used
    answers = await asyncio.gather(*(model(max_tokens=4)(QUESTION) for _ in range(AT_ONCE)))
    assert all(answer.text for answer in answers), "some are empty"
    assert len({answer.text for answer in answers}) == 1, "equal questions, unequal replies"
    used = here().usage()["asked"].used
    assert used.calls - before.calls == AT_ONCE, f"{used.calls - before.calls} calls are booked"
    out = sum(answer.usage.tokens_out for answer in answers)
    assert used.tokens_out - before.tokens_out == out, "the session counts other tokens"


async def left_early() -> None:
    """Who leaves a stream early can ask on."""
    async for event in model(max_tokens=200).stream(QUESTION):
        if event.kind == "token":
            break
    await chat()


async def embedding() -> None:
    """Each text has its vector, all equally long, equal ones for equal texts."""
    one, two, three = await of.aembed(["water", "time could", "water"], "vectors")
    assert len(one) == len(two) > 1, f"{len(one)} and {len(two)} numbers"
    assert max(abs(a - b) for a, b in zip(one, three, strict=True)) < 1e-5, "unequal for equals"
    assert max(abs(a - b) for a, b in zip(one, two, strict=True)) > 1e-3, "equal for others"
    assert here().usage()["vectors"].used.tokens_in > 0, "it counts no tokens"


async def fails(kind: type[Exception], *calls: Callable[[], Awaitable[of.Answer]]) -> None:
    """Every one of the calls fails in just this way, with words of the server's own."""
    for call in calls:
        try:
            answer = await call()
        except errors.ModelError as error:
            if type(error) is not kind:
                found = f"{type(error).__name__}, HTTP {error.status}: {error}"
                raise AssertionError(found) from None
        else:
            raise AssertionError(f"no error: {answer.text[:40]!r}")


def refused(name: str, kind: type[Exception], query: of.Query = QUESTION) -> Check:
    """The check that a model fails in one way, streamed or not."""

    async def check() -> None:
        await fails(kind, lambda: model(name)(query), lambda: streamed(query, name=name))

    return check


async def probed(name: str) -> str:
    """What becomes of a beginning at a model: continued, repeated and continued, begun anew."""
    whole = await streamed(QUESTION)
    begun, rest = "".join(PIECES[:5]), "".join(PIECES[5:])
    turns = (Message("user", QUESTION.text), Message("assistant", begun))
    query = of.Query(messages=turns, system=QUESTION.system)
    settings = {"name": name, "max_tokens": LENGTH - 5}
    try:
        said = ((await model(**settings)(query)).text, (await streamed(query, **settings)).text)
    except errors.ModelError as error:
        return f"{type(error).__name__}, HTTP {error.status}"
    known = {rest: "continued", whole.text: "continued, the beginning repeated"}
    found = [known.get(text, "begun anew") for text in said]
    return found[0] if found[0] == found[1] else f"{found[0]}; in a stream {found[1]}"


async def continued() -> None:
    """A partial answer is continued just where it ended, streamed or not."""
    found = await probed("asked")
    assert found == "continued", found


CHECKS: dict[str, Check] = {
    "chat": chat,
    "turns": turns,
    "stream": stream,
    "words alone": words_alone,
    "limit": limit,
    "stop": stop,
    "log-probabilities": probabilities,
    "schema": schema,
    "64 at once": at_once,
    "left early": left_early,
    "embeddings": embedding,
    "continued": continued,
    "wrong key": refused("wrong key", errors.WrongKey),
    "unknown model": refused("unknown model", errors.NoSuchModel),
    "too long": refused("asked", errors.TooLong, of.Query("water " * 3000)),
    "busy": refused("busy", errors.RateLimited),
    "window": refused("window", errors.TooLong),
    "down": refused("down", errors.Unreachable),
    "filtered": refused("filtered", errors.Filtered),
}


def outcome(found: BaseException) -> str:
    """What went wrong, in one line."""
    words = " ".join(str(found).split())
    return words if isinstance(found, AssertionError) else f"{type(found).__name__}: {words}"


async def held(names: Sequence[str], seconds: float = 300.0) -> dict[str, str]:
    """What became of each check: empty where it held, else what differs."""
    found = {}
    for name in names:
        try:
            async with asyncio.timeout(seconds):
                await CHECKS[name]()
            found[name] = ""
        except (AssertionError, errors.OnefoldError, TimeoutError) as error:
            found[name] = outcome(error)
    return found
