"""From the scene network's 1000 probabilities to tags: sums up the tree, thresholds, calibrated confidence.

A concept's probability is the sum over its classes, so that a photo in which five breeds are equally likely is
surely a dog and no breed in particular. What is shown was chosen on labelled photos; the figures are printed
by ``bench/vocabulary.py`` and kept in docs/vocabulary.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.types import Vector
from ml.vocabulary.outline import CLASSES, Concept

# Probability from which a concept is shown, by how many classes it sums over. Wide concepts gather the
# crumbs of a network that has no idea: on leaves and textures "animal", 40 % of all classes, reaches .7.
LEVELS: tuple[tuple[str, int, float], ...] = (
    ("kind", 1, 0.45),
    ("family", 20, 0.40),
    ("group", 400, 0.45),
    ("kingdom", CLASSES, 0.80),
)
"""Name, largest number of classes, threshold."""

LOOKALIKE_THRESHOLD = 0.90

# The network is under-confident: what it gives .5 is right nine times in ten. Logistic regression of
# right/wrong on the logit of the summed probability, over the labelled and the judged photos.
_CALIBRATION = (1.9, 1.3)


class SceneScorer:
    """Turns class probabilities into tags.

    Args:
        concepts: all concepts.
        imagenet: the slug of each class.
        ancestors: per slug, everything it is a kind of.
    """

    def __init__(
        self,
        concepts: Mapping[str, Concept],
        imagenet: tuple[str, ...],
        ancestors: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._slugs = tuple(concepts)
        self._ancestors = ancestors
        place = {slug: number for number, slug in enumerate(self._slugs)}
        pairs = [
            (place[slug], index) for index, leaf in enumerate(imagenet) for slug in (leaf, *ancestors[leaf])
        ]
        self._rows: NDArray[np.int64] = np.array([row for row, _ in pairs])
        self._classes: NDArray[np.int64] = np.array([index for _, index in pairs])
        own = {place[slug] for slug in imagenet}
        self._own = [row in own for row in range(len(self._slugs))]
        self._widths: NDArray[np.int64] = np.bincount(self._rows, minlength=len(self._slugs))
        self._thresholds = np.array(
            [
                LOOKALIKE_THRESHOLD if concepts[slug].lookalike else _threshold(int(width))
                for slug, width in zip(self._slugs, self._widths, strict=True)
            ],
            np.float32,
        )

    def sums(self, probabilities: Vector) -> Vector:
        """Each concept's probability, in concept order.

        Args:
            probabilities: ``(1000,)``, a softmax.

        Raises:
            ValueError: another shape, or not finite.
        """
        values = np.asarray(probabilities, np.float32)
        if values.shape != (CLASSES,) or not np.isfinite(values).all():
            raise ValueError(f"expected {CLASSES} finite probabilities, got shape {values.shape}")
        summed = np.bincount(self._rows, weights=values[self._classes], minlength=len(self._slugs))
        return np.clip(summed, 0, 1).astype(np.float32)

    def sums_by_slug(self, probabilities: Vector) -> dict[str, float]:
        """``sums`` of the concepts that have classes, by slug."""
        summed = self.sums(probabilities)
        return {slug: float(summed[row]) for row, slug in enumerate(self._slugs) if self._widths[row]}

    def tags(self, probabilities: Vector) -> list[tuple[str, float]]:
        """The concepts to show and all they are a kind of, with the calibrated confidence that each is right.

        Surest first; of equals the wider concept first. ``probabilities`` as for ``sums``.
        """
        summed = self.sums(probabilities)
        shown: dict[str, float] = {}
        for passed in np.flatnonzero(summed >= self._thresholds):
            slug = self._slugs[int(passed)]
            for tag in (slug, *self._ancestors[slug]):
                shown[tag] = 0.0
        confident = calibrate(summed)
        for row, slug in enumerate(self._slugs):
            if slug in shown:
                shown[slug] = float(confident[row])
        return sorted(shown.items(), key=lambda tag: (-tag[1], len(self._ancestors[tag[0]])))

    def guesses(self, probabilities: Vector, minimum: float) -> list[tuple[str, float]]:
        """Concepts that are not shown but may be meant: those with classes of their own and a summed probability
        of at least ``minimum``, with calibrated confidence, surest first."""
        summed = self.sums(probabilities)
        shown = {slug for slug, _ in self.tags(probabilities)}
        confident = calibrate(summed)
        found = [
            (slug, float(confident[row]))
            for row, slug in enumerate(self._slugs)
            if self._own[row] and summed[row] >= minimum and slug not in shown
        ]
        return sorted(found, key=lambda guess: -guess[1])

    def level(self, slug: str) -> str | None:
        """The level whose threshold decides over a concept; None for one without classes."""
        width = int(self._widths[self._slugs.index(slug)])
        return next(name for name, most, _ in LEVELS if width <= most) if width else None


def calibrate(summed: Vector) -> Vector:
    """How often a concept of that summed probability is right: ``(n,)`` in 0..1 to ``(n,)`` in 0..1."""
    clipped = np.clip(summed, 1e-6, 1 - 1e-6)
    offset, slope = _CALIBRATION
    return (1 / (1 + np.exp(-(offset + slope * np.log(clipped / (1 - clipped)))))).astype(np.float32)


def _threshold(width: int) -> float:
    if width == 0:
        return np.inf
    return next(threshold for _, most, threshold in LEVELS if width <= most)
