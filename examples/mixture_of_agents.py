"""Mixture of agents: each layer of models writes from all answers of the layer before."""

import onefold as of

QUESTION = "What is 48 * 17 - 230?"
SMALL = [of.Model(name, provider=of.Sim(0.5, seed=7)) for name in ("ant", "bee", "cow", "dog")]
writer = of.Model("writer", provider=of.Sim(0.9, seed=7))

mixture = of.layers([SMALL, SMALL[:2]], last=writer, reads="number")  # Wang et al., 2406.04692
print(of.plan(mixture, QUESTION), "\n")

for event in mixture.stream(QUESTION):
    if event.kind != "token":
        print(f"{event.kind:<7} {event.source:<7} {event.text}")

# One good model, several draws of it and one blend: often better than a mixture that has weak
# members in it (Self-MoA, Li et al., 2502.00674).
alone = of.layers([[writer] * 4], last=writer, reads="number").ask(QUESTION)
print("\none model, four draws:", alone.value, "from", [draft.value for draft in alone.drafts])

# The same as data: a layer is the vote of the panel before it, so there is nothing new to learn.
print("\n" + of.dump(mixture))
