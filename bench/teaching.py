"""Measures taught tags: ``python -m bench.teaching [--fit]``.

Each concept is taught with five photos drawn at random (five draws) and looked for in all other photos of the pool;
printed are the average precision, and precision and recall at the cut that ships. Two kinds of concepts: those that
are no class of the scene network (kinds of pictures), and families of its classes of which every photo is of another
class (the data have one photo per class), so that a concept is never what the network was trained to name. ``--fit``
fits the constants of ``ml.teaching`` on all concepts and prints them.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ml import Analyzer, teaching
from ml.vocabulary import load_vocabulary

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
EXAMPLES, DRAWS = 5, 5
FEWEST, MOST = 8, 120  # photos of a concept
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
KINDS = {
    "portrait": "faces/people",
    "group photo": "faces/groups",
    "painting": "styles",
    "haze": "train/hazy_unpaired",
    "dark photo": "train/lowlight_unpaired",
    "screenshot": "photos/screenshots",
}
TARGETS = (
    "portrait", "document", "dog", "bird", "reptile", "snake", "small-carnivore", "sea-life", "food", "mammal",
)  # fmt: skip


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "data/models")))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--vectors", type=Path, help="keep the pictures' vectors in this file")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    files, concepts = pool(arguments.data)
    vectors, width = embed(arguments.models, files, arguments.vectors)
    if arguments.fit:
        fit(vectors, width, concepts)
    show(vectors, width, concepts)


def pool(data: Path) -> tuple[list[Path], dict[str, list[int]]]:
    """All pictures, and for each concept the places of its pictures among them."""
    files: list[Path] = []
    concepts: dict[str, list[int]] = defaultdict(list)

    def add(file: Path, *names: str) -> None:
        for name in names:
            concepts[name].append(len(files))
        files.append(file)

    vocabulary = load_vocabulary()
    for row in read(data / "photos" / "imagenet" / "labels.csv"):
        slug = vocabulary.imagenet[int(row["class_index"])]
        add(data / "photos" / "imagenet" / row["file"], *({slug, *vocabulary.ancestors(slug)}))
    for row in read(data / "photos" / "scenes" / "index.csv"):
        add(
            data / "photos" / "scenes" / row["file"], *(["document"] if row["category"] == "document" else [])
        )
    for name, folder in KINDS.items():
        for file in sorted((data / folder).rglob("*")):
            if file.suffix.lower() in SUFFIXES:
                add(file, name)
    usable = {name: ids for name, ids in concepts.items() if FEWEST <= len(ids) <= MOST}
    return files, dict(sorted(usable.items(), key=lambda item: (item[0] not in TARGETS, item[0])))


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def embed(models: Path, files: list[Path], kept: Path | None) -> tuple[np.ndarray, int]:
    """The joint vectors ``(N, D)`` and the width of the visual part."""
    if kept is not None and kept.exists():
        stored = np.load(kept)
        return stored["vectors"], int(stored["width"])
    analyzer, visual, semantic = Analyzer(models, stages=["embedding"]), [], []
    for start in range(0, len(files), 8):
        pictures = []
        for file in files[start : start + 8]:
            picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
            picture.thumbnail((1024, 1024))
            pictures.append(np.array(picture))
        for seen in analyzer.analyze(pictures):
            visual.append(seen.visual)
            semantic.append(seen.semantic)
    vectors = teaching.joint(np.stack(visual), np.stack(semantic))
    width = visual[0].shape[0]
    if kept is not None:
        np.savez(kept, vectors=vectors, width=width)
    return vectors, width


def draws(vectors: np.ndarray, width: int, ids: list[int]):
    """For each draw: the rule, the other pictures' vectors, and which of them show the concept."""
    for seed in range(DRAWS):
        picked = np.random.default_rng(seed).choice(ids, EXAMPLES, replace=False)
        rest = np.setdiff1d(np.arange(len(vectors)), picked)
        rule = teaching.learn(vectors[picked], vectors[:0], vectors[rest], width)
        yield rule, vectors[rest], np.isin(rest, ids)


def average_precision(scores: np.ndarray, shows: np.ndarray) -> float:
    """The mean of the precision at every picture that shows the concept."""
    hits = shows[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def show(vectors: np.ndarray, width: int, concepts: dict[str, list[int]]) -> None:
    """Print one line per concept, and the means."""
    rows = {}
    for name, ids in concepts.items():
        figures = []
        for rule, others, shows in draws(vectors, width, ids):
            sure = rule.confidence(others)
            tagged = sure >= teaching.CUT
            right = int((tagged & shows).sum())
            figures.append((average_precision(sure, shows), right, int(tagged.sum()), int(shows.sum())))
        score = np.array(figures, float)
        right, tagged, there = score[:, 1].sum(), score[:, 2].sum(), score[:, 3].sum()
        rows[name] = (score[:, 0].mean(), right / max(tagged, 1), right / there, len(ids))
        print(
            f"{'*' if name in TARGETS else ' '} {name:20} {len(ids):3} photos  AP {rows[name][0]:.3f}"
            f"  at the cut: precision {rows[name][1]:.2f} recall {rows[name][2]:.2f}"
        )
    for title, names in (("ten concepts marked *", TARGETS), ("all", tuple(rows))):
        ap, precision, recall = np.array([rows[name][:3] for name in names]).mean(0)
        print(
            f"{title}: mean AP {ap:.3f}; at the cut precision {precision:.2f} recall {recall:.2f}"
            f" ({len(names)} concepts, {EXAMPLES} examples each, {DRAWS} draws, pool of {len(vectors)})"
        )

    by_chance = [float(np.mean([rows[name][0] for name in names])) for names in random_tens(concepts)]
    print(
        f"ten families drawn at random: mean AP {np.mean(by_chance):.3f}, spread {np.std(by_chance):.3f}"
        f" ({', '.join(f'{value:.2f}' for value in by_chance)})"
    )


def random_tens(concepts: dict[str, list[int]], sets: int = 4) -> list[list[str]]:
    """Ten concepts of the vocabulary without a photo in common, for each of some draws."""
    known, found = load_vocabulary().concepts, []
    for seed in range(sets):
        chosen: list[str] = []
        for name in np.random.default_rng(seed).permutation([name for name in concepts if name in known]):
            photos = set(concepts[str(name)])
            if len(chosen) < 10 and all(photos.isdisjoint(concepts[other]) for other in chosen):
                chosen.append(str(name))
        found.append(chosen)
    return found


def fit(vectors: np.ndarray, width: int, concepts: dict[str, list[int]]) -> None:
    """Print SLOPE, SPREAD and OFFSET: logistic regression, each concept weighing the same."""
    features, labels, weights = [], [], []
    for ids in concepts.values():
        for rule, others, shows in draws(vectors, width, ids):
            features.append(rule.features(others))
            labels.append(shows)
            weights.append(np.full(len(shows), 1 / len(shows)))
    x = np.concatenate(features).astype(float)
    x = np.concatenate([x, np.ones((len(x), 1))], 1)
    y, w = np.concatenate(labels).astype(float), np.concatenate(weights)
    theta = np.zeros(3)
    for _ in range(50):  # Newton's method
        p = 1 / (1 + np.exp(-x @ theta))
        step = np.linalg.solve((x * (w * p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(3), x.T @ (w * (y - p)))
        theta += step
    print("SLOPE, SPREAD, OFFSET =", ", ".join(f"{value:.2f}" for value in theta))
    teaching.SLOPE, teaching.SPREAD, teaching.OFFSET = theta


if __name__ == "__main__":
    main()
