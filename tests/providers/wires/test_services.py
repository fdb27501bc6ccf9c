"""What each service that speaks chat completions is sent: its own names, its own ways."""

import json

import msgspec
import pytest

from onefold.core.errors import ConfigError, Refused
from onefold.core.query import Message
from onefold.delivery.deployment import provider
from onefold.delivery.provider import Request, Sampling
from onefold.providers.wires.embeddings import OllamaEmbeddings
from onefold.providers.wires.ollama import Ollama
from onefold.providers.wires.services import (
    Azure,
    Compatible,
    DeepSeek,
    Groq,
    LlamaCpp,
    LMStudio,
    Mistral,
    OpenAI,
    OpenRouter,
    Together,
    Vllm,
    Xai,
)

EVERY = [OpenAI, Azure, DeepSeek, Groq, Together, Mistral, Xai, OpenRouter]
EVERY += [Vllm, LlamaCpp, LMStudio, Compatible]
WIRE = OpenAI("gpt-4o-mini")
HELLO = (Message("system", "Be brief."), Message("user", "Hello!"))
SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}]
BEGUN = (*HELLO, Message("assistant", "Hel"))
OPEN = {"type": "object", "properties": {"age": {"type": "integer"}}}
CLOSED = {**OPEN, "required": ["age"], "additionalProperties": False}
SAMPLING = Sampling(0.5, 0.9, 64, 7, ("\n\n", "END"), None, 0.1, -0.2)
ALL = Sampling(0.5, 0.9, 64, 7, ("\n\n",), 40, 0.1, -0.2, "low")


def sent(wire, messages=HELLO, stream=False, **about):
    """The path and the body as they go over the wire."""
    path, body = wire.request(Request("m", messages, **about), stream)
    return path, msgspec.json.decode(msgspec.json.encode(body))


@pytest.mark.parametrize("cls", EVERY)
def test_a_plain_question_is_the_same_for_every_service(cls):
    wire = cls("x/y:1")
    assert sent(wire) == ("/chat/completions", {"model": "x/y:1", "messages": SAID})
    assert provider(f"{cls.name_of_part}:x/y:1") == wire


@pytest.mark.parametrize("cls", EVERY)
def test_a_stream_is_asked_for_with_its_usage(cls):
    _, body = sent(cls("x"), stream=True)
    options = {} if cls is Mistral else {"stream_options": {"include_usage": True}}
    assert body == {"model": "x", "messages": SAID, "stream": True, **options}


@pytest.mark.parametrize(
    ("cls", "limit", "seed"),
    [
        (OpenAI, "max_completion_tokens", "seed"),
        (Azure, "max_completion_tokens", "seed"),
        (Groq, "max_completion_tokens", "seed"),
        (Mistral, "max_tokens", "random_seed"),
        (Together, "max_tokens", "seed"),
        (Vllm, "max_tokens", "seed"),
    ],
)
def test_every_setting_has_the_services_own_name(cls, limit, seed):
    _, body = sent(cls("x"), sampling=SAMPLING)
    assert body == {
        "model": "x",
        "messages": SAID,
        "temperature": 0.5,
        "top_p": 0.9,
        limit: 64,
        seed: 7,
        "stop": ["\n\n", "END"],
        "presence_penalty": 0.1,
        "frequency_penalty": -0.2,
    }


def test_a_local_server_takes_every_setting_there_is():
    _, body = sent(Vllm("x"), sampling=ALL, logprobs=2)
    assert body.items() >= {"top_k": 40, "reasoning_effort": "low"}.items()
    assert body.items() >= {"logprobs": True, "top_logprobs": 2}.items()
    Vllm("x")._speakable(Request("m", HELLO, ALL, logprobs=2, schema=OPEN))


def test_settings_of_zero_are_sent_as_well():
    zero = Sampling(temperature=0.0, top_p=0.0, seed=0, presence_penalty=0.0)
    _, body = sent(WIRE, sampling=zero)
    assert {"temperature", "top_p", "seed", "presence_penalty"} <= set(body)


def test_log_probabilities_of_the_reply_alone_need_no_number():
    _, body = sent(WIRE, logprobs=0)
    assert body["logprobs"] is True
    assert "top_logprobs" not in body


