"""`onefold draw`, and notation wherever a recipe or a model is named."""

import yaml

LINE = "3E@fake:4 -> J@fake:5"


def test_a_line_is_drawn_as_a_tree(onefold):
    called = onefold("draw", LINE)
    assert called.out == "panel\n├─ 3 × fake:4\n└─ vote: blend\n   └─ fake:5\n"


def test_a_recipe_is_drawn_as_a_flowchart_a_line_or_yaml(onefold, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"operator: {LINE}\nbudget: 1.0\n")
    assert onefold("draw", path, "--as", "mermaid").out.startswith("flowchart LR\n")
    assert onefold("draw", path, "--as", "notation").out == f"{LINE}\n"
    held = yaml.safe_load(onefold("draw", path, "--as", "yaml").out)
    assert held == {"panel": {"members": ["fake:4"] * 3, "vote": {"blend": "fake:5"}}} or (
        held["panel"]["vote"] == {"blend": {"operator": "fake:5"}}
    )


def test_a_mistake_in_a_line_is_shown_with_its_column(onefold):
    called = onefold("draw", "3E@fake:4 -> K@fake:5")
    assert called.code == 2
    first, shown, caret = called.err.rstrip("\n").split("\n")
    assert first.startswith("ConfigError: notation, column 14: no operator named 'K'")
    assert shown[caret.index("^")] == "K"


def test_a_line_can_be_asked_planned_and_run(onefold, tmp_path):
    assert onefold("ask", "2 + 2?", "-m", "2E@fake:4, E@fake:5 -> M").out == "4\n"
    assert onefold("ask", "2 + 2?", "--config", "2E@fake:4, E@fake:5 -> M").out == "4\n"
    two = onefold("ask", "2 + 2?", "-m", "2E@fake:4 -> M", "-m", "fake:5", "-m", "fake:4")
    assert two.out == "4\n"
    (tmp_path / "questions.csv").write_text("prompt,expected\n2 + 2?,4\n")
    assert "1 questions" in onefold("plan", "2E@fake:4 -> M", "questions.csv").out
    called = onefold("run", "2E@fake:4 -> M", "questions.csv", "--out", "results")
    assert called.code == 0, called
