"""What models in directories share: where they lie, where they run, and how they are asked."""

from __future__ import annotations

import re
from abc import abstractmethod
from asyncio import wrap_future
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, structs

from onefold.core.errors import ConfigError, Refused, TooLong
from onefold.core.query import Message
from onefold.core.usage import Price
from onefold.delivery.provider import Provider, Reply, Request
from onefold.providers.huggingface.directory import equipped, loaded, located, whole
from onefold.providers.huggingface.worker import Job, Worker

ENDLESS = 10**9  # tokens; tokenizers that know no limit say more
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


class Resident(Provider, abstract=True):
    """A model in a directory of Hugging Face transformers, run in a thread of this process.

    Needs the extra `transformers`. It is loaded when it is first asked. Requests that come together
    are computed together. Code that lies in the directory is never run.

    path: the directory; or a name at Hugging Face, which must be in its cache already.
    device: `cpu`, `cuda`, `cuda:1`, `mps`; `auto` takes the best there is.
    dtype: how numbers are kept; `auto` as the weights are stored.
    batch: rows that are computed together.
    download: whether a name that is not in the cache is fetched, weights in safetensors only.
    template: a chat template (Jinja) instead of the tokenizer's own.
    """

    path: Annotated[str, Meta(min_length=1)]
    device: str = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    batch: Annotated[int, Meta(ge=1)] = 16
    download: bool = False
    template: str = ""

    remote: ClassVar[bool] = False

    @abstractmethod
    def _worker(self) -> Worker:
        """Whoever does this model's jobs."""

    async def complete(self, request: Request) -> Reply:
        job = Job(request)
        self._worker().add(job)
        try:
            return await wrap_future(job.done)
        finally:
            job.given_up = True

    def _load(self, head: str) -> tuple[Any, Any]:
        """The model under a head of transformers', and its tokenizer."""
        return loaded(head, located(self.path, self.download), self.device, self.dtype)

    def _prepare(self, model: str) -> None:
        equipped(f"{self.name_of_part}:{self.path}")
        if Path(self.path).expanduser().is_dir() or not self.download:
            whole(located(self.path, False))

    def _about(self) -> dict[str, Any]:
        """What a deployment made from it alone should know."""
        return {"price": Price(0.0, 0.0)}

    def _check(self) -> None:
        if not DEVICE.fullmatch(self.device):
            raise ConfigError(f"device {self.device!r} is none of auto, cpu, cuda, cuda:N, mps")

    def _to_text(self) -> str | None:
        fields = [field for field in structs.fields(type(self)) if field.name != "path"]
        plain = all(getattr(self, field.name) == field.default for field in fields)
        return f"{self.name_of_part}:{self.path}" if plain else None

    @classmethod
    def _named(cls, model: str) -> Any:
        return cls(model)


def refuse(request: Request, wanted: Sequence[str], kind: str) -> None:
    """Refuse what is asked for in vain.

    Raises:
        Refused: names the settings.
    """
    given = (*structs.asdict(request.sampling).items(), ("schema", request.schema))
    vain = [name for name, value in given if name in wanted and value not in (None, ())]
    if vain:
        raise Refused(
            f"{request.model}: {kind} has no {', '.join(vain)}: leave it out", model=request.model
        )


def templated(tokenizer: Any, request: Request, template: str, answered: bool) -> str:
    """A conversation in the words of a chat template, up to where a reply would begin.

    answered: whether the last message, an answer, is in it too.

    Raises:
        Refused: the template takes no such conversation.
    """
    turns = request.messages[:-1] if request.begun and not answered else request.messages
    try:
        text: str = tokenizer.apply_chat_template(
            [{"role": turn.role, "content": turn.content} for turn in turns],
            chat_template=template or None,
            tokenize=False,
            add_generation_prompt=not answered,
        )
    except Exception as error:  # templates raise what they like
        raise Refused(
            f"{request.model}: its chat template refuses the conversation: {error}",
            model=request.model,
        ) from error
    return text


def told(turns: Sequence[Message]) -> str:
    """A conversation as one text, for models without a template; a single turn as it stands."""
    if len(turns) == 1:
        return turns[0].content
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in turns)


def room(model: Any, tokenizer: Any, request: Request, codes: Sequence[int]) -> int | None:
    """Tokens that fit behind others, None where nothing says how many.

    Raises:
        TooLong: the others do not fit themselves.
    """
    held = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    longest = min(held or ENDLESS, tokenizer.model_max_length)
    if longest >= ENDLESS:
        return None
    if len(codes) > longest:
        raise TooLong(
            f"{request.model} reads {longest} tokens, and this has {len(codes)}: shorten it",
            model=request.model,
        )
    return int(longest) - len(codes)
