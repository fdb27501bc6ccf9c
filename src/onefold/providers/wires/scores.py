"""Scoring endpoints: a conversation that ends with an answer becomes one or several numbers.

Source: vLLM's pooling, classification, score and re-rank APIs; the API of Hugging Face's
text-embeddings-inference (predict, rerank). The end of the address says the protocol.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import msgspec

from onefold.core.errors import ConfigError, Refused, Unreadable
from onefold.core.query import Message
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.address import check
from onefold.providers.http.failures import inside
from onefold.providers.http.sse import Events, Lines
from onefold.providers.wires.embeddings import LACKS, Whole, WholeFold
from onefold.providers.wires.wire import Fold, Service, Wire, count


class Protocol(NamedTuple):
    """How an endpoint is asked, and where the numbers are in what it says.

    body: from the conversation before the answer, and the answer. found: (label, number) pairs;
    a label is empty where the endpoint names none.
    """

    body: Callable[[tuple[Message, ...], str], dict[str, Any]]
    found: Callable[[Any], Iterable[tuple[str, float]]]


class Scorer(Wire, abstract=True):
    """An endpoint that scores: the reply's text is a JSON list of its numbers.

    Numbers that have labels are in the order of these, and in the reply's `probs`.
    """

    silent: ClassVar[bool] = True
    framing: ClassVar[type[Events] | type[Lines]] = Whole

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        if not request.begun:
            raise Refused(
                f"{request.model} scores an answer, and there is none: end with an assistant's "
                "message, or ask it by the judge reward",
                model=request.model,
            )
        body = self._protocol().body(request.messages[:-1], request.begun)
        if self.service.url:
            return self.model, body
        return "", {"model": self.model, **body}

    def parse(self, data: bytes) -> Reply:
        said = msgspec.json.decode(data)
        held = said if isinstance(said, dict) else {}
        if held.get("error"):
            raise inside(held["error"], self.model)
        try:
            found = list(self._protocol().found(said))
        except (KeyError, IndexError, TypeError):
            found = []
        if not found or not all(isinstance(number, float | int) for _, number in found):
            raise Unreadable(f"{self.model}: no score in {data[:200]!r}", billed=True)
        used = held.get("usage")
        return Reply(
            json.dumps([number for _, number in found]),
            tokens_in=count(used.get("prompt_tokens")) if isinstance(used, dict) else None,
            tokens_out=0,
            probs={label: number for label, number in found if label} or None,
            upstream=(str(held.get("model") or ""), str(held.get("id") or "")),
        )

    def fold(self) -> Fold:
        return WholeFold(self)

    def _protocol(self) -> Protocol:
        """The protocol that the end of the address says.

        Raises:
            ConfigError: it says none that is known.
        """
        address = f"{self.service.url}{self.model}" if self.service.url else self.base_url
        *_, version, name = ["", *address.rstrip("/").split("/")]
        key = f"{version}/{name}" if f"{version}/{name}" in PROTOCOLS else name
        if key not in PROTOCOLS:
            known = ", ".join(f"/{each}" for each in PROTOCOLS)
            raise ConfigError(f"{address!r} is no endpoint that scores: it must end with {known}")
        return PROTOCOLS[key]

    def _check(self) -> None:
        super()._check()
        if self.service.url:
            check(f"{self.service.url}{self.model}", "address")
            if self.base_url:
                raise ConfigError(f"{self.name_of_part}:{self.model} is an address by itself")
        self._protocol()


BARE = Service(continues="trailing", lacks=LACKS)


class Scores(Scorer, name="scores"):
    """A scoring endpoint at `base_url`, and the model it serves: for one with a key, or several."""

    service: ClassVar[Service] = BARE


class Http(Scorer, name="http"):
    """A scoring endpoint by its address alone: `http://gpu:8000/score`."""

    service: ClassVar[Service] = msgspec.structs.replace(BARE, url="http:")


class Https(Scorer, name="https"):
    """A scoring endpoint by its address alone: `https://scores.example.com/classify`."""

    service: ClassVar[Service] = msgspec.structs.replace(BARE, url="https:")


def turns(before: tuple[Message, ...], answer: str) -> list[dict[str, str]]:
    """A conversation and its answer, for endpoints that know the model's chat template."""
    said = [{"role": each.role, "content": each.content} for each in before]
    return [*said, {"role": "assistant", "content": answer}]


def question(before: tuple[Message, ...]) -> str:
    """A conversation as one text, for endpoints that compare two."""
    if len(before) == 1:
        return before[0].content
    return "\n\n".join(f"{each.role}: {each.content}" for each in before)


def flat(nested: Any) -> Iterator[float]:
    """The numbers in nested lists: of one text, of each of its tokens, or of each class."""
    for each in nested if isinstance(nested, list) else (nested,):
        if isinstance(each, list):
            yield from flat(each)
        else:
            yield each


def unlabelled(numbers: Iterable[float]) -> list[tuple[str, float]]:
    """Numbers that have no labels."""
    return [("", number) for number in numbers]


def labelled(said: Any) -> list[tuple[str, float]]:
    """Classes by label; of one text, whether or not it came as a batch."""
    rows: list[Mapping[str, Any]] = said[0] if isinstance(said[0], list) else said
    return sorted((str(row["label"]), row["score"]) for row in rows)


PROTOCOLS = {
    "classify": Protocol(
        lambda before, answer: {"messages": turns(before, answer)},
        lambda said: unlabelled(said["data"][0]["probs"]),
    ),
    "pooling": Protocol(
        lambda before, answer: {"messages": turns(before, answer)},
        lambda said: unlabelled(flat(said["data"][0]["data"])),
    ),
    "score": Protocol(
        lambda before, answer: {"text_1": question(before), "text_2": answer},
        lambda said: unlabelled([said["data"][0]["score"]]),
    ),
    "predict": Protocol(lambda before, answer: {"inputs": [question(before), answer]}, labelled),
    "rerank": Protocol(
        lambda before, answer: {"query": question(before), "texts": [answer]},
        lambda said: unlabelled([said[0]["score"]]),
    ),
    **{
        f"{version}/rerank": Protocol(
            lambda before, answer: {"query": question(before), "documents": [answer]},
            lambda said: unlabelled([said["results"][0]["relevance_score"]]),
        )
        for version in ("v1", "v2")
    },
}
