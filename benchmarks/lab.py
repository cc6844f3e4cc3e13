"""JupyterLab with the extension beside JupyterLab without: its server, its start, the sidebar, the line, scrolling.

Needs playwright and Debian's Chromium; without them this part has no figures.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.table import Figure, Peer, median
from benchmarks.tools import REPOSITORY
from tests.track.forge import BEGIN, OK, record, session, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from benchmarks.lab_page import TimedLab
    from tests.browser.lab import LabServer

CELLS = 1000
SESSIONS = 10  # of CELLS records each
SLICES = 6
SLICE_S = 10.0
SETTLE_S = 15.0  # longer than the server keeps a watch that nobody asks for
HIDDEN_S = 10.0
LOADS = 5
RUNS = 30
SCROLLS = 3
STEPS = 60  # of the wheel, four fifths of a page each
STARTS = 7
_T_95 = 2.571  # Student's t of SLICES values, one degree of freedom less
PLAIN = "JupyterLab without the extension"
_STATIC = REPOSITORY / "jupyter_green" / "labextension" / "static"
_PEERS = {
    "jupyterlab-execute-time": "jupyterlab-execute-time",
    "jupyter-resource-usage": "@jupyter-server/resource-usage",
}


@contextmanager
def _server(folder: Path, *, without: bool = False) -> Iterator[LabServer]:
    """Start a JupyterLab; ``without`` the extension, as an admin would switch both of its parts off."""
    from tests.browser.lab import LabServer

    made = LabServer(folder)
    if without:
        config = folder / "jupyter_config_dir"
        _put(config / "labconfig" / "page_config.json", {"disabledExtensions": {"jupyter-green": True}})
        off = {"ServerApp": {"jpserver_extensions": {"jupyter_green.server": False}}}
        _put(config / "jupyter_server_config.d" / "jupyter_green.json", off)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _put(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def _write_many(server: LabServer, name: str = "many.ipynb") -> str:
    """Write a notebook of many cells with outputs, and many records of each of them."""
    from tests.browser.lab import notebook

    made = notebook(*(f"# cell {n}\nfor i in range(5):\n    print({n}, i)" for n in range(CELLS)))
    for number, cell in enumerate(made["cells"]):
        text = [f"{number} {i}\n" for i in range(5)]
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
        cell["execution_count"] = number + 1
    path = server.work / name
    path.write_text(json.dumps(made))
    for turn in range(SESSIONS):
        session_id = f"{turn:016x}"
        began = BEGIN + timedelta(days=turn)
        records = [
            record(
                number + 1,
                joules=10.0 + (number * 7 + turn) % 100,
                session_id=session_id,
                cell_id=f"cell-{number}",
                notebook=str(path),
                started_at=began + timedelta(seconds=number),
            )
            for number in range(CELLS)
        ]
        about = session(session_id, notebook=str(path), started_at=began, pid_started=1)
        write(server.home, about, records, OK)
    return name


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process and its threads, s, in steps of 1 ns."""
    used_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        used_ns += int((task / "schedstat").read_text().split()[0])
    return used_ns / 1e9


def _slices(servers: Sequence[LabServer]) -> list[list[float]]:
    """Return the CPU of each server while it is left alone, ms/s, in slices of the same time."""
    found: list[list[float]] = []
    for _ in range(SLICES):
        began, before = time.monotonic(), [_cpu_s(server.pid) for server in servers]
        time.sleep(SLICE_S)
        after, took_s = [_cpu_s(server.pid) for server in servers], time.monotonic() - began
        found.append([(last - first) * 1e3 / took_s for first, last in zip(before, after, strict=True)])
    return found


def _more(slices: list[list[float]]) -> tuple[float, float, float]:
    """Return by how much the first is above the second: the mean, half of its 95 % interval, and the second's mean."""
    differences = [ours - plain for ours, plain in slices]
    half = _T_95 * statistics.stdev(differences) / math.sqrt(len(differences))
    return statistics.mean(differences), half, statistics.mean(plain for _, plain in slices)


