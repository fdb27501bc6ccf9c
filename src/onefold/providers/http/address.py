"""Where a service is reached: an address without a key in it, as configured or as usual."""

from __future__ import annotations

from urllib.parse import urlsplit

from onefold.core.errors import ConfigError

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # listening addresses, from within


def check(url: str, where: str = "base_url") -> None:
    """Refuse an address that is none, or has a key in it.

    Raises:
        ConfigError: it does; credentials are not shown.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f"{where}: it is no address; write http(s)://host[:port]/path") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"{where}: an address has no user, password, ?query or #part, where keys would hide: "
            "say key: env:NAME or key: file:PATH"
        )
    wrong = not url.isascii() or not url.isprintable() or " " in url
    if wrong or parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ConfigError(f"{where}: {url!r} is no address; write http(s)://host[:port]/path")


def from_environment(variable: str, said: str, port: int) -> str:
    """An address as an operator's variable says it: `host`, `host:port`, `:port` or a whole URL.

    port: what is meant where neither a port nor a scheme is said.

    Raises:
        ConfigError: it is no address, or has a key in it.
    """
    said = said.strip()
    bare = "://" not in said
    url = f"http://{'127.0.0.1' if said.startswith(':') else ''}{said}" if bare else said
    check(url, variable)
    parts = urlsplit(url)
    host = ANYWHERE.get(parts.hostname or "", "")
    if not host:
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
    number = parts.port or (port if bare else None)
    return f"{parts.scheme}://{host}{f':{number}' if number else ''}{parts.path}"
