"""``make bench``: print one table; with names, as in ``python -m benchmarks hooks truth``, only a part of it."""

from __future__ import annotations

import os
import sys
import tempfile

from benchmarks import attribution, batch, delivery, hooks, lab, start, truth
from benchmarks.table import Figure, machine, write

PARTS = {
    "hooks": hooks.run,
    "start": start.run,
    "truth": truth.run,
    "attribution": attribution.run,
    "batch": batch.run,
    "delivery": delivery.run,
    "lab": lab.run,
}


def main() -> int:
    """Run the benchmarks; exit code 1 if a target is missed."""
    chosen = sys.argv[1:] or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        print(f"benchmarks: there is no {unknown[0]!r}. Parts: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JUPYTER_GREEN_HOME"] = folder
        for name in chosen:
            figures += PARTS[name]()
    print(f"{machine()}\n\n{write(figures)}")
    return 1 if any(figure.is_met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
