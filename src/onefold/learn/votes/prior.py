"""What fitted votes begin with: how much speaks for a candidate, learned once over many pools.

Made by `python -m benchmarks.learning.vote_prior --data DIR`, which says on what, and shows the
weights without each of its tasks; `docs/measured/votes.md` says how those do on that task.
"""

from __future__ import annotations

import numpy as np

from onefold.fitted.sparse import Floats

WEIGHTS: Floats = np.array(
    [0.559, 0.662, 0.101, 0.229, 0.267, -0.072, -0.031, -0.350, 0.184, -0.376]
)
"""Of `fitted.votes.candidates.FEATURES`, in their order."""

BOLD, WARY = 0.2, 0.6
"""Log-odds by which a candidate must lead the best member's: where fusing is safe, where not."""
