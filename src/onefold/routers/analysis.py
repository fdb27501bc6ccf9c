"""What a prompt is, by rules: its task, how hard it looks, what it is about, what it is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import exp
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.routers.keywords import DOUBT, ENDS, WORD, Members, Share, suited, task_types
from onefold.routers.manifold import Manifold, recommend
from onefold.verbs import Router

if TYPE_CHECKING:
    from onefold.routers.manifold import Recommendation

TYPES = {
    "math": "mathematical",
    "writing": "creative_writing",
    "knowledge": "factual_qa",
    "reasoning": "reasoning",
    "code": "code_generation",
    "conversation": "conversational",
}
"""What the task types are called among the seven of input classification."""
DOMAINS = {
    "physics": "velocity acceleration momentum gravity quantum photon electron force magnetic"
    " voltage relativity thermodynamics wavelength nucleus newton joule orbit telescope",
    "chemistry": "molecule atom acid reaction oxidation compound ion solvent catalyst organic"
    " titration polymer electrolyte isotope chemical enthalpy molar ph",
    "biology": "cell dna rna protein gene enzyme bacteria species evolution photosynthesis organism"
    " mitochondria chromosome ecosystem virus neuron plant membrane",
    "medicine": "patient disease symptom treatment diagnosis drug dose therapy clinical cancer"
    " infection surgery blood vaccine",
    "mathematics": "equation integral derivative theorem matrix polynomial triangle probability"
    " prime fraction algebra geometry calculus vector",
    "programming": "python javascript function code algorithm class array api database sql compile"
    " debug variable loop string",
    "economics": "price market inflation tax loan interest profit stock budget investment trade"
    " currency bank gdp",
    "law": "court contract plaintiff defendant statute liability jurisdiction appeal attorney"
    " negligence constitution",
    "history": "war century empire king queen revolution treaty ancient dynasty medieval president"
    " colony",
    "literature": "poem novel story character author metaphor rhyme verse narrator sonnet haiku"
    " plot",
    "philosophy": "ethics moral argument premise conclusion epistemology metaphysics virtue"
    " paradox kant plato",
}
SCIENCES = ("physics", "chemistry", "biology", "medicine")
STRONG, WEAK = 3.0, 1.5  # evidence of two words of a science, of one
STRANGE = 0.95  # novelty above which what was learned of tasks does not count
SENTENCE = re.compile(r"[.!?。！？]+(?:\s|$)|\n+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
TURNS = (
    "if unless otherwise except given such assume suppose each every exactly least most after"
    " before then while prove explain compare derive design implement optimise optimize must"
    " without between"
)
PLAIN = (
    "a an and are as at be but by can do does for from had has have he her his how i if in is it"
    " its me my no not of on or our please s she so some t than that the their them there they"
    " this to was we were what when where which who why will with would you your"
)
TURNING, FILLING = frozenset(TURNS.split()), frozenset(PLAIN.split())


class Analysis(Struct, frozen=True):
    """A prompt, analysed.

    tasks: how probable each task is, the likeliest first; what is missing to 1 is doubt.
    complexity: in [0, 1], from length, sentences, numbers, conditions, long words.
    domains: the share of the prompt's telling words that speak for each domain.
    keywords: its words that are not plain, by how often they stand, at most ten.
    features: counts and shares that the complexity comes from.
    """

    tasks: Mapping[str, float]
    complexity: float
    domains: Mapping[str, float]
    keywords: tuple[str, ...]
    features: Mapping[str, float]

    @property
    def task(self) -> str:
        """The likeliest task; conversational where nothing speaks for any."""
        return next(iter(self.tasks), "conversational")

    @property
    def confidence(self) -> float:
        """How probable that is."""
        return next(iter(self.tasks.values()), 0.0)


class Analysed(Router, name="analysed"):
    """Prefers members by the task that a prompt sets, and by how hard it looks.

    to: members of each task, as for `Keywords`; tasks are those of `analyse`, or the labels that
        the file was fitted with.
    hard: members of a task for prompts that look harder than `complexity`, where they are others.
    at: probability below which a task does not count; where none is left there is no opinion.
    path, hash: a manifold that was fitted with labels: it tells the tasks of prompts like those it
        knows, and the rules those of all others.
    """

    to: Mapping[str, Members]
    hard: Mapping[str, Members] = {}
    complexity: Share = 0.8
    at: Share = 0.5
    path: FilePath | None = None
    hash: str = ""

    async def route(self, query: Query) -> Mapping[str, float]:
        found = analysed(query.prompt)
        learned = self._learned()
        if learned is not None:
            found = beside(found, await learned._recommended(query.prompt, 1))
        weights: dict[str, float] = {}
        for task, confidence in found.tasks.items():
            if confidence >= self.at:
                board = self.hard if found.complexity > self.complexity else self.to
                for name, weight in suited(board.get(task, self.to.get(task, ()))).items():
                    weights[name] = weights.get(name, 0.0) + confidence * weight
        return weights

    def _learned(self) -> Manifold | None:
        return None if self.path is None else Manifold(self.path, self.hash)

    def _held(self) -> object:
        return None if self.path is None else Manifold(self.path, self.hash)._held()


def analyse(prompt: str, manifold: Manifold | None = None) -> Analysis:
    """Analyse a prompt by rules; its task by a manifold with labels, where it knows such prompts.

    By rules the tasks are mathematical, creative_writing, factual_qa, reasoning, code_generation,
    scientific and conversational, beside translation, summarisation and extraction. Of long
    prompts the beginning and the end are read.
    """
    found = analysed(prompt)
    return found if manifold is None else beside(found, recommend(manifold, prompt, 1))


def beside(found: Analysis, learned: Recommendation) -> Analysis:
    """An analysis with the tasks that were learned, unless the prompt is strange to what was."""
    if not learned.tasks or learned.novelty > STRANGE:
        return found
    return structs.replace(found, tasks=learned.tasks)


def analysed(prompt: str) -> Analysis:
    """The same by rules alone."""
    text = prompt if len(prompt) <= 2 * ENDS else f"{prompt[:ENDS]}\n{prompt[-ENDS:]}"
    said = [word for word in WORD.findall(text.casefold()) if word[0].isalnum()]
    about = domains(said)
    seen = features(prompt, text, said)
    total = sum(about.values())
    shares = {name: count / total for name, count in about.items()}
    return Analysis(typed(prompt, about), complexity(seen), shares, keywords(said), seen)


def domains(said: list[str]) -> dict[str, int]:
    """How many different words speak for each domain, the most first."""
    words = set(said) | {word[:-1] for word in said if word.endswith("s")}
    counts = {name: len(words & set(listed.split())) for name, listed in DOMAINS.items()}
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    return {name: count for name, count in ranked if count}


def typed(prompt: str, about: Mapping[str, int]) -> dict[str, float]:
    """The tasks of `task_types` by their longer names, with science beside them."""
    known = task_types(prompt)
    total = DOUBT / max(1e-12, 1.0 - sum(known.values()))
    evidence = {TYPES.get(task, task): share * total for task, share in known.items()}
    count = sum(about.get(name, 0) for name in SCIENCES)
    if count:
        evidence["scientific"] = (WEAK if count == 1 else STRONG) ** 2
        total += evidence["scientific"]
    ranked = sorted(evidence.items(), key=lambda pair: (-pair[1], pair[0]))
    return {task: weight / total for task, weight in ranked}


def features(prompt: str, text: str, said: list[str]) -> dict[str, float]:
    """What can be counted of a prompt: its letters, and of its ends words, sentences and so on."""
    count = max(1, len(said))
    return {
        "letters": float(len(prompt)),
        "words": float(len(said)),
        "sentences": float(len([part for part in SENTENCE.split(text) if part.strip()])),
        "questions": float(text.count("?") + text.count("？")),
        "numbers": float(len(NUMBER.findall(text))),
        "conditions": float(sum(word in TURNING for word in said)),
        "letters_a_word": sum(map(len, said)) / count,
        "different_words": len(set(said)) / count,
        "signs": sum(not (c.isalnum() or c.isspace()) for c in text) / max(1, len(text)),
    }


def complexity(seen: Mapping[str, float]) -> float:
    """How hard a prompt looks, in [0, 1): each thing that makes it so takes a part of the rest."""
    load = (
        seen["words"] / 120
        + seen["sentences"] / 12
        + seen["numbers"] / 12
        + seen["conditions"] / 6
        + max(0.0, seen["letters_a_word"] - 4.5) / 6
        + 2.0 * max(0.0, seen["signs"] - 0.05)
    )
    return 1.0 - exp(-load)


def keywords(said: list[str], most: int = 10) -> tuple[str, ...]:
    """The words that are not plain, the most frequent first, then by their place."""
    counts: dict[str, int] = {}
    for word in said:
        if word not in FILLING and len(word) > 1:
            counts[word] = counts.get(word, 0) + 1
    return tuple(sorted(counts, key=lambda word: -counts[word])[:most])
