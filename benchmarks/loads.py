"""What a cell may do, each with the CPU time of its workers as they report it themselves."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable


def burn(seconds: float) -> float:
    """Use CPU time and return how much it was, as this process's own clock has it."""
    began = time.process_time()
    while time.process_time() - began < seconds:
        sum(i * i for i in range(2000))
    return time.process_time() - began


def _sleep(seconds: float) -> float:
    time.sleep(seconds)
    return 0.0


def _loop(seconds: float) -> float:
    burn(seconds)
    return 0.0


def _threads(seconds: float) -> float:
    threads = [threading.Thread(target=burn, args=(seconds,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0.0


def _subprocess(seconds: float) -> float:
    code = f"import time, benchmarks.loads as loads; loads.burn({seconds}); print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def _pool(seconds: float) -> float:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.map(burn, [seconds] * 4))


def _loky(seconds: float) -> float:
    from joblib import Parallel, delayed  # type: ignore[import-untyped]

    return float(sum(Parallel(n_jobs=2)(delayed(burn)(seconds) for _ in range(4))))


def _data_loader(seconds: float) -> float:
    from torch.utils.data import DataLoader

    class Burning:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> float:
            return burn(seconds)

    batches: DataLoader[float] = DataLoader(Burning(), batch_size=1, num_workers=2)  # type: ignore[arg-type]
    return float(sum(float(batch) for batch in batches))


# Each returns the CPU time of other processes, s; this process's own clock has the rest.
LOADS: dict[str, Callable[[float], float]] = {
    "sleep": _sleep,
    "own loop": _loop,
    "threads": _threads,
    "subprocess": _subprocess,
    "fork pool": _pool,
    "loky": _loky,
    "DataLoader workers": _data_loader,
}
