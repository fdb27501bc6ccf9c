"""A pipeline like STORM (Shao et al., 2402.14207), without barriers; the writer is scripted."""

from asyncio import sleep

import onefold as of

SCRIPT = {  # what is said to a prompt with these words in it, and after how many seconds
    "Who sees": ('["a historian", "an engineer"]', 1.0),
    "Outline an": ("1. Origins 2. How it works", 4.0),
    "Ask": ('["What drives it?", "Since when?"]', 1.5),
    "Answer": ("A weight, for as long as anybody remembers.", 1.0),
    "Write": ("Clocks were driven by weights long before anybody wrote of it. …", 2.0),
}


async def writer(text: str) -> str:
    said, seconds = next(said for words, said in SCRIPT.items() if words in text)
    await sleep(seconds)
    return said


@of.tool
def flat(lists: list[list[str]]) -> list[str]:
    return [question for questions in lists for question in questions]


def node(prompt: str, output: object = str, each: str = "", **inputs: str) -> of.Node:
    module = of.Module(of.Model("writer", provider=writer), of.Signature(prompt, output=output))
    return of.Node(module, each=each, inputs={"topic": "query.text", **inputs})


graph = {"views": node("Who sees {topic} in a way of their own?", list[str])}
graph["outline"] = node("Outline an article about {topic}.")  # beside the research
graph["asked"] = node("Ask about {topic} as {item}.", list[str], each="views.value")
graph["questions"] = of.Node(flat, inputs={"lists": "asked.value"})
graph["answers"] = node("Answer for {topic}: {item}", each="questions.value")
graph["article"] = node("Write: {topic} {a} {b}", a="outline.text", b="answers.text")
answer = of.instantly(of.Graph(graph)("clocks"))  # 6 s: the outline, then the article
for draft in answer.drafts:
    print(f"{draft.source:<10} {draft.seconds:.1f} s  {draft.text!r:.60}")
