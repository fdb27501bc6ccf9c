"""The official SDKs talk to the loopback service as they do to their own: it is faithful."""

from __future__ import annotations

import asyncio
import json
import math

import pytest
from exchange import Billed
from faults import Comments, Crlf, Drip, ErrorInside, NoCredit, SplitUtf8, Status
from jsonschema import validate
from script import logprob, tokens, vector

pydantic = pytest.importorskip("pydantic")
openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")
genai = pytest.importorskip("google.genai")
ollama = pytest.importorskip("ollama")

SAID = "Grüße — 3 naïve cafés, 日本!"
USER = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello there"}]
CLOSED = {"type": "object", "additionalProperties": False}
PART = {**CLOSED, "properties": {"n": {"type": "integer"}}, "required": ["n"]}
FIELDS = {
    "answer": {"type": "string", "minLength": 2},
    "sure": {"type": "number", "minimum": 0.5},
    "kind": {"enum": ["a", "b"]},
    "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "minItems": 1},
}
SCHEMA = {**CLOSED, "properties": FIELDS, "required": list(FIELDS), "$defs": {"part": PART}}
MERGED = (Crlf(), SplitUtf8())
STREAMS = [None, Crlf(), SplitUtf8(), Drip(0.0001, 7), MERGED]
SPOKEN = [*STREAMS, Comments(), (Comments(), *MERGED)]  # some SDKs choke on comments
Shape = pydantic.create_model("Shape", answer=(str, ...), count=(int, ...))


def chat(client, **more):
    """A chat completion of the usual question."""
    return client.chat.completions.create(model="m", messages=USER, **more)


def message(client, **more):
    """A message that answers the usual question."""
    asked = {"model": "m", "max_tokens": 100, "system": "Be brief.", "messages": USER[1:]}
    return client.messages.create(**{**asked, **more})


def test_openai_chat_tells_text_usage_and_finish(serve, clients):
    service = serve(cached=0.5, reasoning=3)
    reply = chat(clients("openai", service))
    choice = reply.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("echo: hello there", "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (5, 4 + 3)
    assert reply.usage.prompt_tokens_details.cached_tokens == 2
    assert reply.usage.completion_tokens_details.reasoning_tokens == 3
    assert reply._request_id == "req_1"
    assert service.usage == [Billed("m", 5, 7, 2, 3)]
    assert service.calls[0].key == "right"


@pytest.mark.parametrize("fault", SPOKEN)
def test_openai_chat_streams_the_same_text_and_usage(serve, clients, fault):
    service = serve(text=SAID, faults=[fault])
    told = {"include_usage": True}
    with chat(clients("openai", service), stream=True, stream_options=told) as stream:
        chunks = list(stream)
    pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(pieces) == SAID
    assert sum(map(bool, pieces)) == 4
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens == len(tokens(SAID))
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_openai_chat_gives_log_probabilities_whole_and_streamed(serve, clients):
    client = clients("openai", serve())
    asked = {"logprobs": True, "top_logprobs": 2}
    whole = chat(client, **asked).choices[0].logprobs.content
    words = tokens("echo: hello there")
    assert [(one.token, one.logprob) for one in whole] == [(w, logprob(w)) for w in words]
    assert [len(one.top_logprobs) for one in whole] == [2] * len(whole)
    with chat(client, stream=True, **asked) as stream:
        held = [c.choices[0].logprobs for c in stream if c.choices]
    assert [one for piece in held if piece for one in piece.content] == whole


def test_openai_chat_stops_at_limits_and_sequences(serve, clients):
    client = clients("openai", serve(text="one two three four"))
    cut = chat(client, max_completion_tokens=2).choices[0]
    assert (cut.message.content, cut.finish_reason) == ("one two", "length")
    stopped = chat(client, stop=["three"]).choices[0]
    assert (stopped.message.content, stopped.finish_reason) == ("one two ", "stop")


def test_openai_structured_output_fits_its_schema(serve, clients):
    client = clients("openai", serve())
    held = {"name": "shape", "schema": SCHEMA, "strict": True}
    reply = chat(client, response_format={"type": "json_schema", "json_schema": held})
    validate(json.loads(reply.choices[0].message.content), SCHEMA)
    parsed = client.chat.completions.parse(model="m", messages=USER, response_format=Shape)
    assert parsed.choices[0].message.parsed == Shape(answer="x", count=0)
    told = client.responses.parse(model="m", input="hello", text_format=Shape)
    assert told.output_parsed == Shape(answer="x", count=0)
    open_schema = {"name": "shape", "schema": {"type": "object"}, "strict": True}
    with pytest.raises(openai.BadRequestError, match="additionalProperties"):
        chat(client, response_format={"type": "json_schema", "json_schema": open_schema})


def test_openai_tells_a_refusal_in_its_own_place(serve, clients):
    client = clients("openai", serve(refusal="I will not."))
    assert chat(client).choices[0].message.refusal == "I will not."
    reply = client.responses.create(model="m", input="hello")
    assert reply.output[0].content[0].refusal == "I will not."


@pytest.mark.parametrize("stream", [False, True])
def test_openai_responses_tell_text_usage_and_logprobs(serve, clients, stream):
    service = serve(cached=0.5, thoughts="let me think", pieces=2)
    client = clients("openai", service)
    asked = {"instructions": "Be brief.", "include": ["message.output_text.logprobs"]}
    reply = client.responses.create(model="m", input="hello there", stream=stream, **asked)
    if stream:
        with reply:
            events = list(reply)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
        assert deltas == ["echo:", " hello there"]
        reply = events[-1].response
    assert reply.output_text == "echo: hello there"
    assert (reply.status, reply.output[0].summary[0].text) == ("completed", "let me think")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 7)
    assert reply.usage.input_tokens_details.cached_tokens == 2
    assert reply.usage.output_tokens_details.reasoning_tokens == 3
    assert [one.token for one in reply.output[1].content[0].logprobs] == tokens(reply.output_text)
    assert service.usage == [Billed("m", 5, 7, 2, 3)]


