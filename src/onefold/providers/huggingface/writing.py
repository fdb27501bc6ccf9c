"""A reply as it grows: text from tokens, and the stop texts that end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

HALF = "�"  # what a tokenizer makes of the first bytes of a character


class Writing:
    """Text from tokens, a piece a token: all pieces together are the text.

    A tokenizer may spell a token by those before it, so each is decoded behind its neighbours.

    decode: the text of some tokens. before: the tokens that the text goes on from; none where it
        begins anew. stops: texts that end it, themselves left out. tell: hears what is certain.
    """

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        before: Sequence[int] = (),
        stops: Sequence[str] = (),
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.decode, self.stops, self.tell = decode, [stop for stop in stops if stop], tell
        self.codes = list(before)
        self.start, self.read = 0, len(self.codes)
        self.text = ""
        self.told = 0
        self.stopped = False

    def add(self, code: int) -> str:
        """What a token adds to the text; nothing while a character is not whole."""
        self.codes.append(code)
        piece = self.following(self.codes[self.start :])
        if not piece or piece.endswith(HALF):
            return ""
        return self._grown(piece)

    def following(self, codes: Sequence[int]) -> str:
        """What tokens add to those that are read, which they begin with."""
        known = self.decode(self.codes[self.start : self.read])
        return self.decode(codes)[len(known) :]

    def alternative(self, code: int) -> str:
        """What another token would have added instead of the next one."""
        return self.following([*self.codes[self.start :], code])

    def end(self) -> str:
        """What was held back, now that nothing follows."""
        piece = "" if self.stopped else self.following(self.codes[self.start :])
        piece = self._grown(piece) if piece else ""
        self._say(len(self.text))
        return piece

    def _grown(self, piece: str) -> str:
        """What of a piece belongs to the text, which then has it."""
        self.start, self.read = self.read, len(self.codes)
        before = len(self.text)
        self.text += piece
        longest = max(map(len, self.stops), default=0)
        begin = max(0, before - longest + 1)
        ends = [at for stop in self.stops if (at := self.text.find(stop, begin)) >= 0]
        if ends:
            self.text, self.stopped = self.text[: min(ends)], True
        self._say(len(self.text) - (0 if ends else self._doubtful(longest - 1)))
        return self.text[before:]

    def _doubtful(self, most: int) -> int:
        """Characters at the end that may be the beginning of a stop."""
        for count in range(min(most, len(self.text)), 0, -1):
            if any(stop.startswith(self.text[-count:]) for stop in self.stops):
                return count
        return 0

    def _say(self, until: int) -> None:
        """Tell what is new and certain."""
        if self.tell is not None and until > self.told:
            self.tell(self.text[self.told : until])
            self.told = until
