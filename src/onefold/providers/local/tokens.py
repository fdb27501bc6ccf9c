"""Text as tokens and back: words, whole numbers, and letters wherever something is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LARGEST = 499  # the largest number that is one token; larger ones are spelled
SPECIALS = ("<pad>", "<user>", "<bot>", "<end>", "<answer>", "\n")
PAD, USER, BOT, END, ANSWER, LINE = range(len(SPECIALS))
ANNOUNCED = "Answer: "
LETTERS = tuple(f"'{chr(code)}" for code in range(32, 127))
NUMBERS = tuple(map(str, range(LARGEST + 1)))
PIECE = re.compile(r"^Answer: ?|[A-Za-z]+|\d+|\n|[ \t]+|.", re.MULTILINE)


class Tokens:
    """A vocabulary: specials, numbers, letters, then the words and signs given.

    Letters are tokens of their own, written `'a`. An unknown word is tried in lower case, then
    spelled; an unknown sign is spelled too, and what is no printable ASCII becomes `?`.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.pieces = (*SPECIALS, *NUMBERS, *LETTERS, *self.words)
        self.codes = {piece: code for code, piece in enumerate(self.pieces)}
        self.letters = len(SPECIALS) + len(NUMBERS)

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """The codes of a text."""
        codes: list[int] = []
        quoted = False
        for piece in PIECE.findall(text):
            if piece == "\n":
                quoted = False
            if piece == '"':
                quoted = not quoted
                codes.append(self.codes.get(piece, self.letter(piece)))
            elif quoted:
                codes += map(self.letter, piece)
            elif piece.startswith("Answer:"):
                codes.append(ANSWER)
            elif not piece.isspace() or piece == "\n":
                codes += self.coded(piece)
        return codes

    def coded(self, piece: str) -> list[int]:
        """The codes of a word, a number or a sign outside quotes."""
        if piece.isdigit() and piece.isascii():
            piece = str(int(piece[:9])) if int(piece[:9]) <= LARGEST else piece
        code = self.codes.get(piece, self.codes.get(piece.lower()))
        return [code] if code is not None else [self.letter(each) for each in piece]

    def letter(self, sign: str) -> int:
        """The code of one printable ASCII sign."""
        place = ord(sign) - 32
        return self.letters + (place if 0 <= place < len(LETTERS) else ord("?") - 32)

    def spelled(self, code: int) -> str:
        """A token as it is shown alone."""
        return Spelling(self).add(code) or self.pieces[code]

    def decode(self, codes: Iterable[int]) -> str:
        """The text of some codes, specials but line ends and the answer's mark left out."""
        spelling = Spelling(self)
        return "".join(spelling.add(code) for code in codes)


class Spelling:
    """Text from codes, one by one: words and numbers are kept apart, signs are not."""

    def __init__(self, tokens: Tokens, before: Iterable[int] = ()) -> None:
        self.tokens = tokens
        self.apart = False  # whether a word would need a space before it
        self.quoted = False
        for code in before:
            self.add(code)

    def add(self, code: int) -> str:
        """What a code adds to the text."""
        piece = self.tokens.pieces[code]
        if code in (LINE, ANSWER):
            self.apart = self.quoted = False
            return "\n" if code == LINE else ANNOUNCED
        if code < len(SPECIALS):
            return ""
        if piece == '"':
            space = " " if self.apart and not self.quoted else ""
            self.quoted, self.apart = not self.quoted, self.quoted
            return space + piece
        if self.tokens.letters <= code < self.tokens.letters + len(LETTERS):
            self.apart = not self.quoted
            return piece[1]
        word = piece.isalnum()
        space = " " if word and self.apart else ""
        self.apart = word or piece in ",.?!;"
        return space + piece
