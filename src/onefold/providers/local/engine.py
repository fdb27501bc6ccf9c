"""Many replies at once from one network, off the event loop: rows join and leave as they like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from onefold.core.answer import Token
from onefold.delivery.provider import Sampling
from onefold.providers.local.network import LONGEST, Floats, Ints, Network, Past
from onefold.providers.local.tokens import BOT, END, PAD, USER, Spelling, Tokens

Tell = Callable[[str], None]
Luck = NDArray[np.float64]

STRETCH = 32  # tokens whose chances are added up together
MOST = 64  # rows that are stepped together
TYPICAL = 192  # tokens of a reply, unless `max_tokens` says otherwise


class Engine:
    """A network with its vocabulary, and whoever waits for its replies."""

    def __init__(self, network: Network, tokens: Tokens) -> None:
        self.network, self.tokens = network, tokens
        self.waiting: list[Row] = []
        self.lock = Lock()
        self.working = False
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="onefold-local")

    def begin(self, row: Row) -> None:
        """Let a row be written, with those that are being written already."""
        row.done.set_running_or_notify_cancel()  # whoever gives up waiting says so by given_up
        with self.lock:
            self.waiting.append(row)
            if not self.working:
                self.working = True
                self.thread.submit(self._work)

    def _work(self) -> None:
        """Write until nobody waits."""
        batch = Batch(self.network)
        try:
            while True:
                with self.lock:
                    free = MOST - len(batch.rows)
                    fresh, self.waiting = self.waiting[:free], self.waiting[free:]
                    if not fresh and not batch.rows:
                        self.working = False
                        return
                for row in fresh:
                    if row.given_up:
                        row.close()
                batch.join([row for row in fresh if not row.given_up])
                batch.step()
        except BaseException as error:
            with self.lock:
                self.working = False
                lost, self.waiting = [*batch.rows, *self.waiting], []
            for row in lost:
                row.done.set_exception(error)
            raise


class Row:
    """One reply being written.

    prompt, begun: what is asked, and the beginning of the reply. sampling: how tokens are drawn;
        temperature 0 or none takes the likeliest. draw: what, with the sampling's seed and the
        prompt, fixes the luck. alternatives: how many to report beside each token, None no
        log-probabilities. tell: hears each piece of text, from another thread.
    """

    def __init__(
        self,
        tokens: Tokens,
        prompt: str,
        begun: str,
        sampling: Sampling,
        draw: int = 0,
        alternatives: int | None = None,
        tell: Tell | None = None,
    ) -> None:
        before = tokens.encode(begun)
        self.codes = [USER, *tokens.encode(prompt), BOT, *before]
        self.tokens, self.sampling, self.tell = tokens, sampling, tell
        self.alternatives = alternatives
        self.spelling = Spelling(tokens, before)
        self.warmth = sampling.temperature or 0.0
        self.most = min(sampling.max_tokens or TYPICAL, LONGEST - len(self.codes))
        self.luck = luck(sampling.seed, draw, prompt, self.most) if self.warmth else None
        self.text, self.told, self.count = "", 0, 0
        self.said: list[Token] = []
        self.total = 0.0
        self.finish = "length"
        self.done: Future[Row] = Future()
        self.given_up = False

    def add(self, code: int, logprob: float, others: dict[str, float]) -> bool:
        """Take a token; whether more are wanted."""
        self.count += 1
        self.total += logprob
        if code == END:
            self.finish = "stop"
            return False
        piece = self.spelling.add(code)
        if self.alternatives is not None:
            self.said.append(Token(piece, logprob, others))
        self.text += piece
        ends = [place for each in self.sampling.stop if (place := self.text.find(each)) >= 0]
        if ends:
            self.text, self.finish = self.text[: min(ends)], "until"
        elif self.tell is not None:
            self._tell(self.text[: len(self.text) - self._held()])
        return not ends and self.count < self.most

    def close(self) -> None:
        """Hand over what was written."""
        if self.tell is not None:
            self._tell(self.text)
        self.done.set_result(self)

    def _tell(self, text: str) -> None:
        """Say what is new in a text."""
        if self.tell is not None and len(text) > self.told:
            self.tell(text[self.told :])
            self.told = len(text)

    def _held(self) -> int:
        """How many characters at the end may be the beginning of a stop."""
        stops = self.sampling.stop
        longest = max(map(len, stops), default=1) - 1
        for count in range(min(longest, len(self.text)), 0, -1):
            if any(each.startswith(self.text[-count:]) for each in stops):
                return count
        return 0

    @property
    def confidence(self) -> float:
        """Geometric mean of the tokens' probabilities."""
        return float(np.exp(self.total / self.count)) if self.count else 1.0


