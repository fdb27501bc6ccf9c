"""Where parts are found: one by one in the house, all at once where that is not enough."""

import subprocess
import sys

import pytest

from onefold.core import registry
from onefold.core.errors import ConfigError
from onefold.core.registry import homes, housed
from onefold.verbs import Judge


def loaded(code):
    """The modules that a fresh process holds after some code."""
    said = f"import onefold as of\n{code}\nimport sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


@pytest.fixture
def face(tmp_path, monkeypatch):
    """A face whose rooms do not exist, so that nobody can have imported them."""
    (tmp_path / "street").mkdir()
    (tmp_path / "street" / "face.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "import street.lamps\n"
        "from street.shop import BigDoor, open\n"
        "if TYPE_CHECKING:\n    from street.tower import Bell\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "rooms", {})
    return "street.face"


def test_a_face_is_read_without_importing_what_it_imports(face):
    assert homes(face) == {"BigDoor": "street.shop", "open": "street.shop", "Bell": "street.tower"}
    assert registry.rooms == {"bigdoor": "street.shop", "bell": "street.tower"}
    with pytest.raises(ModuleNotFoundError, match="shop"):
        housed("big_door")
    housed("open")


def test_a_name_loads_its_own_module_and_a_panel_only_the_parts_it_names():
    assert "onefold.operators.panel" not in loaded("of.Number")
    held = loaded("of.Panel(['fake:4', 'fake:4'], stop='decided', reads='number').ask('q')")
    assert {"onefold.stops.agreement", "onefold.readers.number"} <= held
    assert not {"onefold.lab.run", "onefold.judges.pairs", "importlib.metadata"} & held


def test_a_name_that_no_class_spells_loads_the_whole_house():
    assert "onefold.lab.run" in loaded("of.build('gemini_flash')")


def test_a_part_cannot_take_the_name_of_one_that_was_not_loaded_yet():
    assert "onefold.judges.stated" in loaded(
        "try:\n class Mine(of.Judge, name='stated'):\n  async def score(self, answer, query): ...\n"
        "except of.ConfigError as error:\n assert 'two judges' in str(error)\n"
        "else:\n raise SystemExit('it could')"
    )


def test_a_name_has_no_colon():
    with pytest.raises(ConfigError, match="colon"):

        class Mine(Judge, name="a:b"):
            async def score(self, answer, query):
                return 1.0
