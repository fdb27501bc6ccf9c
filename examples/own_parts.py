"""A reader and a vote of one's own: they stand wherever the house's do, YAML included."""

import onefold as of


@of.reader
def year(text: str) -> int | None:
    """The first year in a text; None abstains."""
    words = (word.strip(".,;()") for word in text.split())
    return next((int(word) for word in words if word.isdigit() and len(word) == 4), None)


class Median(of.Operator, name="median"):
    """The middle answer wins. low: take the lower one of two."""

    low: bool = True

    async def answer(self, query: of.Query) -> of.Answer:
        ranked = sorted((d for d in query.drafts if d.value is not None), key=lambda d: d.value)
        if not ranked:
            raise of.NoAnswer("nobody named a year", drafts=query.drafts)
        return ranked[(len(ranked) - self.low) // 2]


text = """
panel:
  members: ["fake:In 1789.", "fake:It was 1791", "fake:1848, or so", "fake:I cannot say"]
  vote: {median: {low: false}}
  reads: year
"""
panel = of.build(text)
answer = panel.ask("When?")
assert of.build(of.dump(panel)) == panel
print(answer.value, "said by", answer.source)
print(answer.explain())
