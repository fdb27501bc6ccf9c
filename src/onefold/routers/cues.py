"""What gives a task away: words and phrases by their weight, and signs that are no words."""

from __future__ import annotations

import re
from functools import cache

CUES: dict[str, dict[float, str]] = {
    "math": {
        3.0: "solve for x|solve the equation|prove that|derivative of|integral of|simplify"
        "|final answer in \\boxed|square root of|least common multiple|greatest common divisor"
        "|resuelve la ecuación|résous l'équation|löse die gleichung|реши уравнение|решите уравнение"
        "|解方程|方程式を解|방정식을 풀",
        1.5: "calculate|compute|equation|polynomial|integer|integers|triangle"
        "|probability|perimeter|radius|remainder|percent|percentage|divisible|sum of|product of"
        "|average|計算|计算|계산",
        0.75: "how many|how much|cuántos|cuántas|cuánto|combien|wie viele|wie viel|quanti|quante"
        "|quantos|quantas|сколько|hoeveel|ile|多少|いくつ|いくら|何個|何人|몇 개|얼마|कितने|กี่",
        0.5: "total|each|twice|half|times|dozen|more than|less than|in all|altogether|per|left"
        "|value of|number of|cost|costs|price|spend|spent|earn|earns",
    },
    "code": {
        3.0: "python|javascript|typescript|java|c++|c#|golang|sql|regex|bash|html|css|kotlin"
        "|write a function|write a program|write a script|write code|unit test|unit tests|refactor"
        "|stack trace|traceback|segmentation fault|compiler|pull request|pandas|numpy|pytest"
        "|función en python|fonction python|python-funktion|写一个函数|编写函数|编写程序|関数を書"
        "|코드를 작성",
        1.5: "function|code|program|programming|algorithm|debug|bug|api|json|class method|script"
        "|compile|library|database|query|array|linked list|binary tree|variable|código|programme"
        "|программу|функцию|код|代码|程序|函数|コード|プログラム|코드|프로그램",
        0.5: "list|string|returns|return|implement|loop|index|sort|given",
    },
    "reasoning": {
        3.0: "logic puzzle|logic grid|knights and knaves|truth teller|who lives|brain teaser|riddle"
        "|which of the following must be true|can be inferred|logically follows|syllogism"
        "|clue(s)|acertijo|énigme|rätsel|загадка|逻辑题|推理题|なぞなぞ|논리 퍼즐",
        1.5: "puzzle|deduce|deduction|premise|premises|conclusion|infer|inference|step by step"
        "|logical|clues|argument|assumption|fallacy|strategy|plan|reasoning|lógica|logique|логика"
        "|推理|論理|논리",
        0.5: "if|then|therefore|must|either|neither|exactly one|houses|directly left|next to|why"
        "|explain why|because",
    },
    "writing": {
        3.0: "write a story|write a poem|short story|haiku|sonnet|limerick|cover letter|blog post"
        "|write an essay|song lyrics|press release|screenplay|write a letter|write an email"
        "|escribe un poema|escribe un cuento|écris un poème|schreibe ein gedicht|напиши стих"
        "|напиши рассказ|写一首诗|写一篇|詩を書|物語を書|시를 써|이야기를 써",
        1.5: "story|poem|essay|slogan|tagline|lyrics|speech|dialogue|rewrite|rephrase|paraphrase"
        "|proofread|caption|creative|compose|draft|novel|toast|tale|joke|advertisement|email|letter|poema"
        "|cuento|poème|gedicht|рассказ|стихотворение|作文|故事|小説|편지",
        0.5: "write|tone|style|character|words|sentence|paragraph|audience|describe",
    },
    "knowledge": {
        1.5: "capital of|who invented|who wrote|who was|who is|who won|what year|which year"
        "|which country|which city|where is|when did|when was|what is the name|definition of"
        "|what does|president|born in|located in|known as|type of|quién|qui est|wer ist|wer war"
        "|chi è|quem|кто|когда|где|谁|哪个国家|哪一年|誰|どこ|いつ|누구|언제|어디",
        0.5: "who|when|where|which|history|century|war|king|queen|movie|film|song|band|series"
        "|season|episode|novel|author|actor|country|river|species|organism|cell|energy|state"
        "|most likely|following|called|name of|first|world|famous|theory|law|disease",
    },
    "translation": {
        3.0: "translate|translation of|translate into|how do you say|into english|into french"
        "|into german|into spanish|into chinese|into japanese|traduce|traduis|traduire|traduza"
        "|traduci|übersetze|übersetzen|vertaal|переведи|переведите|翻译|翻訳|번역|अनुवाद|แปล|ترجم",
        1.5: "translation|translator|in spanish|in french|in german|in italian|in japanese"
        "|in chinese|in russian|in korean|in portuguese|in arabic|conjugate|grammar",
        0.5: "english|french|german|spanish|language|meaning of",
    },
    "summarisation": {
        3.0: "summarize|summarise|summarizing|tl;dr|tldr|summary of|in a nutshell|key takeaways"
        "|main points|resume el|resume este|résume|résumez|fasse zusammen|zusammenfassung"
        "|riassumi|resuma|кратко изложи|краткое содержание|总结|摘要|概括|要約|요약",
        1.5: "summary|condense|shorten|gist|abstract|bullet points|highlights|recap|minutes",
        0.5: "article|passage|report|transcript|paragraphs|brief|briefly",
    },
    "extraction": {
        3.0: "extract|classify|categorize|categorise|sentiment|named entities|label the following"
        "|positive or negative|spam|extrae|clasifica|extrais|classe ce|extrahiere|klassifiziere"
        "|извлеки|классифицируй|提取|分类|抽出|分類|추출|분류",
        1.5: "category|categories|label|labels|entities|keywords|key-value|fill in the table"
        "|into a table|which category|identify all|list all|find all|topic of",
        0.5: "following text|json|csv|fields|table|tag|tags|review|document|invoice",
    },
    "conversation": {
        3.0: "how are you|what's up|nice to meet you|good morning|good evening|let's chat"
        "|i feel sad|talk to me|hola|bonjour|guten tag|hallo|ciao|привет"
        "|你好|こんにちは|안녕|नमस्ते|สวัสดี|مرحبا",
        1.5: "thanks|thank you|bye|goodbye|i feel|i'm feeling|my friend|chat|bored"
        "|what do you think|your opinion|your favourite|your favorite|advice|gracias|merci|danke",
        0.5: "sorry|lol",
    },
}

