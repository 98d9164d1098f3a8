"""Measures taught tags: ``python -m bench.teaching [--fit]``.

Each concept is taught with five photos drawn at random (five draws) and looked for among all other photos of its pool;
printed are the average precision, and precision and recall at the cut that ships. Only pools are used in which it is
known of every photo whether it shows the concept:

- *families*: every concept of the vocabulary under which 8 to 120 of the 400 labelled photos fall, each photo of
  another class (the data have one photo per class). The concept is held out of the vocabulary: its names are taken out
  of the texts of the classes below it, which are then the children of its parent, and every photo's semantic vector is
  made anew. The scene network was trained on the classes, never on the family; pictures of these classes were in its
  training, very probably these among them.
- *kinds* of pictures that are no class of any network, each sought among the 400 labelled photos.
- *COCO* categories of which at least 10 of 143 photos have a box of a twentieth of the picture; photos with smaller
  ones are left out. The detector was trained on the categories, on other photos.
- *unknown* things: real classes with several photos each, the same COCO categories and those with 8 photos, each held
  out of the vocabulary: its class is then its parent, and what the detector says of it is not heard.

Of the families ten are chosen by rule: the one with most photos, then the next that shares no photo with those chosen
before. ``--fit`` fits the constants of ``ml.teaching`` on all concepts and prints them.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

import ml.vocabulary
from ml import Analyzer, teaching
from ml.kinship import WIDTH as KIN
from ml.semantics import LANGUAGES, SemanticSpace, concept_texts
from ml.tasks.objects import ObjectStage
from ml.tasks.scenes import MODEL, SceneStage
from ml.vocabulary import Vocabulary, load_vocabulary
from ml.vocabulary.outline import read_outline

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
EXAMPLES, DRAWS, TENS = 5, 5, 20
FEWEST, MOST = 8, 120  # photos of a family
FEWEST_COCO, FEWEST_UNKNOWN, LEAST_BOX = 10, 8, 0.05
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
KINDS = {
    "portrait": "faces/people",
    "group photo": "faces/groups",
    "painting": "styles",
    "haze": "train/hazy_unpaired",
    "dark photo": "train/lowlight_unpaired",
    "screenshot": "photos/screenshots",
}
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Concept:
    """What is taught: where it is in the pool's ``vectors``, the first ``width`` columns of which are visual."""

    group: str
    name: str
    vectors: Vectors
    width: int
    shows: NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """One photo of the labelled pool: what its semantic vector is made of."""

    probabilities: Vectors
    visual: Vectors
    objects: Sequence[object]


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "data/models")))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    labelled, classes = imagenet(arguments.data)
    found = [
        *families(look(arguments.models, labelled), classes),
        *others(arguments.models, arguments.data, labelled),
        *unknown(arguments.models, arguments.data),
    ]
    if arguments.fit:
        fit(found)
    show(found)


# --- the pools ------------------------------------------------------------------------------------------------


def imagenet(data: Path) -> tuple[list[Path], list[str]]:
    """The labelled photos and the slug of each one's class."""
    vocabulary, folder = load_vocabulary(), data / "photos" / "imagenet"
    rows = read(folder / "labels.csv")
    return [folder / r["file"] for r in rows], [vocabulary.imagenet[int(r["class_index"])] for r in rows]


def families(seen: list[Seen], classes: list[str]) -> Iterator[Concept]:
    """Every family, each with the vectors of a vocabulary that does not know it."""
    vocabulary = load_vocabulary()
    members: dict[str, set[int]] = defaultdict(set)
    for index, slug in enumerate(classes):
        for name in (slug, *vocabulary.ancestors(slug)):
            members[name].add(index)
    visual = np.stack([photo.visual for photo in seen])
    for name, ids in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        if FEWEST <= len(ids) <= MOST:
            shows = np.isin(np.arange(len(seen)), sorted(ids))
            yield Concept("family", name, unaware(seen, name), visual.shape[1], shows)


