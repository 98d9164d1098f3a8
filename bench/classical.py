"""Measure the classical edit operations: CPU seconds of one thread per megapixel, and peak extra memory.

    python bench/classical.py PHOTO [--megapixels 4]
    python bench/classical.py --auto FOLDER...

The first enlarges or shrinks the photo to the given size and runs every operation with default parameters,
and the methods that cost more. The second prints how often each rule of automatic enhancement speaks on the
photos of a folder, and how much the picture changes.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ml.enhance import OPERATIONS, OperationFailed, apply, decode
from ml.enhance.auto import measure, propose
from ml.enhance.operation import EnhanceContext

EXTRA: list[dict[str, Any]] = [
    {"op": "rotate", "angle": 3.0, "frame": "crop"},
    {"op": "resize", "max_side": 1600},
    {"op": "stretch", "horizontal": 0.7},
    {"op": "perspective", "points": [[0.1, 0.0], [0.9, 0.0], [1.0, 1.0], [0.0, 1.0]]},
    {"op": "exposure", "ev": 0.5},
    {"op": "contrast", "amount": 0.3},
    {"op": "brightness", "amount": 0.1},
    {"op": "gamma", "gamma": 1.5},
    {"op": "white_balance", "auto": True},
    {"op": "saturation", "amount": 0.3},
    {"op": "channels", "space": "rgb", "order": "bgr"},
    {"op": "channels", "space": "hsv", "offset": [0.1, 0, 0]},
    {"op": "channels", "space": "lab", "offset": [0, 0.1, 0]},
    {"op": "channels", "space": "cmyk", "gain": [1, 1, 1, 0.8]},
    {"op": "smooth", "method": "mean", "radius": 5},
    {"op": "smooth", "method": "median", "radius": 5},
    {"op": "smooth", "method": "bilateral", "radius": 5},
    {"op": "smooth", "method": "bilateral", "radius": 30},
    {"op": "smooth", "method": "gaussian", "radius": 50},
    {"op": "sharpen", "radius": 20},
    {"op": "edges", "method": "canny", "radius": 1},
    {"op": "morphology", "method": "close", "radius": 10},
]


def _label(step: dict[str, Any]) -> str:
    return " ".join(str(value) if name == "op" else f"{name}={value}" for name, value in step.items())


def bench_operations(photo: Path, megapixels: float, repeats: int) -> None:
    """Print one line per operation."""
    pixels = decode(photo).pixels
    factor = (megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1])) ** 0.5
    pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    size = pixels.shape[0] * pixels.shape[1] / 1e6
    print(
        f"{pixels.shape[1]} x {pixels.shape[0]} = {size:.1f} MP; CPU seconds of one thread, median of {repeats}"
    )
    defaults = [{"op": name} for name, op in OPERATIONS.items() if op.kind not in ("learned", "output")]
    defaults = [step for step in defaults if step["op"] not in ("resize", "edges")] + [{"op": "edges"}]
    for step in defaults + EXTRA:
        seconds = []
        for _ in range(repeats):
            start = time.process_time()
            apply(pixels, [step])
            seconds.append(time.process_time() - start)
        taken = statistics.median(seconds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        declared = OPERATIONS[step["op"]].cost
        print(f"{taken / size:7.3f} s/MP (declared {declared:g})  peak so far {peak:5.0f} MB  {_label(step)}")


def bench_auto(folder: Path, models: Path | None) -> None:
    """Print how often each rule speaks and the mean absolute change of the automatic ones, in 8-bit levels."""
    counts: Counter[str] = Counter()
    changes = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
            continue
        pixels = decode(path).pixels[:, :, :3]
        found = propose(measure(pixels), networks=models is not None)
        counts.update(suggestion.step["op"] for suggestion in found)
        steps = [suggestion.step for suggestion in found if suggestion.automatic]
        try:
            result = apply(pixels, steps, context=EnhanceContext(models_dir=models))
        except OperationFailed as error:
            counts[f"failed: {error}"] += 1
            continue
        scale = 255.0 if pixels.dtype == np.float32 else 1.0
        changes.append(float(np.abs(result.astype(np.float32) - pixels).mean() * scale))
    quarters = np.percentile(changes, (50, 75, 95)) if changes else (0, 0, 0)
    changed = " ".join(f"{value:.1f}" for value in quarters)
    print(
        f"{folder}: {len(changes)} photos; change in levels at 50, 75, 95 %: {changed}; {json.dumps(counts)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument(
        "--auto", action="store_true", help="paths are folders; report on automatic enhancement"
    )
    parser.add_argument("--megapixels", type=float, default=4.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--models", type=Path, default=None, help="folder of model weights")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    for path in arguments.paths:
        if arguments.auto:
            bench_auto(path, arguments.models)
        else:
            bench_operations(path, arguments.megapixels, arguments.repeats)


if __name__ == "__main__":
    main()
