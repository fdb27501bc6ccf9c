"""Programs that another framework's jit gets wrong: each is right here."""

from tellers import Teller, exactly, slow, told

from onefold import Model, Operator, Provider, Reply
from onefold.promises.captured import capture
from onefold.promises.function import jit


class Counting(Provider, name="test_counting"):
    """Says another text at each call; keeps its prompts."""

    prompts: list = []

    async def complete(self, request):
        self.prompts.append(request.prompt)
        return Reply(f"draft {len(self.prompts)}", 1, 0, 1)


def test_every_call_of_the_function_is_parallel_not_the_first_one_only(monkeypatch):
    @jit
    def beside(question):
        return [slow(name, 2)(question) for name in "abcde"]

    for _ in range(3):
        with monkeypatch.context() as patch:
            assert exactly(beside("?"), patch).seconds == 2


def test_the_judge_sees_the_drafts_of_its_own_run_and_never_those_of_one_before():
    writer, judge = Counting(), Counting()

    @jit
    def best(question):
        drafts = [Model(f"w{i}", provider=writer)(question) for i in range(2)]
        shown = "\n".join(draft.text for draft in drafts)  # a text, made before the judge's call
        return Model("j", provider=judge)(f"{question}\n{shown}")

    for question in ("first?", "second?"):
        best.ask(question)
    first, second = judge.prompts
    assert sorted(first.splitlines()) == ["draft 1", "draft 2", "first?"]
    assert sorted(second.splitlines()) == ["draft 3", "draft 4", "second?"]
    assert len(writer.prompts) == 4


def test_a_branch_is_taken_anew_for_every_question():
    easy, hard = Teller("easy"), Teller("hard")

    @jit
    def routed(question):
        size = slow("size", says="long" if "long" in question else "short")(question)
        return easy(question) if size == "short" else hard(question)

    for question in ("short one?", "a long one?", "short two?"):
        routed.ask(question)
    assert [text for _, text, _ in easy.asked] == ["short one?", "short two?"]
    assert [text for _, text, _ in hard.asked] == ["a long one?"]


def test_drafts_keep_the_order_of_the_program_beyond_ten():
    judge = Teller("judge")

    @jit
    def many(question):
        drafts = [slow(f"m{i}", (12 - i) / 1000)(question) for i in range(12)]
        return judge(question, *drafts)

    answer = many.ask("?")
    expected = [f"m{i} says" for i in range(12)]
    assert [draft.text for draft in answer.drafts] == expected
    assert judge.asked == [("judge", "?", tuple(expected))]


def test_no_call_waits_for_a_neighbour_it_has_no_need_of(monkeypatch):
    @jit
    def uneven(question):
        fast = slow("fast", 1)(question)
        after_fast = slow("after fast", 3)(question, fast)
        slow_one = slow("slow", 3)(question)
        after_slow = slow("after slow", 1)(question, slow_one)
        return slow("end", 0)(question, after_fast, after_slow)

    with capture() as runs:
        answer = exactly(uneven("?"), monkeypatch)
    assert answer.seconds == runs[0].critical == 4  # a barrier after each layer takes 6


def test_one_member_that_fails_loses_that_member_alone():
    from onefold.promises.mapping import vmap

    class Sometimes(Operator, name="test_sometimes"):
        async def answer(self, query):
            return (await slow("m", error="Refused" if query.sample == 1 else "")(query)).text

    judge = Teller("judge")

    @jit
    def tolerant(query):
        drafts = vmap(Sometimes(), on_failure="keep")([query.but(sample=i) for i in range(3)])
        return judge(query.text, *drafts)

    answer = tolerant.ask("?")
    assert [draft.status for draft in answer.drafts] == ["answered", "failed", "answered"]
    assert answer.text == told("judge", "?", [answer.drafts[0], answer.drafts[2]])
