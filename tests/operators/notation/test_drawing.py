"""Operators as trees and flowcharts: everything that acts is there once, with what differs."""

import re

import pytest
from hypothesis import given
from sayable import operators

from onefold import Blend, Chain, Model, Panel, Within
from onefold.core.part import walk
from onefold.functions import operator, stop
from onefold.operators.drawing import ACTING, mermaid, tree
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node
from onefold.operators.notation.meaning import notation
from onefold.operators.wrappers import Named

PANEL = Panel(
    {"left": notation("(3E@fake:a(temp=0.7) -> M)(stop=decided)"), "right": "fake:b"},
    vote=Blend("fake:c"),
    route={"keywords": {"math": ["left"]}},
    judge={"graded": {"operator": "fake:d", "rubric": "Be strict. " * 9}},
    quorum=1,
)
GRAPH = Graph(
    {
        "draft": "fake:a",
        "critique": Node("fake:b", after=["draft"], retries=1, fallback="fake:c"),
        "end": Node(Blend("fake:a"), after=["draft", "critique"]),
    }
)


def test_a_panel_is_a_tree_of_what_it_asks():
    assert (
        tree(PANEL)
        == """\
panel(quorum=1)
├─ left: panel(stop=decided)
│  ├─ 3 × fake:a(temperature=0.7)
│  └─ vote: majority
├─ right: fake:b
├─ vote: blend
│  └─ fake:c
├─ route: keywords(to={math: [left]})
└─ judge: graded(rubric="Be strict. Be strict. Be strict. Be st…)
   └─ fake:d"""
    )


def test_a_graph_is_a_tree_of_nodes_that_say_whom_they_wait_for():
    assert (
        tree(GRAPH)
        == """\
graph
├─ draft: fake:a
├─ critique(retries=1) ← draft: fake:b
│  └─ fallback: fake:c
└─ end ← draft, critique: blend
   └─ fake:a"""
    )


def test_a_panel_flows_from_route_to_vote():
    assert (
        mermaid(PANEL)
        == """\
flowchart LR
    n1(["question"])
    subgraph n2["panel(quorum=1)"]
        n3{"route: keywords(to={math: [left]})"}
        subgraph n4["left: panel(stop=decided)"]
            n5["3 × fake:a(temperature=0.7)"]
            n6("vote: majority")
        end
        n7["right: fake:b"]
        n8{{"judge: graded(rubric=#34;Be strict. Be strict. Be strict. Be st…)"}}
        n9["fake:d"]
        n10("vote: blend")
        n11["fake:c"]
    end
    n12(["answer"])
    n1 --> n3
    n3 --> n5
    n5 --> n6
    n3 --> n7
    n6 --> n8
    n7 --> n8
    n8 -.-> n9
    n8 --> n10
    n10 -.-> n11
    n10 --> n12"""
    )


def test_a_graph_flows_along_its_edges():
    arrows = [line.strip() for line in mermaid(GRAPH).splitlines() if ">" in line]
    assert arrows == [
        "n1 --> n3",  # the question to the draft
        "n3 --> n4",
        "n4 -.-> n5",
        "n3 --> n6",
        "n4 --> n6",
        "n6 -.-> n7",
        "n6 --> n8",
    ]


def test_a_chain_hands_on_from_step_to_step():
    twice = Chain(("fake:a", "fake:a"))
    arrows = [line.strip() for line in mermaid(twice).splitlines()][-3:]
    assert arrows == ["n1 --> n3", "n3 --> n4", "n4 --> n5"]
    assert tree(twice) == "chain\n├─ fake:a\n└─ fake:a"


def test_one_model_is_one_line():
    assert tree("fake:a") == "fake:a"
    assert tree(Within("fake:a", seconds=2)) == "within(seconds=2.0)\n└─ fake:a"


def test_functions_are_drawn_with_and_without_a_name():
    @operator
    def shorten(query):
        return "short"

    panel = Panel([shorten, operator(lambda _: "x")], stop=stop(lambda _: True))
    assert tree(panel) == "panel(stop=…)\n├─ shorten\n├─ function\n└─ vote: majority"
    assert 'subgraph n2["panel(stop=…)"]' in mermaid(panel)


def acting(part):
    """How many parts are drawn: those that act, but for names and places in a graph."""
    parts = [each for each in walk(part) if isinstance(each, ACTING)]
    inner = [each for each in parts if not isinstance(each, Named)]
    return len([each for each in inner if not isinstance(each, Node)])


def drawn(line):
    """How many parts a line stands for."""
    return int((re.search(r"(?:^\W*|\[\")(\d+) × ", line) or [0, 1])[1])


@given(operators)
def test_everything_that_acts_is_in_the_tree(operator):
    lines = tree(operator).split("\n")
    depths = [(len(line) - len(line.lstrip("│├└─ "))) // 3 for line in lines]
    total, times = 0, []
    for depth, line in zip(depths, lines, strict=True):
        times = [*times[:depth], drawn(line)]
        product = 1
        for each in times:
            product *= each
        total += product
    assert total == acting(operator)


LINE = re.compile(
    r' *(?:(n\d+)(?:\(\["[^"]+"\]\)|\["[^"]+"\]|\("[^"]+"\)|\{"[^"]+"\}|\{\{"[^"]+"\}\})'
    r'|subgraph (n\d+)\["[^"]+"\]|end|(n\d+) -(?:-|\.-)> (n\d+))'
)


@given(operators)
def test_a_flowchart_has_sound_lines_and_every_box_once(operator):
    first, *lines = mermaid(operator).split("\n")
    assert first == "flowchart LR"
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found)
    ids = [match[1] or match[2] for match in found if match[1] or match[2]]
    assert len(ids) == len(set(ids))
    assert {match[place] for match in found if match[3] for place in (3, 4)} <= set(ids)
    assert sum(bool(match[2]) for match in found) == sum(line.strip() == "end" for line in lines)
    assert len(ids) - 2 == len(tree(operator).split("\n"))  # besides the question and the answer


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ('a"b', "a#34;b"),
        ("<b>", "#60;b#62;"),
        ("#1", "#35;1"),
        ("`x`", "#96;x#96;"),
        ("- x", "#45; x"),
        ("10. x", "#49;0. x"),
        ("a;b", "a#59;b"),
        ("a\nb", "#34;a#92;nb#34;"),
        ("über", "über"),
    ],
)
def test_labels_show_what_they_say(model, label):
    assert f'n2["{label}"]' in mermaid(Model(model))
