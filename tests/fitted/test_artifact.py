"""A fitted file: the same bytes for the same fit, no pickle, and no file for another."""

import io
import zipfile

import numpy as np
import pytest

from onefold.core.errors import ConfigError
from onefold.fitted.artifact import ABOUT, Artifact, packed, revived, unpacked

ARRAYS = {"weights": np.arange(6.0).reshape(2, 3), "words": np.array(["a", "bé"])}


def artifact(**about):
    return Artifact("router", {"members": ["a", "b"], **about}, ARRAYS)


def whole(made):
    return made


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "deep" / "router.npz"
    found = artifact(seed=3)
    name = found.save(path)
    again = revived(str(path), name, "router", whole)
    assert (again.kind, again.about) == ("router", {"members": ["a", "b"], "seed": 3})
    assert np.array_equal(again.arrays["weights"], ARRAYS["weights"])
    assert again.arrays["words"].tolist() == ["a", "bé"]


def test_equal_fits_are_equal_files_and_others_are_not(tmp_path):
    one, same, other = (artifact(seed=s).save(tmp_path / str(i)) for i, s in enumerate((1, 1, 2)))
    assert one == same != other
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()


def test_a_file_is_brought_back_once_until_it_changes(tmp_path):
    path = tmp_path / "router.npz"
    artifact().save(path)
    made = []

    def revive(found):
        made.append(found)
        return len(made)

    assert [revived(str(path), "", "router", revive) for _ in range(3)] == [1, 1, 1]
    artifact(much="more than before").save(path)
    assert revived(str(path), "", "router", revive) == 2


def test_another_file_than_the_one_that_was_fitted_is_refused(tmp_path):
    path = tmp_path / "router.npz"
    name = artifact(seed=1).save(path)
    assert revived(str(path), name[:8], "router", whole).about["seed"] == 1
    artifact(seed=22).save(path)
    with pytest.raises(ConfigError, match=f"has the hash .*{name[:16]}… is wanted.*fit again"):
        revived(str(path), name, "router", whole)


def test_a_file_of_another_kind_a_missing_one_and_rubbish_are_told(tmp_path):
    path = tmp_path / "router.npz"
    artifact().save(path)
    for _ in range(2):
        with pytest.raises(ConfigError, match="fitted as a router, and a vote is wanted"):
            revived(str(path), "", "vote", whole)
        assert revived(str(path), "", "router", whole).kind == "router"
    with pytest.raises(ConfigError, match=r"no file .*there are router\.npz"):
        revived(str(tmp_path / "other.npz"), "", "router", whole)
    with pytest.raises(ConfigError, match="fit it first"):
        revived(str(tmp_path / "none" / "other.npz"), "", "router", whole)
    path.write_bytes(b"not a zip file, whatever its name says")
    with pytest.raises(ConfigError, match="holds no fitted part"):
        revived(str(path), "", "router", whole)


def test_a_file_of_another_version_says_so(tmp_path):
    path = tmp_path / "router.npz"
    artifact().save(path)
    with pytest.raises(ConfigError, match=r"lacks 'newer'.*fit it again"):
        revived(str(path), "", "router", lambda made: made.arrays["newer"])


def test_objects_are_neither_written_nor_read():
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        packed(Artifact("router", {}, {"bad": objects}))
    pickled = io.BytesIO()
    np.save(pickled, objects, allow_pickle=True)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr(ABOUT, b'{"format": 1, "kind": "router"}')
        file.writestr("bad.npy", pickled.getvalue())
    with pytest.raises(ConfigError, match="holds no fitted part"):
        unpacked(held.getvalue(), "bad.npz")


def test_a_later_format_says_what_to_do():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr(ABOUT, b'{"format": 9, "kind": "router"}')
    with pytest.raises(ConfigError, match="has format 9, and this version reads 1: fit it again"):
        unpacked(held.getvalue(), "new.npz")


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be written"):
        artifact().save(tmp_path / "file" / "router.npz")
