"""Server-sent events from bytes, however the network cuts them.

Source: HTML Living Standard, 9.2 Server-sent events (parsing an event stream).
"""

from __future__ import annotations

from onefold.core.errors import Unreadable

LONGEST = 16 * 2**20  # bytes that one event may have
BOM = b"\xef\xbb\xbf"


class Events:
    """Feeds on bytes and gives whole events, as pairs of name and data.

    Lines end in LF, CRLF or CR; comments, `id` and `retry` are passed over; data of several lines
    is joined by LF. Bytes are cut at line ends only, so that no character is ever split.
    """

    __slots__ = ("begun", "data", "name", "rest")

    def __init__(self) -> None:
        self.rest = b""
        self.name = ""
        self.data: list[bytes] = []
        self.begun = False

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that this chunk completes.

        Raises:
            Unreadable: an event is longer than LONGEST.
        """
        rest = self.rest + chunk if self.rest else chunk
        if not self.begun:
            if len(rest) < 3 and BOM.startswith(rest):
                self.rest = rest
                return []
            self.begun = True
            rest = rest.removeprefix(BOM)
        if b"\r" in rest:
            held = rest.endswith(b"\r")  # its LF may come with the next chunk
            body = rest[:-1] if held else rest
            rest = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + (b"\r" if held else b"")
        *lines, self.rest = rest.split(b"\n")
        if len(self.rest) > LONGEST:
            raise Unreadable(f"an event of the stream is longer than {LONGEST} bytes")
        return self._events(lines)

    def end(self) -> list[tuple[str, bytes]]:
        """What is left when the stream ends: an event whose blank line never came."""
        lines = [*self.rest.rstrip(b"\r").split(b"\n"), b""]
        self.rest = b""
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[tuple[str, bytes]]:
        found = []
        for line in lines:
            if not line:
                if self.data:
                    data = self.data[0] if len(self.data) == 1 else b"\n".join(self.data)
                    found.append((self.name, data))
                    self.data = []
                self.name = ""
            elif line.startswith(b"data:"):
                self.data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif line.startswith(b"event:"):
                name = line[7:] if line[6:7] == b" " else line[6:]
                self.name = name.decode("utf-8", "replace")
            elif line == b"data":
                self.data.append(b"")
            elif line == b"event":
                self.name = ""
        return found


class Lines:
    """Feeds on bytes and gives whole lines, as Ollama's streams have them; events have no name."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The lines that this chunk completes, blank ones left out.

        Raises:
            Unreadable: a line is longer than LONGEST.
        """
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        if len(self.rest) > LONGEST:
            raise Unreadable(f"a line of the stream is longer than {LONGEST} bytes")
        return [("", line) for line in lines if line.strip()]

    def end(self) -> list[tuple[str, bytes]]:
        """The last line, where its end never came."""
        last, self.rest = self.rest.strip(), b""
        return [("", last)] if last else []
