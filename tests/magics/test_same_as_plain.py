"""A measured cell behaves to the letter like the same cell in a kernel without the extension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_green.records import CellRecord
from tests.kernels import Kernel, Reply

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MARK = "%%track_energy --quiet\n"

# Each cell twice or more: under the line magic and under `%track_energy on`. A cell is a list where it needs others
# before it. What differs from run to run (addresses, times) is replaced.
CELLS: dict[str, str] = {
    "last value": "1 + 1",
    "last value is hidden by a semicolon": "1 + 1;",
    "last value is None": "None",
    "Out and underscore": "x = 41\nx + 1",
    "several prints": "print('a')\nprint('b', end='')\nimport sys\nprint('c', file=sys.stderr)",
    "rich display": "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))\nHTML('<i>y</i>')",
    "update of a display": "from IPython.display import display\nh = display(1, display_id='d1')\nh.update(2)",
    "clear_output": "from IPython.display import clear_output\nprint(1)\nclear_output(wait=True)\nprint(2)",
    "exception": "def f():\n    1 / 0\n\n\nf()",
    "chained exceptions": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('why') from e",
    "exception group": "raise ExceptionGroup('both', [ValueError(1), TypeError(2)])",
    "exception after output": "print('before')\nraise RuntimeError('ü')",
    "undefined name": "\n\n\nundefined_name",
    "SyntaxError": "x = 1\ny = = 2",
    "IndentationError": "if True:\nx = 1",
    "null byte": "x = 'a\x00b'",
    "SystemExit": "import sys\nsys.exit(3)",
    "KeyboardInterrupt raised by the cell": "raise KeyboardInterrupt",
    "CancelledError": "import asyncio\nraise asyncio.CancelledError('x')",
    "own BaseException": "class Stop(BaseException): pass\nraise Stop('now')",
    "warning": "import warnings\nwarnings.simplefilter('always')\nwarnings.warn('careful')",
    "await": "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "await that fails": "import asyncio\nawait asyncio.sleep(0)\n1 / 0",
    "async for and with": "async def g():\n    yield 1\n\n[i async for i in g()]",
    "task that goes on": "import asyncio\nt = asyncio.ensure_future(asyncio.sleep(0, 'done'))\nawait t",
    "async generator comprehension": "import asyncio\nsum([await asyncio.sleep(0, i) for i in range(3)])",
    "line magic timeit": "%timeit -n1 -r1 -q 1 + 1",
    "cell magic with error": "%%time\n\n1 / 0",
    "cell magic capture": "%%capture out\nprint('hidden')\n1 + 1",
    "captured output is there": "%%capture out\nprint('hidden')\n",
    "cell magic bash": "%%bash\necho from bash\necho to stderr >&2",
    "cell magic bash that fails": "%%bash\nexit 3",
    "cell magic sh with out": "%%sh --out text\necho caught",
    "cell magic writefile": "%%writefile written.txt\n# %%track_energy\nline",
    "cell magic html": "%%html\n<b>x</b>",
    "cell magic unknown": "%%no_such_magic\nx",
    "line magic unknown": "%no_such_magic",
    "shell command": "!echo from the shell",
    "shell command into a name": "files = !echo a; echo b\nfiles",
    "shell command that fails": "!exit 7\n_exit_code",
    "help": "len?",
    "help at the end": "x = 1\nlen?",
    "nested run_cell": "get_ipython().run_cell('3 * 3')\n'outer'",
    "nested run_cell that fails": "get_ipython().run_cell('1 / 0').success",
    "nested run_cell in history": "get_ipython().run_cell('4 * 4', store_history=True).result",
    "comment only": "# nothing",
    "comment first": "# first\n2",
    "indented cell": "    x = 5\n    x + 1",
    "future import": "from __future__ import annotations\ndef f(x: undefined_type): return 1\nf(0)",
    "docstring cell": "'''text'''",
    "line with form feed": "x = 1\x0c\nx",
    "Windows line ends": "x = 1\r\nx + 1\r\n",
    "continued line": "x = 1 + \\\n    2\nx",
    "non-ASCII": "größe = '⚡'\ngröße",
    "very long line": "x = '" + "a" * 20000 + "'\nlen(x)",
    "assertion": "x = 2\nassert x == 3, 'x is %d' % x",
    "input refused": "input('name?')",
    "multiline string with our line in it": "text = '''\n%%track_energy -n x\n'''\ntext",
    "edit of In and Out": "Out.clear()\nlen(Out)",
    "display hook changed for a cell": (
        "import sys\nold = sys.displayhook\nsys.displayhook = lambda v: print('got', v)\n5"
    ),
    "display hook is back": "sys.displayhook = old\n6",
    "print after SystemExit": "print('still here')",
}

_CHANGING = (
    (re.compile(r"0x[0-9a-f]+"), "0x…"),
    (re.compile(r"Cell In\[\d+\]"), "Cell In[n]"),
    (re.compile(r"[\d.]+(?:e[+-]\d+)? (?:µs|μs|us|ns|ms|s)\b"), "a time"),
    (re.compile(r"(?:\S+/ipykernel_\d+/)?\b\d{5,}\.py"), "cell.py"),
    (re.compile(r"\b(?:Overw|W)riting"), "Writing"),
)


def _normal(text: str) -> str:
    text = _ANSI.sub("", text)
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text


def seen(reply: Reply) -> list[tuple[str, object]]:
    """Return all that a frontend sees of a cell, in its order."""
    seen: list[tuple[str, object]] = [("status", reply.status)]
    streams: dict[str, str] = {}
    for message in reply.messages:
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            streams[content["name"]] = streams.get(content["name"], "") + _normal(content["text"])
        elif kind == "error":
            lines = [line.rstrip() for line in _normal("\n".join(content["traceback"])).split("\n")]
            seen.append((kind, (content["ename"], _normal(content["evalue"]), lines)))
        elif kind not in ("status", "execute_input"):
            seen.append((kind, _normal(str(content.get("data", content)))))
    seen.append(("payload", [_normal(str(part)) for part in reply.content.get("payload", [])]))
    return [*seen, *sorted(streams.items())]


@pytest.fixture(scope="module")
def on_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel in which every cell is measured."""
    folder = tmp_path_factory.mktemp("on")
    with Kernel(folder, green_home=folder / "green-home") as started:
        started.run("%load_ext jupyter_green\n%track_energy on")
        yield started


