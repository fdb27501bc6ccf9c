"""Services and servers that speak OpenAI's chat completions, each with its own ways."""

from __future__ import annotations

from typing import ClassVar

from onefold.providers.wires.chat import Chat
from onefold.providers.wires.wire import Service


class OpenAI(Chat, name="openai"):
    """OpenAI's chat completions: `openai:gpt-4o-mini`."""

    service: ClassVar[Service] = Service(
        "https://api.openai.com/v1", ("OPENAI_API_KEY",), lacks=frozenset({"top_k"})
    )
    limit: ClassVar[str] = "max_completion_tokens"


class Azure(Chat, name="azure"):
    """Azure OpenAI (v1 API): base_url is `https://RESOURCE.openai.azure.com/openai/v1`."""

    service: ClassVar[Service] = Service(
        "", ("AZURE_OPENAI_API_KEY",), header="api-key", lacks=frozenset({"top_k"})
    )
    limit: ClassVar[str] = "max_completion_tokens"


class DeepSeek(Chat, name="deepseek"):
    """DeepSeek: `deepseek:deepseek-chat`. Continues partial answers at its beta address."""

    service: ClassVar[Service] = Service(
        "https://api.deepseek.com",
        ("DEEPSEEK_API_KEY",),
        continues="prefix",
        lacks=frozenset({"top_k", "seed"}),
    )
    path_continued: ClassVar[str] = "/beta/chat/completions"
    takes_schema: ClassVar[bool] = False


class Groq(Chat, name="groq"):
    """Groq: `groq:llama-3.3-70b-versatile`."""

    service: ClassVar[Service] = Service(
        "https://api.groq.com/openai/v1",
        ("GROQ_API_KEY",),
        continues="trailing",
        lacks=frozenset({"top_k", "logprobs"}),
    )
    limit: ClassVar[str] = "max_completion_tokens"


class Together(Chat, name="together"):
    """Together AI: `together:meta-llama/Llama-3.3-70B-Instruct-Turbo`."""

    service: ClassVar[Service] = Service(
        "https://api.together.xyz/v1", ("TOGETHER_API_KEY",), lacks=frozenset({"logprobs"})
    )


class Mistral(Chat, name="mistral"):
    """Mistral: `mistral:mistral-small-latest`."""

    service: ClassVar[Service] = Service(
        "https://api.mistral.ai/v1",
        ("MISTRAL_API_KEY",),
        continues="prefix",
        repeats=True,
        lacks=frozenset({"top_k", "logprobs"}),
    )
    seed: ClassVar[str] = "random_seed"
    asks_usage: ClassVar[bool] = False


class Xai(Chat, name="xai"):
    """xAI: `xai:grok-4`."""

    service: ClassVar[Service] = Service(
        "https://api.x.ai/v1", ("XAI_API_KEY",), lacks=frozenset({"top_k"})
    )


class OpenRouter(Chat, name="openrouter"):
    """OpenRouter: `openrouter:anthropic/claude-haiku-4.5`. Says itself what each call cost."""

    service: ClassVar[Service] = Service(
        "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), continues="trailing"
    )


class Vllm(Chat, name="vllm"):
    """A vLLM server; at `http://localhost:8000/v1` unless base_url says otherwise."""

    tells: ClassVar[bool] = True
    service: ClassVar[Service] = Service("http://localhost:8000/v1", continues="flag")


class LlamaCpp(Chat, name="llamacpp"):
    """A llama.cpp server; at `http://localhost:8080/v1` unless base_url says otherwise."""

    service: ClassVar[Service] = Service(
        "http://localhost:8080/v1", continues="trailing", repeats=True
    )


class LMStudio(Chat, name="lmstudio"):
    """LM Studio; at `http://localhost:1234/v1` unless base_url says otherwise."""

    service: ClassVar[Service] = Service("http://localhost:1234/v1")


class Compatible(Chat, name="compatible"):
    """Any other server that is compatible: say its base_url, and `key` if it needs one."""

    service: ClassVar[Service] = Service()
