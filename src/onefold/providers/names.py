"""The eight names that CrucibleEnsemble gives its models, as models of today's services.

Chosen on 2026-11-21: of each family the newest that is not announced to end, with a known list
price; the three of OpenAI's are named to the model and stay that model.
"""

from __future__ import annotations

from onefold.core.registry import register
from onefold.delivery.provider import Provider
from onefold.providers.wires.anthropic import Anthropic
from onefold.providers.wires.gemini import Gemini
from onefold.providers.wires.services import OpenAI

READY: dict[str, Anthropic | Gemini | OpenAI] = {
    "gemini_flash": Gemini("gemini-3.8-flash"),
    "gemini_pro": Gemini("gemini-3.1-pro-preview"),
    "openai_gpt4o_mini": OpenAI("gpt-4o-mini"),
    "openai_gpt4o": OpenAI("gpt-4o"),
    "openai_gpt4": OpenAI("gpt-4"),
    "anthropic_haiku": Anthropic("claude-haiku-5-5"),
    "anthropic_sonnet": Anthropic("claude-sonnet-5-5"),
    "anthropic_opus": Anthropic("claude-opus-5-5"),
}

NAMES: dict[str, str] = {
    name: f"{ready.name_of_part}:{ready.model}" for name, ready in READY.items()
}

for name, ready in READY.items():
    register(Provider, name, ready)
