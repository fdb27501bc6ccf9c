"""The provider `transformers-scores`: outcome and process reward models in a directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

from onefold.core.errors import ConfigError, Refused
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.providers.huggingface.directory import located, parts, stamp
from onefold.providers.huggingface.resident import Resident, refuse, room, templated, told
from onefold.providers.huggingface.worker import Job, Worker

LACKS = (*Sampling.__struct_fields__, "schema")
HEADS = ("score.", "classifier.", "v_head.summary.")


class TransformersScores(Resident, name="transformers-scores"):
    """A reward model, which scores a conversation that ends with an answer.

    The reply's text is a JSON list of numbers, as a scoring endpoint's is. Without `at` the model
    classifies the whole: one raw reward, or the share of each label. With `at` it is read at each
    such token of the answer, as by vLLM's step pooling: the share of each class at each place, or
    the raw value of a head that gives only one.

    at: the token at which a step is scored, such as `<extra_0>`, `ки`, or the end of a line.
    among: tokens whose chances to follow are compared there, such as `+` and `-`; where there are
        none the checkpoint has a head of its own for single tokens.
    """

    at: str = ""
    among: tuple[str, ...] = ()

    silent: ClassVar[bool] = True
    bounded: ClassVar[bool] = True

    def _worker(self) -> Worker:
        return scorer(self, stamp(self.path)).worker

    def _check(self) -> None:
        super()._check()
        if len(self.among) == 1:
            raise ConfigError(f"among {self.among}: one token is compared with nothing, say two")
        if self.among and not self.at:
            raise ConfigError(f"among {self.among}: at which token of an answer? say `at`")


class Scorer:
    """A reward model, once loaded, and whoever waits for its scores."""

    def __init__(self, part: TransformersScores) -> None:
        self.part = part
        self.worker = Worker(self.serve)
        self.model: Any = None
        self.tokenizer: Any = None
        self.head: Any = None

    def serve(self, worker: Worker) -> None:
        """Score until nobody waits."""
        if self.model is None:  # before anything else, for it says what is missing
            self._load()
        import torch

        with torch.inference_mode():
            while jobs := worker.take(self.part.batch):
                found = [(job, text) for job in jobs if (text := self._text(job)) is not None]
                if found:
                    rows = self._numbers([text for _, text in found])
                    for (job, text), row in zip(found, rows, strict=True):
                        job.done.set_result(self._reply(row, len(text.codes)))

    def _load(self) -> None:
        """Load the model under the head that its fields call for."""
        part = self.part
        if part.among:
            model, self.tokenizer = part._load("AutoModelForCausalLM")
            self.head = [single(self.tokenizer, word) for word in part.among]
        elif part.at:
            model, self.tokenizer = part._load("AutoModel")
            self.head = head(model, located(part.path, part.download))
        else:
            model, self.tokenizer = part._load("AutoModelForSequenceClassification")
        self.model = model

    def _text(self, job: Job) -> Text | None:
        """What a job wants scored, as tokens; None where it cannot be, and the job knows why."""
        request, part = job.request, self.part
        try:
            refuse(request, LACKS, part.name_of_part)
            if not request.begun:
                raise Refused(
                    f"{request.model} scores an answer, and there is none: end with an "
                    "assistant's message, or ask it by the judge reward",
                    model=request.model,
                )
            text = coded(self.tokenizer, request, part)
            room(self.model, self.tokenizer, request, text.codes)
            return text
        except Exception as error:
            job.fail(error)
            return None

    def _numbers(self, texts: Sequence[Text]) -> list[list[list[float]]]:
        """The numbers of each place of each text; a text that is scored whole is one place."""
        import torch

        read = padded(self.tokenizer, texts, self.model)
        if not self.part.at:
            return [[row] for row in shares(self.model(**read).logits.float()).tolist()]
        places = sorted({place for text in texts for place in text.places})
        kept = torch.tensor(places, device=self.model.device)
        if self.part.among:
            found = self.model(**read, logits_to_keep=kept).logits[..., self.head]
        else:
            found = self.head(self.model(**read).last_hidden_state[:, kept])
        rows = shares(found.float())
        order = {place: number for number, place in enumerate(places)}
        return [
            row[[order[place] for place in text.places]].tolist()
            for row, text in zip(rows, texts, strict=True)
        ]

    def _reply(self, rows: Sequence[Sequence[float]], tokens_in: int) -> Reply:
        """Numbers as a reply; those of labels in the reply's `probs` too."""
        probs = None
        if not self.part.at and len(rows[0]) > 1:
            names = self.model.config.id2label
            probs = {str(names[place]): share for place, share in enumerate(rows[0])}
        numbers = [number for row in rows for number in row]
        return Reply(json.dumps(numbers), tokens_in, tokens_out=0, probs=probs)


class Text:
    """A conversation as tokens, and the places where it is scored; none: as a whole.

    kinds: which of two texts each token is of, for models that want to know.
    """

    def __init__(
        self, codes: Sequence[int], places: Sequence[int] = (), kinds: Sequence[int] = ()
    ) -> None:
        self.codes, self.places, self.kinds = codes, places, kinds


