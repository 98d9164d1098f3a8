"""Measures object detection on COCO val2017 photos: ``python -m bench.objects [--scenes]``.

Prints COCO's average precision of the fast and the thorough choice, precision and recall of what is
stored and shown, and the time per photo on one thread. With ``--scenes`` the scene network's view of
each photo settles animals, as it does in a full analysis.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.average_precision import SIZES, Found, Truth, average_precision, claims
from ml.runtime import open_network, to_batch
from ml.stages import Findings
from ml.tasks.objects import FAST, THOROUGH, ObjectStage
from ml.types import Detection

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "detection"
_CUTS = (0.3, 0.4, 0.5, 0.6)


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "models")))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--scenes", action="store_true", help="let the scene network settle animals")
    arguments = parser.parse_args()
    files, truths = load(arguments.data)
    pictures = [np.array(Image.open(arguments.data / name).convert("RGB")) for name in files]
    so_far = look_at_scenes(pictures, arguments.models) if arguments.scenes else [Findings() for _ in files]
    print(f"{len(files)} photos, {sum(len(t.names) for t in truths)} boxes")
    for title, model in (("fast", FAST), ("thorough", THOROUGH)):
        stage = ObjectStage(arguments.models, model=model, minimum=0.05)
        stage.run(pictures[:1], so_far[:1])  # loading is not part of the time
        started = time.process_time()
        results = [stage.run([picture], [known])[0] for picture, known in zip(pictures, so_far, strict=True)]
        milliseconds = (time.process_time() - started) / len(files) * 1000
        detections = []
        for result in results:
            if isinstance(result, Exception):
                raise result
            detections.append(result["objects"])
        report(title, truths, [as_found(d, p) for d, p in zip(detections, pictures, strict=True)])
        print(f"  {milliseconds:.0f} CPU-ms per photo")


def load(folder: Path) -> tuple[list[str], list[Truth]]:
    """The photos' names and their true boxes in pixels."""
    with (folder / "images.csv").open() as file:
        files = [row["file"] for row in csv.DictReader(file)]
    with (folder / "boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    truths = []
    for name in files:
        own = [row for row in rows if row["file"] == name]
        boxes = [[float(row[key]) for key in ("x1", "y1", "x2", "y2")] for row in own]
        truths.append(Truth(tuple(row["class"] for row in own), np.array(boxes).reshape(-1, 4)))
    return files, truths


def look_at_scenes(pictures: Sequence[np.ndarray], models: Path) -> list[Findings]:
    """What the scene network makes of each photo."""
    network = open_network("scene/efficientnet-lite2@in1k", models)
    how = network.entry.preprocessing
    assert how is not None
    return [
        Findings(probabilities=network.run(to_batch([picture], how), outputs=["probabilities"])[0][0])
        for picture in pictures
    ]


def as_found(detections: Sequence[Detection], picture: np.ndarray) -> Found:
    """Detections with their boxes in pixels."""
    height, width = picture.shape[:2]
    corners = [(d.box.x, d.box.y, d.box.x + d.box.width, d.box.y + d.box.height) for d in detections]
    boxes = np.array(corners).reshape(-1, 4) * [width, height, width, height]
    return Found(tuple(d.name for d in detections), np.array([d.confidence for d in detections]), boxes)


def report(title: str, truths: Sequence[Truth], found: Sequence[Found]) -> None:
    """Print average precision, and precision and recall at a few scores."""
    whole = average_precision(truths, found)
    sizes = " ".join(
        f"{name} {average_precision(truths, found, area).ap:.3f}" for name, area in SIZES.items()
    )
    print(f"{title}: AP {whole.ap:.3f}  AP50 {whole.ap50:.3f}  AP75 {whole.ap75:.3f}  ({sizes})")
    for cut in _CUTS:
        boxes, photos = precision_and_recall(truths, found, cut)
        print(
            f"  score >= {cut:.1f}: boxes precision {boxes[0]:.3f} recall {boxes[1]:.3f};"
            f" names per photo precision {photos[0]:.3f} recall {photos[1]:.3f}"
        )


def precision_and_recall(
    truths: Sequence[Truth], found: Sequence[Found], cut: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """(precision, recall) of boxes at an overlap of .5, and of the names that each photo has."""
    right = given = true = named_right = named = named_true = 0
    for truth, result in zip(truths, found, strict=True):
        strong = result.scores >= cut
        names = {n for n, s in zip(result.names, strong, strict=True) if s}
        named, named_true = named + len(names), named_true + len(set(truth.names))
        named_right += len(names & set(truth.names))
        given, true = given + int(strong.sum()), true + len(truth.names)
        for name in names:
            rows = strong & (np.array(result.names) == name)
            wanted = truth.boxes[[n == name for n in truth.names]]
            right += claims(result.boxes[rows], wanted, 0.5).count(1)
    return (right / max(given, 1), right / true), (named_right / max(named, 1), named_right / named_true)


if __name__ == "__main__":
    main()
