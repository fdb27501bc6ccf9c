"""`onefold ask`: one question, from arguments or standard input, to models or a recipe."""

import json
import signal

import pytest

import onefold as of


def test_one_model_answers_and_the_cost_stands_apart(onefold):
    called = onefold("ask", "Capital of France?", "-m", "fake:Paris")
    assert (called.code, called.out) == (0, "Paris\n")
    assert "1 call" in called.err
    assert "agreement" not in called.err


def test_several_models_are_a_panel_that_says_how_sure_it_is(onefold):
    called = onefold("ask", "?", "-m", "fake:a", "--model", "fake:b", "-m", "fake:a")
    assert called.out == "a\n"
    assert "agreement 0.67" in called.err
    assert "3 calls" in called.err


def test_vote_stop_stagger_and_reads_are_the_panels(onefold):
    arguments = ["ask", "?", "-m", "fake:It is 4", "-m", "fake:4.0", "-m", "fake:5"]
    called = onefold(
        *arguments, "--reads", "number", "--stop", "decided", "--stagger", "inf", "--json"
    )
    answer = json.loads(called.out)
    assert (answer["value"], answer["unasked"]) == (4.0, ["fake:5"])
    assert onefold(*arguments, "--vote", "unanimous").code == 2


def test_explain_says_who_said_what(onefold):
    called = onefold("ask", "?", "-m", "fake:a", "-m", "fake:b", "-m", "fake:a", "--explain")
    assert "votes     'a': 2, 'b': 1" in called.out
    assert "dissent   fake:b" in called.out


def test_json_is_the_whole_answer(onefold):
    called = onefold("ask", "?", "-m", "fake:ü", "-m", "fake:b", "--json")
    answer = json.loads(called.out)
    assert answer["text"] == "ü"
    assert [d["source"] for d in answer["drafts"]] == ["fake:ü", "fake:b"]


def test_a_stream_shows_words_or_drafts_and_then_the_answer(onefold):
    single = onefold("ask", "?", "-m", "fake:one two", "--stream")
    assert "one two" in single.out
    panel = onefold("ask", "?", "-m", "fake:a", "-m", "fake:b", "-m", "fake:a", "--stream")
    assert panel.out == "a\n"
    assert "fake:b: b" in panel.err


def test_a_dash_reads_the_question_from_standard_input(onefold):
    config = "model: {model: s, provider: {sim: {accuracy: 1, latency: {median: 0}}}}"
    called = onefold("ask", "-", "-c", config, "--reads", "number", "--json", stdin="17 * 23\n")
    assert json.loads(called.out)["value"] == 391
    assert onefold("ask", "-", "-m", "fake:é", stdin="Où?".encode()).out == "é\n"


def test_a_recipe_answers_instead_of_models(onefold, files):
    called = onefold("ask", "What?", "-c", "recipe.yaml")
    assert called.out == "4\n"
    assert "3 calls" in called.err
    assert onefold("ask", "What?", "--config", "panel: {members: ['fake:z']}").out == "z\n"


def test_simulated_answers_say_that_they_are(onefold):
    assert "[simulated]" in onefold("ask", "What is 1 + 1?", "-m", "sim:small").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["", "-m", "fake:a"], ["the query is empty", "give it a text"]),
        (["?"], ["--model provider:model", "--config", "sim:small"]),
        (["?", "-m", "fake:a", "-c", "x.yaml"], ["--model", "--config"]),
        (["?", "-m", "fak:a"], ["'fak'", "did you mean 'fake'", "sim"]),
        (["?", "-m", "nobody"], ["'nobody'"]),
        (["?", "-m", "sim:huge"], ["sim:huge", "small, medium, large"]),
        (
            ["?", "-m", "fake:a", "-m", "fake:b", "--stop", "nevr"],
            ["'nevr'", "did you mean 'never'"],
        ),
        (
            ["?", "-m", "fake:a", "-m", "fake:b", "--vote", "majorty"],
            ["'majorty'", "did you mean 'majority'"],
        ),
        (["?", "-m", "fake:a", "--reads", "numbr"], ["'numbr'", "did you mean 'number'"]),
        (["?", "-m", "fake:a", "-m", "fake:b", "--stagger", "-1"], ["stagger", "-1", ">= 0"]),
        (["?", "-m", "fake:a", "-m", "fake:b", "--stagger", "nan"], ["stagger", "nan"]),
        (["?", "-m", "fake:a", "--budget", "-1"], ["budget", "-1", "zero or more"]),
        (["?", "-m", "fake:a", "--budget", "nan"], ["budget", "nan"]),
        (["?", "-c", "nosuch.yaml"], ["no file 'nosuch.yaml'"]),
        (["x" * 9_000_000, "-m", "fake:a"], ["9000000 characters", "8000000", "shorten it"]),
        (["?", "-m", "sim:large", "--budget", "0.0000001"], ["budget", "sim:large"]),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_what_cannot_be_asked_is_one_line_with_value_rule_and_way_out(refused, arguments, words):
    line = refused("ask", *arguments)
    for word in words:
        assert word in line
    assert line.split(": ")[0] in ("ConfigError", "BudgetExceeded")


def test_members_that_all_fail_are_one_line_that_says_why(refused):
    config = "panel: {members: [{model: {model: x, provider: {fake: {error: Refused}}}}]}"
    line = refused("ask", "?", "-c", config)
    assert line.startswith("NoAnswer: ")
    assert "x: Refused" in line


def test_a_single_model_that_fails_is_one_line_too(refused):
    line = refused("ask", "?", "-c", "model: {model: x, provider: {fake: {error: TimedOut}}}")
    assert line.startswith("TimedOut: ")


def test_standard_input_that_is_no_utf8_is_one_line(refused):
    assert "UTF-8" in refused("ask", "-", "-m", "fake:a", stdin=b"caf\xe9")


def test_a_recipe_that_is_no_utf8_is_one_line(refused, tmp_path):
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused("ask", "?", "-c", "r.yaml")


def test_settings_of_a_panel_beside_a_recipe_are_not_ignored_in_silence(onefold, files):
    called = onefold("ask", "?", "-c", "recipe.yaml", "--vote", "unanimous")
    assert called.code == 2
    assert "--vote" in called.err or "unanim" in called.err


def test_ctrl_c_ends_a_question_with_130_and_no_traceback(process, tmp_path):
    (tmp_path / "r.yaml").write_text(
        "models: {slow: {fake: {replies: [late], seconds: [60]}}}\n"
        "panel: {members: ['fake:quick', {model: slow}]}\n"
    )
    asked = process("ask", "?", "-c", "r.yaml", "--stream", text=True)
    assert asked.stderr.readline().startswith("fake:quick: quick")
    asked.send_signal(signal.SIGINT)
    _, err = asked.communicate(timeout=20)
    assert asked.returncode == 130
    assert "Traceback" not in err


def test_the_answer_is_that_of_the_library(onefold):
    said = onefold("ask", "What is 17 * 23?", "-m", "sim:small", "--json").out
    answer = of.ask("What is 17 * 23?", "sim:small")
    assert json.loads(said)["text"] == answer.text
