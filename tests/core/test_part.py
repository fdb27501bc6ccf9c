"""Parts are frozen values with a kind and a name; users make their own the same way."""

import subprocess
import sys
import textwrap
from typing import Annotated

import pytest
from msgspec import Meta

import onefold as of
from onefold.core.part import fields, snake, walk
from onefold.core.registry import kind_of, lookup, names
from onefold.runtime.clock import instantly


class Mine(of.Judge, name="test_part_mine"):
    """A judge with fields, as a user writes it."""

    share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    words: tuple[str, ...] = ()
    weights: dict[str, int] = {}
    grader: of.Operator | None = None
    others: tuple[of.Judge, ...] = ()

    async def score(self, query, answer):
        return self.share


class Loud(of.Reader):
    """A reader that takes its name from its class."""

    def read(self, text, query):
        return text.upper() or None


def test_a_user_s_part_is_found_built_dumped_and_used_by_its_name():
    text = "{test_part_mine: {share: 0.25, words: [a, b], weights: {x: 1}, grader: 'fake:1'}}"
    built = of.build(text, of.Judge)
    assert built == Mine(0.25, ("a", "b"), {"x": 1}, of.Model("fake:1"))
    assert of.build(of.dump(built), of.Judge) == built
    panel = of.build("{panel: {members: ['fake:x', 'fake:y'], judge: {test_part_mine: 0.25}}}")
    assert [draft.confidence for draft in instantly(panel("q")).drafts] == [0.25, 0.25]


def test_a_part_s_name_is_its_class_in_snake_case():
    assert Loud.name_of_part == "loud"
    assert [snake(n) for n in ("Majority", "LowercaseTrim", "AnyOf")] == [
        "majority",
        "lowercase_trim",
        "any_of",
    ]


def test_fields_of_a_user_s_part_hold_their_rules():
    with pytest.raises(of.ConfigError, match="share"):
        Mine(1.5)
    with pytest.raises(of.ConfigError, match="words"):
        Mine(words=(1,))
    with pytest.raises(of.ConfigError, match="weights"):
        Mine(weights={"x": "heavy"})
    with pytest.raises(of.ConfigError, match="others"):
        Mine(others=("majority",))


def test_lists_become_tuples_and_spellings_become_parts():
    made = Mine(1, ["a"], others=["test_part_mine", {"test_part_mine": 0.1}])
    assert made == Mine(1.0, ("a",), others=(Mine(), Mine(0.1)))
    assert type(made.share) is float


def test_a_part_keeps_its_own_copy_of_a_mapping():
    weights = {"x": 1}
    made = Mine(weights=weights)
    weights["x"] = 2
    assert made.weights == {"x": 1}


def test_two_parts_of_a_kind_cannot_share_a_name():
    with pytest.raises(of.ConfigError, match=r"two judges named 'test_part_mine'.*rename one"):

        class Other(of.Judge, name="test_part_mine"):
            async def score(self, query, answer):
                return 0.0

    assert lookup(of.Judge, "test_part_mine") is Mine


def test_parts_of_different_kinds_may_share_a_name():
    class Elsewhere(of.Reader, name="test_part_mine"):
        def read(self, text, query):
            return None

    assert lookup(of.Reader, "test_part_mine") is Elsewhere
    assert lookup(of.Judge, "test_part_mine") is Mine


def test_running_the_same_definition_again_is_no_clash():
    def defined(share):
        class Again(of.Judge, name="test_part_again"):
            async def score(self, query, answer):
                return share

        return Again

    defined(0.1)
    assert lookup(of.Judge, "test_part_again") is not defined(0.2).__mro__[1]


def test_a_finished_part_is_final():
    with pytest.raises(TypeError, match="final"):

        class Better(Mine, name="better"):
            pass


@pytest.mark.parametrize(
    "kind", [of.Operator, of.Judge, of.Router, of.Stop, of.Reader, of.Vote, of.Provider]
)
def test_a_kind_is_abstract_and_says_what_to_use_instead(kind):
    with pytest.raises(TypeError, match="abstract"):
        kind()


def test_a_part_without_its_verb_is_refused_when_it_is_defined():
    with pytest.raises(TypeError, match="must define score"):

        class Mute(of.Judge, name="test_part_mute"):
            pass

    assert lookup(of.Judge, "test_part_mute") is None


def test_a_vote_must_define_all_three_verbs():
    with pytest.raises(TypeError, match="answer, count, settled"):

        class Mute(of.Vote, name="test_part_mute"):
            pass


def test_parts_are_frozen():
    with pytest.raises(AttributeError):
        Mine().share = 0.1


def test_parts_are_equal_by_value_and_equal_parts_have_equal_hashes():
    one = of.Panel(["fake:a"], vote=of.Weighted({"x": 1, "y": 2}))
    other = of.Panel(["fake:a"], vote={"weighted": {"weights": {"y": 2, "x": 1}}})
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other, of.Panel(["fake:b"])}) == 2
    assert Mine(0.5) != Mine(0.25)
    assert Mine() != of.Agree(0.5)


def test_parts_with_mappings_and_lists_inside_are_hashable():
    assert isinstance(hash(Mine(weights={"x": 1}, others=(Mine(),))), int)
    assert isinstance(hash(of.Model("m", provider=of.Fake(answers={"a": "b"}))), int)


def test_every_name_of_a_kind_is_listed():
    assert "test_part_mine" in names(of.Judge)
    assert {"majority", "panel", "model", "chain", "within"} <= set(names(of.Operator))


def test_the_kind_of_a_vote_is_operator():
    assert kind_of(of.Majority) is of.Operator
    assert kind_of(Mine) is of.Judge


def test_walking_visits_every_part_that_is_held():
    made = Mine(grader=of.Panel(["fake:a", {"within": {"operator": "fake:b", "seconds": 1}}]))
    models = [part.model for part in walk(made) if isinstance(part, of.Model)]
    assert models == ["fake:a", "fake:b"]


def test_fields_know_what_kind_of_part_they_hold():
    known = fields(Mine)
    assert list(known) == ["share", "words", "weights", "grader", "others"]
    assert (known["grader"].kind, known["grader"].optional) == (of.Operator, True)
    assert (known["others"].kind, known["others"].many) == (of.Judge, True)
    assert known["share"].kind is None


def test_a_function_may_stand_where_a_part_is_wanted():
    panel = of.Panel([lambda _: "yes"], judge=lambda *_: 0.5)
    answer = instantly(panel("q"))
    assert (answer.text, answer.drafts[0].confidence) == ("yes", 0.5)


def test_a_plug_in_that_does_not_load_is_named(tmp_path):
    about = tmp_path / "broken-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[onefold.parts]\nbroken = not_there_at_all\n")
    code = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import onefold as of
        try:
            of.build({"nobody-knows": 1})
        except of.ConfigError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "plug-in 'not_there_at_all' does not load" in done.stdout, done.stderr
