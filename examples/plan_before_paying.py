"""What would it cost? Plan several panels, take the dearest one that fits, then pay."""

import onefold as of

session = of.Session(
    {
        "cheap": of.Sim(0.75, price=(0.1, 0.4)),
        "fair": of.Sim(0.82, price=(0.5, 2.0)),
        "dear": of.Sim(0.92, price=(3.0, 15.0)),
    }
)
PANELS = {
    "all at once": of.parallel(["cheap", "fair", "dear"], reads="number"),
    "one by one": of.sequential(["cheap", "fair", "dear"], agree=0.6, reads="number"),
    "cheap, three times": of.parallel(["cheap"] * 3, reads="number"),
}
BUDGET = 0.05
questions = [f"What is {n} + {n * n}?" for n in range(500)]

with session:
    plans = {name: of.plan(panel, questions) for name, panel in PANELS.items()}
for name, plan in plans.items():
    print(
        f"{name}: expected ${plan.usd:.4f}, at worst ${plan.worst.usd:.4f}, {plan.calls:.0f} calls"
    )
fitting = {name: plan for name, plan in plans.items() if plan.usd <= BUDGET}
best = max(fitting, key=lambda name: fitting[name].usd)
print(f"\nfor ${BUDGET}: {best}\n{plans[best]}\n")

run = of.instantly(of.arun(PANELS[best], questions, session=session))
paid = of.statistics(run).usage
print(f"planned ${plans[best].usd:.4f}, paid ${paid.usd:.4f} for {paid.calls} calls")
