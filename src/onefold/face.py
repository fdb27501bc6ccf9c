"""The public face: every name that `import onefold as of` offers, and nothing else.

Nothing but imports: `onefold` reads them to load each name when it is first used, and whoever
needs every part of the house imports them all. What needs numpy holds no parts and waits.
"""

from typing import TYPE_CHECKING

import onefold.providers.names  # noqa: F401 (registers the ready models)
from onefold.core.answer import Answer, Failure, Token
from onefold.core.errors import (
    BudgetExceeded,
    ConfigError,
    Filtered,
    MissingExtra,
    ModelError,
    NoAnswer,
    NoCredit,
    NoSuchModel,
    NotRecorded,
    OnefoldError,
    RateLimited,
    Refused,
    TimedOut,
    TooLong,
    Unreachable,
    Unreadable,
    WrongKey,
)
from onefold.core.example import Example
from onefold.core.query import Message, Query
from onefold.core.spec import build, dump
from onefold.core.tally import Ballot, Tally, Trust
from onefold.core.usage import Price, Usage
from onefold.delivery.budget import Budget
from onefold.delivery.deployment import Deployment
from onefold.delivery.models import Spending
from onefold.delivery.provider import Provider, Reply, Request, Sampling
from onefold.delivery.session import Session
from onefold.delivery.traffic.breaker import Breaking
from onefold.delivery.traffic.fleet import Fleet
from onefold.delivery.traffic.hedge import Hedging
from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.retry import Retry
from onefold.encoders.embedded import Embedded
from onefold.encoders.sentences import Sentences
from onefold.encoders.words import Hashing
from onefold.experience.drift import Change
from onefold.experience.experience import Experience, Standing
from onefold.functions import (
    FunctionMarker,
    judge,
    marker,
    operator,
    provider,
    reader,
    router,
    stop,
)
from onefold.judges.agreement import Agreement
from onefold.judges.calibrated import Calibrated
from onefold.judges.combine import Least, Mean, Median
from onefold.judges.graded import Graded
from onefold.judges.learned import LearnedJudge
from onefold.judges.pairs import Pairs
from onefold.judges.prospects import Prospects
from onefold.judges.reward import Reward
from onefold.judges.same import Entails, Near, SameJson, SameNumber
from onefold.judges.stated import Stated
from onefold.judges.tokens import Tokens
from onefold.judges.verifiers.blend import Rewards
from onefold.judges.verifiers.checked import CheckedAnswer
from onefold.judges.verifiers.complete import Complete
from onefold.judges.verifiers.learned import LearnedReward
from onefold.judges.verifiers.process import Process
from onefold.lab.measure import Outcome, Statistics, by_member, statistics
from onefold.lab.probe import Finding, Probed, probe
from onefold.lab.prompts import load_prompts
from onefold.lab.recipe import Recipe, load_models, load_recipe, recipe
from onefold.lab.report import members_of, report, write_report
from onefold.lab.run import Run, arun, run
from onefold.markers.arithmetic import Arithmetic
from onefold.markers.graded import GradedSteps
from onefold.markers.reward import StepReward
from onefold.operators.asking import aembed, ask, embed, plan, start, stream
from onefold.operators.composing.explainer import Explainer
from onefold.operators.composing.prompted import Prompted, variants
from onefold.operators.composing.refine import Refine
from onefold.operators.composing.selector import Selector
from onefold.operators.composing.shortlist import Shortlist
from onefold.operators.composing.tool import tool
from onefold.operators.composing.verifier import Verifier
from onefold.operators.drawing import mermaid, tree
from onefold.operators.graph.condition import Condition, Holds, Where
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node
from onefold.operators.layers import layers
from onefold.operators.model import Model
from onefold.operators.modules.module import Module, call
from onefold.operators.notation.meaning import notation
from onefold.operators.notation.writing import noted
from onefold.operators.panel import Panel
from onefold.operators.presets import best_of, cascade, hedged, parallel, sequential
from onefold.operators.search.adaptive import Adaptive
from onefold.operators.search.beams import DVTS, Beam, GuidedSampling
from onefold.operators.search.particles import Particles, Rebase
from onefold.operators.search.purse import Bounds
from onefold.operators.search.search import Search
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.trees import MCTS, BestFirst
from onefold.operators.search.whole import BestOfN, MajorityOfN, WeightedBestOfN
from onefold.operators.votes.blend import Blend
from onefold.operators.votes.calibrated import CalibratedVote
from onefold.operators.votes.clusters import Clustered, semantic_entropy
from onefold.operators.votes.counting import Best, Majority, Unanimous, Weighted
from onefold.operators.votes.crowd import Crowd
from onefold.operators.votes.earned import Earned
from onefold.operators.votes.fused import Fused
from onefold.operators.votes.fusion import Fusion
from onefold.operators.votes.last import LastWord, Likeliest
from onefold.operators.votes.ranked import Ranked
from onefold.operators.wrappers import Cached, Named, Read, Within
from onefold.promises.captured import Captured, capture
from onefold.promises.function import JitFunction, jit
from onefold.promises.mapping import vmap
from onefold.promises.promise import Promise
from onefold.providers.chance import Latency
from onefold.providers.fake import Fake
from onefold.providers.huggingface.causal import Transformers
from onefold.providers.huggingface.scoring import TransformersScores
from onefold.providers.litellm import LiteLLM
from onefold.providers.local.local import Local
from onefold.providers.replay import Replay, replay
from onefold.providers.sdk import OpenAISDK
from onefold.providers.sim import Sim
from onefold.providers.wires.anthropic import Anthropic
from onefold.providers.wires.embeddings import Embeddings, OllamaEmbeddings
from onefold.providers.wires.gemini import Gemini
from onefold.providers.wires.ollama import Ollama
from onefold.providers.wires.responses import Responses
from onefold.providers.wires.scores import Http, Https, Scores
from onefold.providers.wires.services import (
    Azure,
    Compatible,
    DeepSeek,
    Groq,
    LlamaCpp,
    LMStudio,
    Mistral,
    OpenAI,
    OpenRouter,
    Together,
    Vllm,
    Xai,
)
from onefold.readers.boolean import Boolean
from onefold.readers.choice import Choice
from onefold.readers.json import Json
from onefold.readers.math import Math
from onefold.readers.number import Number
from onefold.readers.similarity import similarity
from onefold.readers.text import LowercaseTrim, Plain
from onefold.recording.recording import Draft, Recording
from onefold.routers.analysis import Analysed
from onefold.routers.bandit import Bandit
from onefold.routers.combine import FirstOf, Mix, Top
from onefold.routers.keywords import Keywords, task_types
from onefold.routers.learned import Learned
from onefold.routers.manifold import Manifold
from onefold.routers.nearest import Nearest
from onefold.routers.next import Next
from onefold.routers.online import Online
from onefold.routers.weigh import LeastBusy, PerDollar, Performance, PerSecond, RoundRobin
from onefold.runtime.clock import instantly
from onefold.runtime.logs import Line, Lines, Logged
from onefold.runtime.otel import OpenTelemetry
from onefold.runtime.plan import Cost, Plan, Task
from onefold.runtime.prometheus import Prometheus
from onefold.runtime.stream import Event, Stream
from onefold.runtime.telemetry import Telemetry
from onefold.runtime.trace import Span
from onefold.signatures.dspy import from_dspy
from onefold.signatures.signature import Signature, signature
from onefold.signatures.typed import Typed
from onefold.stops.agreement import Agree, Certified, Decided, First
from onefold.stops.bounds import AllOf, AnyOf, Never, Spent, Sure
from onefold.stops.learned import Worth
from onefold.stops.race import Lead
from onefold.verbs import Chain, Encoder, Judge, Marker, Operator, Race, Reader, Router, Stop, Vote