SIGNS = (
    ("math", 3.0, 0, r"\\(?:frac|sqrt|sum|int|boxed|cdot|times|leq?|geq?|angle|pi|overline)\b"),
    ("math", 3.0, 0, r"(?<![\w.])\d[\d.,]*\s?[-+*/×÷^=]\s?\d[\d.,]*\s?(?:[-+*/×÷^=)?]|\Z)"),
    ("math", 1.5, 0, r"\$[^$\n]{1,80}\$|\b[xyn]\s?[=^+<>]\s?[-\d(]|[²³√∑∫≤≥π]"),
    ("math", 1.5, 0, r"(?<!\d)\d{1,12}[^\d?？]{1,200}\d{1,12}[^?？]{0,400}[?？]"),
    ("code", 3.0, 0, r"```|\bdef \w+\(|#include\s?<|\bclass \w+[(:{]|\bpublic static\b|=> ?\{"),
    ("code", 3.0, 0, r"(?im)\bselect\b.{1,80}\bfrom\b|</\w+>|^import \w+$"),
    ("code", 1.5, re.MULTILINE, r"[;{}]\s*$|\b\w+\(\w*\)|\breturn \w+;?$|\b\w+\[\w+\]"),
    ("reasoning", 1.5, 0, r"(?i)\bif all\b|\bnone of the\b|\b(?:some|all) \w+ are \w+"),
    ("reasoning", 1.5, re.MULTILINE, r"^\s*(?:Clue|Premise|Statement)\S{0,4}\s*\d?\S?:?"),
    ("writing", 1.5, 0, r"(?i)\A\W*(?:please )?(?:write|compose|draft) (?:me )?an?\b"),
    ("knowledge", 1.5, 0, r"(?i)\A\W*(?:\w\w )?(?:who|whom|whose|when|where|which|what)\b"),
    ("knowledge", 0.5, re.MULTILINE, r"^\s*\(?[A-E][.):]\s"),
    ("knowledge", 0.5, 0, r"\?\s*\Z"),
    ("conversation", 1.5, 0, r"(?i)\A\W*(?:hello|hi|hey|greetings)\b"),
    ("summarisation", 1.5, 0, r"(?i)\bin (?:one|two|three|\d+) (?:sentences?|words)\b"),
    ("extraction", 1.5, 0, r"(?i)\b(?:as|into|in) (?:a )?(?:json|csv|yaml|table)\b"),
)  # fmt: skip


@cache
def signs() -> tuple[tuple[str, float, re.Pattern[str]], ...]:
    """The signs, compiled when they are first looked for."""
    return tuple((task, weight, re.compile(said, flags)) for task, weight, flags, said in SIGNS)
