"""The eight names that CrucibleEnsemble gives its models, as models of today's services.

Chosen on 2026-11-21: of each family the newest that is not announced to end, with a known list
price; the three of OpenAI's are named to the model and stay that model.
"""

from __future__ import annotations

NAMES: dict[str, str] = {
    "gemini_flash": "gemini:gemini-3.8-flash",
    "gemini_pro": "gemini:gemini-3.1-pro-preview",
    "openai_gpt4o_mini": "openai:gpt-4o-mini",
    "openai_gpt4o": "openai:gpt-4o",
    "openai_gpt4": "openai:gpt-4",
    "anthropic_haiku": "anthropic:claude-haiku-5-5",
    "anthropic_sonnet": "anthropic:claude-sonnet-5-5",
    "anthropic_opus": "anthropic:claude-opus-5-5",
}
