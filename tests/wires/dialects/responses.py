"""OpenAI's responses, with their typed events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from exchange import Asked, Call, Said, Wrong
from script import Script, tokens

from dialects.base import event, text_of
from dialects.chat import OpenAI, bounded, invalid, schema_of, token_of

KNOWN = """
    background conversation include input instructions max_output_tokens max_tool_calls metadata
    model parallel_tool_calls previous_response_id prompt prompt_cache_key reasoning
    safety_identifier service_tier store stream stream_options temperature text tool_choice
    tools top_logprobs top_p truncation user
"""
REASONS = {"length": "max_output_tokens", "filtered": "content_filter"}


class Responses(OpenAI):
    """`/v1/responses`."""

    name = "responses"

    def asked(self, call: Call, script: Script) -> Asked:
        """Reads the body as OpenAI validates it; what it does not know it refuses."""
        body = call.body
        if not body:
            raise invalid("We could not parse the JSON body of your request.")
        for name in body:
            if name not in KNOWN.split():
                raise invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        for name in ("model", "input"):
            if not body.get(name):
                missing = f"Missing required parameter: '{name}'."
                raise invalid(missing, name, "missing_required_parameter")
        bounded(body, "temperature", 0, 2)
        bounded(body, "top_p", 0, 1)
        limit = body.get("max_output_tokens")
        if limit is not None and limit < 16:
            low = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
            low += f"16, but got {limit} instead."
            raise invalid(low, "max_output_tokens", "integer_below_min_value")
        held = body["input"]
        turns = [("user", held)] if isinstance(held, str) else [self.turn(item) for item in held]
        if body.get("instructions"):
            turns.insert(0, ("system", body["instructions"]))
        wanted = "message.output_text.logprobs" in (body.get("include") or ())
        if body.get("top_logprobs") is not None and not wanted:
            told = "'top_logprobs' needs 'message.output_text.logprobs' in 'include'."
            raise invalid(told, "top_logprobs")
        return Asked(
            body["model"],
            turns,
            bool(body.get("stream")),
            limit,
            schema=schema_of((body.get("text") or {}).get("format"), turns, "text.format"),
            logprobs=(body.get("top_logprobs") or 0) if wanted else None,
            begun=turns[-1][1] if turns[-1][0] == "assistant" else "",
            dialect="trailing",
        )

    def turn(self, item: Any) -> tuple[str, str]:
        """One message of the input; each role's text has a type of its own."""
        role, content = item.get("role", "user"), item.get("content")
        right = "output_text" if role == "assistant" else "input_text"
        for part in content if isinstance(content, list) else ():
            if part.get("type") != right:
                told = f"Invalid value: '{part.get('type')}'. Supported values are: '{right}'."
                raise invalid(told, "input", "invalid_value")
        return role, text_of(content)

    def overflow(self, sent: int, context: int) -> Wrong:
        """The wording of this path."""
        told = "Your input exceeds the context window of this model. Please adjust your input and "
        return invalid(f"{told}try again.", "input", "context_length_exceeded")

    def forbidden(self, said: Said) -> Said:
        """The prompt is refused."""
        told = "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
        raise invalid(f"{told}Please try again with a different prompt.", None, "invalid_prompt")

    def error_event(self, status: int, message: str = "") -> bytes:
        """An event of the type error."""
        held = self.error(status, message or "The server had an error")["error"]
        told = {"code": held["code"] or held["type"], "message": held["message"], "param": None}
        return event({"type": "error", **told, "sequence_number": 99}, "error")

    def whole(self, call: Call, asked: Asked, said: Said) -> Any:
        """A response object, done."""
        output = [self.thinking(call, said)] if said.thoughts else []
        output.append(self.message(call, asked, said))
        return self.response(call, asked, said, output)

    def response(self, call: Call, asked: Asked, said: Said, output: Any = None) -> Any:
        """A response object; without output it is in progress."""
        body, reason = call.body, REASONS.get(said.finish)
        status = "in_progress" if output is None else "incomplete" if reason else "completed"
        return {
            "id": f"resp_{call.number}",
            "object": "response",
            "created_at": self.created(),
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": reason} if reason and output is not None else None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "model": asked.model,
            "output": output or [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
            "store": body.get("store", True),
            "temperature": body.get("temperature", 1.0),
            "text": body.get("text") or {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": body.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": None if output is None else usage(said),
            "user": None,
            "metadata": {},
        }

    def thinking(self, call: Call, said: Said) -> Any:
        """The item of reasoning, summarized."""
        summary = [{"type": "summary_text", "text": said.thoughts}]
        return {"id": f"rs_{call.number}", "type": "reasoning", "summary": summary}

    def message(self, call: Call, asked: Asked, said: Said) -> Any:
        """The item of the message."""
        status = "incomplete" if said.finish in REASONS else "completed"
        item = {"id": f"msg_{call.number}", "type": "message", "status": status}
        return {**item, "role": "assistant", "content": [self.part(asked, said)]}

    def part(self, asked: Asked, said: Said) -> Any:
        """The part of the message: text or a refusal."""
        if said.refusal is not None:
            return {"type": "refusal", "refusal": said.text}
        words = [token for piece in said.pieces for token in piece]
        logprobs = self.probabilities(asked, said, words)
        part = {"type": "output_text", "text": said.text, "annotations": []}
        return {**part, "logprobs": logprobs}

    def probabilities(self, asked: Asked, said: Said, words: list[str]) -> Any:
        """Log-probabilities of some tokens; an empty list where nobody asked."""
        if asked.logprobs is None or said.logprob is None:
            return []
        return [token_of(asked, said, token) for token in words]

    def events(self, call: Call, asked: Asked, said: Said) -> Iterator[bytes]:
        """The typed events, numbered."""
        numbers = count()

        def told(name: str, **about: Any) -> bytes:
            kind = f"response.{name}"
            return event({"type": kind, "sequence_number": next(numbers), **about}, kind)

        begun = self.response(call, asked, said)
        yield told("created", response=begun)
        yield told("in_progress", response=begun)
        output: list[Any] = []
        if said.thoughts:
            yield from self.thought(call, said, told, output)
        refused = said.refusal is not None
        name, field = ("refusal", "refusal") if refused else ("output_text", "text")
        item = self.message(call, asked, said)
        where: dict[str, Any] = {
            "item_id": item["id"],
            "output_index": len(output),
            "content_index": 0,
        }
        opened = {**item, "status": "in_progress", "content": []}
        empty = {"type": name, field: ""}
        if not refused:
            empty |= {"annotations": [], "logprobs": []}
        yield told("output_item.added", output_index=len(output), item=opened)
        yield told("content_part.added", **where, part=empty)
        for piece in said.pieces:
            more = {} if refused else {"logprobs": self.probabilities(asked, said, piece)}
            yield told(f"{name}.delta", **where, delta="".join(piece), **more)
        part = item["content"][0]
        more = {} if refused else {"logprobs": part["logprobs"]}
        yield told(f"{name}.done", **where, **{field: said.text}, **more)
        yield told("content_part.done", **where, part=part)
        yield told("output_item.done", output_index=len(output), item=item)
        done = self.response(call, asked, said, [*output, item])
        yield told(done["status"], response=done)

    def thought(self, call: Call, said: Said, told: Any, output: list[Any]) -> Iterator[bytes]:
        """The events of a summary of reasoning."""
        item = self.thinking(call, said)
        where = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
        part = item["summary"][0]
        yield told("output_item.added", output_index=0, item={**item, "summary": []})
        yield told("reasoning_summary_part.added", **where, part={**part, "text": ""})
        for token in tokens(said.thoughts):
            yield told("reasoning_summary_text.delta", **where, delta=token)
        yield told("reasoning_summary_text.done", **where, text=said.thoughts)
        yield told("reasoning_summary_part.done", **where, part=part)
        yield told("output_item.done", output_index=0, item=item)
        output.append(item)


def usage(said: Said) -> dict[str, Any]:
    """Usage, in the words of this path."""
    return {
        "input_tokens": said.tokens_in,
        "input_tokens_details": {"cached_tokens": said.cached, "cache_write_tokens": said.written},
        "output_tokens": said.tokens_out,
        "output_tokens_details": {"reasoning_tokens": said.reasoning},
        "total_tokens": said.tokens_in + said.tokens_out,
    }
