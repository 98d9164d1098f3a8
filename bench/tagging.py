"""Measures the scene classifier on labelled photos: ``python bench/tagging.py [--model ID] [--int8]``.

Prints top-1 and top-5 accuracy, and for a range of thresholds the share of photos whose best class passes and
how often that class is right. The photos (one per class, folder ``shared/data/photos/imagenet`` beside the
checkout, or ``--data``) very probably belong to the network's training set, so the figures flatter.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from ml import registry  # noqa: E402
from ml.runtime import open_network, to_batch  # noqa: E402

BATCH = 8
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)


def measure(model_id: str, models: Path, photos: Path, *, int8: bool = False) -> dict[str, object]:
    """Accuracy of one classifier on a folder with ``labels.csv`` (columns file, class_index)."""
    with (photos / "labels.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    truth = np.array([int(row["class_index"]) for row in rows])
    network = open_network(model_id, models, int8=int8)
    how = network.entry.preprocessing
    assert how is not None
    found, prepare, run = [], 0.0, 0.0
    for start in range(0, len(rows), BATCH):
        pictures = [
            np.array(Image.open(photos / row["file"]).convert("RGB")) for row in rows[start : start + BATCH]
        ]
        before = time.process_time()
        batch = to_batch(pictures, how)
        between = time.process_time()
        found.append(network.run(batch, outputs=("probabilities",))[0])
        prepare, run = prepare + between - before, run + time.process_time() - between
    probabilities = np.concatenate(found)
    order = np.argsort(-probabilities, axis=1)
    right, best = order[:, 0] == truth, probabilities.max(axis=1)
    return {
        "model": model_id + (" int8" if int8 else ""),
        "photos": len(rows),
        "top1": round(float(right.mean()), 4),
        "top5": round(float((order[:, :5] == truth[:, None]).any(axis=1).mean()), 4),
        "thresholds": [
            {
                "above": limit,
                "coverage": round(float((best > limit).mean()), 4),
                "precision": round(float(right[best > limit].mean()), 4),
            }
            for limit in THRESHOLDS
        ],
        "cpu_ms_per_photo": {
            "prepare": round(prepare / len(rows) * 1000, 1),
            "network": round(run / len(rows) * 1000, 1),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default=registry.default("scene").id)
    parser.add_argument("--models", type=Path, default=os.environ.get("ALBUMEN_MODELS", "data/models"))
    photos = REPOSITORY.parent / "shared" / "data" / "photos" / "imagenet"
    parser.add_argument("--data", type=Path, default=photos)
    parser.add_argument("--int8", action="store_true", help="the quantised graph, if one was made")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.model, Path(options.models), options.data, int8=options.int8)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['model']} on {result['photos']} photos: top-1 {result['top1']}, top-5 {result['top5']}")
    print("best class above   coverage   precision")
    for line in result["thresholds"]:  # type: ignore[attr-defined]
        print(f"{line['above']:16.2f} {line['coverage']:10.3f} {line['precision']:11.3f}")
    print(f"CPU ms per photo (one thread): {result['cpu_ms_per_photo']}")


if __name__ == "__main__":
    main()
