"""Self-refinement: rewrite until the critic is content. Functions stand for the models."""

import json
import re

import onefold as of

FILLERS = ("very ", "really ", "basically ", "in order ")
FIRST = "Onefold is basically very simple: you really ask many models in order to get one answer."


def writer(text: str) -> str:
    """Writes, and leaves out what the critic names."""
    draft = re.search(r"\[answer \w+\]\n(.*)", text)
    named = re.search(r"leave out '(.*?)'", text)
    if draft is None or named is None:
        return FIRST
    return draft[1].replace(named[1], "")


def critic(text: str) -> str:
    """Names the first filler word that it finds, in the form that it is asked for."""
    mark = re.search(r'"mark": "(\w+)"', text)[1]
    draft = re.search(r"\[answer \w+\]\n(.*)", text)[1]
    filler = next((filler for filler in FILLERS if filler in draft), "")
    said = f"leave out '{filler}'" if filler else "Good."
    verdict = "revise" if filler else "content"
    return json.dumps({"mark": mark, "criticism": said, "verdict": verdict})


refine = of.Refine(
    of.Model("writer", provider=writer), critic=of.Model("critic", provider=critic), rounds=6
)
answer = refine.ask("What is onefold?")
for draft in answer.drafts:
    print(f"{draft.source:<12} {draft.text}")
print(
    f"\n{answer.tally.rule}; {answer.usage.calls} calls of {of.plan(refine, 'Why?').worst.calls:g}"
)
