"""List prices: what is known, on which day, and that no model gets the price of a near name."""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.usage import Price, Usage
from onefold.providers.names import NAMES
from onefold.providers.prices import SERVICES, list_price, price_by_genai, price_by_table
from onefold.providers.table import ALIASES, CHANGES, DATED, SOURCE, TABLE

try:
    import genai_prices
except ImportError:
    genai_prices = None

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "prices.json"
READ = genai_prices and f"genai-prices {genai_prices.__version__}"
ROWS = [(service, model) for service, rows in TABLE.items() for model in rows]
NAMED = [(service, model) for service, names in ALIASES.items() for model in names]
with_genai = pytest.mark.skipif(not genai_prices, reason="genai-prices is not installed")
with_source = pytest.mark.skipif(READ != SOURCE, reason=f"the table was read from {SOURCE}")

STRANGERS = [
    ("openai", "gpt-4o-audio-preview"),
    ("openai", "gpt-4o-audio-preview-2024-12-17"),
    ("openai", "gpt-4o-realtime-preview"),
    ("openai", "gpt-4o-mini-search-preview"),
    ("openai", "gpt-4o-mini-tts"),
    ("openai", "gpt-4o-turbo"),
    ("openai", "gpt-4o-2099-01-01"),
    ("openai", "gpt-4o-mini-2024-07-18-evil"),
    ("openai", "my-gpt-4o"),
    ("openai", "openai/gpt-4o"),
    ("openai", "gpt-4o "),
    ("openai", "gpt-4o\n"),
    ("openai", "gpt-4o\x00"),
    ("openai", "gpt-4o\udc80"),
    ("openai", "gpt-4-0125"),
    ("openai", "gpt-40"),
    ("openai", "gpt-5-image"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:house::a1b2"),
    ("openai", "gpt"),
    ("openai", ""),
    ("openai", "claude-opus-5-5"),
    ("azure", "my-o4-mini"),
    ("anthropic", "claude"),
    ("anthropic", "claude-opus"),
    ("anthropic", "claude-opus-4-5-turbo"),
    ("anthropic", "claude-opus-4-55"),
    ("anthropic", "claude-3-haiku-instant"),
    ("anthropic", "claude-sonnet-4-20251399"),
    ("gemini", "gemini-1.5-flash-8b"),
    ("gemini", "gemini-2.5-flash-image"),
    ("gemini", "gemini-2.5-flash-preview-tts"),
    ("gemini", "gemini-2.5-pro-ultra"),
    ("gemini", "gemini-3.8-flashy"),
    ("gemini", "not-gemini-2.0-flash"),
    ("gemini", "tunedModels/gemini-2.5-flash"),
    ("deepseek", "deepseek-chat-v9"),
    ("mistral", "mistral-small-2402"),
    ("mistral", "mistral-ocr-latest"),
    ("groq", "llama-3.1-8b"),
    ("together", "meta-llama/Llama-3.3-70B-Instruct"),
    ("perplexity", "sonar-deep-research"),
    ("perplexity", "perplexity/sonar"),
    ("openrouter", "openai/gpt-4o:online"),
    ("openrouter", "gemma-3-27b-it:free"),
]


@pytest.fixture(params=["genai-prices", "the table alone"])
def source(request, monkeypatch):
    """Both ways to find a price."""
    if request.param == "the table alone":
        monkeypatch.setitem(sys.modules, "genai_prices", None)
    elif not genai_prices:
        pytest.skip("genai-prices is not installed")


@pytest.fixture
def alone(monkeypatch):
    """Our own table, as if nothing else were installed."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)


def test_well_known_models_have_their_price_from_either_source(source):
    mini = Price(0.15, 0.6, 0.075)
    assert list_price("openai", "gpt-4o-mini", DATED) == mini
    assert list_price("responses", "gpt-4o-mini", DATED) == mini
    assert list_price("azure", "gpt-4o-mini", DATED) == mini
    haiku = Price(1, 5, 0.1, tokens_written=1.25)
    assert list_price("anthropic", "claude-haiku-4-5", DATED) == haiku
    assert list_price("gemini", "models/gemini-2.5-flash", DATED) == Price(0.3, 2.5, 0.03)


def test_a_snapshot_costs_what_its_model_does_only_where_that_is_listed(source):
    mini, haiku = list_price("openai", "gpt-4o-mini"), list_price("anthropic", "claude-haiku-4-5")
    assert mini == list_price("openai", "gpt-4o-mini-2024-07-18")
    assert haiku == list_price("anthropic", "claude-haiku-4-5-20251001")
    assert haiku == list_price("anthropic", "claude-haiku-4-5@20251001")
    old = list_price("openai", "gpt-4o-2024-05-13", DATED)
    assert old is not None
    assert (old.tokens_in, old.tokens_out) == (5, 15)


def test_the_case_of_a_name_does_not_matter(source):
    for model in (
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "META-LLAMA/llama-3.3-70b-instruct-turbo",
    ):
        assert list_price("together", model, DATED) == Price(0.88, 0.88)


@pytest.mark.parametrize(("service", "model"), STRANGERS)
def test_a_name_that_is_only_near_has_no_price(service, model, source):
    assert list_price(service, model, DATED) is None


@given(
    st.sampled_from(ROWS),
    st.sampled_from("-.:@_/ "),
    st.from_regex(r"q[g-p]{2,9}", fullmatch=True),
    st.booleans(),
)
def test_no_listed_name_with_something_added_has_a_price(row, between, more, behind):
    service, model = row
    name = model + between + more if behind else more + between + model
    assert list_price(service, name, DATED) is None
    assert price_by_table(service, name, DATED) is None


@given(st.sampled_from(ROWS), st.integers(1, 40))
def test_the_beginning_of_a_name_is_not_the_name(row, length):
    service, model = row
    beginning = model[:-length]
    if beginning not in TABLE[service] and beginning not in ALIASES.get(service, {}):
        assert price_by_table(service, beginning, DATED) is None


@pytest.mark.parametrize(
    "service", ["ollama", "vllm", "llamacpp", "lmstudio", "compatible", "fake", "sim", "", "x"]
)
def test_servers_of_ones_own_and_unknown_services_have_no_list_price(service, source):
    assert list_price(service, "gpt-4o-mini", DATED) is None


def test_without_a_day_it_is_the_price_of_today(source):
    (day, row) = CHANGES["gemini"]["gemini-3.8-flash"]
    price = list_price("gemini", "gemini-3.8-flash")
    changed = Price(*row[:3])
    assert price == (changed if datetime.now(UTC).date() >= day else Price(0.75, 3.75, 0.075))


def test_an_announced_change_counts_from_its_day(source):
    for service, changes in CHANGES.items():
        for model, (day, row) in changes.items():
            before = list_price(service, model, date.fromordinal(day.toordinal() - 1))
            after = list_price(service, model, day)
            assert before == Price(*TABLE[service][model][:3])
            assert after == Price(*row[:3])


def test_the_dearest_hour_and_the_shortest_prompt_set_the_price(source):
    peak, base = (1.32, 3.96), (0.1, 0.5)
    pro = list_price("deepseek", "deepseek-v4-pro", DATED)
    haiku = list_price("anthropic", "claude-haiku-5-5", DATED)
    assert pro is not None
    assert haiku is not None
    assert (pro.tokens_in, pro.tokens_out) == peak
    assert (haiku.tokens_in, haiku.tokens_out) == base


@with_genai
def test_a_fee_for_each_call_is_part_of_the_price():
    assert list_price("perplexity", "sonar-pro", DATED) == Price(3, 15, call=0.014)


def test_embeddings_pay_for_what_they_read(source):
    assert list_price("openai", "text-embedding-3-small", DATED) == Price(0.02, 0)


@with_genai
def test_services_are_known_to_genai_prices_by_these_names():
    from genai_prices.data import providers

    assert set(SERVICES.values()) <= {provider.id for provider in providers}


def test_the_table_is_whole():
    lower = [model for _, model in [*ROWS, *NAMED] if model != model.lower()]
    assert not lower
    for service, names in ALIASES.items():
        assert set(names.values()) <= set(TABLE[service])
        assert not set(names) & set(TABLE[service])
    for service, changes in CHANGES.items():
        assert set(changes) <= set(TABLE[service])
    assert set(TABLE) <= set(SERVICES)


@pytest.mark.parametrize(("service", "model"), [*ROWS, *NAMED])
def test_every_name_of_the_table_has_a_price_that_is_not_free(service, model, alone):
    price = list_price(service, model, DATED)
    assert price is not None
    assert price.tokens_in > 0
    assert price.tokens_out > 0 or "embed" in model
    assert price.tokens_cached is None or price.tokens_cached <= price.tokens_in


@with_source
@pytest.mark.parametrize(("service", "model"), [*ROWS, *NAMED])
def test_every_name_of_the_table_costs_what_genai_prices_counts(service, model):
    """A call of 1,000 tokens in, 300 of them cached, at the dearest hour; and figure by figure."""
    row = price_by_table(service, model, DATED)
    assert row is not None
    asked = {"input_tokens": 1000, "cache_read_tokens": 300, "output_tokens": 500}
    if row.tokens_out == 0:
        asked = {"input_tokens": 1000}
    counted = genai_prices.calc_price(
        genai_prices.Usage(**asked),
        model,
        provider_id=SERVICES[service],
        genai_request_timestamp=datetime(DATED.year, DATED.month, DATED.day, 2, tzinfo=UTC),
    )
    cached, wrote = asked.get("cache_read_tokens", 0), asked.get("output_tokens", 0)
    assert row.usd(Usage(1000, cached, wrote)) == pytest.approx(float(counted.total_price))
    if listed := price_by_genai(service, model, DATED):
        assert row == listed


@pytest.mark.skipif(not SHARED.is_file(), reason="stands beside a development copy only")
def test_the_table_agrees_with_the_prices_that_papers_used(alone):
    seen = {}
    for model, row in json.loads(SHARED.read_text()).items():
        kind = {"gpt": "openai", "claude": "anthropic", "gemini": "gemini"}
        if service := kind.get(model.split("-")[0]):
            price = list_price(service, model, DATED)
            assert price is not None, model
            seen[model] = (price.tokens_in, price.tokens_out)
            assert seen[model] == (row["usd_per_mtok_in"], row["usd_per_mtok_out"]), model
    assert len(seen) >= 10


def test_the_eight_names_are_models_with_a_price(source):
    services = ["gemini"] * 2 + ["openai"] * 3 + ["anthropic"] * 3
    assert [name.partition("_")[0] for name in NAMES] == services
    for spelling in NAMES.values():
        service, _, model = spelling.partition(":")
        assert list_price(service, model, DATED) is not None, spelling
