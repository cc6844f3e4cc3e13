"""``jupyter green doctor``: what can be measured here, how well, and how to measure better."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click

from jupyter_green.cli.output import json_option, print_json
from jupyter_green.intensity import resolve
from jupyter_green.meter.meter import make_meter
from jupyter_green.meter.rapl import find_zones
from jupyter_green.records import Intensity, intensity_from_json, to_json
from jupyter_green.settings import Settings, read_home, read_settings
from jupyter_green.track.journal import Journal, log_paths
from jupyter_green.track.session import new_session, new_session_id
from jupyter_green.track.tracker import Tracker
from jupyter_green.views.line import intensity_text

_WARM = 20  # the first cells make the journal's file and fill caches
_IN_A_ROW, _APART = 200, 20  # cells of the trial
_PAUSE_S = 0.005  # in a cell and after it: caches are cold then, and the machine's clocks are read anew
_METHOD = (
    f"CPU time of a cell's window and journal line, tried without a kernel: median of {_IN_A_ROW} in a row, and of "
    f"{_APART} with pauses of {_PAUSE_S * 1e3:g} ms. What a kernel's hooks take in all: %track_energy status"
)

# Group and udev rule: never world-readable counters, which let every user of the machine spy on the others.
ADMIN = """\
    sudo groupadd --system energy && sudo usermod -aG energy {user}
    sudo tee /etc/udev/rules.d/70-energy.rules <<'EOF'
    SUBSYSTEM=="powercap", ACTION=="add|change", RUN+="/bin/chgrp energy /sys%p/energy_uj"
    SUBSYSTEM=="powercap", ACTION=="add|change", RUN+="/bin/chmod g+r /sys%p/energy_uj"
    EOF
    sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=powercap
  Then log in again. Give this right only to people you trust: whoever reads these counters can spy on what other
  users of the machine compute (PLATYPUS, CVE-2020-8694)."""


def examine() -> dict[str, Any]:
    """Return the contract's JSON: quality, sensors, intensity, own cost."""
    settings = read_settings()
    found = find_zones()
    intensity = resolve(settings.intensity)
    model = make_meter(busy_w=settings.cpu_busy_w, idle_w=settings.cpu_idle_w, root=read_home() / "no-counters")
    sensors = [
        {
            "name": "rapl",
            "domains": [zone.domain for zone in found.zones],
            "quality": "apportioned",
            "available": bool(found.zones),
            "reason": found.reason,
            "hint": found.hint,
        },
        {
            "name": "model",
            "domains": list(model.source.domains),
            "quality": "modelled",
            "available": True,
            "reason": model.source.method,
            "hint": None,
        },
    ]
    model.close_down()
    return {
        "quality": "apportioned" if found.zones else "modelled",
        "sensors": sensors,
        "intensity": to_json(intensity),
        "own_cost": {**_own_cost(settings, intensity), "method": _METHOD},
        "journal": {"folder": str(read_home()), "sessions": len(log_paths(read_home()))},
    }


def _own_cost(settings: Settings, intensity: Intensity) -> dict[str, float | None]:
    """Return the CPU time that measuring a cell takes, ms; None if there is no folder for the trial's journal."""
    meter = make_meter(busy_w=settings.cpu_busy_w, idle_w=settings.cpu_idle_w)
    session = new_session(meter=meter, runner="script", session_id=new_session_id(), notebook=None, kernel_id=None)
    try:
        with tempfile.TemporaryDirectory() as folder:
            tracker = Tracker(session, settings, meter, Journal(Path(folder), session), intensity)
            try:
                _median_ms(tracker, _WARM, 0.0)
                row, apart = _median_ms(tracker, _IN_A_ROW, 0.0), _median_ms(tracker, _APART, _PAUSE_S)
            finally:
                tracker.end()
    except OSError:
        return {"cell_cpu_ms": None, "after_pause_cpu_ms": None}
    return {"cell_cpu_ms": row, "after_pause_cpu_ms": apart}


def _median_ms(tracker: Tracker, cells: int, pause_s: float) -> float:
    return median(_one_cell_ns(tracker, number, pause_s) for number in range(cells)) / 1e6


def _one_cell_ns(tracker: Tracker, number: int, pause_s: float) -> int:
    """Measure a cell as a kernel's hooks do, with a window and a line in the journal, and return what that took."""
    began = time.thread_time_ns()
    tracker.open(number)
    opened = time.thread_time_ns()
    time.sleep(pause_s)
    resumed = time.thread_time_ns()
    stopped = tracker.stop(number)
    if stopped is not None and tracker.note(stopped, "ok") is None:  # the first, and where electricity has a price
        tracker.write(stopped, tracker.record(stopped))
    ended = time.thread_time_ns()
    time.sleep(pause_s)
    return opened - began + ended - resumed


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Tell what can be measured on this computer, and how to measure better."""
    seen = examine()
    if as_json:
        print_json(seen)
        return
    click.echo("\n".join(_lines(seen)))


def _lines(seen: dict[str, Any]) -> list[str]:
    rapl, model = seen["sensors"]
    lines = [f"Energy is {seen['quality']} on this computer."]
    if rapl["available"]:
        lines.append(f"  Counters (RAPL): {', '.join(rapl['domains'])}; shared out by CPU time.")
    else:
        lines.append(f"  Counters (RAPL): none, {rapl['reason']}.")
        lines.append(f"  Model instead: {model['reason']}.")
    if rapl["hint"]:
        user = os.environ.get("USER", "USER")
        lines += ["  To let a group read the counters, an admin types:", ADMIN.format(user=user)]
    lines.append("  GPUs are not measured yet.")
    intensity = intensity_from_json(seen["intensity"])
    lines.append(f"Carbon intensity: {intensity_text(intensity)}.")
    if intensity.zone == "world":
        lines.append("  To set your grid: export JUPYTER_GREEN_INTENSITY=FRA (jupyter green intensity --list).")
    cost = seen["own_cost"]
    if cost["cell_cpu_ms"] is not None:
        row, apart = cost["cell_cpu_ms"], cost["after_pause_cpu_ms"]
        lines.append(
            f"A bare window and its journal line take {row:.2g} ms CPU time a cell; {apart:.2g} ms after a pause."
        )
        lines.append("  What a kernel's hooks take in all: %track_energy status.")
    sessions = seen["journal"]["sessions"]
    lines.append(f"Records are in {seen['journal']['folder']} ({sessions} session{'' if sessions == 1 else 's'}).")
    return lines