def _at_rest(browser: Browser, folder: Path) -> list[Figure]:
    """Two servers side by side, so that whatever else the machine does is the same for both."""
    from benchmarks.lab_page import TimedLab

    with _server(folder / "idle") as with_it, _server(folder / "idle-plain", without=True) as plain:
        servers = (with_it, plain)
        pages = [TimedLab(server, browser) for server in servers]
        for page in pages:
            page.open_nothing()
        assert [page.has_extension for page in pages] == [True, False]
        time.sleep(SETTLE_S)
        unwatched, unwatched_half, unwatched_plain = _more(_slices(servers))
        for page in pages:
            page.open(page.server.write("idle.ipynb", "x = 1"))
        pages[0].track()
        for page in pages:
            page.run_all()
        time.sleep(SETTLE_S)
        watched, watched_half, watched_plain = _more(_slices(servers))
        ours, theirs = pages[0].requests_while_hidden(HIDDEN_S)
        for page in pages:
            page.close()
    over = f"over {SLICES * SLICE_S:g} s beside a server without"
    all_of_it = f"{PLAIN}, all of it"
    return [
        Figure(
            "server, a tracked kernel watched", "ms CPU/s", max(0.0, watched), 2.0, (Peer(all_of_it, watched_plain),),
            f"{over}: {watched:.2f} ± {watched_half:.2f} (95 %)",
        ),
        Figure(
            "server, nothing watched", "ms CPU/s", max(0.0, unwatched - unwatched_half), 0.0,
            (Peer(all_of_it, unwatched_plain),),
            f"more by at least; {over}: {unwatched:.2f} ± {unwatched_half:.2f} (95 %)",
        ),
        Figure(
            "requests of a hidden page", "", ours, 0.0, (Peer("JupyterLab's own", theirs),),
            f"within {HIDDEN_S:g} s, a tracked notebook open",
        ),
    ]  # fmt: skip


def _shown_ms(server: LabServer, browser: Browser, name: str) -> list[tuple[float, float]]:
    """Open a notebook; return how long the server took to tell its records, and the sidebar to show the first."""
    from benchmarks.lab_page import TimedLab

    found = []
    for _ in range(LOADS):
        page = TimedLab(server, browser)
        page.open(name)
        answered = page.first_answer_ms()
        page.calm()
        found.append((answered, page.first_row_ms()))
        page.close()
    return found


def _drawn_ms(server: LabServer, browser: Browser, name: str) -> list[tuple[float, float]]:
    """Run cells; return how long after their end their line is on the screen, and JupyterLab's own ``[n]``."""
    from benchmarks.lab_page import TimedLab

    page = TimedLab(server, browser)
    page.open(name)
    page.track()
    page.drawn()
    found = []
    for number in range(RUNS + 1):  # the first loads what the kernel loads once
        took = page.run_cell(3, f"x = sum(range({100_000 + 7000 * number}))")
        if number and took.get("line") is not None and took.get("prompt") is not None:
            found.append((float(took["line"] or 0), float(took["prompt"] or 0)))
        page.page.wait_for_timeout(100)
    page.close()
    return found


