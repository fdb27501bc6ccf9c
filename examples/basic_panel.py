"""Three models, one answer: how sure it is, what it cost, and why it won. Models are simulated."""

import onefold as of

panel = of.Panel(["sim:small", "sim:medium", "sim:large"], vote="weighted", reads="number")
answer = panel.ask("What is 17 * 23?")

low, high = answer.interval
print(f"{answer.value:g}, agreed by {answer.agreement:.0%} (95 % interval {low:.0%} to {high:.0%})")
print(f"cost ${answer.usage.usd:.6f}, {answer.usage.calls} calls, {answer.seconds:.2f} s\n")
print(answer.explain())
