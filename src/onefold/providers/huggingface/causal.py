"""The provider `transformers`: any causal language model in a directory, run in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import structs

from onefold.core.errors import Refused, TooLong
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.providers.huggingface.directory import stamp
from onefold.providers.huggingface.resident import Resident, refuse, room, templated, told
from onefold.providers.huggingface.worker import Job, Worker
from onefold.providers.pieces import Pieces

if TYPE_CHECKING:
    from onefold.providers.huggingface.generation import Row

LACKS = ("presence_penalty", "frequency_penalty", "effort", "schema")
MOST = 1024  # tokens of a reply, where nobody says how many


class Transformers(Resident, name="transformers"):
    """A causal language model: `transformers:./my-model`.

    A setting that is None is the directory's own (generation_config.json): the likeliest token,
    unless it says `do_sample`; 1,024 tokens, unless it says `max_new_tokens`.
    """

    bounded: ClassVar[bool] = True
    tells: ClassVar[bool] = True

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        pieces = Pieces()
        job = Job(request, pieces.tell)
        self._worker().add(job)
        try:
            async for piece in pieces.until(job.done):
                yield piece
            yield job.done.result()
        finally:
            job.given_up = True

    def _continues(self) -> bool:
        return True

    def _worker(self) -> Worker:
        return writer(self, stamp(self.path)).worker


class Writer:
    """A model with its tokenizer, once loaded, and whoever waits for its replies."""

    def __init__(self, part: Transformers) -> None:
        self.part = part
        self.worker = Worker(self.serve)
        self.reader: Any = None
        self.tokenizer: Any = None

    def serve(self, worker: Worker) -> None:
        """Write replies until nobody waits for one."""
        model = None
        if self.reader is None:  # before anything else, for it says what is missing
            model, self.tokenizer = self.part._load("AutoModelForCausalLM")
        import torch

        from onefold.providers.huggingface.generation import Batch, Reader

        self.reader = self.reader or Reader(model)
        batch = Batch(self.reader)
        with torch.inference_mode():
            while True:
                free = self.part.batch - len(batch.rows) if batch.open else 0
                rows = map(self.row, worker.take(free))
                batch.join([row for row in rows if row is not None])
                if not batch.rows:
                    return
                batch.step()

    def row(self, job: Job) -> Row | None:
        """A job's reply, to be written; None where it cannot be, and the job knows why."""
        from onefold.providers.huggingface.generation import Row

        request, model = job.request, self.reader.model
        own = model.generation_config.to_diff_dict()
        try:
            refuse(request, LACKS, self.part.name_of_part)
            codes = coded(self.tokenizer, request, self.part.template)
            most = request.sampling.max_tokens or own.get("max_new_tokens") or MOST
            left = room(model, self.tokenizer, request, codes)
            if left == 0:
                raise TooLong(
                    f"{request.model}: the prompt leaves no room for a reply: shorten it",
                    model=request.model,
                )
            ends = endings(own.get("eos_token_id"), self.tokenizer.eos_token_id)
            most = most if left is None else min(most, left)
            return Row(job, codes, most, settled(request.sampling, own), ends, self.decoded)
        except Exception as error:
            job.fail(error)
            return None

    def decoded(self, codes: Sequence[int]) -> str:
        """The text of tokens, without special ones."""
        text: str = self.tokenizer.decode(
            codes, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


@lru_cache(maxsize=4)
def writer(part: Transformers, _stamp: int) -> Writer:
    """What writes for a part, made once for a directory as it stands."""
    return Writer(part)


def coded(tokenizer: Any, request: Request, template: str) -> list[int]:
    """A request as tokens; the beginning of a reply stands where the reply would.

    So the model goes on as if it had just written it, which templates' own way of continuing
    (`continue_final_message`) spoils where they trim messages or drop thoughts.

    Raises:
        Refused: the chat template takes no such conversation, or nothing is asked.
    """
    if template or tokenizer.chat_template:
        text = templated(tokenizer, request, template, False) + request.begun
        codes: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    else:
        turns = request.messages[:-1] if request.begun else request.messages
        asked = told(turns) + ("\n\nassistant:" if len(turns) > 1 else "")
        codes = tokenizer(asked + request.begun).input_ids
        if codes[-1:] == [tokenizer.eos_token_id]:
            codes = codes[:-1]
    if not codes:
        raise Refused(f"{request.model}: the prompt has no tokens", model=request.model)
    return codes


def settled(sampling: Sampling, own: Mapping[str, Any]) -> Sampling:
    """How tokens are drawn, where a directory says what is not said."""
    warm = own.get("temperature", 1.0) if own.get("do_sample") else 0.0
    return structs.replace(
        sampling,
        temperature=warm if sampling.temperature is None else sampling.temperature,
        top_k=sampling.top_k or own.get("top_k"),
        top_p=sampling.top_p or own.get("top_p"),
    )


def endings(*said: int | Sequence[int] | None) -> frozenset[int]:
    """The tokens that end a reply."""
    found: set[int] = set()
    for each in said:
        found |= {each} if isinstance(each, int) else set(each or ())
    return frozenset(found)
