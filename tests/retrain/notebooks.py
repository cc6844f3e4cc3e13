"""Notebooks as files, written by hand: nothing of the package makes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(path: Path, *cells: str, kernel: str = "python3", metadata: dict[str, Any] | None = None) -> Path:
    """Write a notebook of code cells; one that begins with ``# parameters`` is tagged so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"cell-{number}",
                "metadata": {"tags": ["parameters"]} if source.startswith("# parameters") else {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells, 1)
        ],
        "metadata": {
            "kernelspec": {"display_name": kernel, "language": "python", "name": kernel},
            "language_info": {"name": "python"},
            **(metadata or {}),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook, indent=1), "utf-8")
    return path


def read(path: Path) -> dict[str, Any]:
    """Read a notebook as plain JSON."""
    return dict(json.loads(path.read_text("utf-8")))


def printed(cell: dict[str, Any]) -> str:
    """Return what a cell printed on standard output."""
    return "".join(
        "".join(output["text"])
        for output in cell["outputs"]
        if output["output_type"] == "stream" and output["name"] == "stdout"
    )
