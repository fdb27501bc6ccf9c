"""Parts and YAML, both ways: what is written builds the same part, what is wrong is named."""

from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of

names = st.text(min_size=1, max_size=12).filter(str.strip)
texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "...",
            "wait...",
            "yes",
            "null",
            "1e3",
            "a: b",
            "- x",
            "#",
            "%",
            "\x85",
            "'\"",
            " lead",
            "trail ",
            "\n",
            "1:30",
            "~",
        ]
    ),
)
shares = st.floats(0, 1)
seconds = st.one_of(st.just(inf), st.floats(0, 1e6, exclude_min=True))


def optional(inner):
    return st.one_of(st.none(), inner)


fakes = st.builds(
    of.Fake,
    st.lists(texts, min_size=1, max_size=3),
    st.dictionaries(texts, texts, max_size=2),
    st.lists(st.floats(0, 100), min_size=1, max_size=2),
    st.sampled_from(["", "RateLimited", "Refused"]),
    optional(shares),
    optional(st.tuples(st.integers(0, 9), st.integers(0, 9))),
)
models = st.builds(
    of.Model,
    st.one_of(names, names.map("fake:{}".format), names.map(lambda n: f"{n}:{n}")),
    temperature=optional(st.floats(0, 2)),
    max_tokens=optional(st.integers(1, 10**6)),
    seed=optional(st.integers(-(2**40), 2**40)),
    until=st.lists(texts, max_size=2),
    system=texts,
    provider=optional(fakes),
)
plain_models = st.one_of(models, names.map("fake:{}".format).map(of.Model))
ties = st.sampled_from(["first", "cheapest", "confident", "smallest"])
policies = st.sampled_from(["count", "ignore"])
votes = st.one_of(
    st.builds(of.Majority, ties, policies, shares),
    st.builds(of.Weighted, st.dictionaries(texts, st.floats(0, 1e6), max_size=3), ties, policies),
    st.builds(of.Best, ties, shares),
    st.builds(of.Unanimous, policies),
    plain_models,
)
stops = st.recursive(
    st.one_of(
        st.builds(of.Never),
        st.builds(of.First, st.integers(1, 5)),
        st.builds(of.Agree, shares, st.integers(1, 5)),
        st.builds(of.Sure, shares),
        st.builds(of.Decided),
        st.builds(of.Certified, shares, st.sampled_from(["beta", "dirichlet"])),
        st.builds(of.Spent, optional(st.floats(0, 9)), st.integers(1, 9)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(of.AnyOf),
        st.lists(inner, min_size=1, max_size=3).map(of.AllOf),
    ),
    max_leaves=4,
)
readers = st.one_of(
    st.builds(of.Plain, st.sampled_from(["abstain", "keep"])), st.just(of.LowercaseTrim())
)


@st.composite
def panels(draw, inner):
    members = draw(
        st.one_of(
            st.lists(inner, min_size=1, max_size=4),
            st.dictionaries(names, inner, min_size=1, max_size=3),
        )
    )
    quorum = draw(optional(st.integers(1, len(members))))
    if isinstance(members, list):
        own = [m.name for m in members if isinstance(m, of.Named)]
        if len(own) != len(set(own)):
            members = [m.operator if isinstance(m, of.Named) else m for m in members]
    return of.Panel(
        members,
        draw(votes),
        draw(stops),
        draw(st.one_of(st.just(inf), st.floats(0, 1e3))),
        draw(seconds),
        quorum,
        reads=draw(optional(readers)),
    )


operators = st.recursive(
    plain_models,
    lambda inner: st.one_of(
        panels(inner),
        st.builds(of.Named, names, inner),
        st.builds(of.Within, inner, st.floats(0.001, 1e6)),
        st.builds(of.Read, inner, readers),
        st.lists(inner, min_size=1, max_size=3).map(lambda steps: of.Chain(tuple(steps))),
    ),
    max_leaves=6,
)


@settings(max_examples=400)
@given(operators)
def test_building_what_was_dumped_gives_the_same_part(part):
    again = of.build(of.dump(part))
    assert again == part
    assert hash(again) == hash(part)
    assert of.dump(again) == of.dump(part)


@settings(max_examples=200)
@given(stops)
def test_stops_survive_the_way_through_yaml(stop):
    assert of.build(of.dump(stop), of.Stop) == stop


@given(fakes)
def test_providers_survive_the_way_through_yaml(fake):
    assert of.build(of.dump(fake), of.Provider) == fake


def test_only_what_differs_from_the_defaults_is_written():
    assert of.dump(of.Panel(["fake:a", "fake:b"])) == "panel:\n  members:\n  - fake:a\n  - fake:b\n"
    assert of.dump(of.Model("fake:a")) == "fake:a\n"
    assert of.dump(of.Majority()) == "majority\n"


def test_all_spellings_of_a_panel_mean_the_same():
    wanted = of.Panel(
        (of.Model("fake:a"), of.Model("fake:b")), stop=of.AnyOf((of.First(2), of.Decided()))
    )
    for spec in (
        "{panel: {members: ['fake:a', 'fake:b'], stop: [{first: 2}, decided]}}",
        '{"panel": {"members": ["fake:a", {"model": "fake:b"}], "stop": {"any_of": ["decided"]}}}',
        {"panel": {"members": ("fake:a", "fake:b"), "stop": ["first", "decided"]}},
    ):
        built = of.build(spec)
        assert built.members == wanted.members
        assert type(built.stop) is of.AnyOf
    assert of.build({"panel": ["fake:a", "fake:b"]}) == of.Panel(["fake:a", "fake:b"])
    assert of.build(wanted) is wanted


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{panle: ['fake:a']}", ["panle", "did you mean 'panel'?"]),
        (
            "{panel: {members: ['fake:a'], staggr: 1}}",
            ["panel", "staggr", "did you mean 'stagger'?"],
        ),
        (
            "{panel: {members: ['fake:a'], stop: decidd}}",
            ["stop", "decidd", "did you mean 'decided'?"],
        ),
        ("{panel: {members: ['fake:a'], stop: [first, {agre: 1}]}}", ["agre", "'agree'"]),
        ("{panel: {members: ['fake:a'], reads: lowercase}}", ["reads", "lowercase"]),
        (
            "{panel: {members: [{panel: {mebmers: []}}]}}",
            ["members[0].panel", "did you mean 'members'?"],
        ),
        ("{panel: {members: {left: {withn: 3}}}}", ["members.left", "did you mean 'within'?"]),
        ("{panel: ['fake:a'], within: 3}", ["2 keys", "panel", "within"]),
        ("{}", ["0 keys"]),
        ("", ["None is no operator"]),
        ("7", ["7 is no operator"]),
        ("[fake:a]", ["is no operator"]),
        ("{panel: []}", ["empty", "at least one member"]),
        ("{panel: {}}", ["needs members"]),
        ("{panel: }", ["needs members"]),
        ("{within: 'fake:a'}", ["within needs a bound: seconds, usd"]),
        ("{chain: []}", ["at least one step"]),
        ("{panel: {members: ['fake:a'], stop: []}}", ["at least one stop"]),
        ("{panel: {members: ['fake:a'], stop: spent}}", ["spent needs at least one of"]),
        ("{panel: {members: ['fake:a'], quorum: 2}}", ["quorum 2", "lower it"]),
        ("{panel: {members: ['fake:a'], quorum: 0}}", ["quorum"]),
        ("{panel: {members: ['fake:a'], quorum: many}}", ["quorum", "many"]),
        ("{panel: {members: ['fake:a'], stagger: -1}}", ["stagger", "-1", ">= 0"]),
        ("{panel: {members: ['fake:a'], stagger: .nan}}", ["stagger", "nan"]),
        ("{panel: {members: ['fake:a'], stagger: soon}}", ["stagger", "soon"]),
        ("{panel: {members: ['fake:a'], patience: 0}}", ["patience"]),
        ("{panel: {members: ['fake:a'], patience: .nan}}", ["patience"]),
        ("{panel: {members: ['fake:a'], stop: {agree: 1.5}}}", ["agree", "share", "1.5"]),
        ("{panel: {members: ['fake:a'], stop: {first: 0}}}", ["first", "count"]),
        ("{panel: {members: ['fake:a'], stop: {sure: .nan}}}", ["sure", "nan"]),
        ("{panel: {members: ['fake:a'], vote: {majority: {ties: coin}}}}", ["ties", "coin"]),
        ("{panel: {members: ['fake:a'], vote: {weighted: {weights: {a: -1}}}}}", ["weights", "-1"]),
        (
            "{panel: {members: ['fake:a'], vote: {weighted: {weights: {a: .inf}}}}}",
            ["weights", "inf"],
        ),
        ("{panel: {members: 'fake:a'}}", ["members", "list or a mapping"]),
        ("{panel: {members: [3]}}", ["members[0]", "3"]),
        ("{panel: {members: [null]}}", ["members[0]", "None"]),
        ("{panel: {members: {'': 'fake:a'}}}", ["name is empty"]),
        ("{panel: {members: {1: 'fake:a'}}}", ["name", "1"]),
        (
            "{panel: [{named: {name: a, operator: 'f:1'}}, {named: {name: a, operator: 'f:2'}}]}",
            ["two members named 'a'"],
        ),
        ("{panel: {members: {a: 'fake:1', a: 'fake:2'}}}", ["'a' stands twice", "line 1"]),
        ("{model: ''}", ["needs a name"]),
        ("{model: {model: 'fake:a', temperature: hot}}", ["temperature", "hot"]),
        ("{model: {model: 'fake:a', provider: {fak: [x]}}}", ["provider", "'fake'"]),
        ("{1: 2}", ["1"]),
        ("{null: 2}", ["None"]),
        ("{any_of: {stops: {agree: never}}}", ["any_of"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_the_way_out(spec, words):
    with pytest.raises(of.ConfigError) as caught:
        of.build(spec)
    for word in words:
        assert word in str(caught.value)


def test_a_mistyped_vote_is_refused_with_the_nearest_one():
    with pytest.raises(of.ConfigError, match="did you mean 'majority'"):
        of.build("{panel: {members: ['fake:a'], vote: majorty}}").ask("q")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "!!python/name:os.system",
        "{panel: !Mine ['fake:a']}",
        "!!python/object/new:onefold.Model ['fake:a']",
        "{panel: !!set {a, b}}",
    ],
)
def test_tags_are_refused(text):
    with pytest.raises(of.ConfigError):
        of.build(text)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "a: b: c",
        "\t- x",
        "'open",
        "&a",
        "*gone",
        "%YAML 9\n---\n",
        "a\n---\nb",
        "\x00",
        "? [a]\n: b",
        "{[a]: b}",
    ],
)
def test_what_is_no_yaml_is_a_config_error_and_never_a_traceback(text):
    with pytest.raises(of.ConfigError):
        of.build(text)


