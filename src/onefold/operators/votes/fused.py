"""The fitted vote: drafts fused into the candidate that is most probably right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.core.tally import Tally
from onefold.operators.votes.counting import ballot, winner
from onefold.verbs import Vote

if TYPE_CHECKING:
    from onefold.fitted.votes.fusing import Decision, Fusion


class Fused(Vote, name="fused"):
    """The candidate that is most probably right wins, in the words of its most skilled supporter.

    Made by `onefold fit vote`. The ballots of a candidate add up to its probability; the answer's
    `confidence` is calibrated, with its 95 % interval, and `trust` says what stands behind it.
    Drafts that could not be read do not vote. Members that the fit did not see count as average;
    more than half of them is an error. The best member's answer stands unless another leads it
    clearly; where that member is missing, the best of those that answered takes its place.

    path: the fitted file. hash: its SHA-256 or the first characters of it; empty accepts any.
    """

    path: FilePath
    hash: str = ""

    async def answer(self, query: Query) -> Answer:
        drafts = query.drafts
        if not any(draft.value is not None for draft in drafts):
            return winner(Tally("fused", ()), drafts, 0.0)  # raises: nobody voted
        tally, fusion, decision = self._decided(drafts)
        won = winner(tally, drafts, 0.0)
        present = [place for place, draft in enumerate(drafts) if draft.value is not None]
        trust = fusion.trust(float(decision.plain[0]), present, self._remark(fusion, drafts))
        return won.but(confidence=trust.probability, trust=trust)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        return self._decided(drafts)[0] if drafts else Tally("fused", ())

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        from onefold.fitted.votes.crowd import Board, clear, completions
        from onefold.fitted.votes.fusing import drafted

        fitted = self._held()
        if not out or fitted.reads_texts or not any(d.value is not None for d in drafts):
            return not out
        ways = completions(drafted(drafts, texts=False)[0].codes[0], len(out))
        if ways is None:
            return False
        fusion = fitted.among([*(draft.source for draft in drafts), *out])
        decision = fusion.decide(Board.of(ways))
        same = decision.winners == decision.winners[0]
        return bool(clear(decision.shares).all() and same.all())

    def _held(self) -> Fusion:
        from onefold.fitted.artifact import revived
        from onefold.fitted.votes.fusing import KIND, revive

        return revived(self.path, self.hash, KIND, revive)

    def _decided(self, drafts: Sequence[Answer]) -> tuple[Tally, Fusion, Decision]:
        """The count, by what the fit knows about these very members."""
        from onefold.fitted.votes.fusing import drafted, shared

        fitted = self._held()
        names = [draft.source for draft in drafts]
        strange = [name for name in names if fitted.place(name) < 0]
        if 2 * len(strange) > len(names):
            raise ConfigError(
                f"{self.path} was fitted on {', '.join(fitted.members)} and knows nothing of "
                f"{', '.join(strange)}: fit it on a recording of these members"
            )
        fusion = fitted.among(names)
        board, notes = drafted(drafts, fusion.reads_texts)
        decision = fusion.decide(board, notes)
        weights = shared(board, fusion.skills, decision.shares)
        ballots = tuple(ballot(d, w) for d, w in zip(drafts, weights, strict=True))
        return Tally("fused", ballots, abstentions="ignore"), fusion, decision

    def _remark(self, fusion: Fusion, drafts: Sequence[Answer]) -> str:
        """What the answer had to do without."""
        fitted = self._held()
        silent = [draft.source for draft in drafts if draft.value is None]
        strange = [draft.source for draft in drafts if fitted.place(draft.source) < 0]
        absent = [name for name in fitted.members if name not in fusion.members]
        said = (("without", absent), ("unread", silent), ("taken as average", strange))
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in said if names)
