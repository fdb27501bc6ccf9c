"""How process reward models want steps to be written, and where their marks stand: pure functions.

Sources: the model cards of Qwen2.5-Math-PRM, Math-Shepherd (Wang et al. 2024, arXiv 2312.08935),
RLHFlow's Llama-3.1-PRM and Skywork-o1-Open-PRM, and the code beside them; vLLM's pooling models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, tanh

from msgspec import Struct

from onefold.core.query import Message

QWEN = "Please reason step by step, and put your final answer within \\boxed{}."
Said = Callable[[str, Sequence[str]], tuple[Message, ...]]


class Convention(Struct, frozen=True):
    """One convention.

    turns: the conversation from the question and the steps, each stripped; its last turn is what
        is marked. text: the same as one text, for models without a chat template; empty where
        they have one.
    tag: the token after each step whose place carries the mark.
    words: the tokens good and bad whose probabilities at that place are compared; empty where the
        model has a head of its own.
    width: numbers at each place: one raw reward, or two classes. good: which of the two is good.
    each: whether each step is a turn of its own, which the next word of the model marks.
    """

    turns: Said
    tag: str
    text: str = ""
    words: tuple[str, str] | tuple[()] = ()
    width: int = 2
    good: int = 1
    each: bool = False

    def written(self, question: str, steps: Sequence[str]) -> str:
        """The whole text that a model without a chat template reads."""
        return self.text.join(turn.content for turn in self.turns(question, steps))

    def marks(self, numbers: Sequence[float], count: int, raw: bool = False) -> list[float]:
        """The mark of each of `count` steps, from the numbers at the places of the tag.

        Where the question holds the tag as well, its own numbers come first, and do not count.

        raw: whether they are no probabilities yet: two classes go through a softmax, one number
            through a sigmoid.

        Raises:
            ValueError: there are too few, or they are no probabilities.
        """
        wanted = count * self.width
        spare = len(numbers) - wanted
        if spare < 0 or spare % self.width or (spare and self.width == 2):
            raise ValueError(
                f"{len(numbers)} numbers for {count} steps, {self.width} wanted a step"
            )
        last = numbers[spare:]
        if self.width == 1:
            return [0.5 + 0.5 * tanh(0.5 * each) for each in last] if raw else list(last)
        pairs = [(last[i + self.good], last[i + 1 - self.good]) for i in range(0, wanted, 2)]
        if raw:
            return [share(*pair) for pair in pairs]
        if any(abs(good + bad - 1.0) > 1e-2 or not 0.0 <= good <= 1.0 for good, bad in pairs):
            raise ValueError(f"{pairs[0]!r} are no probabilities of two classes")
        return [good for good, _ in pairs]


def share(good: float, bad: float) -> float:
    """The probability of the first of two log-odds or log-probabilities."""
    return 1.0 / (1.0 + exp(min(700.0, bad - good)))


def qwen(question: str, steps: Sequence[str]) -> tuple[Message, ...]:
    """Qwen2.5-Math-PRM: `<extra_0>` after each step, under a system prompt of its own."""
    said = "".join(f"{step}<extra_0>" for step in steps)
    return (Message("system", QWEN), Message("user", question), Message("assistant", said))


def shepherd(question: str, steps: Sequence[str]) -> tuple[Message, ...]:
    """Math-Shepherd: `Step 1: … ки`, a line a step."""
    said = "\n".join(f"{numbered(step, place)} ки" for place, step in enumerate(steps, 1))
    return (Message("user", question), Message("assistant", said))


def rlhflow(question: str, steps: Sequence[str]) -> tuple[Message, ...]:
    """RLHFlow: each step is the user's, the question in the first; the model says `+` or `-`."""
    turns: list[Message] = []
    for place, step in enumerate(steps):
        turns.append(Message("user", step if place else f"{question} {step}"))
        turns.append(Message("assistant", "+"))
    return tuple(turns)


def skywork(question: str, steps: Sequence[str]) -> tuple[Message, ...]:
    """Skywork-o1-Open-PRM: a line a step, each ended; a step is marked at the end of its line."""
    said = "".join(f"{' '.join(step.split(chr(10)))}\n" for step in steps)
    return (Message("user", question), Message("assistant", said))


def numbered(step: str, place: int) -> str:
    """A step that says which it is."""
    return step if step.startswith("Step ") else f"Step {place}: {step}"


CONVENTIONS = {
    "qwen": Convention(qwen, "<extra_0>"),
    "shepherd": Convention(shepherd, "ки", " ", ("+", "-"), good=0),
    "rlhflow": Convention(rlhflow, "+", "", ("+", "-"), good=0, each=True),
    "skywork": Convention(skywork, "\n", "\n", width=1),
}
