"""The words after ``%%track_energy``, understood one by one; a bad one is named and the rest still counts."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from jupyter_green.settings import Settings, did_you_mean

# Every option with the kind of value it takes.
_OPTIONS = {
    "-n": "NAME",
    "--name": "NAME",
    "-m": "METRIC=EXPR",
    "--metric": "METRIC=EXPR",
    "--mlflow": "auto|on|off",
    "--experiment": "NAME",
    "--tag": "K=V",
    "--intensity": "ZONE|53g",
    "--quiet": "",
}
_LONG = sorted(name for name in _OPTIONS if name.startswith("--"))
_METRIC = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)\s*")
_NEXT_METRIC = re.compile(r"\s+[^\W\d]\w*\s*=(?!=)")
_NEXT_OPTION = re.compile(r"\s+-(?:-[a-z]|[nm](?:[\s=]|$))")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_WORD = re.compile(rf"(?:{_QUOTED.pattern}|[^\s\"'])+(?=\s|$)|\S+", re.DOTALL)


@dataclass(slots=True, kw_only=True)
class Asked:
    """What a line asked for, and what of it could not be understood."""

    name: str | None = None
    metrics: dict[str, str] = field(default_factory=dict)  # expressions, as written
    mlflow: str | None = None
    experiment: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    intensity: str | None = None
    quiet: bool = False
    errors: list[str] = field(default_factory=list)


def parse(text: str) -> Asked:
    """Understand the words after ``%%track_energy``.

    >>> asked = parse("-n fit -m acc=clf.score(Xte, yte) f1=2 - 1 --tag model=svm")
    >>> asked.name, asked.metrics, asked.tags, asked.errors
    ('fit', {'acc': 'clf.score(Xte, yte)', 'f1': '2 - 1'}, {'model': 'svm'}, [])
    >>> parse("--experimnet x").errors
    ['unknown option --experimnet. Did you mean --experiment?']
    """
    asked = Asked()
    rest = text.strip()
    while rest:
        word = rest.split(None, 1)[0]
        option, has_value, _ = word.partition("=")
        if option not in _OPTIONS:
            rest = _skip(asked, word, rest)
            continue
        after = rest[len(option) + 1 if has_value else len(option) :].lstrip()
        if option in ("-m", "--metric"):
            rest = _metrics(asked, after)
        elif option == "--quiet":
            asked.quiet, rest = True, rest[len(word) :].lstrip()
            if has_value:
                asked.errors.append("--quiet takes no value.")
        else:
            rest = _value(asked, option, after)
    return asked


def leave_locked(asked: Asked, settings: Settings) -> None:
    """Leave out what a line asks for and an administrator keeps as it is, and say so; the locked value itself is fine.

    >>> asked, locked = parse("--intensity 53g"), frozenset({"intensity"})
    >>> leave_locked(asked, Settings(sources={"intensity": "/etc/x.py, locked"}, locked=locked))
    >>> asked.intensity, asked.errors
    (None, ['intensity is locked by the administrator (/etc/x.py, locked); --intensity 53g is left out.'])
    """
    for name in ("intensity", "mlflow", "experiment"):
        said = getattr(asked, name)
        if said is None or name not in settings.locked or said == getattr(settings, name):
            continue
        setattr(asked, name, None)
        option = f"--{name} {shlex.quote(said)}"
        asked.errors.append(f"{name} is locked by the administrator ({settings.sources[name]}); {option} is left out.")


def _skip(asked: Asked, word: str, rest: str) -> str:
    rest = rest[len(word) :].lstrip()
    option = word.partition("=")[0]
    if not word.startswith("-"):
        asked.errors.append(f"{word!r} belongs to no option. Names with spaces need quotes: -n 'my model'.")
        return rest
    near = did_you_mean(option.lstrip("-"), [name[2:] for name in _LONG]).replace("mean ", "mean --")
    asked.errors.append(f"unknown option {option}.{near}")
    if "=" not in word and rest and not rest.startswith("-"):  # its value is not a second mistake
        rest = rest[len(_first(rest)[1]) :].lstrip()
    return rest


def _first(text: str) -> tuple[str, str]:
    """Return the first word's value and the word as written, quotes and all."""
    found = _WORD.match(text)
    if found is None:
        return "", ""
    return _QUOTED.sub(_unquoted, found[0]), found[0]


def _unquoted(quoted: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2], flags=re.DOTALL)


def _value(asked: Asked, option: str, text: str) -> str:
    value, written = _first(text)
    if not written or (written.startswith("-") and written.partition("=")[0] in _OPTIONS):
        asked.errors.append(f"{option} needs a value: {option} {_OPTIONS[option]}.")
        return text
    if option in ("-n", "--name"):
        asked.name = value
    elif option == "--experiment":
        asked.experiment = value
    elif option == "--intensity":
        asked.intensity = value
    elif option == "--mlflow":
        if value in ("auto", "on", "off"):
            asked.mlflow = value
        else:
            asked.errors.append(f"--mlflow {value!r} is not one of auto, on, off.")
    else:
        key, has_value, tag = value.partition("=")
        if has_value and key:
            asked.tags[key] = tag
        else:
            lacks, example = ("value", value or "model") if not has_value else ("name", "model")
            asked.errors.append(f"--tag {value!r} has no {lacks}. Write --tag {example}=svm.")
    return text[len(written) :].lstrip()


def _metrics(asked: Asked, text: str) -> str:
    found = _METRIC.match(text)
    if found is None:
        word = _first(text)[1]
        seen = f"-m {word!r} is not" if word else "-m needs"
        asked.errors.append(f"{seen} METRIC=EXPR. Write -m accuracy=clf.score(X_test, y_test).")
        return text if word.startswith("-") else text[len(word) :].lstrip()
    while found is not None:
        text = text[found.end() :]
        end = _end_of_expression(text)
        expression = text[:end].strip()
        if expression:
            asked.metrics[found[1]] = expression
        else:
            asked.errors.append(f"-m {found[1]}= has no expression.")
        text = text[end:].lstrip()
        found = _METRIC.match(text)
    return text


def _end_of_expression(text: str) -> int:
    """Return where an expression ends: outside brackets and quotes, before `` NAME=`` or an option."""
    depth, quote, at = 0, "", 0
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and character.isspace() and (_NEXT_METRIC.match(text, at) or _NEXT_OPTION.match(text, at)):
            return at
        at += 1
    return len(text)
