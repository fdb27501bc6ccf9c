"""Random operators of every kind that a line of notation can say."""

from hypothesis import strategies as st

from onefold import (
    Agree,
    AnyOf,
    Best,
    Blend,
    Cached,
    Chain,
    Complete,
    Decided,
    First,
    Graded,
    Keywords,
    Majority,
    MajorityOfN,
    Model,
    Named,
    Never,
    Number,
    Panel,
    Plain,
    Search,
    Stated,
    Unanimous,
    Within,
)
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)
NAMES = st.sampled_from(["a", "left", "best", "M", "gpt-4o", "x_1", "answer", "majority", "ä"])
MODELS = st.one_of(
    st.sampled_from(["openai:gpt-4o-mini", "small", "fake:a", "a/b:c.d", "fake:1 -> 2", "v:x@2"]),
    WORDS,
)
VOTES = st.sampled_from([Majority(), Majority(ties="cheapest"), Best(least=0.5), Unanimous()])
SETTINGS = st.fixed_dictionaries(
    {},
    optional={  # parts made here, for the first use of each loads its room
        "stop": st.sampled_from([Never(), Decided(), Agree(0.5, 3), AnyOf((First(),))]),
        "quorum": st.just(1),
        "stagger": st.sampled_from([0.5, float("inf")]),
        "judge": st.sampled_from([Stated(), Graded("fake:a", rubric="So?")]),
        "reads": st.sampled_from([Number(), Plain(blank="keep")]),
        "route": st.just(Keywords({"wh y": ["a"]}, words={"wh y": ["why"]})),
    },
)
model = st.builds(
    Model,
    MODELS,
    temperature=st.none() | st.floats(0, 2),
    max_tokens=st.none() | st.integers(1, 9),
    system=st.just("") | WORDS,
    until=st.lists(WORDS, max_size=2).map(tuple),
    schema=st.none() | st.just({"type": "object", "required": [], "a b": [None, True, -1.5, "1"]}),
)


@st.composite
def panels(draw, inner):
    """Panels, of one member too; equal members stand in rows."""
    members = []
    for place, member in enumerate(draw(st.lists(inner, min_size=1, max_size=3))):
        alone = type(member) is Named or draw(st.booleans())
        row = [Named(f"own {place}", member)] if alone else [member] * draw(st.integers(1, 3))
        members += row
    return Panel(members, draw(VOTES | inner), **draw(SETTINGS))


@st.composite
def graphs(draw, inner):
    """Graphs without circles."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    nodes = {}
    for place, name in enumerate(names):
        node = draw(inner)
        after = draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        policy = draw(st.sampled_from([{}, {}, {"retries": 2}, {"default": "-"}]))
        if draw(st.booleans()) or after or policy:
            node = Node(node, after, **policy)
        nodes[name] = node
    order = draw(st.permutations(names))
    used = {name for each in nodes.values() for name in getattr(each, "after", ())}
    ends = [name for name in names if name not in used]
    output = ends[0] if len(ends) > 1 else draw(st.sampled_from(["", names[0]]))
    bound = draw(st.none() | st.just(2))
    return Graph({name: nodes[name] for name in order}, output, most_concurrent=bound)


def deeper(inner):
    """Operators that hold operators."""
    return st.one_of(
        panels(inner),
        graphs(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda steps: Chain(tuple(steps))),
        st.builds(Blend, inner, seed=st.integers(0, 3)),
        st.builds(Named, NAMES, inner),
        st.builds(Within, inner, seconds=st.just(2.5)),
        st.builds(Cached, inner),
        inner.map(lambda each: Search(each, Complete(), MajorityOfN())),
    )


operators = st.recursive(model | VOTES, deeper, max_leaves=8)
