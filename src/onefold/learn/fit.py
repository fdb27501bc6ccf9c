"""What a fit gives: the part that uses it, the file that the part needs, and the evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from onefold.core.part import Part
from onefold.fitted.artifact import Artifact


class Fit(Struct, frozen=True, eq=False):
    """A part that was fitted, before it is saved.

    make: the part from the path and the hash of its file.
    figures: cross-validated figures by name, measured on questions that were not fitted on.
    notes: what was left out, fallen back to, or should be known, in sentences.
    """

    artifact: Artifact
    make: Callable[[str, str], Part]
    figures: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()

    def save(self, path: str | Path) -> Part:
        """Write the file and give the part that reads it, by its path and hash.

        Raises:
            ConfigError: the file cannot be written.
        """
        return self.make(str(path), self.artifact.save(path))
