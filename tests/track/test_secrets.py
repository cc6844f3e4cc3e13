"""Secrets never reach a record."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from jupyter_green.track.secrets import MASK, bare_url, mask, mask_text, without_secrets, without_user_info

DRIVERS = st.sampled_from(["postgresql", "postgresql+psycopg", "mysql+pymysql", "mssql+pyodbc"])
# No letter of it stands elsewhere in the addresses below, so that any part that is left is found.
PASSWORDS = st.text("QXZ019/?#@:=&;%[]$'é", min_size=1)


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
        ("http://host/path@x?mail=ann@x#a@b", "http://host/path@x?mail=ann@x#a@b"),
        ("http://host:5000/path@x", "http://host:5000/path@x"),
        ("http://[::1]:5000/path@x", "http://[::1]:5000/path@x"),
        ("git+https://host:22/org/repo@v1", "git+https://host:22/org/repo@v1"),
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
        ("file:///home/a:b@c/x", "file:///home/a:b@c/x"),
        ("http://host:5000 asks ann@x", "http://host:5000 asks ann@x"),
        ("HTTP://ann:p/w?#@host:5000/x.", "HTTP://***@host:5000/x."),
        ("could not parse 'postgresql://ann:p/w?#@db/m'", "could not parse 'postgresql://***@db/m'"),
        ("http://ann:p@s/s@host/x", "http://***@host/x"),
        ("sqlite:///x,http://ann:p/w@host", "sqlite:///x,http://***@host"),
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
    assert without_secrets("https://h/x?sv=2024&sig=S") == "https://h/x?sv=2024"
    assert without_secrets("https://h/x?a=1;sig=S&b=2;c") == "https://h/x?b=2;c"


@given(st.sampled_from(["sig", "X-Amz-Signature", "token", "api_key", "sv", "se", "a", "author", "AccountKey"]))
def test_both_know_the_same_secrets(name: str) -> None:
    """What is secret in the query of an address is secret in a text, and the other way round."""
    uri = f"https://host/x?b=1&{name}=VALUE&c=2"
    assert ("VALUE" in without_secrets(uri)) == ("VALUE" in mask_text(uri))


@given(DRIVERS, PASSWORDS)
def test_no_part_of_a_password_of_a_database_is_left(driver: str, password: str) -> None:
    """Whatever a password is made of, a database's address loses it whole and stays what it is; texts mask it."""
    rest = "db:5432/mlflow?sslmode=require"
    uri = f"{driver}://ann:{password}@{rest}"
    assert without_user_info(uri) == f"{driver}://{rest}"
    assert mask_text(uri) == f"{driver}://***@{rest}"


@given(st.text(min_size=1))
def test_a_password_of_any_characters(password: str) -> None:
    """An address loses a password of blanks, line breaks and other alphabets, too."""
    assert without_user_info(f"postgresql://ann lee:{password}@db:5432/mlflow") == "postgresql://db:5432/mlflow"


@given(DRIVERS, st.sampled_from(["ann", "ann@tenant", ""]), st.text("ab1:/?#", min_size=1), st.text("mx@1", min_size=1))
def test_the_address_left_is_the_one_that_sqlalchemy_means(driver: str, user: str, password: str, name: str) -> None:
    """Host, port and database of an address without user info are those that SQLAlchemy reads in the whole one."""
    for host in ("db", "db:5432"):
        uri = f"{driver}://{user}:{password}@{host}/{name}?application_name=ann@laptop"
        left = without_user_info(uri)
        whole, bare = make_url(uri), make_url(left)
        assert whole.password == password
        assert (bare.username, bare.password) == (None, None)
        assert (bare.host, bare.port, bare.database, bare.query) == (
            whole.host,
            whole.port,
            whole.database,
            whole.query,
        )
        assert without_user_info(left) == left


@pytest.mark.parametrize(
    ("uri", "left"),
    [
        ("http://ann:p@ss@host/x@y/z", "http://host/x@y/z"),
        ("https://host/user/ann@corp/mlflow?a=b:c@d", "https://host/user/ann@corp/mlflow?a=b:c@d"),
        ("http://host:5000/x:y@z", "http://host:5000/x:y@z"),
        ("http://ann:pa/ss@host:5000", "http://host:5000"),
        ("http://ann@host", "http://host"),
        ("http://[::1]:5000/x@y", "http://[::1]:5000/x@y"),
        ("http://ann:pw@[::1]:5000/x", "http://[::1]:5000/x"),
        ("postgresql://db/x@y", "postgresql://db/x@y"),
        ("postgresql://db?user=a@b", "postgresql://db?user=a@b"),
        ("no address: a@b", "no address: a@b"),
    ],
)
def test_without_user_info(uri: str, left: str) -> None:
    """An @ in the path or query of an address without credentials makes no other address of it."""
    assert without_user_info(uri) == left


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://ann:pa/ss@host/nb.ipynb?token=x#top", "https://host/nb.ipynb"),
        ("abs://account.blob.core.windows.net/c/nb.ipynb?sv=1&sig=S", "abs://account.blob.core.windows.net/c/nb.ipynb"),
        ("s3://bucket/ann@corp/nb.ipynb", "s3://bucket/ann@corp/nb.ipynb"),
        ("https://[bad/nb.ipynb?sig=S", "https://[bad/nb.ipynb"),
        ("/home/ann/what? #1.ipynb", "/home/ann/what? #1.ipynb"),
    ],
)
def test_bare_url(url: str, bare: str) -> None:
    """A notebook's URL is left without user info, query and fragment; a path keeps its marks."""
    assert bare_url(url) == bare


@pytest.mark.parametrize("part", ["x://a:b,", "x://a:@", "@", "://", "http://a:b/", "x://"])
def test_a_long_text_takes_no_long_time(part: str) -> None:
    """Masking takes time in proportion to the text, also of one that is made of addresses."""
    began = time.process_time()
    mask_text("x://a:" + part * (150_000 // len(part)))
    assert time.process_time() - began < 5
