"""The line ``%%track_energy`` becomes a comment, and the cell runs as if it were not there.

An input transformer keeps what a cell magic loses: the last value, one traceback with the right line numbers, Run
All stopping at an error, and ``await``. IPython also transforms cells that it does not run (completeness, history),
so nothing happens here; the hooks read the line from the raw cell.
"""

from __future__ import annotations

from IPython.core.inputtransformer2 import classic_prompt, ipython_prompt, leading_indent

MARK = "%%track_energy"


def transform(lines: list[str]) -> list[str]:
    """Comment our line out; drop it if another cell magic follows, which has to be the first line.

    >>> transform(["%%track_energy -n fit\\n", "x = 1\\n"])
    ['# %%track_energy -n fit\\n', 'x = 1\\n']
    >>> transform(["%%track_energy\\n", "%%time\\n", "x = 1\\n"])
    ['%%time\\n', 'x = 1\\n']
    """
    if not lines or not is_ours(lines[0]):
        return lines
    at = next((at for at, line in enumerate(lines[1:], 1) if line.strip()), len(lines))
    following = lines[at:]
    for clean in (leading_indent, classic_prompt, ipython_prompt):  # what IPython does to a cell's first lines
        following = clean(following)
    if following and following[0].startswith("%%"):
        # A second line of ours (pasted twice) is transformed like the first.
        return transform(following)
    return ["# " + lines[0], *lines[1:at], *following]


def is_ours(line: str) -> bool:
    """Tell whether a line is ``%%track_energy`` with or without options."""
    return line.startswith(MARK) and not line[len(MARK) : len(MARK) + 1].strip()


def without_options(cell: str) -> str:
    """Return a cell without our lines."""
    return "".join(line for line in cell.splitlines(keepends=True) if not is_ours(line.lstrip()))


def options_in(cell: str) -> tuple[str, str | None] | None:
    """Return the words after ``%%track_energy`` and the magic that stands before it, if any; None without it.

    >>> options_in("%%time" + chr(10) + "%%track_energy -n fit" + chr(10) + "x = 1")
    ('-n fit', '%%time')
    """
    if MARK not in cell:
        return None
    outer = None
    for line in cell.splitlines():
        line = line.lstrip()  # IPython takes off the indentation of a whole cell
        if not line:
            continue
        if is_ours(line):
            return line[len(MARK) :].strip(), outer
        if outer is not None or not line.startswith("%%"):
            return None
        outer = line.split(None, 1)[0]
    return None
