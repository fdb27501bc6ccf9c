"""What a server's clock says: limits and prices by the hour go wrong where ours is off."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from onefold.core.errors import Unreachable
from onefold.providers.http.transport import CONNECT, proxy


async def clock(url: str, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that this machine's clock is ahead of a server's, to about one; None: it is silent.

    Sends a HEAD without any key; the server's time is its Date header (RFC 9110, section 6.6.1).

    Raises:
        Unreachable: no reply came.
    """
    import aiohttp

    sent = now()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CONNECT)) as client,
            client.head(url, allow_redirects=False, proxy=proxy(url)) as reply,
        ):
            date = reply.headers.get("Date", "")
    except (OSError, ValueError, TimeoutError, aiohttp.ClientError) as error:
        raise Unreachable(f"no time from it: {error or type(error).__name__}") from None
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    return (sent + now()) / 2 - (theirs + 0.5)
