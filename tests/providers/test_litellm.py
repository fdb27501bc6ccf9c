"""LiteLLM as a provider: against the loopback service where it is installed, else by its shapes."""

from __future__ import annotations

import asyncio
import importlib.metadata
import sys
import types
from typing import Any

import pytest
from faults import ErrorInside, NoCredit, Reset, Status
from script import Script
from service import Service

import onefold as of
from onefold.providers import litellm as ours
from onefold.providers.litellm import POISONED, LiteLLM, package
from onefold.providers.prices import list_price

SAID = "Grüße — 3 naïve cafés, 日本!"
KEY = "sk-canary-51d0aa"
ASKED = of.Request("mine", (of.Message("user", "hello there"),))


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """A key under a name of its own, no proxy, and a package that is looked up anew."""
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "*")
    for name, value in ours.QUIET.items():
        monkeypatch.setenv(name, value)
    package.cache_clear()
    yield
    package.cache_clear()


class Said:
    """An object of theirs: it prints as JSON."""

    def __init__(self, text: str) -> None:
        self.text = text

    def model_dump_json(self, **options: Any) -> str:
        """Its JSON."""
        return self.text


class Failed(Exception):
    """An exception of theirs: it carries a status, and their words around the service's."""

    def __init__(self, words: str, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"litellm.{type(self).__name__}: GroqException - {words}")
        self.status_code = status
        self.litellm_response_headers = headers


@pytest.fixture
def theirs(monkeypatch):
    """A module shaped as LiteLLM, whose `said` is returned or raised; `asked` is what it got."""
    module = types.ModuleType("litellm")
    module.asked, module.said = [], None

    async def acompletion(**arguments):
        module.asked.append(arguments)
        if isinstance(module.said, Exception):
            raise module.said
        return module.said

    module.acompletion = acompletion
    monkeypatch.setitem(sys.modules, "litellm", module)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "1.0")
    return module


WHOLE = Said(
    '{"id": "c1", "model": "m", "choices": [{"message": {"content": "yes"}, '
    '"finish_reason": "length"}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}'
)


def test_the_corridor_alone_retries_and_nothing_is_dropped(theirs):
    theirs.said = WHOLE
    request = of.Request("mine", ASKED.messages, of.Sampling(0.5, max_tokens=9, top_k=3))
    model = LiteLLM("groq/m", key="env:MY_KEY", body={"service_tier": "flex"})
    assert asyncio.run(model.complete(request)) == of.Reply(
        "yes", 5, 0, 2, finish="length", upstream=("m", "c1")
    )
    assert theirs.asked == [
        {
            "model": "groq/m",
            "messages": [{"role": "user", "content": "hello there"}],
            "temperature": 0.5,
            "max_tokens": 9,
            "top_k": 3,
            "service_tier": "flex",
            "api_key": KEY,
            "stream": False,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": False,
        }
    ]
    assert theirs.suppress_debug_info is True
    assert theirs.telemetry is False


def test_the_environment_s_key_goes_to_no_other_address(theirs):
    theirs.said = WHOLE
    asyncio.run(LiteLLM("openai/m", base_url="http://localhost:1/v1").complete(ASKED))
    sent = theirs.asked[0]
    assert (sent["api_base"], sent["api_key"]) == ("http://localhost:1/v1", "none")


def test_secret_arguments_are_read_where_they_lie_and_shown_nowhere(theirs):
    theirs.said = Failed(f"bad signature {KEY}", 403)
    model = LiteLLM(
        "bedrock/m", body={"aws_secret_access_key": "env:MY_KEY", "prompt_cache_key": "a"}
    )
    with pytest.raises(of.WrongKey) as caught:
        asyncio.run(model.complete(ASKED))
    sent = theirs.asked[0]
    assert (sent["aws_secret_access_key"], sent["prompt_cache_key"]) == (KEY, "a")
    assert KEY not in str(caught.value)
    assert KEY not in repr(model)
    with pytest.raises(of.ConfigError, match=r"body\.aws_secret_access_key: a key does not belong"):
        LiteLLM("bedrock/m", body={"aws_secret_access_key": KEY})