@pytest.mark.parametrize("name", CELLS)
def test_cell_is_the_same_with_tracking_on(name: str, plain_kernel: Kernel, on_kernel: Kernel) -> None:
    """Under ``%track_energy on`` a frontend sees what it sees without the extension, to the letter."""
    before = len(on_kernel.records())
    plain, measured = plain_kernel.run(CELLS[name]), on_kernel.run(CELLS[name])
    assert seen(measured) == seen(plain)
    assert len(_outer(on_kernel.records()[before:])) == 1


@pytest.mark.parametrize("name", CELLS)
def test_cell_is_the_same_under_the_line(name: str, plain_kernel: Kernel, kernel: Kernel) -> None:
    """Under ``%%track_energy`` a frontend sees what it sees with a comment there, to the letter."""
    before = len(kernel.records())
    plain = plain_kernel.run(_in_its_place(CELLS[name]) + CELLS[name])
    assert seen(kernel.run(_MARK + CELLS[name])) == seen(plain)
    assert len(_outer(kernel.records()[before:])) == 1


def _in_its_place(cell: str) -> str:
    """Return what stands in a kernel without us where ``%%track_energy`` stands; a cell magic has to be the first."""
    return "" if cell.startswith(("%%", " ")) else f"# {_MARK}"


def _outer(records: list[CellRecord]) -> list[CellRecord]:
    return [record for record in records if record.part_of is None]


def test_traceback_names_the_line_as_typed(kernel: Kernel) -> None:
    """The line magic becomes a comment, so the arrow of a traceback stands at the line number of the editor."""
    reply = kernel.run("%%track_energy --quiet\nx = 1\n\n1 / 0")
    assert re.search(r"^-+> 4 1 / 0$", _ANSI.sub("", reply.traceback or ""), re.MULTILINE)


