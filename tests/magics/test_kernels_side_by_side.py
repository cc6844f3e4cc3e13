"""Several kernels and notebooks at once: each session has its own file, and none takes another's records."""

from __future__ import annotations

from pathlib import Path

from jupyter_green.track.history import sessions
from jupyter_green.track.journal import log_paths
from tests.kernels import Kernel


def test_kernels_and_notebooks_side_by_side(tmp_path: Path) -> None:
    """Two kernels of one notebook and one of another write three sessions; each is found by its notebook."""
    home = tmp_path / "home"
    first, second = str(tmp_path / "ä b.ipynb"), str(tmp_path / "other.ipynb")

    def kernel(notebook: str) -> Kernel:
        return Kernel(tmp_path, green_home=home, env={"JPY_SESSION_NAME": notebook, "JUPYTER_GREEN_MLFLOW": "off"})

    with kernel(first) as one, kernel(first) as again, kernel(second) as other:
        for number, each in enumerate((one, again, other), 1):
            each.run("%load_ext jupyter_green\n%track_energy on")
            for _ in range(number):
                each.run("sum(range(1000))")
        ids = [each.value("_energy.session_id") for each in (one, again, other)]
    assert len(set(ids)) == 3
    assert len(log_paths(home)) == 3
    counts = {log.session.session_id: len(log.records) for log in sessions(home)}
    assert counts == dict(zip(ids, (1, 2, 3), strict=True))
    assert [log.session.session_id for log in sessions(home, second)] == [ids[2]]
    assert {log.session.session_id for log in sessions(home, first)} == {ids[0], ids[1]}
    assert all(record.notebook == log.session.notebook for log in sessions(home) for record in log.records)


def test_killed_kernel_keeps_its_records(tmp_path: Path) -> None:
    """``kill -9`` of a kernel between and inside cells loses nothing that was appended; the session is over."""
    home = tmp_path / "home"
    with Kernel(tmp_path, green_home=home, env={"JUPYTER_GREEN_MLFLOW": "off"}) as kernel:
        kernel.run("%load_ext jupyter_green\n%track_energy on")
        for _ in range(5):
            kernel.run("sum(range(1000))")
        kernel.send("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
        kernel.manager.provisioner.process.wait(timeout=60)  # type: ignore[union-attr]
    (log,) = sessions(home)
    assert len(log.records) == 5
    assert (log.end, log.unreadable) == (None, 0)
