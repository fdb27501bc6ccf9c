"""Whose failure an error is: one member's own, or everybody's."""

from __future__ import annotations

from asyncio import CancelledError, current_task

from onefold.core.errors import ConfigError, MissingExtra, NotRecorded

FATAL = (ConfigError, MissingExtra, NotRecorded)


def fatal(error: BaseException) -> bool:
    """Whether an error ends the whole call: a mistake in it, or somebody cancels us.

    Any other is the own failure of the member that raised it, and the others go on.
    """
    if isinstance(error, CancelledError):
        return task_is_cancelled()
    return isinstance(error, FATAL) or not isinstance(error, Exception)


def task_is_cancelled() -> bool:
    """Whether somebody cancels us, rather than a member having cancelled something of its own."""
    task = current_task()
    return task is not None and task.cancelling() > 0
