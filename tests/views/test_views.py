"""The cell line and the report of a made-up session, to the letter: ``GOLDEN=write pytest`` writes them anew."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given

from jupyter_green.records import Between, CellRecord, End, Energy, Intensity, Session, Target
from jupyter_green.totals import total
from jupyter_green.units import co2e_g
from jupyter_green.views.line import html_line, text_line
from jupyter_green.views.report import as_json, markdown, rows
from tests.strategies import cells

GOLDEN = Path(__file__).parent.parent / "golden"

_WORLD = Intensity(
    zone="world", g_per_kwh=475.0, low=20.0, high=900.0, at="2019", kind="average", scope="direct", source="table",
    label="grid not set, world average",
)  # fmt: skip
_FRANCE = replace(
    _WORLD, zone="FRA", g_per_kwh=56.0, low=20.2, high=105.3, at="2023", scope="lifecycle",
    label="France, yearly mean 2023",
)  # fmt: skip
_YOURS = replace(
    _WORLD, zone="user", g_per_kwh=53.0, low=53.0, high=53.0, at=None, scope=None, source="user", label="set by you"
)


def _cell(number: int, energy_j: float | None, intensity: Intensity | None = _WORLD, **changes: object) -> CellRecord:
    known = energy_j is not None and intensity is not None
    low, high = (None, None) if energy_j is None else (energy_j / 2, energy_j * 2)
    grams = (
        (co2e_g(energy_j or 0, intensity.g_per_kwh, 1.0), co2e_g(low or 0, intensity.low, 1.0),
         co2e_g(high or 0, intensity.high, 1.0))
        if known and intensity is not None else (None, None, None)
    )  # fmt: skip
    record = CellRecord(
        record_id=f"0123456789abcdef-{number}",
        session_id="0123456789abcdef",
        kind="cell",
        part_of=None,
        notebook="/home/ann/churn|1.ipynb",
        kernel_id="k",
        cell_id=f"c{number}",
        execution_count=number,
        code=None,
        name=None,
        phase=None,
        started_at=datetime(2026, 5, 4, 12, 0, number, tzinfo=UTC),
        status="ok",
        energy=Energy(
            machine_j={"cpu": None},
            attributed_j=energy_j,
            low_j=low,
            high_j=high,
            duration_s=1.5,
            cpu_s=None if energy_j is None else energy_j / 4,
            others_cpu_s=0.25,
            source={"cpu": "model"},
            quality="modelled",
            covers=("cpu",),
        ),
        intensity=intensity,
        pue=1.0,
        co2e_g=grams[0],
        co2e_low_g=grams[1],
        co2e_high_g=grams[2],
        price_per_kwh=None,
        cost=None,
        currency=None,
        metrics={},
        parameters={},
        tags={},
        mlflow=None,
        between_j=Between(value=0.5, low=0.25, high=1.0, cpu_s=0.125),
        steps=(),
        meter_cpu_s=0.0002,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


RECORDS = (
    _cell(1, 0.0004),
    _cell(2, 41.2, name="fit <b>*|", metrics={"accuracy": 0.96123, "loss": None}, notes=("metric loss is nan",)),
    _cell(2, 3.3, name="fit <b>*|", kind="scoring", execution_count=None),
    _cell(3, 12.0, _FRANCE, kind="block", name="epoch", part_of="0123456789abcdef-4"),
    _cell(4, 12_345.0, _FRANCE, mlflow=Target(tracking_uri="http://host", experiment="E", run_ids=("r1",))),
    _cell(5, 5e6, _YOURS),
    _cell(6, 2.0, None, status="error", notes=("ValueError: two\nlines",)),
    _cell(7, None, status="interrupted"),
)  # fmt: skip
SESSION = Session(
    session_id="0123456789abcdef", notebook="/home/ann/churn|1.ipynb", kernel_id="k", name=None, host="h", boot_id="b",
    pid=1, pid_started=2, started_at=datetime(2026, 5, 4, 11, 59, tzinfo=UTC), cwd="/home/ann", runner="kernel",
    run=None, inside=None, covers=("cpu",), method="attributed = 4 W x CPU seconds",
    parameters={"trees": "100", "token": "***"},
)  # fmt: skip
END = End(at=datetime(2026, 5, 4, 13, tzinfo=UTC), status="ok", between_j=None, meter_cpu_s=0.001)


def _same(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_cell_lines() -> None:
    """The line under a cell: units, range, grid, metrics, method; unknown is said, never 0."""
    _same("cell-lines.txt", "\n".join(text_line(record) for record in RECORDS) + "\n")
    _same("cell-lines.html", "\n".join(html_line(record) for record in RECORDS) + "\n")


@pytest.mark.parametrize("known", [True, False])
def test_report(known: bool) -> None:
    """A report has each cell, the total with what lay between, the method and the sources; one unknown is said."""
    records = RECORDS[:-2] if known else RECORDS
    suffix = "" if known else "-unknown"
    _same(f"report{suffix}.md", markdown(SESSION, records, total(records, END)))
    data = as_json(SESSION, records, total(records, END))
    _same(f"report{suffix}.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)


@given(cells)
def test_no_name_becomes_an_element(record: CellRecord) -> None:
    """Whatever a record holds, its HTML is one block with line breaks, and its row has five texts."""
    elements = _Elements()
    elements.feed(html_line(record))
    assert set(elements.seen) <= {"div", "br"}
    assert elements.seen.count("div") == 1
    ((*texts,),) = rows([record])
    assert len(texts) == 5


@given(cells)
def test_a_table_row_stays_one_row(record: CellRecord) -> None:
    """Names with bars and line ends leave the report's table whole."""
    text = markdown(SESSION, [record], total([record]))
    table = text.split("\n\n")[1].split("\n")
    assert len(table) == 3


def test_what_is_below_resolution_is_bounded_by_its_range() -> None:
    """A counter that has not moved tells no 0: the line says below what the energy is."""
    record = _cell(1, 0.0)
    unmoved = replace(record, energy=replace(record.energy, low_j=0.0, high_j=0.0147))
    assert text_line(unmoved).startswith("⚡ under 14.7 mJ, below resolution · CO₂e below resolution")