class Batch:
    """Rows that are stepped together, and the logits of what comes next in each."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.rows: list[Row] = []
        self.past: Past | None = None
        self.logits: Floats = np.zeros((0, network.pieces), dtype=np.float32)

    def join(self, rows: Sequence[Row]) -> None:
        """Read the prompts of more rows."""
        if not rows:
            return
        room = max(row.most for row in rows)
        past, logits = self.network.start([row.codes for row in rows], room)
        if self.past is None or not self.rows:
            self.past, self.logits = past, logits
        else:
            self.past.join(past)
            self.logits = np.concatenate([self.logits, logits])
        self.rows += rows

    def step(self) -> None:
        """One more token for every row; those that are done leave."""
        if not self.rows:
            return
        past = self.past
        assert past is not None, "rows were read before they are stepped"
        codes, going = self._drawn()
        for place in range(len(self.rows) - 1, -1, -1):
            if not going[place]:
                last = self.rows.pop()
                done = last if place == len(self.rows) else self.rows[place]
                if done is not last:
                    self.rows[place] = last
                codes[place] = codes[len(self.rows)]
                past.drop(place)
                done.close()
        if self.rows:
            self.logits = self.network.step(past, codes[: len(self.rows)])

    def _drawn(self) -> tuple[Ints, list[bool]]:
        """The next token of each row, and whether the row goes on."""
        logits = self.logits
        logits[:, [PAD, USER, BOT]] = -np.inf
        every = np.arange(len(logits))
        codes = logits.argmax(axis=1)
        top = logits[every, codes][:, None]
        sums = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
        lucky = [place for place, row in enumerate(self.rows) if row.luck is not None]
        if lucky:
            codes[lucky] = drawn(logits[lucky], [self.rows[place] for place in lucky])
        chances = (logits[every, codes] - sums).tolist()
        going = [
            row.add(code, chance, self._others(place, row.alternatives or 0, float(sums[place])))
            and not row.given_up
            for place, (row, code, chance) in enumerate(
                zip(self.rows, codes.tolist(), chances, strict=True)
            )
        ]
        return codes, going

    def _others(self, place: int, count: int, total: float) -> dict[str, float]:
        """The likeliest tokens at a place with their log-probabilities."""
        if not count:
            return {}
        pieces = self.rows[place].tokens
        best = np.argsort(-self.logits[place], kind="stable")[:count]
        return {pieces.spelled(int(code)): float(self.logits[place, code]) - total for code in best}


def drawn(logits: Floats, rows: Sequence[Row]) -> Ints:
    """A token for each row by its chance: the first at which chances add up to the row's luck.

    The chances are added up in stretches first, and token by token only inside the right one.
    """
    count, pieces = logits.shape
    warmth = np.array([row.warmth for row in rows], dtype=np.float32)[:, None]
    chances = np.zeros((count, -(-pieces // STRETCH), STRETCH), dtype=np.float32)
    flat = chances.reshape(count, -1)[:, :pieces]
    np.exp((logits - logits.max(axis=1, keepdims=True)) / warmth, out=flat)
    for place, row in enumerate(rows):
        if row.sampling.top_k is not None or row.sampling.top_p is not None:
            flat[place] = narrowed(flat[place], row.sampling)
    every = np.arange(count)
    sums = np.cumsum(chances.sum(axis=2, dtype=np.float64), axis=1)
    lucks = np.array([0.0 if row.luck is None else row.luck[row.count] for row in rows])
    wanted = lucks * sums[:, -1]
    stretch = np.minimum((sums <= wanted[:, None]).sum(axis=1), sums.shape[1] - 1)
    before = np.where(stretch > 0, sums[every, stretch - 1], 0.0)
    inside = np.cumsum(chances[every, stretch], axis=1, dtype=np.float64) + before[:, None]
    place = np.minimum((inside <= wanted[:, None]).sum(axis=1), STRETCH - 1)
    return np.asarray(np.minimum(stretch * STRETCH + place, pieces - 1), dtype=np.int64)


def narrowed(chances: Floats, sampling: Sampling) -> Floats:
    """The chances of the likeliest tokens only: the first `top_k`, and `top_p` of all in sum."""
    order = np.argsort(-chances, kind="stable")
    held = chances[order]
    if sampling.top_k is not None:
        held[sampling.top_k :] = 0.0
    if sampling.top_p is not None:
        held[np.cumsum(held) - held >= sampling.top_p * held.sum()] = 0.0
    made = np.zeros_like(chances)
    made[order] = held
    return made


def luck(seed: int | None, draw: int, prompt: str, count: int) -> Luck:
    """Numbers in [0, 1) for so many tokens, always the same for the same three."""
    key = blake2b(f"{seed}\n{draw}\n{prompt}".encode(), digest_size=8).digest()
    draws = np.random.default_rng(int.from_bytes(key, "big")).random(count + 1)
    return np.asarray(draws, dtype=np.float64)
