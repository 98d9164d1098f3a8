"""What a network costs on this machine: time for one picture, time to load, memory.

Every network is measured in a process of its own that runs nothing else, on one thread, as a worker would run it
(onnxruntime, or torch where it has no ONNX graph), on a made-up input of its example's size, one at a time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ml import registry
from ml.registry import ModelEntry
from ml.runtime import Network, input_type

_SECONDS = 3.0  # enough runs for a steady middle
_MOST_RUNS = 50
_LIMIT = 600  # seconds for one network


class CostError(RuntimeError):
    """A network could not be measured; the message says why."""


@dataclass(frozen=True)
class Cost:
    """One network's cost.

    Attributes:
        shape: of the input that was run, as (N, C, H, W).
        milliseconds: the middle of all runs but the first; ``quickest`` of them. Wall-clock time: a busy machine
            raises the middle more than the quickest.
        load_seconds: opening the network and its first run.
        network_bytes: what the network adds to a process that has its runtime loaded, at the peak.
        process_bytes: such a process in all, at the peak.
    """

    model_id: str
    runtime: str
    shape: tuple[int, ...]
    runs: int
    milliseconds: float
    quickest: float
    load_seconds: float
    network_bytes: int
    process_bytes: int


def measurable(entry: ModelEntry) -> bool:
    """Whether the entry is a network of its own that can be run."""
    return entry.runtime != "none" and bool(entry.examples)


def cost_of(entry: ModelEntry, models_dir: Path) -> Cost:
    """Measure one installed network, in a fresh process.

    Raises:
        CostError: it is not installed, damaged, or cannot be run.
    """
    if not measurable(entry):
        raise CostError(f"{entry.id} runs no network of its own.")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    # The child must find this very package, wherever it was imported from.
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parents[1]), environment.get("PYTHONPATH", "")]
    )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ml.cost", entry.id, str(models_dir)],
            env=environment, capture_output=True, text=True, timeout=_LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CostError(f"{entry.id} took longer than {_LIMIT} seconds.") from None
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise CostError(f"{entry.id}: {reason[0]}")
    values = json.loads(done.stdout)
    return Cost(**{**values, "shape": tuple(values["shape"])})


def cost_here(entry: ModelEntry, models_dir: Path) -> Cost:
    """As ``cost_of``, in this process, which does nothing else."""
    if entry.runtime == "torch":
        import torch  # noqa: F401 - its own memory is not the network's
    else:
        import onnxruntime  # noqa: F401
    before = _peak()
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(0, 1, example.shape).astype(input_type(entry)) for example in entry.examples]
    network = Network(entry, models_dir)
    started = time.perf_counter()
    network.run(*arrays)
    load = time.perf_counter() - started
    times: list[float] = []
    while len(times) < _MOST_RUNS and (len(times) < 3 or sum(times) < _SECONDS):
        started = time.perf_counter()
        network.run(*arrays)
        times.append(time.perf_counter() - started)
    peak = _peak()
    middle, quickest = float(np.median(times)) * 1000, min(times) * 1000
    return Cost(entry.id, entry.runtime, entry.examples[0].shape, len(times), round(middle, 2), round(quickest, 2),
                round(load, 3), peak - before, peak)  # fmt: skip


def _peak() -> int:
    """The most memory this process has had, in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # no Linux: macOS counts bytes where Linux counts kilobytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(asdict(cost_here(registry.get(sys.argv[1]), Path(sys.argv[2])))))
