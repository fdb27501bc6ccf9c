"""Plans and schedulers: tasks, critical path and cost before anything is paid, and what is run."""

import pytest
from dataflow import Diary, Graph, Node, says
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold.runtime.clock import instantly

DIAMOND = {
    "a": says("a", 1, price=(1e6, 1e6), tokens=(1, 1)),
    "b": Node(says("b", 2, price=(1e6, 1e6), tokens=(1, 1)), after=["a"]),
    "c": Node(says("c", 4), after=["a"]),
    "d": Node(says("d", 1), after=["b", "c"]),
}


def test_a_plan_shows_tasks_dependencies_and_the_critical_path():
    plan = of.plan(Graph(DIAMOND), "q")
    assert plan.critical == ("a", "c", "d")
    assert [(task.name, task.after, task.start) for task in plan.tasks] == [
        ("a", (), 0.0),
        ("b", ("a",), 1.0),
        ("c", ("a",), 1.0),
        ("d", ("b", "c"), 5.0),
    ]
    assert (plan.expected.seconds, plan.expected.calls) == (6.0, 4)
    assert "critical" in str(plan)
    assert "b, c" in str(plan)
    assert instantly(Graph(DIAMOND)("q")).seconds == plan.expected.seconds


def test_several_questions_take_their_sum_and_show_the_tasks_of_one():
    plan = of.plan(Graph(DIAMOND), ["q", "r"])
    assert (plan.expected.seconds, len(plan.tasks), plan.queries) == (12.0, 4, 2)


def test_a_node_that_may_be_skipped_is_not_in_the_least_case():
    nodes = {**DIAMOND, "b": Node(says("b", 2), after=["a"], when="a.text == 'x'")}
    plan = of.plan(Graph(nodes), "q")
    assert (plan.least.calls, plan.expected.calls, plan.worst.calls) == (3, 4, 4)
    assert "as if every condition held" in plan.assumption
    nodes["d"] = Node(says("d", 1), inputs={"b": "b.text"}, after=["c"])
    assert of.plan(Graph(nodes), "q").least.calls == 2


def test_retries_and_fallbacks_are_in_the_worst_case():
    node = Node(says("x", 2), retries=2, timeout=1.5, fallback=says("y", 4))
    plan = of.plan(Graph({"a": node}), "q")
    assert (plan.least.calls, plan.expected.calls, plan.worst.calls) == (1, 1, 4)
    assert (plan.expected.seconds, plan.worst.seconds) == (1.5, 8.5)


def test_a_list_in_the_question_is_counted_and_one_that_a_node_makes_is_assumed():
    node = Node(says("x", 2), each="query.inputs.names", most_concurrent=2)
    query = of.Query("q", inputs={"names": ["a", "b", "c"]})
    plan = of.plan(Graph({"a": node}), query)
    assert (plan.least.calls, plan.worst.calls, plan.expected.seconds) == (3, 3, 4.0)
    made = Graph({"a": says("a", 1), "b": Node(says("x", 2), each="a.value")})
    plan = of.plan(made, "q")
    assert (plan.least.calls, plan.expected.calls, plan.expected.seconds) == (1, 5, 3.0)
    assert "counts as 4 items" in plan.assumption


def test_a_model_that_decides_whether_a_node_runs_is_planned_too():
    node = Node(says("x", 2), when=of.Read(says("yes", 1), "boolean"))
    assert of.plan(Graph({"a": node}), "q").expected.seconds == 3.0


def order(graph):
    """The nodes of a graph of diary operators, in the order in which they began."""
    diary, made = graph
    instantly(made("q"))
    return sorted(diary.began, key=diary.began.__getitem__), diary.most


def diaried(**more):
    diary = Diary()
    seconds = {"a": 1, "b": 3, "c": 2, "d": 5}
    nodes = {name: diary.node(name, seconds[name]) for name in seconds}
    return diary, Graph({**nodes, "end": Node(diary.node("end"), after=list("abcd"))}, **more)


def test_one_at_a_time_is_sequential_and_as_listed():
    assert order(diaried(most_concurrent=1)) == (["a", "b", "c", "d", "end"], 1)


def test_only_so_many_nodes_run_at_a_time():
    diary, graph = diaried(most_concurrent=2)
    assert instantly(graph("q")).seconds == 8.0
    assert diary.most == 2


def priced(name, seconds, usd):
    return says(name, seconds, price=(0, 1e6 * usd), tokens=(1, 1))


def test_the_cheapest_or_the_longest_goes_first_where_not_all_may():
    nodes = {"x": priced("x", 1, 3), "y": priced("y", 2, 1), "z": priced("z", 3, 2)}
    end = Node("majority", after=["x", "y", "z"])

    def began(first):
        names = []

        def listen(phase, span, _, __):
            if (phase, span.verb) == ("start", "draft"):
                names.append(span.name)

        graph = Graph({**nodes, "end": end}, most_concurrent=1, first=first)
        with of.Session(listeners=[listen]):
            instantly(graph("q"))
        return "".join(names)

    assert (began("listed"), began("cheapest"), began("longest")) == ("xyz", "yzx", "zyx")


def test_the_longest_way_first_ends_earlier_than_as_listed():
    nodes = {
        "a": says("a", 3),
        "b": says("b", 3),
        "c": says("c", 1),
        "d": Node(says("d", 5), after=["c"]),
        "end": Node("majority", after=["a", "b", "d"]),
    }
    listed = Graph(nodes, most_concurrent=2)
    longest = Graph(nodes, most_concurrent=2, first="longest")
    assert instantly(listed("q")).seconds == of.plan(listed, "q").expected.seconds == 9.0
    assert instantly(longest("q")).seconds == of.plan(longest, "q").expected.seconds == 6.0


@st.composite
def graphs(draw):
    """Random graphs of models that take whole seconds."""
    count = draw(st.integers(1, 8))
    nodes = {}
    for i in range(count):
        after = draw(st.lists(st.sampled_from(range(i)), unique=True, max_size=3)) if i else []
        nodes[f"n{i}"] = Node(
            says(f"m{i}", draw(st.integers(0, 5))), after=[f"n{j}" for j in after]
        )
    most = draw(st.none() | st.integers(1, 3))
    first = draw(st.sampled_from(["listed", "cheapest", "longest"]))
    return Graph(nodes, output=f"n{count - 1}", most_concurrent=most, first=first)


@given(graphs())
@settings(max_examples=60)
def test_a_graph_takes_as_long_as_planned_under_every_scheduler(graph):
    plan, answer = of.plan(graph, "q"), instantly(graph("q"))
    assert answer.seconds == pytest.approx(plan.expected.seconds)
    assert answer.usage.calls == plan.expected.calls
    path = sum(task.cost.seconds for task in plan.tasks if task.critical)
    if graph.most_concurrent is None:
        assert plan.expected.seconds == path
    else:
        assert plan.expected.seconds >= path