def _with_records(browser: Browser, folder: Path) -> list[Figure]:
    many = f"{SESSIONS * CELLS:,} records of {CELLS:,} cells"
    with _server(folder / "many") as with_it, _server(folder / "many-plain", without=True) as plain:
        name = _write_many(with_it)
        _write_many(plain)
        shown = _shown_ms(with_it, browser, name)
        scrolls = _scrolls(with_it, plain, browser, name)
        drawn = _drawn_ms(with_it, browser, name)
    (cold_answer, cold_row), *_ = shown
    warm = f"{many}; the first of {LOADS} page loads, whose server had read nothing yet:"
    lines, prompts = [line for line, _ in drawn], [prompt for _, prompt in drawn]
    figures = [
        Figure(
            "sidebar's first row", "ms", median([row for _, row in shown]), 300.0,
            (Peer("none: no peer has cells in a sidebar", None),), f"{warm} {cold_row:.0f} ms",
        ),
        Figure(
            "records of a notebook, told by the server", "ms", median([answer for answer, _ in shown]), None,
            (Peer("none: no peer keeps records", None),), f"{warm} {cold_answer:.0f} ms",
        ),
        Figure(
            "line after the cell's end", "ms", median(lines), 100.0,
            (Peer("JupyterLab's own [n]", median(prompts)),),
            f"from the kernel's word to the screen, median of {len(drawn)}, the longest {max(lines):.0f}; {many}",
        ),
    ]  # fmt: skip
    for at, (what, unit) in enumerate((("long tasks of a scroll", ""), ("the same, their sum", "ms"))):
        ours, theirs = ([one[at] for one in scrolls[key]] for key in ("ours", "plain"))
        note = (
            f"{STEPS} steps through {CELLS:,} cells with outputs, "
            f"median of {SCROLLS} ({_list(ours)}; without {_list(theirs)})"
        )
        figures.append(Figure(what, unit, median(ours), median(theirs), (Peer(PLAIN, median(theirs)),), note))
    return figures


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values)


def _scrolls(with_it: LabServer, plain: LabServer, browser: Browser, name: str) -> dict[str, list[tuple[int, float]]]:
    from benchmarks.lab_page import TimedLab

    found: dict[str, list[tuple[int, float]]] = {"ours": [], "plain": []}
    for _ in range(SCROLLS):
        for key, server in (("ours", with_it), ("plain", plain)):
            page: TimedLab = TimedLab(server, browser)
            page.open(name)
            page.drawn()
            found[key].append(page.scroll(STEPS))
            page.close()
    return found


def _start(browser: Browser, folder: Path) -> Figure:
    from benchmarks.lab_page import Starts

    with _server(folder / "start") as with_it, _server(folder / "start-plain", without=True) as plain:
        sides = [Starts(server, browser) for server in (with_it, plain)]
        runs = [[side.start_ms() for side in (sides if turn % 2 else sides[::-1])] for turn in range(STARTS + 1)]
        for side in sides:
            side.close()
    pairs = [run if turn % 2 else run[::-1] for turn, run in enumerate(runs)][1:]  # the first fills the caches
    ours, theirs = median([pair[0] for pair in pairs]), median([pair[1] for pair in pairs])
    differences = sorted(ours - theirs for ours, theirs in pairs)
    note = (
        f"navigation to restored, difference of the medians of {STARTS} in turn "
        f"(pair by pair {differences[0]:.0f} to {differences[-1]:.0f}), browser's cache warm"
    )
    return Figure("JupyterLab's start", "ms", max(0.0, ours - theirs), 50.0, (Peer(f"{PLAIN}, all", theirs),), note)


def _bundle() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *_PEERS]
        subprocess.run(command, capture_output=True, check=False)  # without a registry there are no peers
        extensions = Path(folder) / "share" / "jupyter" / "labextensions"
        beside = tuple(Peer(name, _compressed_kb(extensions / path / "static")) for name, path in _PEERS.items())
    note = "all scripts and styles, compressed by gzip"
    return Figure("bundle", "kB", _compressed_kb(_STATIC), 120.0, beside, note)


def _compressed_kb(folder: Path) -> float | None:
    """Return what the scripts and styles of a folder have when each is compressed, kB; None if there are none."""
    files = [path for path in folder.rglob("*") if path.suffix in (".js", ".css")]
    return sum(len(gzip.compress(path.read_bytes())) for path in files) / 1e3 if files else None


def run() -> list[Figure]:
    """Measure and return the figures."""
    if find_spec("playwright") is None:
        print("benchmarks: lab needs playwright (pip install playwright).", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    from tests.browser.lab import CHROMIUM, CHROMIUM_ARGS

    if not os.path.exists(CHROMIUM):
        print("benchmarks: lab needs Chromium (apt-get install chromium).", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        figures = [_bundle(), _start(browser, Path(folder)), *_at_rest(browser, Path(folder))]
        figures += _with_records(browser, Path(folder))
        browser.close()
    return figures
