"""Semantic entropy: many draws that differ in meaning, not only in words, tell of a guess."""

import onefold as of

DRAWS = {
    "What is the capital of Australia?": (
        "Canberra", "It is Canberra.", "Canberra, since 1913", "The capital is Canberra."
    ),
    "Where was the painter Elisa Droz born?": (
        "In Geneva.", "She was born in Lausanne.", "Bern", "It was in Geneva, I believe."
    ),
}  # fmt: skip
PLACES = ("Canberra", "Geneva", "Lausanne", "Bern")


@of.operator
def inference(query: of.Query) -> of.Answer:
    """Stands for a model of natural language inference: both texts name the same place."""
    one, other = (
        {place for place in PLACES if place in query.inputs[side]}
        for side in ("premise", "hypothesis")
    )
    return of.Answer("entailment" if other <= one else "neutral",
                     probs={"entailment": 0.97 if other <= one else 0.02})  # fmt: skip


for question, draws in DRAWS.items():
    model = of.Model("model", provider=of.Fake(draws))
    panel = of.Panel([model] * len(draws), vote=of.Clustered(of.Entails(inference)))
    answer = panel.ask(question)
    print(f"{question}\n  {answer.text!r} with {answer.agreement:.0%} of the meaning,")
    print(f"  semantic entropy {of.semantic_entropy(answer):.2f}, meanings {answer.probs}")
