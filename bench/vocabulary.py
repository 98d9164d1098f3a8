"""Measures the tags people see: ``python bench/vocabulary.py [--models DIR]``.

Three parts, all from the shipped thresholds and rules, on the test photos beside the checkout (or ``--data``):

- labelled: 400 photos of one ImageNet class each. A tag is right when it is the class's concept or something that
  is a kind of. They very probably belong to the network's training set, so these figures flatter.
- judged: photos as in real albums, many of things the network never learned. Each of its guesses was judged by
  eye once (``bench/vocabulary_judged.tsv``); their setting too.
- detected: tags that follow from the object detector, against the boxes drawn by people.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from ml.stages import Findings  # noqa: E402
from ml.tasks.objects import ObjectStage  # noqa: E402
from ml.tasks.scenes import SceneStage  # noqa: E402
from ml.vocabulary import load_vocabulary  # noqa: E402
from ml.vocabulary.scoring import LEVELS  # noqa: E402

BINS = (0.0, 0.8, 0.9, 0.95, 0.98, 1.01)
SETTINGS = {"in": "indoor", "out": "outdoor"}


@dataclass(frozen=True)
class Shown:
    """One tag of one photo."""

    photo: int
    slug: str
    confidence: float
    right: bool


def look(paths: Sequence[Path], models: Path, *, objects: bool) -> list[Findings]:
    """Run the scene network, and the detector where asked, over photos."""
    scenes, detector = SceneStage(models), ObjectStage(models)
    found: list[Findings] = []
    for path in paths:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGB")
        picture.thumbnail((1024, 1024))
        pixels = [np.array(picture)]
        known = _only(scenes.run(pixels, [Findings()]))
        if objects:
            known = known | _only(detector.run(pixels, [known]))
        found.append(known)
    return found


def _only(results: Sequence[Findings | Exception]) -> Findings:
    (result,) = results
    if isinstance(result, Exception):
        raise result
    return result


def scene_tags(found: Iterable[Findings], right: Callable[[int, str], bool]) -> list[Shown]:
    """The scene tags of all photos; ``right`` tells of photo number and slug."""
    vocabulary = load_vocabulary()
    return [
        Shown(photo, slug, confidence, right(photo, slug))
        for photo, known in enumerate(found)
        for slug, confidence in vocabulary.scene_tags(known["probabilities"])
    ]


def report(title: str, photos: int, tags: Sequence[Shown]) -> None:
    """Print precision and coverage, in all, per level and per confidence."""
    covered = len({tag.photo for tag in tags})
    print(f"\n{title}: {photos} photos, {len(tags) / photos:.2f} tags a photo")
    print(f"{'':14}{'threshold':>10}{'tags':>7}{'precision':>11}{'coverage':>10}")
    _line("all", "", tags, covered / photos)
    vocabulary = load_vocabulary()
    for name, _, threshold in LEVELS:
        level = [tag for tag in tags if vocabulary.level(tag.slug) == name]
        _line(name, f"{threshold:.2f}", level, len({tag.photo for tag in level}) / photos)
    print("confidence told against found: ", end="")
    for low, high in pairwise(BINS):
        group = [tag for tag in tags if low <= tag.confidence < high]
        if group:
            told = np.mean([tag.confidence for tag in group])
            print(f"{told:.2f}:{np.mean([tag.right for tag in group]):.2f} (n={len(group)})  ", end="")
    print()


def _line(name: str, threshold: str, tags: Sequence[Shown], coverage: float) -> None:
    precision = f"{np.mean([tag.right for tag in tags]):.3f}" if tags else "-"
    print(f"{name:14}{threshold:>10}{len(tags):7}{precision:>11}{coverage:10.3f}")


def measure_labelled(data: Path, models: Path) -> None:
    """Photos with one known class each."""
    folder = data / "photos" / "imagenet"
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    vocabulary = load_vocabulary()
    truth = [vocabulary.imagenet[int(row["class_index"])] for row in rows]
    found = look([folder / row["file"] for row in rows], models, objects=False)
    tags = scene_tags(
        found, lambda photo, slug: slug == truth[photo] or slug in vocabulary.ancestors(truth[photo])
    )
    report("labelled", len(rows), tags)


def measure_judged(data: Path, models: Path) -> None:
    """Photos judged by eye: scene tags, and indoor or outdoor."""
    lines = (Path(__file__).parent / "vocabulary_judged.tsv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))
    wrong = [set(row["wrong"].split()) for row in rows]
    vocabulary = load_vocabulary()
    if gone := set().union(*wrong) - set(vocabulary.concepts):
        raise SystemExit(f"vocabulary_judged.tsv names concepts that are gone: {sorted(gone)}")
    found = look([data / row["file"] for row in rows], models, objects=True)
    report("judged", len(rows), scene_tags(found, lambda photo, slug: slug not in wrong[photo]))
    told = right = known = 0
    for row, evidence in zip(rows, found, strict=True):
        if row["setting"] in SETTINGS:
            derived = vocabulary.derived_tags(evidence["objects"], scene=evidence["probabilities"])
            says = {tag.slug for tag in derived} & set(SETTINGS.values())
            known += 1
            told += bool(says)
            right += says == {SETTINGS[row["setting"]]}
    print(f"indoor or outdoor: told for {told} of {known} photos, right for {right} of these")


def measure_detected(data: Path, models: Path) -> None:
    """Tags from the detector against drawn boxes."""
    vocabulary = load_vocabulary()
    boxes: dict[str, set[str]] = defaultdict(set)
    with (data / "detection" / "boxes.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            slug = vocabulary.coco[row["class"]]
            boxes[row["file"]] |= {slug, *vocabulary.ancestors(slug)}
    names = sorted(boxes)
    found = look([data / "detection" / name for name in names], models, objects=True)
    kinds = set(vocabulary.coco.values())
    right = shown = there = seen = 0
    for name, evidence in zip(names, found, strict=True):
        tags = vocabulary.derived_tags(evidence["objects"], scene=evidence["probabilities"])
        slugs = {tag.slug for tag in tags if tag.source == "object"} & kinds
        shown += len(slugs)
        right += len(slugs & boxes[name])
        there += len(boxes[name] & kinds)
        seen += len(boxes[name] & kinds & slugs)
    print(
        f"\ndetected: {len(names)} photos, {shown} tags, precision {right / shown:.3f}, recall {seen / there:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=Path, default=os.environ.get("ALBUMEN_MODELS", "data/models"))
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    options = parser.parse_args()
    for measure in (measure_labelled, measure_judged, measure_detected):
        measure(options.data, Path(options.models))


if __name__ == "__main__":
    main()
