"""onefold: many models, one answer. A panel of models is itself a model."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from onefold.face import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """The public names live in `onefold.face`, which loads when the first one is used."""
    if name.startswith("__") and name != "__all__":
        raise AttributeError(name)
    from importlib import import_module

    face = import_module("onefold.face")
    value = getattr(face, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from importlib import import_module

    return sorted([*import_module("onefold.face").__all__, "__version__"])
