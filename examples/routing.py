"""Who is asked: by keywords, by labelled prompts, by price. Runs offline."""

import tempfile
from pathlib import Path

import onefold as of
from onefold.learn.routers.nearest import fit_taxonomy

MEMBERS = {
    "coder": "fake:def solve(): ...",
    "scribe": "fake:Rain falls on the old pond.",
    "sage": "fake:42",
}
NOUNS = ["trains", "apples", "rivers", "the moon", "twelve boxes", "an old house"]
KINDS = {
    "story": ["Tell a tale of {}", "A short story about {}", "Once upon a time there were {}"],
    "count": ["How many {} are there?", "Count {} and double them", "Half of {} plus three"],
}
rows = [(text.format(n), kind) for kind, texts in KINDS.items() for text in texts for n in NOUNS]

with tempfile.TemporaryDirectory() as folder:
    fit = fit_taxonomy(rows, to={"story": "scribe", "count": "sage"})
    nearest = fit.save(Path(folder) / "kinds.npz")
    keywords = of.Keywords({"code": "coder", "math": "sage", "writing": "scribe"})
    routers = {
        "by keywords": keywords,
        "by likeness": nearest,
        "the first with an opinion": of.FirstOf([nearest, keywords]),
        "the best one of both": of.Top(of.Mix([nearest, keywords], [2, 1]), 1),
    }
    for name, route in routers.items():
        panel = of.Panel(MEMBERS, route=route)
        for prompt in (
            "Fix this Python function.",
            "Tell a tale of two rivers",
            "How many apples?",
        ):
            asked = [draft.source for draft in panel.ask(prompt).drafts]
            print(f"{name:<26} {prompt:<27} {', '.join(asked)}")
print({name: round(figure, 2) for name, figure in fit.figures.items()})
