"""Measures faces: detection on group photos, telling people apart, and grouping them.

``python -m bench.faces`` prints recall and false alarms on group photos, the area under the ROC curve
and the error rates of pairs, and the pairwise precision, recall and F1 of the people that incremental
clustering makes of all photos.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

from ml.people import SAME, Grouping
from ml.stages import Findings
from ml.tasks.faces import FaceStage
from ml.tasks.objects import ObjectStage
from ml.types import FaceDetection

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces"
_ORDERS = 10


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "models")))
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    stage = FaceStage(arguments.models)
    detection(stage, arguments.data, "large faces only")
    detection(stage, arguments.data, "small ones where people are seen", ObjectStage(arguments.models))
    detection(FaceStage(arguments.models, small_faces=True), arguments.data, "small ones everywhere")
    identities = {row["file"]: row["identity"] for row in read(arguments.data / "identities.csv")}
    vectors = {}
    for name in identities:
        face = main_face(look(stage, arguments.data / name))
        if face is not None and face.embedding is not None:
            vectors[name] = face.embedding
    print(f"portraits: a comparable face in {len(vectors)} of {len(identities)}")
    pairs(vectors, read(arguments.data / "pairs.csv"))
    grouping(vectors, identities)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open() as file:
        return list(csv.DictReader(file))


def look(stage: FaceStage, path: Path, objects: ObjectStage | None = None) -> tuple[FaceDetection, ...]:
    """The faces in one photo, looked for after its objects if there is a stage for them."""
    picture = np.array(Image.open(path).convert("RGB"))
    known = objects.run([picture], [Findings()])[0] if objects else Findings()
    if isinstance(known, Exception):
        raise known
    result = stage.run([picture], [known])[0]
    if isinstance(result, Exception):
        raise result
    return result["faces"]


def main_face(faces: tuple[FaceDetection, ...]) -> FaceDetection | None:
    """The largest face, as the one that a portrait is about."""
    return max(faces, key=lambda face: face.box.width * face.box.height, default=None)


def detection(stage: FaceStage, data: Path, title: str, objects: ObjectStage | None = None) -> None:
    """Print recall on the annotated group photos, and what matches no annotation."""
    marks = read(data / "face_boxes.csv")
    hits = marked = extra = counted = expected = 0
    seconds = []
    for group in read(data / "groups.csv"):
        started = time.process_time()
        faces = look(stage, data / group["file"], objects)
        seconds.append(time.process_time() - started)
        own = [mark for mark in marks if mark["file"] == group["file"]]
        if own:
            width, height = Image.open(data / group["file"]).size
            free = list(faces)
            for mark in own:
                x, y = point(mark)
                hit = next((face for face in free if inside(face, x / width, y / height)), None)
                if hit is not None:
                    free.remove(hit)
                    hits += 1
            marked, extra = marked + len(own), extra + len(free)
        elif group["n_faces"]:
            expected, counted = (
                expected + int(group["n_faces"]),
                counted + min(len(faces), int(group["n_faces"])),
            )
            extra += max(0, len(faces) - int(group["n_faces"]))
    recall = (hits + counted) / (marked + expected)
    print(
        f"group photos, {title}: recall {recall:.3f} ({hits} of {marked} marked faces found,"
        f" {counted} of {expected} counted ones), {extra} that are not annotated,"
        f" {np.median(seconds) * 1000:.0f} CPU-ms per photo (median, vectors included)"
    )


def point(mark: dict[str, str]) -> tuple[float, float]:
    """The nose, or the middle of the box, in pixels."""
    if mark["nose_x"]:
        return float(mark["nose_x"]), float(mark["nose_y"])
    x1, y1, x2, y2 = (float(mark[key]) for key in ("x1", "y1", "x2", "y2"))
    return (x1 + x2) / 2, (y1 + y2) / 2


def inside(face: FaceDetection, x: float, y: float) -> bool:
    """Whether the point lies in the face's box."""
    box = face.box
    return box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height


def pairs(vectors: dict[str, np.ndarray], rows: list[dict[str, str]]) -> None:
    """Print how well distances separate same from different; a pair without two faces counts as
    undecided."""
    known = [row for row in rows if row["fileA"] in vectors and row["fileB"] in vectors]
    distance = np.array([np.linalg.norm(vectors[r["fileA"]] - vectors[r["fileB"]]) for r in known])
    same = np.array([row["same"] == "1" for row in known])
    order = (distance[same][:, None] < distance[~same][None]).mean()
    ties = (distance[same][:, None] == distance[~same][None]).mean()
    best = max(np.linspace(0.3, 0.9, 601), key=lambda cut: ((distance < cut) == same).mean())
    print(
        f"pairs: {len(known)} of {len(rows)} comparable, AUC {order + ties / 2:.4f};"
        f" same person: median {np.median(distance[same]):.3f}, 95 % {np.quantile(distance[same], 0.95):.3f};"
        f" different: least {distance[~same].min():.3f}, 1 % {np.quantile(distance[~same], 0.01):.3f}"
    )
    for cut in (SAME, best):
        print(
            f"  at {cut:.3f}: {(distance[same] < cut).mean():.3f} of the same accepted,"
            f" {(distance[~same] < cut).mean():.4f} of the different"
        )


def grouping(vectors: dict[str, np.ndarray], identities: dict[str, str]) -> None:
    """Print pairwise precision, recall and F1 of incremental grouping, over several orders of arrival."""
    names = list(vectors)
    truth = np.array([identities[name] for name in names])
    figures = []
    for seed in range(_ORDERS):
        order = np.random.default_rng(seed).permutation(len(names))
        groups = Grouping()
        labels = np.empty(len(names), int)
        for start in range(0, len(order), 8):  # photos come in small batches
            batch = order[start : start + 8]
            groups.add([int(i) for i in batch], np.stack([vectors[names[i]] for i in batch]))
        for index in range(len(names)):
            labels[index] = groups.group_of(index)
        figures.append((*agreement(labels, truth), len(set(labels))))
    precision, recall, f1, count = np.array(figures).mean(0)
    worst = " ".join(f"{value:.3f}" for value in np.array(figures)[:, :3].min(0))
    print(
        f"people: {len(set(truth))} identities in {count:.0f} groups; pairwise precision {precision:.3f}"
        f" recall {recall:.3f} F1 {f1:.3f} (mean of {_ORDERS} orders; worst {worst})"
    )


def agreement(labels: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Pairwise precision, recall and F1 of one labelling against another."""
    upper = np.triu_indices(len(labels), 1)
    together = (labels[:, None] == labels[None])[upper]
    belong = (truth[:, None] == truth[None])[upper]
    both = (together & belong).sum()
    precision, recall = both / max(together.sum(), 1), both / belong.sum()
    return float(precision), float(recall), float(2 * precision * recall / max(precision + recall, 1e-9))


if __name__ == "__main__":
    main()
