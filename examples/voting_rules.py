"""The same five drafts under every vote: what wins, and with which agreement."""

import onefold as of

SAID = {"anna": ("12", 0.55), "ben": ("12", 0.40), "cleo": ("14", 0.95), "dora": ("no idea", None)}
members = [
    of.Model(name, provider=of.Fake((text,), confidence=confidence))
    for name, (text, confidence) in SAID.items()
]


def cautious(query: of.Query) -> of.Answer:
    """A vote is a function of the query's drafts: here the smallest number."""
    return min((d for d in query.drafts if d.value is not None), key=lambda draft: draft.value)


VOTES = {
    "majority": "majority",
    "majority, unread answers left out": of.Majority(abstentions="ignore"),
    "weighted by confidence": "weighted",
    "weighted by hand": of.Weighted({"anna": 1, "ben": 1, "cleo": 3, "dora": 1}),
    "the most confident": "best",
    "a function": cautious,
    "unanimous": "unanimous",
}
for name, vote in VOTES.items():
    try:
        answer = of.Panel(members, vote=vote, reads="number").ask("How many?")
        print(f"{name:<35} {answer.value:g}  agreement {answer.agreement:.2f}  {answer.votes}")
    except of.NoAnswer as error:
        print(f"{name:<35} {error}")
