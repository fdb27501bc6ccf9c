"""Many replies at once from one causal model: rows join and leave a batch as they like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from math import exp, inf, isfinite
from random import Random
from typing import Any

from onefold.core.answer import Token
from onefold.core.errors import ConfigError, Unreadable
from onefold.delivery.provider import Reply, Sampling
from onefold.providers.huggingface.worker import Job
from onefold.providers.huggingface.writing import Writing

Tensor = Any  # a torch.Tensor, where torch is installed
ALL = 2**31  # more than any vocabulary has


class Row:
    """One reply being written.

    codes: the prompt's tokens, and those of the reply's beginning. most: tokens that may follow.
    sampling: how tokens are drawn; temperature 0 takes the likeliest. ends: tokens that end it.
    """

    def __init__(
        self,
        job: Job,
        codes: Sequence[int],
        most: int,
        sampling: Sampling,
        ends: frozenset[int],
        decode: Callable[[Sequence[int]], str],
    ) -> None:
        request = job.request
        self.job, self.codes, self.most, self.ends = job, codes, most, ends
        self.temperature = sampling.temperature or 0.0
        self.top_k, self.top_p = sampling.top_k or ALL, sampling.top_p or 1.0
        self.alternatives = request.logprobs
        said = [(message.role, message.content) for message in request.messages]
        self.luck = Random(f"{sampling.seed}\n{request.sample}\n{said}")
        before = codes[-5:] if request.begun else ()
        self.writing = Writing(decode, before, sampling.stop, job.tell)
        self.tokens: list[Token] = []
        self.count, self.total = 0, 0.0
        self.finish = "length"

    def add(self, code: int, logprob: float, others: Sequence[tuple[int, float]]) -> bool:
        """Take a token; whether more are wanted."""
        if not isfinite(logprob):
            raise Unreadable(
                f"{self.job.request.model} computed {logprob} instead of a chance: a wider dtype, "
                "such as float32, may help",
                model=self.job.request.model,
            )
        self.count += 1
        self.total += logprob
        if code in self.ends:
            self.finish = "stop"
            return False
        top: dict[str, float] = {}
        for other, chance in others:
            top.setdefault(self.writing.alternative(other), chance)
        piece = self.writing.add(code)
        if self.alternatives is not None:
            self.tokens.append(Token(piece, logprob, top))
        if self.writing.stopped:
            self.finish = "until"
        return not self.writing.stopped and self.count < self.most and not self.job.given_up

    def close(self) -> None:
        """Hand over the reply."""
        rest = self.writing.end()
        text, tokens = self.writing.text, []
        if rest and self.tokens:
            self.tokens[-1] = Token(self.tokens[-1].text + rest, *parts(self.tokens[-1]))
        left = len(text)
        for token in self.tokens:
            if left > 0 or not token.text:
                tokens.append(Token(token.text[:left], *parts(token)))
            left -= len(token.text)
        self.job.done.set_result(
            Reply(
                text,
                len(self.codes),
                0,
                self.count,
                min(1.0, exp(self.total / self.count)) if self.count else None,
                finish=self.finish,
                tokens=tuple(tokens),
            )
        )


def parts(token: Token) -> tuple[float, dict[str, float]]:
    """A token's log-probability, and the alternatives'."""
    return token.logprob, token.top


class Reader:
    """A causal model that reads tokens, and knows which words its `forward` has."""

    def __init__(self, model: Any) -> None:
        self.model, self.device = model, model.device
        known = signature(model.forward).parameters
        if "past_key_values" not in known:
            raise ConfigError(
                f"{type(model).__name__} keeps no keys and values: name a causal transformer"
            )
        self.placed = "position_ids" in known
        self.last = {"logits_to_keep": 1} if "logits_to_keep" in known else {}

    def read(self, codes: Tensor, mask: Tensor, cache: Any) -> tuple[Tensor, Any]:
        """Logits (rows, vocabulary) of what follows the last column, and the cache then.

        codes: (rows, new columns). mask: (rows, columns), 1 where a token is.
        """
        placed: dict[str, Tensor] = {}
        if self.placed:
            places = (mask.cumsum(-1) - 1).clamp(min=0)
            placed = {"position_ids": places[:, -codes.shape[1] :]}
        read = self.model(
            input_ids=codes,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            **placed,
            **self.last,
        )
        return read.logits[:, -1].float(), read.past_key_values


class Batch:
    """Rows that are stepped together: what was read of them, and the logits of what comes next.

    Shorter rows begin with columns that the mask hides.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rows: list[Row] = []
        self.cache: Any = None
        self.mask: Tensor = None
        self.logits: Tensor = None

    @property
    def open(self) -> bool:
        """Whether rows can join: the cache keeps every column of every row."""
        return not self.rows or plain(self.cache)

    def join(self, rows: Sequence[Row]) -> None:
        """Read the prompts of more rows, equal ones once."""
        if not rows:
            return
        import torch

        prompts = list(dict.fromkeys(tuple(row.codes) for row in rows))
        longest = max(map(len, prompts))
        codes = torch.zeros((len(prompts), longest), dtype=torch.long)
        mask = torch.zeros_like(codes)
        for place, prompt in enumerate(prompts):
            codes[place, longest - len(prompt) :] = torch.tensor(prompt)
            mask[place, longest - len(prompt) :] = 1
        mask = mask.to(self.reader.device)
        logits, cache = self.reader.read(codes.to(self.reader.device), mask, None)
        if len(prompts) < len(rows):
            order = {prompt: place for place, prompt in enumerate(prompts)}
            places = [order[tuple(row.codes)] for row in rows]
            logits, mask = logits[places], mask[places]
            cache.reorder_cache(torch.tensor(places, device=self.reader.device))
        if self.rows:
            logits = torch.cat([self.logits, logits])
            mask = joined(self.cache, self.mask, cache, mask)
            cache = self.cache
        self.rows = [*self.rows, *rows]
        self.cache, self.mask, self.logits = cache, mask, logits

    def step(self) -> None:
        """One more token for every row; those that are done leave."""
        import torch

        codes = drawn(self.logits, self.rows)
        going = self._told(codes)
        if not all(going):
            kept = [place for place, goes in enumerate(going) if goes]
            self.rows = [self.rows[place] for place in kept]
            if not self.rows:
                self.cache = self.mask = self.logits = None
                return
            codes, self.mask = codes[kept], self.mask[kept]
            self.cache.reorder_cache(torch.tensor(kept, device=self.reader.device))
            self._trim()
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)
        self.logits, self.cache = self.reader.read(codes[:, None], self.mask, self.cache)

    def _told(self, codes: Tensor) -> list[bool]:
        """Tell each row its token; whether it goes on."""
        chances = self.logits.log_softmax(-1)
        own = chances.gather(1, codes[:, None])[:, 0].tolist()
        most = max(row.alternatives or 0 for row in self.rows)
        best = chances.topk(min(most, chances.shape[1]))
        others = [
            list(zip(*pair, strict=True))
            for pair in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
        going = []
        for place, (row, code) in enumerate(zip(self.rows, codes.tolist(), strict=True)):
            try:
                goes = row.add(code, own[place], others[place][: row.alternatives or 0])
            except Exception as error:
                row.job.fail(error)
                goes = False
            else:
                if not goes:
                    row.close()
            going.append(goes)
        return going

    def _trim(self) -> None:
        """Let go of columns in which no row has a token any more."""
        blank = int((self.mask.sum(0) > 0).int().argmax())
        if blank and plain(self.cache):
            self.mask = self.mask[:, blank:]
            for layer in self.cache.layers:
                layer.keys, layer.values = layer.keys[..., blank:, :], layer.values[..., blank:, :]


def plain(cache: Any) -> bool:
    """Whether a cache keeps keys and values of all columns, so that these can be moved."""
    return all(type(layer).__name__ == "DynamicLayer" for layer in cache.layers)


def joined(cache: Any, mask: Tensor, other: Any, more: Tensor) -> Tensor:
    """The mask of two sets of rows together; the first cache takes in the second."""
    import torch

    longest = max(mask.shape[1], more.shape[1])
    for one, two in zip(cache.layers, other.layers, strict=True):
        one.keys = torch.cat([wide(one.keys, longest), wide(two.keys, longest)])
        one.values = torch.cat([wide(one.values, longest), wide(two.values, longest)])
    both = [wide(each[..., None], longest)[..., 0] for each in (mask, more)]
    return torch.cat(both)


def wide(held: Tensor, columns: int) -> Tensor:
    """What is held (…, columns, width), with blank columns in front."""
    from torch.nn.functional import pad

    return pad(held, (0, 0, columns - held.shape[-2], 0))


def drawn(logits: Tensor, rows: Sequence[Row]) -> Tensor:
    """A token for each row: the likeliest, or the first at which the chances exceed its luck.

    A row's luck is its own, and its chances do not depend on its neighbours but for rounding.
    """
    import torch

    codes = logits.argmax(-1)
    warm = [place for place, row in enumerate(rows) if row.temperature > 0]
    if not warm:
        return codes
    some = [rows[place] for place in warm]
    scores = logits[warm] / column(logits, [row.temperature for row in some])
    if any(row.top_k < ALL or row.top_p < 1 for row in some):
        scores = narrowed(scores, [row.top_k for row in some], [row.top_p for row in some])
    fine = torch.float32 if logits.device.type == "mps" else torch.float64
    sums = scores.to(fine).softmax(-1).cumsum(-1)
    luck = column(sums, [row.luck.random() for row in some]) * sums[:, -1:]
    codes[warm] = torch.searchsorted(sums, luck, right=True)[:, 0].clamp(max=logits.shape[1] - 1)
    return codes


def narrowed(scores: Tensor, top_k: Sequence[int], top_p: Sequence[float]) -> Tensor:
    """Scores of the `top_k` likeliest, and of these as many as reach a share of `top_p`."""
    import torch

    ordered = scores.sort(descending=True).values
    ranks = torch.arange(scores.shape[1], device=scores.device)
    kept = ranks < column(ranks, top_k)
    shares = ordered.masked_fill(~kept, -inf).softmax(-1)
    kept &= shares.cumsum(-1) - shares < column(shares, top_p)
    least = ordered.masked_fill(~kept, inf).amin(-1, keepdim=True)
    return scores.masked_fill(scores < least, -inf)


def column(like: Tensor, values: Sequence[float]) -> Tensor:
    """Values as a column (rows, 1) of the same kind."""
    return like.new_tensor(values)[:, None]
