"""What holds for every graph: results as one after the other, starts as early as can be."""

from dataflow import Diary, Graph, Node
from hypothesis import given, settings
from hypothesis import strategies as st

from onefold.runtime.clock import instantly


@st.composite
def dags(draw):
    """(waits, seconds, places): whom each node waits for, how long it takes, how it is listed."""
    count = draw(st.integers(1, 10))
    waits = [
        draw(st.lists(st.sampled_from(range(i)), unique=True, max_size=4)) if i else []
        for i in range(count)
    ]
    seconds = [draw(st.integers(0, 6)) for _ in range(count)]
    return waits, seconds, draw(st.permutations(range(count)))


def made(waits, seconds, places, diary, **more):
    """A graph of diary operators, its nodes listed in a shuffled order."""
    nodes = {}
    for i in places:
        operator = diary.node(f"n{i}", seconds[i])
        nodes[f"n{i}"] = Node(operator, after=[f"n{j}" for j in waits[i]])
    return Graph(nodes, output=f"n{len(waits) - 1}", **more)


def expected(waits):
    """What each node says if they are asked one after the other."""
    said = []
    for i, before in enumerate(waits):
        said.append(f"n{i}({','.join(said[j] for j in before)})")
    return said


@given(dags(), st.none() | st.integers(1, 3))
@settings(max_examples=80)
def test_results_equal_those_of_one_after_the_other(dag, most):
    waits, _, places = dag
    answer = instantly(made(*dag, Diary(), most_concurrent=most)("q"))
    assert [answer.draft(f"n{i}").text for i in range(len(waits))] == expected(waits)
    assert [draft.source for draft in answer.drafts] == [f"n{i}" for i in places]
    assert answer.text == expected(waits)[-1]


@given(dags())
@settings(max_examples=80)
def test_each_node_starts_when_the_last_of_its_inputs_is_there(dag):
    waits, seconds, _ = dag
    diary = Diary()
    answer = instantly(made(*dag, diary)("q"))
    for i, before in enumerate(waits):
        ready = max((diary.ended[f"n{j}"] for j in before), default=0.0)
        assert diary.began[f"n{i}"] == ready
    ends = []
    for before, own in zip(waits, seconds, strict=True):
        ends.append(own + max((ends[j] for j in before), default=0))
    assert answer.seconds == max(ends)


@given(dags(), st.integers(1, 3))
@settings(max_examples=60)
def test_a_bound_is_never_passed(dag, most):
    _, seconds, _ = dag
    diary = Diary()
    answer = instantly(made(*dag, diary, most_concurrent=most)("q"))
    assert diary.most <= most
    if most == 1:
        assert answer.seconds == sum(seconds)


@given(dags(), st.data())
@settings(max_examples=60)
def test_a_lost_node_takes_with_it_only_those_that_see_nothing_else(dag, data):
    waits, _, places = dag
    lost = data.draw(st.sampled_from(range(len(waits))))
    diary = Diary()
    nodes = {}
    for i in places:
        error = RuntimeError("lost") if i == lost else None
        nodes[f"n{i}"] = Node(
            diary.node(f"n{i}", error=error), after=[f"n{j}" for j in waits[i]], on_failure="skip"
        )
    gone = {lost}
    for i, before in enumerate(waits):
        if before and set(before) <= gone:
            gone.add(i)
    output = next((i for i in range(len(waits)) if i not in gone), None)
    if output is None:
        return
    answer = instantly(Graph(nodes, output=f"n{output}")("q"))
    status = {draft.source: draft.status for draft in answer.drafts}
    assert {i for i in range(len(waits)) if status[f"n{i}"] != "answered"} == gone
    assert status[f"n{lost}"] == "failed"
