"""The public face: every name that `import onefold as of` offers, and nothing else."""

from onefold.core.answer import Answer, Failure
from onefold.core.errors import (
    BudgetExceeded,
    ConfigError,
    MissingExtra,
    ModelError,
    NoAnswer,
    NotRecorded,
    OnefoldError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
    Unreadable,
)
from onefold.core.example import Example
from onefold.core.query import Message, Query
from onefold.core.spec import build, dump
from onefold.core.tally import Ballot, Tally
from onefold.core.usage import Price, Usage
from onefold.delivery.budget import Budget
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Provider, Reply, Request, Sampling
from onefold.delivery.session import Session
from onefold.functions import judge, operator, reader, router, stop
from onefold.operators.model import Model
from onefold.operators.panel import Panel
from onefold.operators.votes import Best, Majority, Unanimous, Weighted
from onefold.operators.wrappers import Cached, Named, Read, Within
from onefold.providers.fake import Fake
from onefold.readers.text import LowercaseTrim, Plain
from onefold.runtime.stream import Event, Stream
from onefold.runtime.trace import Span
from onefold.stops import Agree, AllOf, AnyOf, Certified, Decided, First, Never, Spent, Sure
from onefold.verbs import Chain, Judge, Operator, Race, Reader, Router, Stop, Vote

__all__ = [
    "Agree",
    "AllOf",
    "Answer",
    "AnyOf",
    "Ballot",
    "Best",
    "Budget",
    "BudgetExceeded",
    "Cached",
    "Certified",
    "Chain",
    "ConfigError",
    "Decided",
    "Deployment",
    "Event",
    "Example",
    "Failure",
    "Fake",
    "First",
    "Judge",
    "LowercaseTrim",
    "Majority",
    "Message",
    "MissingExtra",
    "Model",
    "ModelError",
    "Named",
    "Never",
    "NoAnswer",
    "NotRecorded",
    "OnefoldError",
    "Operator",
    "Panel",
    "Plain",
    "Price",
    "Provider",
    "Query",
    "Race",
    "RateLimited",
    "Read",
    "Reader",
    "Refused",
    "Reply",
    "Request",
    "Router",
    "Sampling",
    "Session",
    "Span",
    "Spent",
    "Stop",
    "Stream",
    "Sure",
    "Tally",
    "TimedOut",
    "Unanimous",
    "Unreachable",
    "Unreadable",
    "Usage",
    "Vote",
    "Weighted",
    "Within",
    "build",
    "dump",
    "judge",
    "operator",
    "reader",
    "router",
    "stop",
]