@pytest.mark.parametrize(
    ("cls", "about", "named"),
    [
        (OpenAI, {"sampling": Sampling(top_k=4)}, "openai has no top_k"),
        (DeepSeek, {"sampling": Sampling(seed=4)}, "deepseek has no seed"),
        (DeepSeek, {"sampling": Sampling(top_k=0)}, "deepseek has no top_k"),
        (Together, {"logprobs": 1}, "together has no logprobs"),
        (Groq, {"logprobs": 0}, "groq has no logprobs"),
        (Mistral, {"logprobs": 3}, "mistral has no logprobs"),
        (OpenAI, {"messages": BEGUN}, "openai does not continue"),
        (Xai, {"messages": BEGUN}, "xai does not continue"),
    ],
)
def test_what_a_service_has_no_word_for_is_refused_before_it_is_sent(cls, about, named):
    with pytest.raises(Refused, match=named):
        cls("x")._speakable(Request("m", **{"messages": HELLO, **about}))


@pytest.mark.parametrize(("schema", "strict"), [(OPEN, False), (CLOSED, True)])
def test_a_schema_is_strict_where_the_strict_mode_can_take_it(schema, strict):
    _, body = sent(WIRE, schema=schema)
    named = {"name": "reply", "schema": schema, "strict": strict}
    assert body["response_format"] == {"type": "json_schema", "json_schema": named}


@pytest.mark.parametrize("messages", [HELLO, HELLO[1:]])
def test_deepseek_is_told_the_schema_in_words(messages):
    _, body = sent(DeepSeek("deepseek-chat"), messages, schema=OPEN)
    assert body["response_format"] == {"type": "json_object"}
    first, *rest = body["messages"]
    assert first["role"] == "system"
    assert json.dumps(OPEN, separators=(",", ":")) in first["content"]
    assert first["content"].startswith("Be brief.") is (messages is HELLO)
    assert rest == SAID[1:]
    assert HELLO[0].content == "Be brief."


@pytest.mark.parametrize(
    ("cls", "path", "last", "more"),
    [
        (DeepSeek, "/beta/chat/completions", {"prefix": True}, {}),
        (Mistral, "/chat/completions", {"prefix": True}, {}),
        (Groq, "/chat/completions", {}, {}),
        (OpenRouter, "/chat/completions", {}, {}),
        (LlamaCpp, "/chat/completions", {}, {}),
        (
            Vllm,
            "/chat/completions",
            {},
            {"continue_final_message": True, "add_generation_prompt": False},
        ),
    ],
)
def test_a_partial_answer_is_continued_in_the_services_own_dialect(cls, path, last, more):
    said = [*SAID, {"role": "assistant", "content": "Hel", **last}]
    assert sent(cls("x"), BEGUN) == (path, {"model": "x", "messages": said, **more})
    cls("x")._speakable(Request("m", BEGUN))


def test_who_continues_a_partial_answer_says_so():
    assert [cls("m")._continues() for cls in (Vllm, Groq, Ollama, OpenAI)] == [True] * 3 + [False]
    assert not Groq("m", continues="none")._continues()
    assert not OllamaEmbeddings("m")._continues()


def test_a_compatible_server_continues_as_its_field_says():
    flagged = Compatible("x", base_url="http://127.0.0.1:1", continues="flag")
    assert sent(flagged, BEGUN)[1]["continue_final_message"] is True
    with pytest.raises(Refused, match="does not continue"):
        Compatible("x", base_url="http://127.0.0.1:1")._speakable(Request("m", BEGUN))


def test_an_address_is_asked_for_where_a_service_has_none(monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key")
    for wire in (Compatible("x"), Azure("x")):
        with pytest.raises(ConfigError, match="needs an address"):
            wire._prepare("m")
    Azure("x", base_url="https://r.openai.azure.com/openai/v1")._prepare("m")


def test_azure_has_its_key_in_a_header_of_its_own(monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key")
    wire = Azure("x", base_url="https://r.openai.azure.com/openai/v1/")
    out = wire._outgoing(wire._way(), Request("m", HELLO), False)
    assert out.url == "https://r.openai.azure.com/openai/v1/chat/completions"
    assert out.headers["api-key"] == "azure-key"
    assert "authorization" not in {name.lower() for name in out.headers}
