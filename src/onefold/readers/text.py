"""Readers that compare answers as texts."""

from __future__ import annotations

from typing import Literal

from onefold.core.query import Query
from onefold.verbs import Reader

Blank = Literal["abstain", "keep"]


class Plain(Reader, name="plain"):
    """The text without outer space. blank: whether an empty answer abstains or counts as one."""

    blank: Blank = "abstain"

    def read(self, text: str, query: Query) -> str | None:
        stripped = (text or "").strip()
        return stripped if stripped or self.blank == "keep" else None


class LowercaseTrim(Reader, name="lowercase_trim"):
    """The text in lower case without outer space. blank: as for `plain`."""

    blank: Blank = "abstain"

    def read(self, text: str, query: Query) -> str | None:
        folded = (text or "").strip().lower()
        return folded if folded or self.blank == "keep" else None
