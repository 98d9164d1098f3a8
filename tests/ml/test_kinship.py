"""Kinship: pictures of akin things are near, whatever they are called, and only for the network that is known."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from ml.kinship import WIDTH, kinship
from ml.stages import Findings
from ml.tasks.scenes import MODEL, SceneStage
from ml.vocabulary import load_vocabulary


@pytest.mark.weights
def test_pictures_of_a_family_are_nearer_to_each_other_than_by_looks_alone(
    models_dir: Path, shared_data: Path
) -> None:
    folder, vocabulary = shared_data / "photos" / "imagenet", load_vocabulary()
    with (folder / "labels.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    by_family = {
        family: [r["file"] for r in rows if family in _kinds(vocabulary.imagenet[int(r["class_index"])])][:8]
        for family in ("dog", "vehicle", "food")
    }
    images = [
        np.array(Pillow.open(folder / name).convert("RGB")) for names in by_family.values() for name in names
    ]
    found = SceneStage(models_dir).run(images, [Findings()] * len(images))
    visual = np.stack([one["visual"] for one in found if not isinstance(one, Exception)])
    kin = kinship(visual, MODEL)
    np.testing.assert_allclose(np.linalg.norm(kin, axis=1), 1, atol=1e-4)
    same = np.repeat(np.arange(3), 8)
    assert _told_apart(kin, same) > max(0.95, _told_apart(visual, same))


def _kinds(slug: str) -> set[str]:
    return {slug, *load_vocabulary().ancestors(slug)}


def _told_apart(vectors: np.ndarray, families: np.ndarray) -> float:
    """How often two pictures of one family are nearer than two of different ones."""
    near, akin = vectors @ vectors.T, families[:, None] == families
    pairs = np.triu_indices(len(vectors), 1)
    own, other = near[pairs][akin[pairs]], near[pairs][~akin[pairs]]
    return float((own[:, None] > other).mean())


def test_another_network_has_no_kinship() -> None:
    assert kinship(np.ones((3, 1280), np.float32), "scene/another@one").shape == (3, 0)
    assert kinship(np.ones((3, 1280), np.float32), MODEL).shape == (3, WIDTH)