def test_openai_responses_that_are_cut_are_incomplete(serve, clients):
    client = clients("openai", serve(text="one " * 30))
    reply = client.responses.create(model="m", input="hello", max_output_tokens=16)
    assert (reply.status, reply.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    reply = client.responses.create(model="m", input="FORBIDDEN REPLY")
    assert reply.incomplete_details.reason == "content_filter"


def test_openai_embeddings_are_the_same_in_base64_and_floats(serve, clients):
    client = clients("openai", serve())
    asked = {"model": "m", "input": ["one two", "three"]}
    packed = client.embeddings.create(**asked)
    plain = client.embeddings.create(**asked, encoding_format="float")
    assert [one.embedding for one in packed.data] == [one.embedding for one in plain.data]
    assert packed.data[0].embedding == vector("one two", 8)
    assert math.isclose(math.hypot(*packed.data[1].embedding), 1, rel_tol=1e-5)
    assert packed.usage.prompt_tokens == 3


def test_openai_errors_are_its_own(serve, clients):
    service = serve(faults=[Status(429, retry_after=7), NoCredit(), Status(503)])
    client = clients("openai", service)
    with pytest.raises(openai.RateLimitError) as limited:
        chat(client)
    assert limited.value.response.headers["retry-after"] == "7"
    assert limited.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.RateLimitError) as broke:
        chat(client)
    assert broke.value.code == "insufficient_quota"
    with pytest.raises(openai.InternalServerError):
        chat(client)
    with pytest.raises(openai.AuthenticationError) as stranger:
        chat(clients("openai", service, "wrong"))
    assert stranger.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError, match="no-such-model"):
        client.responses.create(model="no-such-model", input="hello")
    for words, code in (("OVERFLOW", "context_length_exceeded"), ("FORBIDDEN", "content_filter")):
        with pytest.raises(openai.BadRequestError) as bad:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": words}])
        assert bad.value.code == code
    with pytest.raises(openai.BadRequestError, match="max_output_tokens"):
        client.responses.create(model="m", input="hello", max_output_tokens=5)


def test_openai_raises_errors_from_inside_streams(serve, clients):
    client = clients("openai", serve(faults=[ErrorInside(), ErrorInside()]))
    with chat(client, stream=True) as stream, pytest.raises(openai.APIError, match="middle"):
        list(stream)
    with client.responses.create(model="m", input="hello", stream=True) as stream:
        *_, last = stream
    assert (last.type, last.message) == ("error", "scripted error in the middle")


def test_anthropic_tells_text_usage_and_finish(serve, clients):
    service = serve(cached=0.4, written=0.2, thoughts="let me think")
    reply = message(clients("anthropic", service))
    assert [block.type for block in reply.content] == ["thinking", "text"]
    assert reply.content[1].text == "echo: hello there"
    assert reply.stop_reason == "end_turn"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2, 7)
    usage = reply.usage
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (2, 1)
    assert reply.usage.output_tokens_details.thinking_tokens == 3
    assert reply._request_id == "req_1"
    assert service.usage == [Billed("m", 5, 7, 2, 3)]


@pytest.mark.parametrize("fault", SPOKEN)
def test_anthropic_streams_the_same_message(serve, clients, fault):
    service = serve(text=SAID, cached=0.4, thoughts="let me think", faults=[fault])
    messages = clients("anthropic", service).messages
    with messages.stream(model="m", max_tokens=99, messages=USER[1:]) as stream:
        assert "".join(stream.text_stream) == SAID
        reply = stream.get_final_message()
    assert reply.content[0].thinking == "let me think"
    assert reply.usage.output_tokens == len(tokens(SAID)) + 3
    assert reply.stop_reason == "end_turn"
    assert service.usage[0].tokens_out == reply.usage.output_tokens