if TYPE_CHECKING:
    from onefold.fitted.calibration import Calibration, ece, reliability
    from onefold.lab.bench.bench import bench
    from onefold.lab.bench.compare import compare
    from onefold.lab.bench.page import write_bench
    from onefold.lab.bench.results import Results
    from onefold.lab.tuning.tune import Tuned, tune
    from onefold.learn.ballots import Ballots, Verdict
    from onefold.learn.calibrate import calibrated, fit_calibration
    from onefold.learn.cascade import fit_cascade
    from onefold.learn.fit import Fit
    from onefold.learn.judge import fit_judge
    from onefold.learn.reward import fit_reward
    from onefold.learn.routers.manifold import fit_manifold
    from onefold.learn.routers.nearest import fit_nearest, fit_taxonomy
    from onefold.learn.routers.router import fit_router
    from onefold.learn.votes.vote import fit_vote
    from onefold.routers.analysis import Analysis, analyse
    from onefold.routers.manifold import Recommendation, recommend

# fmt: off
__all__ = [
    "DVTS", "MCTS", "Adaptive", "Agree", "Agreement", "AllOf", "Analysed", "Analysis", "Answer",
    "Anthropic", "AnyOf", "Arithmetic", "Azure", "Ballot", "Ballots", "Bandit", "Beam", "Best",
    "BestFirst", "BestOfN", "Blend", "Boolean", "Bounds", "Breaking", "Budget", "BudgetExceeded",
    "Cached", "Calibrated", "CalibratedVote", "Calibration", "Captured", "Certified", "Chain",
    "Change", "CheckedAnswer", "Choice", "Clustered", "Compatible", "Complete", "Condition",
    "ConfigError", "Cost", "Crowd", "Decided", "DeepSeek", "Deployment", "Draft", "Earned",
    "Embedded", "Embeddings", "Encoder", "Entails", "Event", "Example", "Experience", "Explainer",
    "Failure", "Fake", "Filtered", "Finding", "First", "FirstOf", "Fit", "Fleet", "FunctionMarker",
    "Fused", "Fusion", "Gemini", "Graded", "GradedSteps", "Graph", "Groq", "GuidedSampling",
    "Hashing", "Hedging", "Holds", "Http", "Https", "JitFunction", "Json", "Judge", "Keywords",
    "LMStudio", "LastWord", "Latency", "Lead", "Learned", "LearnedJudge", "LearnedReward", "Least",
    "LeastBusy", "Likeliest", "Limits", "Line", "Lines", "LiteLLM", "LlamaCpp", "Local", "Logged",
    "LowercaseTrim", "Majority", "MajorityOfN", "Manifold", "Marker", "Math", "Mean", "Median",
    "Message", "MissingExtra", "Mistral", "Mix", "Model", "ModelError", "Module", "Named", "Near",
    "Nearest", "Never", "Next", "NoAnswer", "NoCredit", "NoSuchModel", "Node", "NotRecorded",
    "Number", "Ollama", "OllamaEmbeddings", "OnefoldError", "Online", "OpenAI", "OpenAISDK",
    "OpenRouter", "OpenTelemetry", "Operator", "Outcome", "Pairs", "Panel", "Particles",
    "PerDollar", "PerSecond", "Performance", "Plain", "Plan", "Price", "Probed", "Process",
    "Prometheus", "Promise", "Prompted", "Prospects", "Provider", "Query", "Race", "Ranked",
    "RateLimited", "Read", "Reader", "Rebase", "Recipe", "Recommendation", "Recording", "Refine",
    "Refused", "Replay", "Reply", "Request", "Responses", "Results", "Retry", "Reward", "Rewards",
    "RoundRobin", "Router", "Run", "SameJson", "SameNumber", "Sampling", "Scores", "Search",
    "Selector", "Sentences", "Session", "Shortlist", "Signature", "Sim", "Span", "Spending",
    "Spent", "Standing", "Stated", "Statistics", "StepReward", "Stop", "Strategy", "Stream",
    "Sure", "Tally", "Task", "Telemetry", "TimedOut", "Together", "Token", "Tokens", "TooLong",
    "Top", "Transformers", "TransformersScores", "Trust", "Tuned", "Typed", "Unanimous",
    "Unreachable", "Unreadable", "Usage", "Verdict", "Verifier", "Vllm", "Vote", "Weighted",
    "WeightedBestOfN", "Where", "Within", "Worth", "WrongKey", "Xai", "aembed", "analyse", "arun",
    "ask", "bench", "best_of", "build", "by_member", "calibrated", "call", "capture", "cascade",
    "compare", "dump", "ece", "embed", "fit_calibration", "fit_cascade", "fit_judge",
    "fit_manifold", "fit_nearest", "fit_reward", "fit_router", "fit_taxonomy", "fit_vote",
    "from_dspy", "hedged", "instantly", "jit", "judge", "layers", "load_models", "load_prompts",
    "load_recipe", "marker", "members_of", "mermaid", "notation", "noted", "operator", "parallel",
    "plan", "probe", "provider", "reader", "recipe", "recommend", "reliability", "replay",
    "report", "router", "run", "semantic_entropy", "sequential", "signature", "similarity",
    "start", "statistics", "stop", "stream", "task_types", "tool", "tree", "tune", "variants",
    "vmap", "write_bench", "write_report",
]
