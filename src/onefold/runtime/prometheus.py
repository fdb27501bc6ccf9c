"""Spans as metrics for Prometheus: calls, tokens, dollars, seconds, questions."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from onefold.core.errors import ConfigError, MissingExtra
from onefold.runtime.logs import ANSWERED_FROM, FAULTS
from onefold.runtime.trace import Phase, Span

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

MODELS = 200  # models with a label of their own; later ones are counted as `other`
SECONDS = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip


class Prometheus:
    """A listener that counts; needs the extra `prometheus`.

    registry: where its metrics are registered; prometheus-client's own by default.
    prefix: what their names begin with.

    calls_total {model, status}: status is ok, failed, cancelled, or cache and journal for calls
        that were answered from there.
    tokens_total {model, kind}: kind is input, cache_read, cache_write, output or reasoning; they
        do not overlap.
    usd_total {model, estimated}: US dollars; unpriced_calls_total {model}: calls whose price is
        unknown, which are in no sum of dollars.
    call_seconds {model}: histogram of the time that replies of models took; buckets as the GenAI
        semantic conventions of OpenTelemetry advise.
    calls_in_flight {model}; questions_total {status}.

    Labels are bounded: no prompts, no identifiers, at most 200 models. What goes wrong in here is
    kept in `faults` and disturbs nobody.

    Raises:
        MissingExtra: prometheus-client is not installed.
        ConfigError: the prefix is taken in this registry.
    """

    wants_words = False  # nothing is streamed for its sake

    def __init__(self, registry: CollectorRegistry | None = None, prefix: str = "onefold") -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Gauge, Histogram
        except ImportError:
            raise MissingExtra("prometheus", "Prometheus") from None
        registry = registry or REGISTRY
        self.faults: deque[Exception] = deque(maxlen=FAULTS)
        self._models: set[str] = set()
        self._notes: dict[int, str] = {}
        self._series: dict[tuple[Any, ...], Any] = {}

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"{prefix}_{name}", about, labels, registry=registry)

        try:
            self.calls = counter("calls_total", "Model calls.", "model", "status")
            self.tokens = counter("tokens_total", "Tokens read and written.", "model", "kind")
            self.usd = counter("usd_total", "US dollars spent.", "model", "estimated")
            self.unpriced = counter("unpriced_calls_total", "Calls of unknown price.", "model")
            self.questions = counter("questions_total", "Questions answered or not.", "status")
            self.seconds = Histogram(
                f"{prefix}_call_seconds", "Seconds that a model's reply took.", ["model"],
                registry=registry, buckets=SECONDS,
            )  # fmt: skip
            self.flying = Gauge(
                f"{prefix}_calls_in_flight", "Model calls under way.", ["model"],
                registry=registry, multiprocess_mode="livesum",
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(f"metrics with the prefix {prefix!r}: {error}") from None

    def __call__(self, phase: Phase, span: Span, what: str, value: Any) -> None:
        try:
            if span.verb == "complete":
                self._call(phase, span, what)
            elif phase == "stop" and span.parent is None:
                self._of(self.questions, span.status).inc()
        except Exception as error:
            self.faults.append(error)

    def _call(self, phase: Phase, span: Span, what: str) -> None:
        if phase == "note":
            if what in ANSWERED_FROM:
                self._notes[id(span)] = ANSWERED_FROM[what]
            return
        model = self._model(span.name)
        if phase == "start":
            self._of(self.flying, model).inc()
            return
        self._of(self.flying, model).dec()
        found = self._notes.pop(id(span), "")
        self._of(self.calls, model, found or span.status).inc()
        if not found:
            self._used(model, span)

    def _used(self, model: str, span: Span) -> None:
        if span.status == "ok":
            self._of(self.seconds, model).observe(span.seconds)
        usage = span.usage
        fresh = usage.tokens_in - usage.tokens_cached - usage.tokens_written
        for kind, tokens in (
            ("input", fresh),
            ("cache_read", usage.tokens_cached),
            ("cache_write", usage.tokens_written),
            ("output", usage.tokens_out - usage.tokens_reasoning),
            ("reasoning", usage.tokens_reasoning),
        ):
            if tokens > 0:
                self._of(self.tokens, model, kind).inc(tokens)
        if usage.usd is None:
            self._of(self.unpriced, model).inc(usage.calls)
        elif usage.usd:
            self._of(self.usd, model, "true" if usage.estimated else "false").inc(usage.usd)

    def _of(self, metric: Any, *labels: str) -> Any:
        """The series of a metric with these labels, looked up once."""
        key = (metric, *labels)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = metric.labels(*labels)
        return series

    def _model(self, name: str) -> str:
        """The label of a model: a stranger's names must not fill the registry."""
        if name not in self._models:
            if len(self._models) >= MODELS:
                return "other"
            self._models.add(name)
        return name