def test_anthropic_says_why_it_stopped(serve, clients):
    client = clients("anthropic", serve(text="one two three four"))
    assert message(client, max_tokens=2).stop_reason == "max_tokens"
    stopped = message(client, stop_sequences=["three"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "three")
    refused = message(client, messages=[{"role": "user", "content": "FORBIDDEN"}])
    assert (refused.stop_reason, refused.content) == ("refusal", [])
    assert refused.stop_details.type == "refusal"


def test_anthropic_continues_the_last_message_of_the_assistant(serve, clients):
    begun = [*USER[1:], {"role": "assistant", "content": "one two"}]
    client = clients("anthropic", serve(text="one two three"))
    assert message(client, messages=begun).content[0].text == " three"
    anew = clients("anthropic", serve(text="one two", continues=set()))
    assert message(anew, messages=begun).content[0].text == "one two"
    refusing = clients("anthropic", serve(rejects_prefill=True))
    with pytest.raises(anthropic.BadRequestError, match="prefill"):
        message(refusing, messages=begun)


def test_anthropic_structured_output_fits_its_schema(serve, clients):
    client = clients("anthropic", serve())
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}
    validate(json.loads(message(client, output_config=form).content[0].text), SCHEMA)


def test_anthropic_errors_are_its_own(serve, clients):
    service = serve(faults=[Status(529), Status(429, retry_after=3), NoCredit()])
    client = clients("anthropic", service)
    with pytest.raises(anthropic.OverloadedError, match="Overloaded"):
        message(client)
    with pytest.raises(anthropic.RateLimitError, match="429"):
        message(client)
    with pytest.raises(anthropic.BadRequestError, match="credit balance"):
        message(client)
    with pytest.raises(anthropic.AuthenticationError) as stranger:
        message(clients("anthropic", service, "wrong"))
    assert stranger.value.type == "authentication_error"
    assert stranger.value.body["request_id"] == stranger.value.request_id
    with pytest.raises(anthropic.NotFoundError, match="no-such-model"):
        message(client, model="no-such-model")
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        message(client, messages=[{"role": "user", "content": "OVERFLOW"}])
    with pytest.raises(anthropic.BadRequestError, match="Extra inputs"):
        message(client, extra_body={"seed": 1})


def test_anthropic_raises_errors_from_inside_streams(serve, clients):
    client = clients("anthropic", serve(faults=[ErrorInside(code=529, message="Overloaded")]))
    with message(client, stream=True) as stream, pytest.raises(anthropic.APIStatusError) as error:
        list(stream)
    assert error.value.type == "overloaded_error"


def test_gemini_tells_text_usage_logprobs_and_finish(serve, clients):
    service = serve(cached=0.5, thoughts="let me think")
    about = {"system_instruction": "Be brief.", "response_logprobs": True, "logprobs": 2}
    asked = {"model": "m", "contents": "hello there", "config": about}
    reply = clients("gemini", service).models.generate_content(**asked)
    assert reply.text == "echo: hello there"
    assert reply.candidates[0].content.parts[0].thought
    assert reply.candidates[0].finish_reason == "STOP"
    usage = reply.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count) == (5, 4)
    assert (usage.cached_content_token_count, usage.thoughts_token_count) == (2, 3)
    assert usage.total_token_count == 12
    result = reply.candidates[0].logprobs_result
    told = [(one.token, one.log_probability) for one in result.chosen_candidates]
    assert told == [(token, logprob(token)) for token in tokens(reply.text)]
    assert {len(one.candidates) for one in result.top_candidates} == {2}
    assert service.usage == [Billed("m", 5, 7, 2, 3)]


@pytest.mark.parametrize("fault", STREAMS)
def test_gemini_streams_the_same_text_and_usage(serve, clients, fault):
    models = clients("gemini", serve(text=SAID, faults=[fault])).models
    chunks = list(models.generate_content_stream(model="m", contents="hi"))
    assert "".join(chunk.text for chunk in chunks) == SAID
    assert chunks[-1].candidates[0].finish_reason == "STOP"
    assert chunks[-1].usage_metadata.candidates_token_count == len(tokens(SAID))


def test_gemini_structured_output_fits_its_schema(serve, clients):
    models = clients("gemini", serve()).models
    asked = {"model": "m", "contents": "hello"}
    kind = {"response_mime_type": "application/json"}
    reply = models.generate_content(**asked, config={**kind, "response_json_schema": SCHEMA})
    validate(json.loads(reply.text), SCHEMA)
    reply = models.generate_content(**asked, config={**kind, "response_schema": Shape})
    assert reply.parsed == Shape(answer="x", count=0)