def unknown(models: Path, data: Path) -> Iterator[Concept]:
    """COCO categories among COCO's photos, each with the vectors of a vocabulary that does not know it."""
    largest = coco(data)
    seen, known = look(models, list(largest)), load_vocabulary()
    for name in sorted({name for boxes in largest.values() for name in boxes}):
        share = np.array([boxes.get(name, 0.0) for boxes in largest.values()])
        clear = (share == 0) | (share >= LEAST_BOX)
        if (share >= LEAST_BOX).sum() >= FEWEST_UNKNOWN:
            vectors = unaware(seen, known.coco[name])
            yield Concept("unknown", f"no {name}", vectors[clear], len(seen[0].visual), share[clear] > 0)


def unaware(seen: list[Seen], slug: str) -> Vectors:
    """The joint vectors of photos as a vocabulary makes them that does not know a concept."""
    without = held_out(slug)
    space = SemanticSpace(without, {one: concept_texts(without, one) for one in LANGUAGES})
    semantic = np.stack([space.photo(photo.probabilities, photo.objects) for photo in seen])
    vectors, _ = teaching.joint(np.stack([photo.visual for photo in seen]), semantic, MODEL)
    return vectors


def held_out(slug: str) -> Vocabulary:
    """The vocabulary without a concept: what was below it is below its parents, its own class is its parent's."""
    outline = read_outline(Path(ml.vocabulary.__file__).parent)
    gone = outline.concepts[slug]
    concepts = {
        name: replace(
            concept,
            parent=gone.parent if concept.parent == slug else concept.parent,
            also=tuple(other for other in concept.also if other != slug),
        )
        for name, concept in outline.concepts.items()
    }
    imagenet = tuple(gone.parent or name if name == slug else name for name in outline.imagenet)
    heard = {name: thing for name, thing in outline.coco.items() if thing != slug}
    return Vocabulary(replace(outline, concepts=concepts, imagenet=imagenet, coco=heard))


def others(models: Path, data: Path, labelled: list[Path]) -> Iterator[Concept]:
    """Kinds of pictures among the labelled photos, and COCO categories among COCO's photos."""
    analyzer = Analyzer(models, stages=["objects", "faces", "cues", "embedding"])
    base, width = embed(analyzer, labelled)
    folders = {name: sorted(p for p in (data / at).rglob("*") if p.suffix.lower() in SUFFIXES)
               for name, at in KINDS.items()}  # fmt: skip
    scenes = data / "photos" / "scenes"
    folders["document"] = [
        scenes / r["file"] for r in read(scenes / "index.csv") if r["category"] == "document"
    ]
    for name, files in folders.items():
        own, _ = embed(analyzer, files)
        shows = np.arange(len(base) + len(own)) >= len(base)
        yield Concept("kind", name, np.concatenate([base, own]), width, shows)
    largest = coco(data)
    files = list(largest)
    vectors, _ = embed(analyzer, files)
    for name in sorted({name for boxes in largest.values() for name in boxes}):
        share = np.array([largest[file].get(name, 0.0) for file in files])
        clear = (share == 0) | (share >= LEAST_BOX)
        if (share >= LEAST_BOX).sum() >= FEWEST_COCO:
            yield Concept("coco", name, vectors[clear], width, share[clear] > 0)


def coco(data: Path) -> dict[Path, dict[str, float]]:
    """COCO's photos: category -> the share of the picture that its largest box has."""
    largest: dict[Path, dict[str, float]] = {}
    for part in ("detection", "retrieval"):
        for row in read(data / part / "images.csv"):
            largest[data / part / row["file"]] = {}
        for row in read(data / part / "boxes.csv"):
            file = data / part / row["file"]
            with Image.open(file) as picture:
                whole = picture.width * picture.height
            area = (float(row["x2"]) - float(row["x1"])) * (float(row["y2"]) - float(row["y1"])) / whole
            largest[file][row["class"]] = max(area, largest[file].get(row["class"], 0.0))
    return largest


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def picture_of(file: Path) -> NDArray[np.uint8]:
    """The picture, upright and small."""
    with Image.open(file) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    picture.thumbnail((1024, 1024))
    return np.array(picture)


