"""Kinship: what a picture is akin to in the scene network's own eyes, from its stored visual vector.

The network's last layer holds a vector of weights for each of its 1000 classes: classes that look alike, and that it
has to tell apart by small things, have like weights. Their principal components are what separates many classes at
once (fur from metal, meals from machines); the first hundred keep the families and leave out the details of one class.
A picture lies at the mean of its likeliest classes, as in ConSE (see ``ml.semantics``), but by looks, not by names:
"hound" and "greyhound" are near although no text says so.

The probabilities are not stored with a photo, the layer's input is, less its length: ``_LENGTH`` stands for that.
It was chosen, as the number of components and classes, by what taught tags find (``bench/teaching.py``), with all its
families in view; between 14 and 30, and 75 and 150 components, they find nearly the same.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.tasks.scenes import MODEL

TABLE = Path(__file__).parent / "weights" / "class-kinship.npz"
WIDTH = 100

_LENGTH = 30.0
"""Longer than features are (about 11): of the likeliest classes the first then counts more."""
_CLASSES = 10

Matrix = NDArray[np.float32]


def kinship(visual: Matrix, model: str) -> Matrix:
    """``(N, V)`` unit vectors of a scene network as ``(N, 100)`` unit vectors; ``(N, 0)`` of a network without table.

    Takes about 1.3 million multiplications a picture, and 20 kB each while it runs: pass some thousands at once.
    """
    if model != MODEL:
        return np.zeros((len(visual), 0), np.float32)
    weights, bias, places = _table()
    logits = _LENGTH * (visual @ weights) + bias
    likeliest = np.argpartition(-logits, _CLASSES, axis=1)[:, :_CLASSES]
    best = np.take_along_axis(logits, likeliest, 1)
    shares = np.exp(best - best.max(1, keepdims=True))
    total = np.einsum("nk,nkd->nd", shares, places[likeliest])
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9), np.float32)


def write_table(weights: Matrix, bias: NDArray[np.float32], table: Path = TABLE) -> None:
    """Write the table of a last layer: ``(1000, V)`` weights, kept in 8 bits per class, and ``(1000,)`` bias."""
    centred = weights - weights.mean(0)
    scale = np.abs(centred).max(1, keepdims=True) / 127
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    places = left[:, :WIDTH] * strengths[:WIDTH] ** 1.5  # the strong components more than by their own size
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    np.savez_compressed(
        table,
        weights=np.round(centred / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=(bias - bias.mean()).astype(np.float32),
        places=places.astype(np.float16),
    )


@cache
def _table() -> tuple[Matrix, NDArray[np.float32], Matrix]:
    """Weights ``(V, 1000)``, bias ``(1000,)``, places ``(1000, 100)``."""
    with np.load(TABLE, allow_pickle=False) as stored:
        weights = stored["weights"] * stored["scale"]
        return np.ascontiguousarray(weights.T), stored["bias"], stored["places"].astype(np.float32)
