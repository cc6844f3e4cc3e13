"""What tests share: real kernels, a real MLflow store, a synthetic tree of counters."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.kernels import Kernel

HERE = Path(__file__).parent

# The same examples in every run, and no test fails because the machine was slow.
hypothesis.settings.register_profile("green", deadline=None, derandomize=True)
hypothesis.settings.load_profile("green")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal of the test's own."""
    folder = tmp_path / "green-home"
    monkeypatch.setenv("JUPYTER_GREEN_HOME", str(folder))
    return folder


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel with the extension loaded and nothing else done, shared by a module's tests."""
    folder = tmp_path_factory.mktemp("kernel")
    with Kernel(folder, green_home=folder / "green-home") as started:
        started.run("%load_ext jupyter_green")
        yield started


@pytest.fixture(scope="module")
def plain_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel without the extension, to compare with."""
    folder = tmp_path_factory.mktemp("plain-kernel")
    with Kernel(folder, green_home=folder / "green-home") as started:
        yield started


@pytest.fixture(scope="session")
def _built_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store with its schema, built once by MLflow itself in a process of its own."""
    folder = tmp_path_factory.mktemp("built-store")
    code = "from mlflow import MlflowClient; MlflowClient().get_experiment_by_name('Default')"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    return folder / "mlflow.db"


@pytest.fixture
def make_store(_built_store: Path) -> Callable[[Path], str]:
    """Put an empty MLflow store into a folder and return its tracking URI."""

    def make(folder: Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_built_store, folder / "mlflow.db")
        return f"sqlite:///{folder / 'mlflow.db'}"

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name skips that nobody listed."""
    for name in _unlisted(terminalreporter):
        terminalreporter.write_line(f"skipped, but not listed in tests/skips.txt: {name}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a skip that is not listed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _unlisted(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unlisted(reporter: pytest.TerminalReporter) -> list[str]:
    listed = {
        line.split()[0] for line in (HERE / "skips.txt").read_text("utf-8").splitlines() if line[:1] not in ("", "#")
    }
    folders = tuple(name for name in listed if name.endswith("/"))
    return [
        report.nodeid
        for report in reporter.stats.get("skipped", [])
        if report.nodeid.partition("[")[0] not in listed and not report.nodeid.startswith(folders)
    ]
