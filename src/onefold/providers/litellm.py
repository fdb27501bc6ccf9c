"""The long tail: whatever LiteLLM speaks to, kept on our leash."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, ClassVar

from onefold.core.errors import ConfigError, MissingExtra
from onefold.core.usage import Price
from onefold.providers.http import keys
from onefold.providers.prices import list_price
from onefold.providers.sdk import Packaged
from onefold.providers.wires.chat import Chat
from onefold.providers.wires.services import Compatible

POISONED = ("1.82.7", "1.82.8")  # published on 2026-03-24 with malware in them
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",  # reads no .env file
}
SERVICES = {
    "cerebras": "cerebras",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "together_ai": "together",
    **{name: name for name in ("anthropic", "azure", "deepseek", "gemini", "groq", "mistral")},
    **{name: name for name in ("openai", "openrouter", "perplexity", "xai")},
}
SHORT = 8  # characters; what is shorter is no key


class LiteLLM(Packaged, name="litellm"):
    """A model by LiteLLM: `litellm:groq/llama-3.3-70b-versatile`; needs the extra `litellm`.

    Without `key` it reads the environment's variables for the service itself. Of a stream that
    breaks off quietly it tells nothing: it makes up an end.

    body: further arguments of `acompletion`; secret ones are named as keys are, `env:NAME`.
    """

    wire: ClassVar[type[Chat]] = Compatible

    async def _asked(self, body: dict[str, Any], stream: bool) -> Any:
        arguments = {**body, **self._hidden()}
        if self.base_url:
            arguments |= {"api_base": self.base_url, "api_key": "none"}
        if self.key:
            arguments["api_key"] = keys.read(self.key, (), f"litellm:{self.model}")
        return await package().acompletion(
            **arguments, stream=stream, num_retries=0, max_retries=0, drop_params=False
        )

    def _hidden(self) -> dict[str, str]:
        """The secret arguments in the body, read where they lie."""
        return {
            name: keys.read(value, (), f"body.{name}")
            for name, value in self.body.items()
            if isinstance(value, str) and secret(name)
        }

    def _secrets(self) -> tuple[str, ...]:
        held = [value for name, value in os.environ.items() if secret(name)]
        long = [value.strip() for value in held if len(value.strip()) >= SHORT]
        return (*super()._secrets(), *self._hidden().values(), *long)

    def _price(self) -> Price | None:
        service, slash, model = self.model.partition("/")
        if slash:
            return list_price(SERVICES.get(service, ""), model)
        return list_price("openai", self.model) or list_price("anthropic", self.model)

    def _prepare(self, model: str) -> None:
        package()
        super()._secrets()
        self._hidden()

    def _check(self) -> None:
        super()._check()
        for name, value in self.body.items():
            if isinstance(value, str) and secret(name):
                keys.check(value, f"body.{name}")


def secret(name: str) -> bool:
    """Whether what has this name is to be shown nowhere."""
    return name != "prompt_cache_key" and keys.SECRET.search(name.replace("_", "-")) is not None


@cache
def package() -> Any:
    """LiteLLM, told to ask nobody for prices, to read no file of keys, to print nothing.

    Raises:
        MissingExtra: it is not installed. ConfigError: it is a release with malware in it.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("litellm")
    except PackageNotFoundError:
        found = ""
    if found in POISONED:
        raise ConfigError(
            f"litellm {found} carries malware that steals keys: uninstall it, change every key "
            "that this machine holds, and install another release"
        )
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import litellm
    except ImportError:
        raise MissingExtra("litellm", "LiteLLM") from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm
