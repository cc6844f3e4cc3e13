"""The journal: private, one file a session, and nothing that was appended is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_green.track.journal import Journal, log_paths, make_private, notebook_key, read_log
from tests.track.conftest import clean_environ
from tests.track.forge import OK, record, session, write

SEED = 20260301


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """With umask 0 and a journal folder that everybody may enter, the file is 0600 in 0700."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "journal").mkdir()
    (home / "journal").chmod(0o777)
    before = os.umask(0)
    try:
        path = write(home, session(), [record(1)])
    finally:
        os.umask(before)
    assert (_mode(path), _mode(path.parent)) == (0o600, 0o700)


def test_new_home_is_private(tmp_path: Path) -> None:
    """A home that was not there is made for its owner alone."""
    before = os.umask(0)
    try:
        path = write(tmp_path / "new" / "home", session(), [record(1)])
    finally:
        os.umask(before)
    assert _mode(path.parent.parent) == 0o700


def test_somebody_elses_folder_keeps_its_mode(tmp_path: Path) -> None:
    """A home in a folder that serves others too (/tmp, say) leaves that folder as it is."""
    tmp_path.chmod(0o1777)
    path = write(tmp_path, session(), [record(1)])
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777
    assert _mode(path.parent) == 0o700


def test_file_in_the_folders_place_keeps_its_mode(tmp_path: Path) -> None:
    """A file where the folder should be is an error, and its mode is not changed."""
    in_the_way = tmp_path / "home"
    in_the_way.write_text("mine")
    in_the_way.chmod(0o644)
    with pytest.raises(OSError, match="exists"):
        make_private(in_the_way)
    assert _mode(in_the_way) == 0o644


def test_each_session_has_its_file(tmp_path: Path) -> None:
    """Two kernels on one notebook write two files, both found by the notebook and read back."""
    for session_id in ("a" * 16, "b" * 16):
        write(tmp_path, session(session_id), [record(1, session_id=session_id)], OK)
    write(tmp_path, session("c" * 16, notebook="/other.ipynb"), [record(1, session_id="c" * 16)])
    assert len(log_paths(tmp_path)) == 3
    found = [read_log(path) for path in log_paths(tmp_path, "/home/ann/churn.ipynb")]
    assert [log.session.session_id for log in found if log] == ["a" * 16, "b" * 16]


def test_file_name_does_not_hold_the_notebooks(tmp_path: Path) -> None:
    """However long or odd a notebook's name is, the file's name is short and plain."""
    for name in ("/" + "x" * 4000 + ".ipynb", "/ü\n/../日本.ipynb", "/\udcff.ipynb"):
        assert len(notebook_key(name)) == 12
        log = read_log(write(tmp_path, session("d" * 16, notebook=name), [record(1)]))
        assert log is not None
        assert log.session.notebook == name


def test_nothing_is_written_before_the_first_record(tmp_path: Path) -> None:
    """A session that measured nothing leaves no file, not even at its end."""
    journal = Journal(tmp_path / "home", session())
    assert journal.append_end(OK) is None
    journal.sync()
    journal.close()
    assert not (tmp_path / "home").exists()


def test_file_cut_at_every_byte(tmp_path: Path) -> None:
    """A file cut anywhere loses at most the record it was cut in, and reading it never raises."""
    records = [record(1), record(2, name="größe\n", metrics={"accuracy": 0.9}), record(3), record(4, cell_id="日")]
    whole = write(tmp_path, session(), records, OK).read_bytes()
    ends = [n + 1 for n, byte in enumerate(whole) if byte == 0x0A]
    cut = tmp_path / "cut.jsonl"
    for size in range(len(whole) + 1):
        cut.write_bytes(whole[:size])
        log = read_log(cut)
        # A line is whole without its end of line too.
        complete = sum(1 for end in ends if size >= end - 1)
        if complete == 0:
            assert log is None
            continue
        assert log is not None
        assert [one.record_id for one in log.records] == [one.record_id for one in records[: complete - 1]]
        assert (log.end is not None) == (complete == len(ends))


GARBAGE = (
    b"\x00" * 50,
    b"\xff\xfe\x00",
    b"[1, 2]",
    b"null",
    b'"text"',
    b"[" * 200_000,
    b'{"type":"cell"}',
    b'{"type":"cell","record_id":"x","energy":[]}',
    b'{"type":"cell","record_id":"x","session_id":"s","started_at":"now","energy":{"duration_s":1}}',
    b'{"type":"cell","record_id":"x","session_id":"s","started_at":1e300,"energy":{"duration_s":1}}',
    b'{"type":"cell","record_id":"x","session_id":"s","started_at":1,"energy":{"duration_s":1' + b"0" * 400 + b"}}",
    b'{"type":"end"}',
    b'{"no type":1}',
    b'{"type":"session","pid":"x"}',
)


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_between_records_is_counted(tmp_path: Path, garbage: bytes) -> None:
    """A line that is none of ours is passed over and counted; the records around it are read."""
    path = write(tmp_path, session(), [record(1), record(2)])
    head, first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + first + garbage + b"\n" + second)
    log = read_log(path)
    assert log is not None
    assert [one.execution_count for one in log.records] == [1, 2]
    assert log.unreadable == 1


def test_later_kinds_of_lines_are_passed_over(tmp_path: Path) -> None:
    """A line of a kind and with fields that a later version may bring does no harm."""
    path = write(tmp_path, session(), [record(1)])
    with path.open("ab") as file:
        file.write(b'{"v":9,"type":"advice","text":"less"}\n')
    log = read_log(path)
    assert log is not None
    assert (len(log.records), log.unreadable) == (1, 0)


def test_line_written_twice_counts_once(tmp_path: Path) -> None:
    """A record whose line was written twice, because a Ctrl-C hit the first try's end, is one record."""
    log = read_log(write(tmp_path, session(), [record(1), record(1), record(2)]))
    assert log is not None
    assert [one.execution_count for one in log.records] == [1, 2]


def _joined(value: str) -> str:
    """Both halves of a character that stand side by side as that character: JSON knows no difference."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


text = st.text(st.characters(exclude_categories=()), max_size=40).map(_joined)  # halves (surrogates) too
number = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=150, deadline=None)
@given(
    name=text | st.just("x" * 20_000),
    cell_id=text,
    metrics=st.dictionaries(text, number | st.none(), max_size=4),
    parameters=st.dictionaries(text, text, max_size=4),
    notes=st.lists(text, max_size=3).map(tuple),
    joules=st.floats(0, 1e12) | st.none(),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    cell_id: str,
    metrics: dict[str, float | None],
    parameters: dict[str, str],
    notes: tuple[str, ...],
    joules: float | None,
) -> None:
    """Every record comes back as it was, whatever characters it holds."""
    wanted = record(2, joules=joules, name=name, cell_id=cell_id, metrics=metrics, parameters=parameters, notes=notes)
    home = tmp_path_factory.mktemp("journal")
    log = read_log(write(home, session(), [record(1), wanted]))
    assert log is not None
    assert log.unreadable == 0
    assert [one.record_id for one in log.records] == [record(1).record_id, wanted.record_id]
    assert log.records[1] == wanted


def test_all_threads_records_are_read(tmp_path: Path) -> None:
    """Records that threads append at the same time are all on disk, the session's line first."""
    journal = Journal(tmp_path, session())
    begin = threading.Barrier(8)

    def append(thread: int) -> None:
        begin.wait()
        problems.extend([journal.append(record(1000 * thread + number)) for number in range(100)])

    problems: list[str | None] = []
    threads = [threading.Thread(target=append, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert problems == [None] * 800
    log = read_log(journal.path)
    assert log is not None
    assert {one.execution_count for one in log.records} == {1000 * t + n for t in range(8) for n in range(100)}


def test_home_that_cannot_be_written(tmp_path: Path) -> None:
    """With a home below a file, a record says in a sentence that it is in memory; nothing is raised."""
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "home", session())
    problem = journal.append(record(1))
    assert problem == "the journal could not be written (Not a directory); this record is kept in memory for now"
    assert journal.waiting == 2  # the session's line too
    assert journal.append_end(OK) is not None
    journal.sync()
    journal.close()


def test_home_that_is_read_only() -> None:
    """A home on a file system where nothing can be made does no harm either."""
    journal = Journal(Path("/proc/self"), session())
    assert "kept in memory" in (journal.append(record(1)) or "")


def test_home_that_turns_up_later(tmp_path: Path) -> None:
    """What waited in memory is written before the next record, once the home can be made."""
    in_the_way = tmp_path / "home"
    in_the_way.write_text("")
    journal = Journal(in_the_way, session())
    assert journal.append(record(1)) is not None
    in_the_way.unlink()
    assert journal.append(record(2)) is None
    journal.close()
    log = read_log(journal.path)
    assert log is not None
    assert [one.execution_count for one in log.records] == [1, 2]


def test_link_in_the_files_place_is_not_followed(tmp_path: Path) -> None:
    """A link that somebody put where the session's file will be is refused, and what it points to stays."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    journal = Journal(tmp_path / "home", session())
    journal.path.parent.mkdir(parents=True)
    journal.path.symlink_to(victim)
    assert "kept in memory" in (journal.append(record(1)) or "")
    assert victim.read_text() == "precious"


FULL_DISK = """
import json, resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.track.forge import OK, record, session
from jupyter_green.track.journal import Journal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
journal = Journal(Path(sys.argv[2]), session())
problems = []
journal.append(record(1))
size = journal.path.stat().st_size
for room in json.loads(sys.argv[3]):
    limit = hard if room is None else size + room
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    problems.append(journal.append(record(len(problems) + 2, name="n" * 100)))
    before = journal.waiting
journal.append_end(OK)
print(json.dumps(problems))
"""


@pytest.mark.parametrize("room", [0, 1, 57, 400])
def test_full_disk(tmp_path: Path, room: int) -> None:
    """Records of a full disk are written once there is room, each on a line of its own, and carry a note meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(Path(__file__).parents[2]), str(tmp_path), f"[{room}, {room}, null]"],
        capture_output=True,
        text=True,
        check=True,
    )
    note = "the journal could not be written ({}); this record is kept in memory for now"
    full = json.loads(done.stdout)
    assert full[0] in (note.format("File too large"), note.format("No space left on device"))
    assert full[1] is not None
    assert full[2] is None
    log = read_log(*log_paths(tmp_path))
    assert log is not None
    assert [one.execution_count for one in log.records] == [1, 2, 3, 4]
    assert log.end is not None
    assert log.unreadable == 0


def test_memory_is_bounded(tmp_path: Path) -> None:
    """A disk that stays full costs a bounded part of the memory; the session's line is kept."""
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "home", session())
    journal.append(record(1))
    one = record(2)
    for _ in range(10_100):
        journal.append(one)
    assert journal.waiting == 10_001
    assert journal.lines is not None
    assert journal._waiting[0] == journal.lines.head


def test_no_lock_in_the_way_of_a_cell(tmp_path: Path) -> None:
    """Appending takes no lock on the file, so a home on NFS without a lock service works, and two may read."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import fcntl\n"
        "from pathlib import Path\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, _: seen.append(event) if event.startswith('fcntl.') else None)\n"
        "from tests.track.forge import OK, record, session, write\n"
        "write(Path(sys.argv[2]), session(), [record(1), record(2)], OK)\n"
        "print(seen)"
    )
    arguments = [sys.executable, "-c", code, str(Path(__file__).parents[2]), str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


WRITER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.track.forge import record, session
from jupyter_green.track.journal import Journal

long = record(0, name="n" * 400_000)  # a third of the time goes into writing
os.write(1, b"ready\\n")
for life in sys.stdin:
    pid = os.fork()
    if pid == 0:
        journal = Journal(Path(sys.argv[2]), session(f"{int(life):016x}"))
        assert journal.append(record(1)) is None
        before, _, after = journal.lines.cell(long).partition(long.record_id.encode())
        number = 1
        while True:
            os.write(1, b"%d\\n" % number)
            number += 1
            assert journal.append_line(before + b"%d" % number + after) is None
    os.write(1, b"pid %d\\n" % pid)
    os.waitpid(pid, 0)
    os.write(1, b"gone\\n")
"""


@pytest.mark.long
def test_killed_writer_loses_nothing(tmp_path: Path) -> None:
    """After kill -9 at any of 150 moments, every record that the writer had appended is read."""
    print("seed", SEED)
    draw = random.Random(SEED)
    writer = subprocess.Popen(
        [sys.executable, "-u", "-c", WRITER, str(Path(__file__).parents[2]), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environ(tmp_path),
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"ready\n"
    hit = 0
    for life in range(150):
        writer.stdin.write(b"%d\n" % life)
        writer.stdin.flush()
        pid, acknowledged, enough = 0, 0, draw.randrange(1, 20)
        while (said := writer.stdout.readline()) != b"gone\n":
            if said.startswith(b"pid "):
                pid = int(said[4:])
            else:
                acknowledged = int(said)
            if pid and acknowledged >= enough:
                moment = time.perf_counter() + draw.uniform(0.0, 0.001)  # about two records
                while time.perf_counter() < moment:
                    pass
                os.kill(pid, signal.SIGKILL)
                enough = 10**9
        (path,) = (tmp_path / "journal").glob(f"*-{life:016x}.jsonl")
        log = read_log(path)
        assert log is not None
        numbers = [1, *(int(one.record_id) for one in log.records[1:])]
        assert numbers[:acknowledged] == list(range(1, acknowledged + 1))
        assert len(numbers) <= acknowledged + 1  # one may be written and not yet acknowledged
        hit += len(numbers) + log.unreadable > acknowledged
        path.unlink()
    writer.stdin.close()
    writer.wait(timeout=60)
    writer.stdout.close()
    print(f"{hit} of 150 were killed inside or right after a write")
