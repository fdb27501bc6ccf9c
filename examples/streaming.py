"""Drafts as they come, a running count, and an end as soon as the result is decided."""

import asyncio

import onefold as of

SAID = {"quick": ("Paris", 0.05), "steady": ("Paris", 0.10), "odd": ("Lyon", 0.15)}
LATE = {"late": ("Paris", 0.20), "last": ("Lyon", 30.0)}
members = [
    of.Model(name, provider=of.Fake((text,), seconds=(seconds,)))
    for name, (text, seconds) in {**SAID, **LATE}.items()
]
panel = of.Panel(members, stop="decided")


async def watch() -> of.Answer | None:
    """Follow one question; in a script without asyncio, `for event in panel.stream(…)` does."""
    answer = None
    async for event in panel.stream("What is the capital of France?"):
        if event.kind == "draft":
            print(f"{event.source:<7} says {event.text:<6} so far {event.votes}")
        answer = event.answer
    return answer


answer = asyncio.run(watch())
print(f"\n{answer.text}, after {answer.seconds:.2f} s; nobody waited for the last one:")
print({draft.source: draft.status for draft in answer.drafts})
