"""A directory of Hugging Face transformers: what must be in it, and how it becomes a model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onefold.core.errors import ConfigError, MissingExtra

LIBRARIES = ("torch", "transformers")
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
FETCHED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]  # no pickles, no code
NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)


def equipped(what: str) -> None:
    """Make sure that the libraries are there, without loading them.

    Raises:
        MissingExtra: they are not installed.
    """
    if not all(find_spec(name) for name in LIBRARIES):
        raise MissingExtra("transformers", what)


def located(path: str, download: bool) -> Path:
    """The directory that a path or a name at Hugging Face means.

    Raises:
        ConfigError: there is none, and nothing may be fetched.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        return place
    if not NAME.fullmatch(path):
        raise ConfigError(f"there is no directory {path!r} with a model in it")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(path, local_files_only=not download, allow_patterns=FETCHED))
    except Exception as error:  # the library and those below it raise all kinds
        way = f"it cannot be fetched: {error}" if download else "say download: true to fetch it"
        raise ConfigError(
            f"{path!r} is no directory here, nor a model in Hugging Face's cache: {way}"
        ) from None


def whole(place: Path) -> None:
    """Make sure that a directory holds all that a model is made of.

    Raises:
        ConfigError: a file is missing, or is not what it should be; names it.
    """
    read(place / "config.json")
    weights = next((name for name in WEIGHTS if (place / name).is_file()), None)
    if weights is None:
        raise lacking(place, WEIGHTS[0], "or its parts with model.safetensors.index.json")
    for name in parts(place / weights):
        if not (place / name).is_file():
            raise lacking(place, name, f"which {weights} lists")
    if not any((place / name).is_file() for name in VOCABULARIES):
        raise lacking(place, VOCABULARIES[0], f"or another vocabulary: {', '.join(VOCABULARIES)}")


def parts(weights: Path) -> list[str]:
    """The files that weights are in, by name: the file itself, or those that an index lists."""
    if not weights.name.endswith(".index.json"):
        return [weights.name]
    listed = read(weights).get("weight_map")
    if not isinstance(listed, Mapping):
        raise ConfigError(f"{weights} has no weight_map: copy the whole model there")
    return sorted(set(listed.values()))


def read(file: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        ConfigError: there is no such file, or no object in it.
    """
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise lacking(file.parent, file.name, "as save_pretrained writes it") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{file} holds no object: copy the whole model there")
    return found


def lacking(place: Path, name: str, rule: str) -> ConfigError:
    """The error for a file that is not there."""
    return ConfigError(f"{place} lacks {name} ({rule}): copy the whole model there")


def stamp(path: str) -> int:
    """When anything in a directory was last written, in nanoseconds; 0 for what is none."""
    place = Path(path).expanduser()
    files = list(place.iterdir()) if place.is_dir() else []
    return max((file.stat().st_mtime_ns for file in files), default=0)


def loaded(head: str, place: Path, device: str, dtype: str) -> tuple[Any, Any]:
    """A model on its device, ready to be asked, and its tokenizer; code beside it is never run.

    head: of transformers' classes, such as `AutoModelForCausalLM`.

    Raises:
        MissingExtra: the libraries are not installed.
        ConfigError: the directory holds no such model, or not all of its weights.
    """
    equipped(str(place))
    whole(place)
    import torch
    import transformers

    try:
        with quiet(transformers.utils.logging):
            tokenizer = transformers.AutoTokenizer.from_pretrained(place, local_files_only=True)
            model, found = getattr(transformers, head).from_pretrained(
                place, dtype=dtype, local_files_only=True, output_loading_info=True
            )
        lost = sorted(found["missing_keys"])
        if not lost:
            return model.to(best(torch) if device == "auto" else device).eval(), tokenizer
    except Exception as error:  # the library and those below it raise all kinds
        raise ConfigError(f"{place} cannot be loaded: {error}") from error
    listed = f"{', '.join(lost[:3])}{' …' if lost[3:] else ''}"
    raise ConfigError(
        f"{place} has no weights for {listed}, and made-up ones would answer at random: it is no "
        f"model for {head}"
    )


def best(torch: Any) -> str:
    """The best device there is."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextmanager
def quiet(logging: Any) -> Iterator[None]:
    """Keep transformers from drawing progress, and from warning of what is an error here."""
    drawn, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if drawn:
            logging.enable_progress_bar()
