"""Surroundings: models by name, nesting, what is refused before anything is called."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

import onefold as of
from onefold.delivery.session import here
from onefold.runtime.clock import instantly


def asked(name="m"):
    return instantly(of.Model(name)("q")).text


def test_the_innermost_session_counts():
    with of.Session({"m": "fake:outer"}) as outer:
        with of.Session({"m": "fake:inner"}) as inner:
            assert here() is inner
            assert asked() == "inner"
        assert here() is outer
        assert asked() == "outer"
    assert here() not in (outer, inner)


def test_a_session_may_be_entered_again_inside_itself_and_closes_once(tmp_path):
    with of.Session(journal=tmp_path / "paid.db") as session:
        with session:
            asked("fake:a")
        asked("fake:b")
        assert session.journal.total().calls == 2


def test_an_error_inside_leaves_the_session_behind():
    before = here()
    with pytest.raises(LookupError), of.Session():
        raise LookupError
    assert here() is before


def test_tasks_that_share_a_session_enter_and_leave_in_any_order():
    session = of.Session({"m": "fake:yes"})

    async def task(first, then):
        await asyncio.sleep(first)
        with session:
            await asyncio.sleep(then)
            return (await of.Model("m")("q")).text

    async def main():
        return await asyncio.gather(task(0, 3), task(1, 1), task(2, 5), task(0, 1))

    assert instantly(main()) == ["yes"] * 4


def test_threads_may_share_a_session_and_its_journal(tmp_path):
    with of.Session({"m": "fake:yes"}, journal=tmp_path / "paid.db") as session:

        def work(number):
            with session:
                return of.Model("m").ask(f"q{number}").text

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(work, range(40))) == {"yes"}
        assert session.journal.total().calls == 40


def test_a_session_whose_files_are_closed_says_so(tmp_path):
    session = of.Session(journal=tmp_path / "paid.db")
    with session:
        asked("fake:a")
    with pytest.raises(of.OnefoldError, match="closed"), session:
        asked("fake:b")


def test_what_a_session_did_not_open_it_does_not_close(tmp_path):
    from onefold.delivery.journal import Journal

    journal = Journal(tmp_path / "paid.db")
    for _ in range(2):
        with of.Session(journal=journal):
            asked("fake:a")
    assert journal.total().calls == 2
    journal.close()


def test_an_unknown_model_is_refused_with_the_nearest_one():
    with (
        of.Session({"gpt-4o-mini": "fake:a"}),
        pytest.raises(of.ConfigError, match="'gpt-4o-mni'; did you mean 'gpt-4o-mini'"),
    ):
        asked("gpt-4o-mni")


def test_an_unknown_provider_is_refused_with_the_nearest_one():
    with pytest.raises(of.ConfigError, match="no provider named 'fke'; did you mean 'fake'"):
        asked("fke:a")


def test_a_name_is_registered_once():
    session = of.Session({"m": "fake:a"})
    with pytest.raises(of.ConfigError, match="two models named 'm'"):
        session.register("m", "fake:b")
    session.register("n", "fake:b", price=of.Price(1, 2), typical_tokens=7)
    assert session.deployment("n").price == of.Price(1, 2)
    assert session.deployment("n").typical_tokens == 7


def test_a_whole_entry_gives_price_and_habits():
    entry = {
        "provider": {"fake": ["a"]},
        "price": {"tokens_in": 1, "tokens_out": 2},
        "typical_tokens": 9,
    }
    model = of.Session({"m": entry}).deployment("m")
    assert (model.price, model.typical_tokens) == (of.Price(1.0, 2.0), 9)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"provider": "fake:a", "prize": 1}, "models.m.*'prize'; did you mean 'price'"),
        ({"provider": "fake:a", "typical_tokens": 0}, "models.m"),
        ({"provider": "fake:a", "price": {"tokens_in": -1, "tokens_out": 1}}, "models.m"),
        ({"provider": "fake:a", "price": "cheap"}, "models.m"),
        ({"provider": "fak:a"}, "models.m.provider.*did you mean 'fake'"),
        ({"fak": ["a"]}, "models.m.provider.*did you mean 'fake'"),
        ({"fake": {"replys": ["a"]}}, "models.m.provider.fake.*did you mean 'replies'"),
        (7, "models.m.provider"),
        (None, "models.m.provider"),
        ([], "models.m.provider"),
    ],
)
def test_a_wrong_entry_is_named_with_its_model(entry, words):
    with pytest.raises(of.ConfigError, match=words):
        of.Session({"m": entry})


def test_a_prompt_of_ten_megabytes_is_refused_before_anything_is_paid():
    class Fails(of.Provider, name="test_session_fails"):
        async def complete(self, request):
            raise AssertionError("it was called")

    with of.Session({"m": Fails()}, budget=of.Budget(calls=0)):
        for operator in (of.Model("m"), of.Panel(["m", "m"])):
            with pytest.raises(of.ConfigError, match=r"10000000 characters.*shorten"):
                instantly(operator("x" * 10_000_000))


def test_the_longest_prompt_is_the_session_s_choice():
    with of.Session(longest=5):
        assert asked("fake:a") == "a"
        with pytest.raises(of.ConfigError, match="more than the 5"):
            instantly(of.Model("fake:a")("sixsix"))


def test_what_a_provider_raises_becomes_an_error_of_the_model():
    class Buggy(of.Provider, name="test_session_buggy"):
        async def complete(self, request):
            return {}["lost"]

    with (
        of.Session({"m": Buggy()}),
        pytest.raises(of.ModelError, match="m: KeyError\\('lost'\\)") as caught,
    ):
        asked()
    assert caught.value.model == "m"
    assert isinstance(caught.value.__cause__, KeyError)


def test_the_service_s_own_counts_and_price_go_before_estimates():
    class Says(of.Provider, name="test_session_says"):
        reply: dict

        async def complete(self, request):
            return of.Reply("four", **self.reply)

    price = of.Price(1.0, 1.0)
    for reply, usage in [
        ({"tokens_in": 7, "tokens_out": 9}, of.Usage(7, 0, 9, 16e-6, 1)),
        ({"tokens_in": 7, "tokens_out": 9, "usd": 0.5}, of.Usage(7, 0, 9, 0.5, 1)),
        ({}, of.Usage(1, 0, 1, 2e-6, 1, True)),
    ]:
        with of.Session({"m": of.Deployment("m", Says(reply), price)}):
            assert instantly(of.Model("m")("q")).usage == usage


def test_every_model_below_an_operator_is_prepared_once_before_anything_is_asked():
    prepared = []

    class Prepares(of.Provider, name="test_session_prepares"):
        fit: bool = True

        async def complete(self, request):
            return of.Reply("yes", 1, 0, 1)

        def _prepare(self, model):
            prepared.append(model)
            if not self.fit:
                raise of.ConfigError(f"{model} is not fit")

    models = {"a": Prepares(), "b": Prepares(), "c": Prepares(False), "all": {"fleet": ["a", "c"]}}
    with of.Session(models):
        panel = of.Panel(["a", "b"])
        for _ in range(3):
            instantly(panel("q"))
        assert prepared == ["a", "b"]
        for operator in (of.Panel(["a", "c"]), of.Model("all"), of.Panel([of.Model("all")])):
            with pytest.raises(of.ConfigError, match="is not fit"):
                instantly(operator("q"))


def test_only_so_many_operators_are_remembered_as_checked():
    session = of.Session({"m": "fake:a"})
    for _ in range(1500):
        session.ready(of.Model("m"))
    assert len(session._ready) <= 1001


def test_a_session_for_one_run_has_a_journal_of_its_own_and_all_else_in_common(tmp_path):
    session = of.Session({"m": "fake:a"}, cache="memory", budget=of.Budget(calls=9))
    run = session.journalled(tmp_path / "run.db")
    assert run.journal.paced
    assert (run.models, run.cache, run.budget) == (session.models, session.cache, session.budget)
    with session:
        with run:
            assert asked() == "a"
        assert session.journal is None
        assert asked() == "a"
    assert session.budget.spent.calls == 1
    with pytest.raises(of.ConfigError, match="closed"), run:
        asked()


def test_a_session_that_has_a_journal_keeps_it_for_its_runs(tmp_path):
    with of.Session({"m": "fake:a"}, journal=tmp_path / "paid.db") as session:
        run = session.journalled(tmp_path / "run.db")
        assert run.journal is session.journal
        run.close()
        assert asked() == "a"
    assert not (tmp_path / "run.db").exists()
    assert of.Session().journalled(None).journal is None


def test_a_session_without_files_may_be_entered_again():
    session = of.Session({"m": "fake:a"})
    for _ in range(2):
        with session:
            assert asked() == "a"


def test_a_cache_on_disk_is_opened_and_closed_with_the_session(tmp_path):
    for calls in (1, 0):
        with of.Session({"m": "fake:a"}, cache=tmp_path / "kept.db"):
            assert instantly(of.Model("m")("q")).usage.calls == calls
    from onefold.delivery.cache import Memory

    cache = Memory()
    with of.Session(cache=cache) as session:
        assert session.cache is cache


def test_a_budget_may_be_a_plain_number_of_dollars():
    assert of.Session(budget=5).budget.usd == 5
    budget = of.Budget(calls=1)
    assert of.Session(budget=budget).budget is budget
    assert of.Session().budget is None


def test_a_model_with_a_provider_of_its_own_needs_nobody_to_know_the_services_name():
    model = of.Model("mine", provider=of.Compatible("m", base_url="http://127.0.0.1:9/v1"))
    of.Session().ready(model)


def test_a_fitted_file_that_is_missing_is_told_before_anything_is_paid():
    panel = of.Panel(["fake:a"], vote=of.Fused("nowhere.npz"))
    with of.Session() as session:
        with pytest.raises(of.ConfigError, match=r"no file 'nowhere.npz'; fit it first"):
            panel.ask("?")
        assert not session.usage()
