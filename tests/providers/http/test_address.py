"""Addresses of services: plain ones pass, those with a key in them do not, variables are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import ConfigError
from onefold.providers.http.address import check, from_environment

SECRET = "canary-key-0123456789"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://localhost:11434",
        "http://127.0.0.1:8000/v1/",
        "http://[::1]:8000",
        "https://r.openai.azure.com/openai/v1",
        "HTTPS://EXAMPLE.org",
    ],
)
def test_an_address_is_a_scheme_a_host_perhaps_a_port_and_a_path(url):
    check(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "localhost:11434",
        "//host/v1",
        "ftp://host",
        "file:///etc/passwd",
        "http://",
        "https:///v1",
        "http://host:0",
        "http://host:99999",
        "http://host:port",
        "http://[::1",
        "http://ho st/",
        "http://höst/",
        "http://host/\n",
        "http://host/v1\r\nx: y",
        "http://host/\x00",
    ],
)
def test_what_is_no_address_is_refused_with_its_place(url):
    with pytest.raises(ConfigError, match=r"^base_url: .*write http\(s\)://host"):
        check(url)


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{SECRET}@host/v1",
        f"https://{SECRET}@host/v1",
        f"https://host/v1?api_key={SECRET}",
        f"https://host/v1#{SECRET}",
        f"https://:{SECRET}@host",
        f"https://user:{SECRET}@host:99999",
    ],
)
def test_an_address_that_may_hold_a_key_is_refused_without_showing_it(url):
    with pytest.raises(ConfigError, match=r"^models") as told:
        check(url, "models.m")
    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("box", "http://box:11434"),
        ("box:99", "http://box:99"),
        (":99", "http://127.0.0.1:99"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:99", "http://127.0.0.1:99"),
        ("[::]:99", "http://[::1]:99"),
        ("[::1]", "http://[::1]:11434"),
        ("[2001:db8::1]:99", "http://[2001:db8::1]:99"),
        ("  box  ", "http://box:11434"),
        ("box/deep", "http://box:11434/deep"),
        ("http://box", "http://box"),
        ("https://box", "https://box"),
        ("https://box:99/deep/", "https://box:99/deep/"),
        ("http://0.0.0.0:99", "http://127.0.0.1:99"),
    ],
)
def test_an_operators_variable_says_an_address_as_operators_write_them(said, url):
    assert from_environment("OLLAMA_HOST", said, 11434) == url


def test_without_a_usual_port_none_is_meant():
    assert from_environment("HOST", "box", 0) == "http://box"


@pytest.mark.parametrize("said", ["ftp://box", "bo x", "box:port", f"user:{SECRET}@box", "http://"])
def test_a_variable_that_is_no_address_is_named(said):
    with pytest.raises(ConfigError, match=r"^OLLAMA_HOST: ") as told:
        from_environment("OLLAMA_HOST", said, 11434)
    assert SECRET not in str(told.value)


@given(
    host=st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z]{2,5})?", fullmatch=True),
    port=st.integers(1, 65535),
)
def test_what_a_variable_means_is_an_address_again(host, port):
    url = from_environment("HOST", f"{host}:{port}", 1)
    assert url == f"http://{host}:{port}"
    assert from_environment("HOST", url, 1) == url
    check(url)