def test_gemini_errors_and_blocks_are_its_own(serve, clients):
    service = serve(faults=[Status(429, retry_info=21), Status(503)])
    models = clients("gemini", service).models
    with pytest.raises(genai.errors.ClientError) as limited:
        models.generate_content(model="m", contents="hello")
    assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert limited.value.details["error"]["details"][0]["retryDelay"] == "21s"
    with pytest.raises(genai.errors.ServerError, match="UNAVAILABLE"):
        models.generate_content(model="m", contents="hello")
    stranger = clients("gemini", service, "wrong")
    with pytest.raises(genai.errors.ClientError, match="API_KEY_INVALID"):
        stranger.models.generate_content(model="m", contents="hello")
    with pytest.raises(genai.errors.ClientError, match="NOT_FOUND"):
        models.generate_content(model="no-such-model", contents="hello")
    with pytest.raises(genai.errors.ClientError, match="exceeds the maximum number of tokens"):
        models.generate_content(model="m", contents="OVERFLOW")
    blocked = models.generate_content(model="m", contents="FORBIDDEN")
    assert (blocked.candidates, blocked.text) == (None, None)
    assert blocked.prompt_feedback.block_reason == "PROHIBITED_CONTENT"
    cut = models.generate_content(model="m", contents="FORBIDDEN REPLY")
    assert cut.candidates[0].finish_reason == "SAFETY"


@pytest.mark.parametrize("stream", [False, True])
def test_ollama_tells_text_usage_logprobs_and_finish(serve, clients, stream):
    service = serve(text=SAID, thoughts="let me think", faults=[SplitUtf8()])
    asked = {"model": "m", "messages": USER, "stream": stream, "logprobs": True}
    reply = clients("ollama", service).chat(**asked, top_logprobs=1)
    parts = list(reply) if stream else [reply]
    assert "".join(part.message.content for part in parts) == SAID
    assert "".join(part.message.thinking or "" for part in parts) == "let me think"
    told = [(one.token, one.logprob) for part in parts for one in part.logprobs or ()]
    assert told == [(token, logprob(token)) for token in tokens(SAID)]
    last = parts[-1]
    assert (last.done, last.done_reason) == (True, "stop")
    assert (last.prompt_eval_count, last.eval_count) == (5, len(tokens(SAID)) + 3)
    assert service.usage == [Billed("m", 5, len(tokens(SAID)) + 3)]


def test_ollama_limits_shapes_embeds_and_lists(serve, clients):
    client = clients("ollama", serve())
    cut = client.chat(model="m", messages=USER, options={"num_predict": 2, "seed": 1})
    assert (cut.message.content, cut.done_reason) == ("echo:", "length")
    shaped = client.chat(model="m", messages=USER, format=SCHEMA)
    validate(json.loads(shaped.message.content), SCHEMA)
    held = client.embed(model="m", input=["one two", "three"])
    assert held.embeddings == [vector("one two", 8), vector("three", 8)]
    assert held.prompt_eval_count == 3
    assert [model.model for model in client.list().models] == ["model-a", "model-b"]


def test_ollama_errors_are_its_own(serve, clients):
    service = serve(faults=[Status(503, message="server busy"), ErrorInside()])
    client = clients("ollama", service)
    with pytest.raises(ollama.ResponseError, match="server busy") as busy:
        client.chat(model="m", messages=USER)
    assert busy.value.status_code == 503
    with pytest.raises(ollama.ResponseError, match="in the middle"):
        list(client.chat(model="m", messages=USER, stream=True))
    with pytest.raises(ollama.ResponseError, match="'no-such-model' not found"):
        client.chat(model="no-such-model", messages=USER)
    with pytest.raises(ollama.ResponseError, match="unauthorized"):
        clients("ollama", service, "wrong").chat(model="m", messages=USER)


def test_models_are_listed_in_each_service_s_own_way(serve, clients):
    service = serve()
    names = ["model-a", "model-b"]
    assert [model.id for model in clients("openai", service).models.list()] == names
    found = list(clients("anthropic", service).models.list())
    assert [(model.id, model.lifecycle) for model in found] == [(n, "active") for n in names]
    held = clients("gemini", service).models.list()
    assert [model.name for model in held] == [f"models/{name}" for name in names]


def test_the_asynchronous_sdks_agree(serve):
    service = serve()

    async def asked():
        about = {"api_key": "right", "max_retries": 0}
        async with (
            openai.AsyncOpenAI(base_url=f"{service.url}/v1", **about) as first,
            anthropic.AsyncAnthropic(base_url=service.url, **about) as second,
        ):
            return await asyncio.gather(chat(first), message(second))

    one, two = asyncio.run(asked())
    assert one.choices[0].message.content == two.content[0].text == "echo: hello there"
