"""Measures whether evidence points at the thing: ``python bench/explain.py [--models DIR]``.

On detection photos (``shared/data/detection`` beside the checkout, or ``--data``) takes every COCO class that a
photo holds and whose concept, or a kind of it, the scene network names with a probability above ``--above``;
prints how often the heat map's peak lies in one of that class's boxes, and how often a random point would.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from ml.stages import Findings  # noqa: E402
from ml.tasks.objects import ObjectStage  # noqa: E402
from ml.tasks.scenes import SceneStage  # noqa: E402
from ml.vocabulary import load_vocabulary  # noqa: E402


def measure(models: Path, folder: Path, above: float, *, boxes_too: bool) -> None:
    """Print one line per case and the shares."""
    boxes: dict[str, dict[str, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    with (folder / "boxes.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            corners = tuple(float(row[name]) for name in ("x1", "y1", "x2", "y2"))
            boxes[row["file"]][row["class"]].append(corners)
    stage, detector, vocabulary = SceneStage(models), ObjectStage(models), load_vocabulary()
    hits, chances = [], []
    for file, classes in sorted(boxes.items()):
        image = np.array(Image.open(folder / file).convert("RGB"))
        found = stage.run([image], [Findings()])[0]
        seen = detector.run([image], [Findings()])[0]
        if isinstance(found, Exception) or isinstance(seen, Exception):
            raise SystemExit(f"{file}: {found} {seen}")
        sums = vocabulary.concept_probabilities(found["probabilities"])
        for name, places in classes.items():
            slug = vocabulary.coco.get(name)
            if slug is None or sums.get(slug, 0.0) < above:
                continue
            heat = stage.explain(image, slug, seen.get("objects", ()) if boxes_too else ())
            if heat is None:
                continue
            y, x = np.unravel_index(int(heat.argmax()), heat.shape)
            hit = any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in places)
            covered = np.zeros(heat.shape, bool)
            for x1, y1, x2, y2 in places:
                covered[int(y1) : int(y2), int(x1) : int(x2)] = True
            hits.append(hit)
            chances.append(float(covered.mean()))
            print(f"{'hit ' if hit else 'miss'} {file} {slug} p={sums[slug]:.2f}")
    print(
        f"peak in a box of the class: {np.mean(hits):.3f} of {len(hits)} cases; by chance {np.mean(chances):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, default=os.environ.get("ALBUMEN_MODELS", "data/models"))
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data" / "detection")
    parser.add_argument("--above", type=float, default=0.1)
    parser.add_argument("--scene-only", action="store_true", help="leave the object detector's boxes out")
    options = parser.parse_args()
    measure(Path(options.models), options.data, options.above, boxes_too=not options.scene_only)


if __name__ == "__main__":
    main()
