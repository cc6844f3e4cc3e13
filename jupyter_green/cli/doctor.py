"""``jupyter green doctor``: what can be measured here, how well, and how to measure better."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from jupyter_green.cli.output import json_option, print_json
from jupyter_green.intensity import resolve
from jupyter_green.meter.meter import make_meter
from jupyter_green.meter.rapl import find_zones
from jupyter_green.records import to_json
from jupyter_green.settings import read_home, read_settings
from jupyter_green.track.journal import log_paths

_CELLS = 200

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
    meter = make_meter(busy_w=settings.cpu_busy_w, idle_w=settings.cpu_idle_w)
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
    cpu_ms = _cell_cpu_ms(meter)
    meter.close_down()
    return {
        "quality": "apportioned" if found.zones else "modelled",
        "sensors": sensors,
        "intensity": to_json(resolve(settings.intensity)),
        "own_cost": {"cell_cpu_ms": cpu_ms, "method": f"CPU time of opening and closing a window, mean of {_CELLS}"},
        "journal": {"folder": str(read_home()), "sessions": len(log_paths(read_home()))},
    }


def _cell_cpu_ms(meter: Any) -> float:
    began = time.thread_time_ns()
    for number in range(_CELLS):
        meter.open(number)
        meter.close(number)
        meter.forget(number)
    return (time.thread_time_ns() - began) / 1e6 / _CELLS


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
    intensity = seen["intensity"]
    spread = f" ({intensity['low']:.3g} to {intensity['high']:.3g})" if intensity["low"] < intensity["high"] else ""
    lines.append(f"Carbon intensity: {intensity['g_per_kwh']:.3g}{spread} gCO2e/kWh, {intensity['label']}.")
    if intensity["zone"] == "world":
        lines.append("  To set your grid: export JUPYTER_GREEN_INTENSITY=FRA (jupyter green intensity --list).")
    lines.append(f"Measuring a cell takes {seen['own_cost']['cell_cpu_ms']:.2g} ms CPU time (mean of {_CELLS}).")
    lines.append(f"Records are in {seen['journal']['folder']} ({seen['journal']['sessions']} sessions).")
    return lines