def test_a_key_twice_is_refused_wherever_it_stands():
    with pytest.raises(of.ConfigError, match=r"'stagger' stands twice \(line 4, column 3\)"):
        of.build("panel:\n  stagger: 1\n  members: ['fake:a']\n  stagger: 2\n")


def test_aliases_that_multiply_are_refused_before_they_do():
    lines = ["a0: &a0 ['fake:x', 'fake:x']"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(of.ConfigError, match="alias"):
        of.build("\n".join([*lines, "panel: *a11"]))


def test_a_configuration_that_holds_itself_is_refused():
    with pytest.raises(of.ConfigError):
        of.build("&a {panel: [*a]}")
    itself = {}
    itself["panel"] = [itself]
    with pytest.raises(of.ConfigError, match="deep"):
        of.build(itself)


@pytest.mark.parametrize("depth", [10, 50])
def test_deep_nesting_builds_and_dumps(depth):
    spec = "fake:x"
    for _ in range(depth):
        spec = {"panel": [spec]}
    part = of.build(spec)
    assert of.build(of.dump(part)) == part


@pytest.mark.parametrize("depth", [150, 250, 1000, 20_000])
def test_too_deep_nesting_is_a_config_error(depth):
    with pytest.raises(of.ConfigError, match="deep"):
        of.build("{panel: [" * depth + "'fake:x'" + "]}" * depth)


def test_an_endless_text_is_refused_before_it_is_read():
    with pytest.raises(of.ConfigError, match="at most"):
        of.build("#" * 4_000_001)


def test_an_undecorated_function_cannot_be_written_down_and_says_what_to_do():
    with pytest.raises(of.ConfigError, match=r"@onefold.operator"):
        of.dump(of.Panel([lambda _: "x"]))


def test_a_decorated_function_is_written_by_its_name():
    @of.operator
    def test_spec_shouts(query):
        return "X"

    panel = of.Panel([test_spec_shouts, "fake:a"])
    assert "test_spec_shouts" in of.dump(panel)
    assert of.build(of.dump(panel)) == panel
    with pytest.raises(of.ConfigError, match="takes no fields"):
        of.build({"test_spec_shouts": {"loud": True}})


def test_two_steps_of_one_name_both_survive():
    chain = of.Chain((of.Named("a", "fake:1"), of.Named("a", "fake:2")))
    assert of.build(of.dump(chain)) == chain


@pytest.mark.parametrize("value", [nan, -inf, -0.5])
def test_objects_hold_the_same_rules_as_configurations(value):
    for make in (
        lambda: of.Panel(["fake:a"], stagger=value),
        lambda: of.Panel(["fake:a"], patience=value),
        lambda: of.Agree(value),
        lambda: of.Within("fake:a", value),
        lambda: of.Spent(usd=value),
        lambda: of.Weighted({"a": value}),
        lambda: of.Fake(("x",), seconds=(value,)),
        lambda: of.Model("fake:a", temperature=value),
    ):
        with pytest.raises(of.ConfigError):
            make()
