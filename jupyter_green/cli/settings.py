"""``jupyter green config`` and ``jupyter green intensity``: what is set, and what can be."""

from __future__ import annotations

import click

from jupyter_green.cli.output import json_option, print_json, table
from jupyter_green.intensity import resolve
from jupyter_green.records import to_json
from jupyter_green.settings import read_settings
from jupyter_green.tables import read_zones
from jupyter_green.views.line import intensity_text


@click.command()
@click.option("--show", is_flag=True, help="The default: show every setting.")
@json_option
def config(show: bool, as_json: bool) -> None:
    """Show each setting, its value and where it came from."""
    settings = read_settings()
    names = list(settings.sources)
    if as_json:
        print_json({name: {"value": getattr(settings, name), "source": settings.sources[name]} for name in names})
        return
    rows = [(name, _shown(getattr(settings, name)), settings.sources[name]) for name in names]
    click.echo("\n".join(table(("setting", "value", "from"), rows)))


def _shown(value: object) -> str:
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@click.command()
@click.argument("zone", required=False)
@click.option("--list", "is_list", is_flag=True, help="List all zones.")
@json_option
def intensity(zone: str | None, is_list: bool, as_json: bool) -> None:
    """Show the carbon intensity of ZONE (FRA, 53g), or of the one that is set."""
    if is_list:
        zones = sorted(read_zones().values(), key=lambda one: one.code)
        if as_json:
            print_json([to_json(one) for one in zones])
        else:
            rows = [(one.code, f"{one.g_per_kwh:.0f}", str(one.year), one.name) for one in zones]
            click.echo("\n".join(table(("zone", "gCO2e/kWh", "year", "name"), rows)))
        return
    found = resolve(zone if zone is not None else read_settings().intensity)
    if as_json:
        print_json(to_json(found))
        return
    click.echo(f"{found.zone}: {intensity_text(found)}")
