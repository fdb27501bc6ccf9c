"""OpenAI's own package as a provider, against the loopback service."""

from __future__ import annotations

import asyncio
import sys

import pytest
from faults import EndsEarly, ErrorInside, NoCredit, Redirect, Reset, Stall, Status, TruncatedJson
from script import Script, logprob, tokens
from service import Service

import onefold as of
from onefold.core.part import coerce
from onefold.providers.sdk import OpenAISDK, understood

SAID = "Grüße — 3 naïve cafés, 日本!"
KEY = "sk-canary-8c1f0d"
ASKED = of.Request("mine", (of.Message("system", "Be brief."), of.Message("user", "hello there")))
SCHEMA = {
    "type": "object",
    "properties": {"days": {"type": "integer"}},
    "required": ["days"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """The environment has a key of the service's, and no proxy."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def sdk():
    """The package, where it is installed."""
    return pytest.importorskip("openai", reason="the extra `openai` is not installed")


def talk(script, request=ASKED, stream=False, **fields):
    """What a service by this script makes of a request: everything yielded, and the service."""

    async def main():
        async with Service(script) as service:
            given = {"key": "env:OPENAI_API_KEY", "base_url": f"{service.url}/v1", **fields}
            model = OpenAISDK("model-a", **given)
            if stream:
                return [piece async for piece in model.stream(request)], service
            return [await model.complete(request)], service

    return asyncio.run(main())


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("stream", [False, True])
def test_text_usage_and_finish_are_the_service_s_own(stream):
    said, service = talk(Script(SAID, cached=0.5, reasoning=3), stream=stream)
    reply, billed = said[-1], service.usage[0]
    assert reply.text == SAID
    assert "".join(said[:-1]) == (SAID if stream else "")
    assert len(said) == (5 if stream else 1)
    used = (reply.tokens_in, reply.tokens_out, reply.tokens_cached, reply.tokens_reasoning)
    assert used == billed[1:]
    assert (reply.finish, reply.upstream) == ("stop", ("model-a", "chatcmpl-1"))
    assert service.calls[0].key == KEY


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("stream", [False, True])
def test_settings_schema_and_log_probabilities_are_sent_as_by_our_own_wire(stream):
    sampling = of.Sampling(0.5, 0.9, 40, 7, ("STOP",), effort="low")
    request = of.Request("mine", ASKED.messages, sampling, schema=SCHEMA, logprobs=2)
    said, service = talk(Script(), request, stream, body={"user": "u1"})
    sent = service.calls[0].body
    expected = of.OpenAI("model-a").request(request, stream)[1]
    assert {**sent, "stop": tuple(sent["stop"])} == {**expected, "user": "u1", "stream": stream}
    assert [token.text for token in said[-1].tokens] == tokens(said[-1].text)
    assert all(token.logprob == logprob(token.text) for token in said[-1].tokens)
    assert 0 < said[-1].confidence < 1


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "kind", "retryable"),
    [
        (Status(401, message="no: {key}"), of.WrongKey, False),
        (Status(404), of.NoSuchModel, False),
        (Status(408), of.TimedOut, True),
        (Status(429, retry_after=3), of.RateLimited, True),
        (Status(500), of.Unreachable, True),
        (Status(503), of.Unreachable, True),
        (NoCredit(), of.NoCredit, False),
        (Reset(), of.Unreachable, True),
        (Reset(0), of.Unreachable, True),
        (TruncatedJson(), of.Unreadable, False),
    ],
    ids=repr,
)
def test_errors_are_typed_said_once_and_without_the_key(fault, kind, retryable, stream):
    script = Script(SAID, faults=[fault])
    with pytest.raises(of.ModelError) as caught:
        talk(script, stream=stream)
    error = caught.value
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.model == "mine"
    assert str(error).startswith("mine: ")
    assert KEY not in str(error)
    assert error.__cause__ is None
    assert error.retry_after == (3.0 if isinstance(error, of.RateLimited) else None)
    assert next(script._faults, "asked once") == "asked once"


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize("fault", [EndsEarly(2), ErrorInside(2), Reset()], ids=repr)
def test_a_stream_that_breaks_may_be_billed(fault):
    with pytest.raises(of.Unreachable) as caught:
        talk(Script(SAID, faults=[fault]), stream=True)
    assert caught.value.billed


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(("word", "kind"), [("OVERFLOW", of.TooLong), ("FORBIDDEN", of.Filtered)])
def test_a_prompt_that_is_refused_says_why(word, kind):
    request = of.Request("mine", (of.Message("user", word),))
    with pytest.raises(kind):
        talk(Script(), request)


@pytest.mark.usefixtures("sdk")
def test_a_key_does_not_follow_a_redirect():
    async def main():
        async with Service(Script()) as other, Service() as service:
            service.script = Script(faults=[Redirect(f"{other.url}/v1/chat/completions")])
            where = {"key": "env:OPENAI_API_KEY", "base_url": f"{service.url}/v1"}
            with pytest.raises(of.WrongKey):
                await OpenAISDK("model-a", **where).complete(ASKED)
            return other.calls

    assert [call.key for call in asyncio.run(main())] in ([], [None])


@pytest.mark.usefixtures("sdk")
def test_the_environment_s_key_goes_to_no_other_address():
    _, service = talk(Script(keyless={"chat"}), key="")
    assert KEY not in str(dict(service.calls[0].headers))


@pytest.mark.usefixtures("sdk")
def test_a_cancelled_call_hangs_up():
    async def main():
        async with Service(Script(SAID, faults=[Stall(60)])) as service:
            where = {"key": "env:OPENAI_API_KEY", "base_url": f"{service.url}/v1"}
            stream = OpenAISDK("model-a", **where).stream(ASKED)
            await anext(stream)
            await stream.aclose()
            while not service.calls[0].cancelled:
                await asyncio.sleep(0.001)

    asyncio.run(main())


@pytest.mark.usefixtures("sdk")
def test_one_client_serves_all_calls_of_a_loop_and_is_closed_with_it(sdk):
    async def main():
        async with Service(Script()) as service:
            where = {"key": "env:OPENAI_API_KEY", "base_url": f"{service.url}/v1"}
            for _ in range(3):
                await OpenAISDK("model-a", **where).complete(ASKED)
            return service.connections

    assert asyncio.run(main()) == 1
    assert asyncio.run(main()) == 1


@pytest.mark.usefixtures("sdk")
def test_a_client_of_one_s_own_signs_in_its_own_way(sdk):
    async def main():
        async with Service(Script()) as service:
            made = []

            def client():
                azure = sdk.AsyncAzureOpenAI(
                    azure_endpoint=service.url,
                    api_version="2024-10-21",
                    azure_ad_token_provider=lambda: "token-of-entra",
                )
                made.append(azure)
                return azure

            model = OpenAISDK("model-a", client=client)
            for _ in range(2):
                assert (await model.complete(ASKED)).text == "echo: hello there"
            await made[0].close()
            calls = [(call.path.partition("?")[0], call.key) for call in service.calls]
            return len(made), calls

    made, calls = asyncio.run(main())
    assert made == 1
    assert calls == [("/openai/deployments/model-a/chat/completions", "token-of-entra")] * 2


@pytest.mark.usefixtures("sdk")
def test_a_client_that_is_none_is_refused_before_it_is_paid():
    with pytest.raises(of.ConfigError, match=r"makes .* which is no AsyncOpenAI"):
        asyncio.run(OpenAISDK("m", client=lambda: object()).complete(ASKED))


def test_a_client_of_one_s_own_stands_alone_and_in_no_file():
    with pytest.raises(of.ConfigError, match="without a key"):
        OpenAISDK("m", client=len, key="env:OPENAI_API_KEY")
    with pytest.raises(of.ConfigError, match="client"):
        of.build({"openai_sdk": {"model": "m", "client": "os:system"}}, of.Provider)
    with pytest.raises(of.ConfigError, match="cannot be written down"):
        of.dump(OpenAISDK("m", client=len))
    assert coerce(of.Provider, {"openai_sdk": "gpt-4o"}) == OpenAISDK("gpt-4o")


def test_the_list_price_holds_for_the_service_s_own_address_alone():
    with of.Session() as session:
        price = session.deployment("openai_sdk:gpt-4o").price
        assert price == session.deployment("openai:gpt-4o").price
    assert OpenAISDK("gpt-4o", base_url="http://localhost:1/v1")._about()["price"] is None
    assert OpenAISDK("gpt-4o", client=len)._about()["price"] is None


def test_what_the_service_has_no_word_for_is_refused():
    for asked in (
        of.Request("mine", ASKED.messages, of.Sampling(top_k=5)),
        of.Request("mine", (*ASKED.messages, of.Message("assistant", "I"))),
    ):
        with pytest.raises(of.Refused, match=r"top_k|continue a partial answer"):
            asyncio.run(OpenAISDK("m").complete(asked))


def test_a_body_says_nothing_that_has_a_place_of_its_own():
    with pytest.raises(of.ConfigError, match=r"body\.api_key"):
        OpenAISDK("m", body={"api_key": "x"})


def test_no_key_is_a_clear_error_before_anything_is_called(sdk, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(of.ConfigError, match="openai_sdk:gpt-4o has no key: set OPENAI_API_KEY"):
        of.ask("hello", "openai_sdk:gpt-4o")


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(of.MissingExtra, match=r"pip install 'onefold\[openai\]'"):
        of.ask("hello", "openai_sdk:gpt-4o")
    with pytest.raises(of.MissingExtra):
        asyncio.run(OpenAISDK("gpt-4o").complete(ASKED))


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (TimeoutError("slow"), of.TimedOut),
        (ConnectionResetError("gone"), of.Unreachable),
        (ValueError("no JSON"), of.Unreadable),
        (KeyError("choices"), of.ModelError),
    ],
    ids=repr,
)
def test_what_a_package_raises_besides_is_told_by_its_kind(raised, kind):
    assert type(understood(raised)) is kind