def look(models: Path, files: list[Path]) -> list[Seen]:
    """What the scene network and the detector see."""
    scenes, objects, seen = SceneStage(models), ObjectStage(models), []
    for file in files:
        picture = [picture_of(file)]
        scene, things = scenes.run(picture, [{}])[0], objects.run(picture, [{}])[0]
        if isinstance(scene, Exception) or isinstance(things, Exception):
            raise SystemExit(f"{file}: {scene if isinstance(scene, Exception) else things}")
        seen.append(Seen(scene["probabilities"], scene["visual"], things["objects"]))
    return seen


def embed(analyzer: Analyzer, files: list[Path]) -> tuple[Vectors, int]:
    """The joint vectors ``(N, D)`` as the product makes them, and the width of the visual part."""
    seen = [analyzer.analyze([picture_of(file)])[0] for file in files]
    visual = np.stack([photo.visual for photo in seen])
    vectors, _ = teaching.joint(visual, np.stack([photo.semantic for photo in seen]), MODEL)
    return vectors, visual.shape[1]


# --- the measurement ------------------------------------------------------------------------------------------


def draws(concept: Concept) -> Iterator[tuple[teaching.Rule, Vectors, NDArray[np.bool_]]]:
    """For each draw: the rule, the other pictures' vectors, and which of them show the concept."""
    for seed in range(DRAWS):
        ids = np.flatnonzero(concept.shows)
        picked = np.random.default_rng(seed).choice(ids, EXAMPLES, replace=False)
        rest = np.setdiff1d(np.arange(len(concept.vectors)), picked)
        others = concept.vectors[rest]
        yield (
            teaching.learn(concept.vectors[picked], others[:0], others, concept.width, KIN),
            others,
            concept.shows[rest],
        )


def average_precision(scores: Vectors, shows: NDArray[np.bool_]) -> float:
    """The mean of the precision at every picture that shows the concept."""
    hits = shows[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def show(concepts: list[Concept]) -> None:
    """Print one line per concept, and the means."""
    results: dict[str, NDArray[np.float64]] = {}
    for concept in concepts:
        rows = []
        for rule, others, shows in draws(concept):
            sure = rule.confidence(others)
            tagged = sure >= teaching.CUT
            right = (tagged & shows).sum()
            rows.append((average_precision(sure, shows), right / max(tagged.sum(), 1), right / shows.sum()))
        results[concept.name] = np.array(rows).mean(0)
        ap, precision, recall = results[concept.name]
        print(
            f"{concept.group:6} {concept.name:16} {concept.shows.sum():3} of {len(concept.shows)} photos"
            f"  AP {ap:.3f}  at the cut: precision {precision:.2f} recall {recall:.2f}"
        )
    known = [concept for concept in concepts if concept.group == "family"]
    mean("the ten largest families without a common photo", results, apart(known))
    for group in ("family", "kind", "coco", "unknown"):
        mean(f"every {group}", results, [c.name for c in concepts if c.group == group])
    tens = [
        apart([known[i] for i in np.random.default_rng(seed).permutation(len(known))]) for seed in range(TENS)
    ]
    scores = [np.mean([results[name][0] for name in names]) for names in tens]
    print(
        f"{TENS} tens of families drawn at random: mean AP {np.mean(scores):.3f}, spread {np.std(scores):.3f}"
    )


def mean(title: str, results: dict[str, NDArray[np.float64]], names: list[str]) -> None:
    """Print the means over some concepts."""
    ap, precision, recall = np.mean([results[name] for name in names], axis=0)
    print(
        f"{title} ({len(names)}): mean AP {ap:.3f}; at the cut precision {precision:.2f} recall {recall:.2f}"
        f" ({', '.join(names)})"
    )


def apart(concepts: list[Concept], most: int = 10) -> list[str]:
    """The first ten of them without a photo in common."""
    chosen: list[Concept] = []
    for concept in concepts:
        if len(chosen) < most and not any((concept.shows & other.shows).any() for other in chosen):
            chosen.append(concept)
    return [concept.name for concept in chosen]


def fit(concepts: list[Concept]) -> None:
    """Print SLOPE, SPREAD and OFFSET: logistic regression, each concept weighing the same."""
    features, labels, weights = [], [], []
    for concept in concepts:
        for rule, others, shows in draws(concept):
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
