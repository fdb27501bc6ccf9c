"""What each service's wire looks like, from the service's side."""

from dialects.anthropic import Anthropic
from dialects.base import Dialect
from dialects.chat import Chat, Embeddings
from dialects.gemini import Gemini
from dialects.ollama import Ollama
from dialects.responses import Responses

__all__ = [
    "Anthropic",
    "Chat",
    "Dialect",
    "Embeddings",
    "Gemini",
    "Ollama",
    "Responses",
]
