"""Measures one network on this machine: ``python -m ml.measure ID --models FOLDER`` prints JSON.

Run it in a process of its own: the memory it reports is the process's peak with the network minus its peak before.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from ml import registry
from ml.runtime import input_type, open_network

_RUNS = 5


def measure(model_id: str, models_dir: Path, runs: int = _RUNS) -> dict[str, Any]:
    """Time and memory of one forward pass on one thread.

    Returns:
        ``seconds`` (median of ``runs`` after one to warm up), ``load_seconds``, ``memory_bytes`` (the growth of this
        process's peak), ``input`` (the shape it was given, batch first).

    Raises:
        ValueError: the model has no network of its own to run.
        registry.UnknownModel, zoo.FetchError: there is none, or its weights are not here.
    """
    entry = registry.get(model_id)
    if not entry.examples:
        raise ValueError(f"{model_id} is a method around other models; measure those")
    shapes = [_shape(entry, example) for example in entry.examples]
    inputs = [np.random.default_rng(0).random(shape).astype(input_type(entry)) for shape in shapes]
    network = open_network(model_id, models_dir)
    importlib.import_module(
        "torch" if entry.runtime == "torch" else "onnxruntime"
    )  # not the network's memory
    before, started = _peak(), time.perf_counter()
    network.run(*inputs)
    loaded, times = time.perf_counter() - started, []
    for _ in range(runs):
        started = time.perf_counter()
        network.run(*inputs)
        times.append(time.perf_counter() - started)
    seconds = statistics.median(times)
    return {
        "seconds": round(seconds, 5),
        "load_seconds": round(loaded - seconds, 3),
        "memory_bytes": max(0, _peak() - before),
        "input": list(shapes[0]),
    }


def _shape(entry: registry.ModelEntry, example: registry.Example) -> tuple[int, ...]:
    """The example's shape, at the size pictures are given to the network where that is fixed."""
    size = entry.preprocessing.size if entry.preprocessing else None
    if size is None or len(example.shape) != 4 or not {2, 3} <= {axis for axis, _ in example.dynamic}:
        return example.shape
    return (*example.shape[:2], *size)


def _peak() -> int:
    """The most memory this process has held, in bytes. Linux tells it of this program alone, from its start."""
    status = Path("/proc/self/status")
    if status.is_file():
        return (
            next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            * 1024
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="registry id")
    parser.add_argument("--models", type=Path, required=True, help="folder of model weights")
    arguments = parser.parse_args()
    try:
        print(json.dumps(measure(arguments.model, arguments.models)))
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