@lru_cache(maxsize=4)
def scorer(part: TransformersScores, _stamp: int) -> Scorer:
    """What scores for a part, made once for a directory as it stands."""
    return Scorer(part)


def coded(tokenizer: Any, request: Request, part: TransformersScores) -> Text:
    """A conversation and its answer as tokens, with the places of its steps.

    Raises:
        Refused: the chat template refuses it, or the answer has no step.
    """
    before, answer = request.messages[:-1], request.begun
    own = bool(part.template or tokenizer.chat_template)
    if not part.at and not own:
        read = tokenizer(told(before), answer, return_token_type_ids=True)
        return Text(read.input_ids, kinds=read.token_type_ids)
    if not own:
        text = f"{told(before)} {answer}"
    else:
        text = templated(tokenizer, request, part.template, True)
    if not part.at:
        return Text(tokenizer(text, add_special_tokens=False).input_ids)
    found = separated(tokenizer, text, answer, part.at, not own)
    if not found.places:
        raise Refused(
            f"{request.model}: the answer has no step that ends with {part.at!r}: put it there",
            model=request.model,
        )
    return found


def separated(tokenizer: Any, text: str, answer: str, at: str, special: bool) -> Text:
    """Tokens of a text, with the places of a separator's in the answer that it holds.

    A separator that is blank, and so may be part of a larger token, is kept a token of its own.

    Raises:
        ConfigError: the tokenizer has no token for the separator, or the text not each of them.
    """
    tags = {single(tokenizer, at), single(tokenizer, f" {at}")}
    begin = max(0, text.rfind(answer.strip()))
    codes = head = tokenizer(text[:begin], add_special_tokens=special).input_ids
    if at.strip():
        codes = tokenizer(text, add_special_tokens=special).input_ids
    else:
        for number, piece in enumerate(text[begin:].split(at)):
            tag = [single(tokenizer, at)] if number else []
            codes = [*codes, *tag, *tokenizer(piece, add_special_tokens=False).input_ids]
    places = [place for place, code in enumerate(codes) if code in tags]
    places = places[sum(code in tags for code in head) :]
    if len(places) != answer.count(at):
        raise ConfigError(
            f"at {at!r} is no token of this model's, or its template drops it: say one that it is, "
            "or another template"
        )
    return Text(codes, places)


def head(model: Any, place: Path) -> Callable[[Any], Any]:
    """The layers that a checkpoint has beside its transformer: linear ones, ReLU between them.

    Raises:
        ConfigError: it has none.
    """
    from safetensors import safe_open
    from torch import nn

    found: dict[str, Any] = {}
    index = place / "model.safetensors.index.json"
    for name in parts(index if index.is_file() else place / "model.safetensors"):
        with safe_open(place / name, "pt") as file:
            found |= {key: file.get_tensor(key) for key in file.keys() if key.startswith(HEADS)}  # noqa: SIM118 (it is no mapping)
    layers: list[Any] = []
    for key in sorted(key for key in found if key.endswith(".weight")):
        weight, bias = found[key], found.get(key.removesuffix("weight") + "bias")
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
        layer.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
        layers += [nn.ReLU()] * bool(layers) + [layer]
    if not layers:
        raise ConfigError(
            f"{place} has no head for single tokens ({', '.join(HEADS)}…): say `among` which "
            "words it compares"
        )
    made: Callable[[Any], Any] = nn.Sequential(*layers).to(model.device, model.dtype)
    return made


def single(tokenizer: Any, word: str) -> int:
    """The token that a word is; the last one, where a tokenizer puts a space before it."""
    codes: list[int] = tokenizer(word, add_special_tokens=False).input_ids
    return codes[-1]


def padded(tokenizer: Any, texts: Sequence[Text], model: Any) -> dict[str, Any]:
    """What a model is called with: tables (texts, columns), padded behind, masked there.

    Heads find a text's end by its padding, so that must be a token with which no text ends.
    """
    import torch

    rows = [text.codes for text in texts]
    last, held = {row[-1] for row in rows}, {code for row in rows for code in row}
    pad = tokenizer.pad_token_id
    if pad is None or pad in last:
        pad = next(code for code in range(len(held) + 1) if code not in held)
    model.config.get_text_config().pad_token_id = pad
    longest = max(map(len, rows))

    def table(rows: Sequence[Sequence[int]], blank: int) -> Any:
        filled = [[*row, *[blank] * (longest - len(row))] for row in rows]
        return torch.tensor(filled, device=model.device)

    made = {"input_ids": table(rows, pad), "attention_mask": table([[1] * len(r) for r in rows], 0)}
    if texts[0].kinds and "token_type_ids" in signature(model.forward).parameters:
        made["token_type_ids"] = table([text.kinds for text in texts], 0)
    return made


def shares(logits: Any) -> Any:
    """The shares of classes; a single number stays as it is."""
    return logits if logits.shape[-1] == 1 else logits.softmax(-1)
