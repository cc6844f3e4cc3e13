"""Secrets never reach a record."""

from __future__ import annotations

import pytest

from jupyter_green.track.secrets import MASK, mask, mask_text, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "db_password", "password1", "passwords", "passwd", "PASSWD", "pwd", "db_pass", "pass",
        "passphrase", "passcode", "secret", "client_secret", "token", "api_token", "TOKEN", "hf-token", "token_value",
        "access_tokens", "api_key", "apikey", "API-KEY", "apiKey", "aws_secret_access_key", "accessKey", "private_key",
        "key", "ssh_key", "openai.key", "encryptionKey", "AccountKey", "credential", "credentials", "auth",
        "auth_header", "authorization_x_bearer", "session_cookie",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    """A parameter with the name of a secret is masked, whatever its value."""
    assert mask({name: 12345}) == {name: MASK}


@pytest.mark.parametrize(
    "name",
    [
        "author", "authors", "keyboard", "monkey", "keys", "key_size", "turkey", "compass", "bypass", "passes",
        "tokenizer", "max_tokens", "n_tokens", "tokenise", "passenger", "lr", "secretion"[:5], "n_layers",
    ],
)  # fmt: skip
def test_names_of_no_secrets(name: str) -> None:
    """A parameter whose name only looks like a secret's is kept."""
    assert mask({name: "plain"}) == {name: "plain"}


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1B2" * 9, "gho_" + "a1B2" * 9, "github_pat_" + "a1" * 20, "glpat-" + "a1b2" * 5,
        "sk-" + "a1B2" * 12, "sk-proj-" + "a1B2-" * 12, "sk-ant-api03-" + "a1B2" * 12, "sk_live_" + "a1B2" * 6,
        "xoxb-123456789012-abcdef", "xapp-1-A012-345678", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE",
        "AIza" + "a" * 35, "ya29." + "a" * 30, "hf_" + "a" * 34, "npm_" + "a1" * 18, "pypi-AgEIcHlwaS5vcmc" + "a" * 20,
        "dapi" + "0a" * 16, "SG." + "a" * 22 + "." + "b" * 43,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    ],
)  # fmt: skip
def test_shapes_of_tokens(token: str) -> None:
    """What has the shape of a known token is masked in any value and inside a sentence."""
    assert mask({"x": token}) == {"x": MASK}
    assert mask_text(f"with {token}.") == f"with {MASK}."


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-random-forest-model",
        "task-oriented-dialogue-2024-01",
        "a@b.example",
        "hf_model",
        "eyJust",
        "basic statistics",
    ],
)
def test_words_are_no_tokens(text: str) -> None:
    """Ordinary words that begin like a token stay."""
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://ann:pw@host/x", "http://***@host/x"),
        ("https://ann:p@ss@host:5000", "https://***@host:5000"),
        ("postgresql+psycopg://ann:pw@host/db", "postgresql+psycopg://***@host/db"),
        ("http://ann@host", "http://***@host"),
        ("see http://a:b@c and http://d:e@f/", "see http://***@c and http://***@f/"),
        ("http://host/@ann", "http://host/@ann"),
        ("http://host/x?api_key=1&a=2#f", "http://host/x?api_key=***&a=2#f"),
        ("https://h/b?sig=a%2Fb&se=2026", "https://h/b?sig=***&se=2026"),
        ("https://h/b?X-Amz-Signature=ab&a=monkey", "https://h/b?X-Amz-Signature=***&a=monkey"),
        ("AccountName=a;AccountKey=b==;x=y", "AccountName=a;AccountKey=***;x=y"),
        ("host=h password=pw user=ann", "host=h password=*** user=ann"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***"),
        ("authorization: Basic YW5uOnB3MTIz", "authorization: Basic ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nab\ncd\n-----END RSA PRIVATE KEY-----\n.", "***\n."),
        ("-----BEGIN PRIVATE KEY-----\nab", "***"),
    ],
)  # fmt: skip
def test_text(text: str, masked: str) -> None:
    """User info, secrets of query and connection strings, headers and private keys are masked in any text."""
    assert mask_text(text) == masked


def test_inside_lists_and_dicts() -> None:
    """A secret deep in a parameter's value is masked, and the rest of the value is kept."""
    values = {"db": {"host": "h", "password": "x", "urls": ["http://a:b@c", 1, None]}, "lr": (0.1, True)}
    assert mask(values) == {
        "db": "{'host': 'h', 'password': '***', 'urls': ['http://***@c', 1, None]}",
        "lr": "[0.1, True]",
    }


def test_uri_without_secrets() -> None:
    """A URI loses the secrets of its query and keeps all else as it was."""
    assert without_secrets("sqlite:////x.db?timeout=3") == "sqlite:////x.db?timeout=3"
    assert without_secrets("postgresql://h/db?user=u&password=p") == "postgresql://h/db?user=u"
    assert without_secrets("http://h?token=p") == "http://h"