def test_execution_count_and_history_stay(tmp_path: Path) -> None:
    """In[1] stays In[1], In and Out hold what was typed and computed, and a silent request leaves no record."""
    with Kernel(tmp_path, green_home=tmp_path / "home") as kernel:
        kernel.run("import jupyter_green\njupyter_green.load_ipython_extension(get_ipython())", silent=True)
        assert kernel.run("%%track_energy --quiet\n40 + 2").execution_count == 1
        assert kernel.run("%track_energy on").execution_count == 2
        kernel.run("silent = 1", silent=True)
        assert kernel.run("7").execution_count == 3
        assert kernel.value("{n: Out[n] for n in (1, 3)}") == {1: 42, 3: 7}
        assert kernel.value("In[1]") == "# %%track_energy --quiet\n40 + 2"
        assert kernel.value("[r[2] for r in get_ipython().history_manager.get_range(raw=True)][0]") == (
            "%%track_energy --quiet\n40 + 2"
        )
        assert [record.execution_count for record in kernel.records()] == [1, 3]


def test_run_all_stops_at_an_error(kernel: Kernel) -> None:
    """Of several cells sent at once those after a failing measured one are aborted, as without us."""
    before = len(kernel.records())
    sent = [kernel.send(code) for code in ("%%track_energy --quiet\n1", "%%track_energy --quiet\n1 / 0", "2", "3")]
    assert [kernel.collect(one).status for one in sent] == ["ok", "error", "aborted", "aborted"]
    assert [record.status for record in kernel.records()[before:]] == ["ok", "error"]


def test_signal_handlers_stay(kernel: Kernel, plain_kernel: Kernel) -> None:
    """No signal handler is put in place by the extension, nor left behind by a cell."""
    code = "import signal\nprint([(s.name, str(signal.getsignal(s)).split(' at ')[0]) for s in signal.Signals])"
    assert kernel.run("%%track_energy --quiet\n" + code).stream("stdout") == plain_kernel.run(code).stream("stdout")


def test_nothing_else_enters_the_namespace(tmp_path: Path) -> None:
    """Of all that is measured only ``_energy`` enters the user's namespace."""
    with Kernel(tmp_path, green_home=tmp_path / "home") as kernel:
        kernel.run("%load_ext jupyter_green")
        names = "sorted(n for n in globals() if not n.startswith(('_i', '__')) and n not in ('_', '_ii'))"
        before = kernel.value(names)
        kernel.run("%%track_energy -n a -m x=1\npass")
        assert sorted(set(kernel.value(names)) - set(before)) == ["_energy"]


def test_other_requests_are_answered_and_not_measured(kernel: Kernel) -> None:
    """Completion, inspection and completeness work under the line as without it and leave no record."""
    kernel.run("some_long_name = 1")
    before = len(kernel.records())
    code = "%%track_energy -n x\nsome_lon"
    reply = kernel.ask("complete_request", code=code, cursor_pos=len(code))
    assert "some_long_name" in reply["matches"]
    code = "%%track_energy\nlen"
    assert kernel.ask("inspect_request", code=code, cursor_pos=len(code), detail_level=0)["found"]
    states = {
        code: kernel.ask("is_complete_request", code=code)["status"]
        for code in (
            "%%track_energy\nx = 1\n",
            "%%track_energy\nfor x in y:\n",
            "%%track_energy\nx = (\n",
            "%%track_energy",
        )
    }
    assert states == {
        "%%track_energy\nx = 1\n": "complete",
        "%%track_energy\nfor x in y:\n": "incomplete",
        "%%track_energy\nx = (\n": "incomplete",
        "%%track_energy": "complete",
    }
    assert len(kernel.records()) == before


def test_completion_of_the_magic_itself(kernel: Kernel) -> None:
    """The magic's name is completed and its help is shown like any other's."""
    assert "%%track_energy" in kernel.ask("complete_request", code="%%track_e", cursor_pos=9)["matches"]
    text = str(kernel.run("%%track_energy?").content["payload"])
    assert "-n NAME" in text
    assert "on|off|status" in str(kernel.run("%track_energy?").content["payload"])
