"""A solution in sums, read step by step: whether they hold, and where their numbers are from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onefold.fitted.texts.comparisons import Comparisons
from onefold.fitted.texts.quantities import Values, demanded, implied, known
from onefold.fitted.texts.sums import Sum, answered, doubtful, figures, holds, sums, worth

SMALL = (1.0, 2.0, 100.0)


class Sheet:
    """A solution read step by step: each step's mark, and what all of it adds up to.

    sources: whether operands must come from the prompt, from constants or from earlier results.
    answer: `last` wants the answer to be the last result, `any` one of them, `free` nothing.
    """

    def __init__(
        self,
        prompt: str,
        constants: Iterable[float] = SMALL,
        sources: bool = True,
        answer: str = "last",
    ) -> None:
        self.sources, self.answer = sources, answer
        self.comparisons = Comparisons(prompt)
        self.percent = "percent" in prompt or "%" in prompt
        self.known = known(prompt) | set(constants) if sources else set()
        self.exact: dict[float, float] = {}
        self.operands: list[tuple[float, int]] = []
        self.results: list[float] = []
        self.said: float | None = None

    def mark(self, step: str) -> float | None:
        """1 where all sums of the next step hold, 0 where one does not, None where it has none."""
        fine: list[bool] = []
        if self.sources:
            self.known |= implied(step)
        for each in sums(step):
            right = each.right_with(self.exact)
            if not right and (("%" in step and self._share(each)) or doubtful(step)):
                continue
            fine.append(right and self._sourced(each))
            self._learn(each)
        if (fits := self.comparisons.fits(step)) is not None:
            fine.append(fits)
        said = answered(step)
        if said is not None:
            self.said = said
            if self.results and self.answer != "free":
                fine.append(self.follows(said))
        return float(all(fine)) if fine else None

    def _share(self, each: Sum) -> bool:
        """Whether it holds once a share counts as per cents."""
        return holds(worth(each.left) / 100, worth(each.right))

    def _sourced(self, each: Sum) -> bool:
        """Whether all its operands were there before."""
        if not self.sources:
            return True
        return all(
            value in self.known or any(holds(there, value) for there in self.known)
            for value in each.operands
        )

    def _learn(self, each: Sum) -> None:
        """Take note of what it used and what it found."""
        place = len(self.results)
        self.operands += [(value, place) for value in each.operands]
        result, exact = each.result, worth(each.left)
        if result != exact and holds(exact, result):
            self.exact[result] = exact
        if each.first or each.goes_on or not self.results:
            self.results.append(result)
        else:
            self.results[-1] = result  # the same result in another form
        self.known |= {abs(value) for value in (result, *figures(each.right))}

    def follows(self, said: float) -> bool:
        """Whether an answer is what was found."""
        found = self.results[-1:] if self.answer == "last" else self.results
        forms = [each * scale for each in found for scale in (1, -1, *((100,) * self.percent))]
        return any(holds(form, said) for form in forms)


def marks(
    prompt: str,
    steps: Sequence[str],
    constants: Iterable[float] = SMALL,
    sources: bool = True,
    answer: str = "last",
) -> list[float | None]:
    """The mark of each step, given those before it."""
    sheet = Sheet(prompt, constants, sources, answer)
    return [sheet.mark(step) for step in steps]


def completeness(prompt: str, steps: Sequence[str]) -> tuple[float, ...] | None:
    """How far a solution is whole, as `wholeness` says it."""
    sheet = Sheet(prompt)
    return wholeness(sheet, prompt, [sheet.mark(step) for step in steps])


def wholeness(
    sheet: Sheet, prompt: str, marks: Sequence[float | None]
) -> tuple[float, float, float, float] | None:
    """How far a solution that was read is whole; None where there are no sums to check.

    Shares in [0, 1]: of the steps with sums, those that hold; of the prompt's numbers, those that
    were used; of the results but the last, those that were used; whether the answer is the last.
    """
    wanted = demanded(prompt)
    if not sheet.operands and (sheet.said is None or not wanted):
        return None
    told = [mark for mark in marks if mark is not None]
    later = [
        any(place > i and holds(result, value) for value, place in sheet.operands)
        for i, result in enumerate(sheet.results[:-1])
    ]
    return (
        sum(told) / len(told) if told else 0.0,
        used(wanted, [abs(value) for value, _ in sheet.operands]),
        sum(later) / len(later) if later else 1.0,
        float(sheet.said is not None and bool(sheet.results) and sheet.follows(sheet.said)),
    )


def used(wanted: Sequence[Values], operands: Sequence[float]) -> float:
    """Share of the numbers wanted that were used, each occurrence once."""
    left = list(operands)
    met = 0
    for forms in sorted(wanted, key=len):
        found = next((v for v in left if any(abs(v - each) < 1e-9 for each in forms)), None)
        if found is not None:
            left.remove(found)
            met += 1
    return met / len(wanted) if wanted else 1.0
