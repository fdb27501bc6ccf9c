"""What a fit leaves on disk: named arrays and plain facts in one file, known by its hash."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from onefold.core.errors import ConfigError

Revived = TypeVar("Revived")
FORMAT = 1
ABOUT = "about.json"
HELD = 64


class Artifact(Struct, frozen=True, eq=False):
    """What a fit found.

    kind: what it is for, such as `router` or `vote`. about: plain facts, such as members, seed,
    labels, cross-validated figures. arrays: numbers and texts by name, never objects.
    """

    kind: str
    about: dict[str, Any]
    arrays: Mapping[str, np.ndarray[Any, Any]]

    def save(self, path: str | Path) -> str:
        """Write it as one `.npz` file, the same bytes for the same fit; returns its hash.

        Raises:
            ConfigError: the file cannot be written.
        """
        data = packed(self)
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
        return digest(data)


def packed(artifact: Artifact) -> bytes:
    """An artifact as the bytes of a `.npz` file."""
    about = {"format": FORMAT, "kind": artifact.kind, **artifact.about}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(ABOUT), msgspec.json.encode(about, order="sorted"))
        for name in sorted(artifact.arrays):
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980: equal fits are equal files
            entry.compress_type = zipfile.ZIP_DEFLATED
            with file.open(entry, "w", force_zip64=True) as part:
                np.lib.format.write_array(
                    part, np.asarray(artifact.arrays[name]), allow_pickle=False
                )
    return held.getvalue()


def unpacked(data: bytes, where: str) -> Artifact:
    """An artifact from the bytes of its file.

    Raises:
        ConfigError: they are no artifact, or one of a later format.
    """
    arrays: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            about = msgspec.json.decode(file.read(ABOUT), type=dict[str, Any])
            for name in file.namelist():
                if name != ABOUT:
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(
                        io.BytesIO(file.read(name)), allow_pickle=False
                    )
        found, kind = about.pop("format"), about.pop("kind")
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{where} holds no fitted part: {error}") from None
    if found != FORMAT:
        raise ConfigError(
            f"{where} has format {found!r}, and this version reads {FORMAT}: fit it again"
        )
    return Artifact(kind, about, arrays)


def digest(data: bytes) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Held(NamedTuple):
    """A part that was brought back from a file, and the file as it was then."""

    stamp: tuple[int, int]
    hash: str
    revived: Any


_held: dict[tuple[str, str, Any], Held] = {}


def revived(path: str, hash: str, kind: str, revive: Callable[[Artifact], Revived]) -> Revived:
    """What `revive` makes of a file, made once as long as the file does not change.

    hash: SHA-256 that the file must have, in full or its first characters; empty accepts any.

    Raises:
        ConfigError: no such file, another hash, or it was fitted for another kind of part.
    """
    file = Path(path)
    try:
        found = file.stat()
    except OSError:
        near = sorted(each.name for each in file.parent.glob("*.npz"))
        hint = f"; there are {', '.join(near[:5])}" if near else "; fit it first (onefold fit)"
        raise ConfigError(f"no file {path!r}{hint}") from None
    stamp, key = (found.st_mtime_ns, found.st_size), (str(file), kind, revive)
    held = _held.get(key)
    if held is None or held.stamp != stamp:
        data = file.read_bytes()
        artifact = unpacked(data, path)
        if artifact.kind != kind:
            raise ConfigError(f"{path} was fitted as a {artifact.kind}, and a {kind} is wanted")
        if len(_held) >= HELD:
            _held.pop(next(iter(_held)))
        try:
            made = revive(artifact)
        except KeyError as error:
            raise ConfigError(
                f"{path} lacks {error}: another version of onefold fitted it; fit it again"
            ) from None
        held = _held[key] = Held(stamp, digest(data), made)
    if not held.hash.startswith(hash):
        raise ConfigError(
            f"{path} has the hash {held.hash[:16]}…, and {hash[:16]}… is wanted: it is another "
            "file than the one that was fitted; fit again, or take the right file"
        )
    revived_part: Revived = held.revived
    return revived_part
