"""Files that parts need are looked for beside the recipe that names them."""

from pathlib import Path

import onefold as of
from onefold import load_recipe
from onefold.core.part import FilePath, located
from onefold.verbs import Router


class Kept(Router, name="kept_in_tests"):
    """A router with a file."""

    path: FilePath
    spare: FilePath | None = None
    other: str = "stays.txt"

    async def route(self, query):
        return {}


def test_relative_paths_are_found_from_the_recipes_folder(tmp_path):
    (tmp_path / "r.yaml").write_text(
        "panel:\n  members:\n"
        "    in: {panel: {members: ['fake:a'], route: {kept_in_tests: a.npz}}}\n"
        "  route: {kept_in_tests: {path: /b.npz, spare: ../c.npz}}\n"
    )
    panel = load_recipe(tmp_path / "r.yaml").operator
    assert (panel.route.path, panel.route.spare) == ("/b.npz", str(tmp_path.parent / "c.npz"))
    assert panel.route.other == "stays.txt"
    inner = panel.members[0].operator
    assert inner.route == Kept(str(tmp_path / "a.npz"))


def test_a_part_without_files_is_the_very_same(tmp_path):
    panel = of.Panel(["fake:a", "fake:b"], stop="decided")
    assert located(panel, Path(tmp_path)) is panel
