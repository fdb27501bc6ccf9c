"""onefold: many models, one answer. A panel of models is itself a model."""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from onefold.face import *  # noqa: F403
else:
    del TYPE_CHECKING

    def __getattr__(name):  # noqa: ANN001, ANN202
        """The public names live in `onefold.face`, which loads when the first one is used."""
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        from importlib import import_module

        face = import_module("onefold.face")
        if name != "__all__" and name not in face.__all__:
            raise AttributeError(f"onefold has no {name!r}")
        value = globals()[name] = getattr(face, name)
        return value

    def __dir__():  # noqa: ANN202
        from importlib import import_module

        return sorted([*import_module("onefold.face").__all__, "__version__"])
