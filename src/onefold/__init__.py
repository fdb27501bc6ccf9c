"""onefold: many models, one answer. A panel of models is itself a model."""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from onefold.face import *  # noqa: F403
else:
    del TYPE_CHECKING

    def __getattr__(name):  # noqa: ANN001, ANN202
        """The public names are those that `onefold.face` imports; each loads when first used."""
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        from importlib import import_module

        homes = import_module("onefold.core.registry").homes("onefold.face")
        if name == "__all__":
            return sorted(homes)
        if name not in homes:
            raise AttributeError(f"onefold has no {name!r}")
        value = globals()[name] = getattr(import_module(homes[name]), name)
        return value

    def __dir__():  # noqa: ANN202
        return [*__getattr__("__all__"), "__version__"]