def test_a_key_that_litellm_found_itself_is_shown_nowhere(theirs, monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk-canary-77")
    theirs.said = Failed("Incorrect API key provided: gsk-canary-77", 401)
    with pytest.raises(of.WrongKey, match=r"provided: \[key\]"):
        asyncio.run(LiteLLM("groq/m").complete(ASKED))


@pytest.mark.parametrize(
    ("words", "status", "kind"),
    [
        ("no such key", 401, of.WrongKey),
        ("model does not exist", 404, of.NoSuchModel),
        ("it took too long", 408, of.TimedOut),
        ("slow down", 429, of.RateLimited),
        ("You exceeded your current quota", 429, of.NoCredit),
        ("ContextWindowExceededError: too many tokens", 400, of.TooLong),
        ("ContentPolicyViolationError", 400, of.Filtered),
        ("UnsupportedParamsError: groq does not support top_k", 400, of.Refused),
        ("Connection error.", 500, of.Unreachable),
        ("Overloaded", 529, of.Unreachable),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_their_exceptions_are_told_apart_by_their_status_and_words(
    theirs, words, status, kind, stream
):
    theirs.said = Failed(words, status, {"Retry-After": "7"} if words == "slow down" else None)

    async def main():
        model = LiteLLM("groq/m", key="env:MY_KEY")
        if stream:
            return [piece async for piece in model.stream(ASKED)]
        return await model.complete(ASKED)

    with pytest.raises(of.ModelError, match=r"^mine: ") as caught:
        asyncio.run(main())
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.retry_after == (7.0 if words == "slow down" else None)


def test_a_stream_that_breaks_may_be_billed(theirs):
    async def pieces():
        yield Said('{"choices": [{"delta": {"content": "so "}}]}')
        raise Failed("MidStreamFallbackError", 500)

    theirs.said = pieces()
    stream = LiteLLM("groq/m", key="env:MY_KEY").stream(ASKED)

    async def main():
        return [piece async for piece in stream]

    with pytest.raises(of.Unreachable) as caught:
        asyncio.run(main())
    assert caught.value.billed


@pytest.mark.parametrize("found", POISONED)
def test_the_releases_with_malware_are_refused_before_they_are_imported(found, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda _: found)
    monkeypatch.delitem(sys.modules, "litellm", raising=False)
    with pytest.raises(of.ConfigError, match=f"litellm {found} carries malware"):
        of.ask("hello", "litellm:groq/m")
    assert "litellm" not in sys.modules


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(of.MissingExtra, match=r"pip install 'onefold\[litellm\]'"):
        of.ask("hello", "litellm:groq/m")


def test_the_list_price_is_that_of_the_service_it_names():
    def price(model, **fields):
        return LiteLLM(model, **fields)._about()["price"]

    assert price("openai/gpt-4o") == price("gpt-4o") == list_price("openai", "gpt-4o") is not None
    assert price("anthropic/claude-haiku-4-5") == list_price("anthropic", "claude-haiku-4-5")
    assert price("gemini/gemini-2.5-flash") == list_price("gemini", "gemini-2.5-flash") is not None
    assert price("bedrock/anthropic.claude-v2") is None
    assert price("openai/gpt-4o", base_url="http://localhost:1/v1") is None


@pytest.mark.parametrize("name", ["api_key", "api_base", "fallbacks", "num_retries", "stream"])
def test_a_body_says_nothing_that_has_a_place_of_its_own(name):
    with pytest.raises(of.ConfigError, match=rf"body\.{name}"):
        LiteLLM("groq/m", body={name: "x"})


def test_a_partial_answer_is_refused(theirs):
    request = of.Request("mine", (*ASKED.messages, of.Message("assistant", "I")))
    with pytest.raises(of.Refused, match="litellm does not continue"):
        asyncio.run(LiteLLM("groq/m").complete(request))


@pytest.fixture
def real():
    """The package itself, where it is installed; what it warns of is not ours to mend."""
    pytest.importorskip("litellm", reason="the extra `litellm` is not installed")


def talk(script, request=ASKED, stream=False, **fields):
    """What a service by this script makes of a request: everything yielded, and the service."""

    async def main():
        async with Service(script) as service:
            given = {"key": "env:MY_KEY", "base_url": f"{service.url}/v1", **fields}
            model = LiteLLM("openai/model-a", **given)
            if stream:
                return [piece async for piece in model.stream(request)], service
            return [await model.complete(request)], service

    return asyncio.run(main())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("stream", [False, True])
def test_text_usage_and_finish_are_the_service_s_own(stream, capfd):
    said, service = talk(Script(SAID, cached=0.5, reasoning=3), stream=stream)
    reply, billed = said[-1], service.usage[0]
    assert (reply.text, reply.finish) == (SAID, "stop")
    assert "".join(said[:-1]) == (SAID if stream else "")
    used = (reply.tokens_in, reply.tokens_out, reply.tokens_cached, reply.tokens_reasoning)
    assert used == billed[1:]
    assert [call.key for call in service.calls] == [KEY]
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(401, message="no: {key}"), of.WrongKey),
        (Status(404), of.NoSuchModel),
        (Status(429, retry_after=3), of.RateLimited),
        (Status(503), of.Unreachable),
        (NoCredit(), of.NoCredit),
        (Reset(), of.Unreachable),
    ],
    ids=repr,
)
def test_real_errors_are_typed_said_once_and_without_the_key(fault, kind, stream, capfd):
    script = Script(SAID, faults=[fault])
    with pytest.raises(of.ModelError) as caught:
        talk(script, stream=stream)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)
    assert caught.value.retry_after == (3.0 if kind is of.RateLimited else None)
    assert next(script._faults, "asked once") == "asked once"
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("real")
def test_an_error_in_a_real_stream_is_an_error():
    with pytest.raises(of.ModelError):
        talk(Script(SAID, faults=[ErrorInside(2)]), stream=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("stream", [False, True])
def test_schema_and_log_probabilities_reach_the_service(stream):
    schema = {
        "type": "object",
        "properties": {"days": {"type": "integer"}},
        "required": ["days"],
        "additionalProperties": False,
    }
    request = of.Request("mine", ASKED.messages, schema=schema, logprobs=2)
    said, service = talk(Script(), request, stream)
    assert service.calls[0].body["response_format"]["json_schema"]["schema"] == schema
    assert said[-1].text.startswith("{")
    assert said[-1].tokens
    assert 0 < said[-1].confidence < 1
