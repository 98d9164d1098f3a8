"""Learning a tag from a few photos: a linear rule on the vectors of pictures. Arrays in, confidences out.

A picture is described by three vectors (``joint``), each centred on the library and of unit length: the visual one
tells alike-looking things apart, the semantic one knows by their names that a cobra and a viper are both snakes, and
``ml.kinship`` knows by their looks that a hound and a greyhound are akin. How much each says is the examples' to decide
(``_trust``): hazy views are alike in looks, garments in meaning.
The rule is ridge regression (Hoerl and Kennard, Technometrics 1970) of the examples against counter-examples and the
rest of the library. The examples weigh little (``_EXAMPLES``), so that the rule follows how the library spreads, as
linear discriminant analysis does. The rest may well hold photos of the thing: each of them weighs so little that a few
do no harm.

How sure a rule is of a photo follows from where its score lies between the library's middle and what the examples
score when each is left out in turn. ``SLOPE``, ``SPREAD`` and ``OFFSET`` turn that into a probability; they were
fitted by ``bench/teaching.py --fit`` over all its concepts, each taught with 5 photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.kinship import kinship
from ml.types import Vector

Matrix = NDArray[np.float32]

CUT = 0.25
"""From this confidence on a photo gets the tag: four in five of a thing's photos do, and of those that do two in three
are right for things with many photos, fewer for rare ones (``bench/teaching.py``); users prefer crossing some out to
searching for the rest."""
SLOPE, SPREAD, OFFSET = 4.28, -0.03, -3.87
LIBRARY = 600
"""So many photos stand for the library; more change nothing."""

_RIDGE = 0.03
_EXAMPLES = 0.05  # what the examples weigh together
_MEANING = 1.75  # how much more the semantic vector is trusted where all tell the examples apart alike
_SHARPNESS = 4  # power of the deviations by which the parts share: the better part speaks nearly alone
_FOLDS = 5  # examples left out in turn
_LONE = (
    0.5  # how far a new photo of the thing comes, as a share of what the examples do, before it is measured
)
_LONE_WEIGHT = 1.0  # in examples
_FEW = 20.0  # photos from which a library's mean counts more than none
_CLEAR = 3.0  # deviations that the thing lies above the library at the least
_TINY = 1e-6


@dataclass(frozen=True)
class Rule:
    """``confidence`` tells how sure it is that pictures show the thing.

    Attributes:
        mean: ``(D,)`` float32, the library's middle.
        weights: ``(D,)`` float32.
        offset, low, high, spread: of the score; the score of the library's median photo, of an unseen photo of the
            thing, and the library's usual deviation.
        width: of the visual part of a vector.
        kin: of the kinship at its end; rules of a time without it have none.
    """

    mean: Vector
    weights: Vector
    offset: float
    low: float
    high: float
    spread: float
    width: int
    kin: int

    def features(self, vectors: Matrix) -> Matrix:
        """``(N, 2)``: where the score lies between the library (0) and the thing (1), and in deviations."""
        known = vectors[:, : len(self.mean)]  # a rule of a time without kinship reads the others
        rows = _centred(known, self.mean, _ends(self.width, self.kin, len(self.mean)))
        scores = rows @ self.weights + self.offset - self.low
        part = scores / max(self.high - self.low, _TINY)
        deviations = scores / max(self.spread, _TINY)
        return np.stack([np.clip(part, -2, 2), np.clip(deviations, -20, 20)], 1).astype(np.float32)

    def confidence(self, vectors: Matrix) -> Vector:
        """``(N,)`` float32 in 0..1 of ``(N, D)`` vectors from ``joint``."""
        part, deviations = self.features(vectors).T
        odds = SLOPE * part + SPREAD * deviations + OFFSET
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32)

    def to_bytes(self) -> bytes:
        """Little-endian float32: six numbers, then mean and weights."""
        head = [self.width, self.offset, self.low, self.high, self.spread, self.kin]
        return np.concatenate([np.array(head, "<f4"), self.mean, self.weights]).astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Rule:
        """The rule that ``to_bytes`` wrote; before there was a kinship it wrote five numbers, an odd count in all."""
        numbers = np.frombuffer(data, "<f4").astype(np.float32)
        start = 5 if len(numbers) % 2 else 6
        width, offset, low, high, spread, *kin = (float(number) for number in numbers[:start])
        mean, weights = numbers[start:].reshape(2, -1)
        return cls(mean, weights, offset, low, high, spread, int(width), int(kin[0]) if kin else 0)


def joint(visual: Matrix, semantic: Matrix, model: str) -> tuple[Matrix, int]:
    """``(N, V)`` and ``(N, S)`` unit vectors of the same pictures as ``(N, V + S + K)``, and K, the kinship's width.

    ``model`` is whose the visual vectors are; K is 0 for a network whose classes' kinship is not known.
    """
    kin = kinship(visual, model)
    return np.concatenate([visual, semantic, kin], 1).astype(np.float32), kin.shape[1]


def learn(examples: Matrix, counter_examples: Matrix, library: Matrix, width: int, kin: int) -> Rule:
    """Learn a rule.

    Args:
        examples: ``(N, D)`` vectors from ``joint`` of pictures of the thing, at least one.
        counter_examples: ``(M, D)`` of pictures that are not; may be empty.
        library: ``(L, D)`` of other pictures, few of which show it; may be empty.
        width: of the visual part.
        kin: of the kinship.

    Raises:
        ValueError: there is no example.
    """
    if not len(examples):
        raise ValueError("a rule needs an example")
    if len(library) > LIBRARY:
        library = library[np.linspace(0, len(library) - 1, LIBRARY).astype(int)]
    everything = np.concatenate([part for part in (examples, counter_examples, library) if len(part)])
    mean = everything.mean(0) * len(everything) / (len(everything) + _FEW)
    ends = _ends(width, kin, everything.shape[1])
    rows = _centred(everything, mean, ends)
    trust = _trust(rows, len(examples), ends)
    rows *= trust
    target = np.where(np.arange(len(rows)) < len(examples), 1.0, -1.0)
    shares = _shares(len(examples), len(counter_examples), len(library))
    kernel = (rows @ rows.T).astype(np.float64)
    factors, offset = _solve(kernel, target, shares)
    scores = kernel @ factors + offset
    others = scores[len(examples) :]
    low = float(np.median(others)) if len(others) else -1.0
    spread = float(np.median(np.abs(others - low)) * 1.4826) if len(others) > 1 else 0.5
    high = _unseen(kernel, target, shares, len(examples), float(scores[: len(examples)].mean()), low)
    high = max(high, low + _CLEAR * spread)
    weights = (rows.T @ factors * trust).astype(np.float32)
    return Rule(mean.astype(np.float32), weights, offset, low, high, spread, width, kin)


def _ends(width: int, kin: int, whole: int) -> list[int]:
    """Where the parts of a vector end: the visual one, the semantic one, and the kinship where there is one."""
    return [width, whole - kin, whole] if kin else [width, whole]


def _split(rows: Matrix, ends: list[int]) -> list[Matrix]:
    return np.split(rows, ends[:-1], axis=1)


def _centred(vectors: Matrix, mean: Vector, ends: list[int]) -> Matrix:
    """All parts less their mean, each of length 1 / sqrt(2)."""
    moved = vectors - mean
    for part in _split(moved, ends):
        part /= np.maximum(np.linalg.norm(part, axis=1, keepdims=True), _TINY) * np.sqrt(2)
    return moved


def _trust(rows: Matrix, examples: int, ends: list[int]) -> Vector:
    """``(D,)``: by what to scale each dimension, so that the part in which the examples stand together speaks.

    Of each part it is asked how many deviations an example is nearer to the other examples than the library is; the
    parts' shares go by a power of that. With one example, or nothing to compare with, all weigh the same.
    """
    parts = _split(rows, ends)
    shares = np.full(len(parts), 1 / len(parts))
    if examples >= 2 and len(rows) >= examples + 2:
        nearer = np.array([_nearer(part, examples) for part in parts])
        nearer[1] *= _MEANING
        shares = np.maximum(nearer, _TINY) ** _SHARPNESS
        shares /= shares.sum()
    scales = [np.full(part.shape[1], np.sqrt(2 * share)) for part, share in zip(parts, shares, strict=True)]
    return np.concatenate(scales).astype(np.float32)


def _nearer(part: Matrix, examples: int) -> float:
    """The mean over the examples, each left out in turn."""
    near = part @ part[:examples].T
    to_others = (near.sum(1, keepdims=True) - near) / (examples - 1)
    own, library = np.diag(near[:examples]), to_others[examples:]
    left_out = (near[:examples].sum(1) - own) / (examples - 1)
    return float(((left_out - library.mean(0)) / np.maximum(library.std(0), _TINY)).mean())


def _shares(examples: int, counter_examples: int, library: int) -> NDArray[np.float64]:
    """What each row weighs; counter-examples together as much as the library where both are."""
    against = (1 - _EXAMPLES) * (0.5 if counter_examples and library else 1)
    groups = ((examples, _EXAMPLES), (counter_examples, against), (library, against))
    shares = np.concatenate([np.full(count, weight / max(count, 1)) for count, weight in groups])
    return np.asarray(shares / shares.sum(), np.float64)


def _solve(
    kernel: NDArray[np.float64], target: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Weighted ridge regression: the factor of every row, and the offset."""
    middle = kernel @ shares
    centred = kernel - middle[:, None] - middle[None] + shares @ middle
    aim = target - shares @ target
    root = np.sqrt(shares)
    system = root[:, None] * centred * root[None] + _RIDGE * np.eye(len(kernel))
    factors = root * np.linalg.solve(system, root * aim)
    factors = factors - shares * factors.sum()
    return factors, float(shares @ target - (kernel @ factors) @ shares)


def _unseen(
    kernel: NDArray[np.float64],
    target: NDArray[np.float64],
    shares: NDArray[np.float64],
    examples: int,
    seen: float,
    low: float,
) -> float:
    """The score to expect of a photo of the thing that is no example."""
    guess = low + _LONE * (seen - low)
    total, weight = guess * _LONE_WEIGHT, _LONE_WEIGHT
    if examples > 1:
        for index in np.linspace(0, examples - 1, min(_FOLDS, examples)).astype(int):
            kept = np.arange(len(kernel)) != index
            part = shares[kept] * np.where(target[kept] > 0, examples / (examples - 1), 1.0)
            factors, offset = _solve(kernel[np.ix_(kept, kept)], target[kept], part / part.sum())
            total += float(kernel[index, kept] @ factors + offset)
            weight += 1
    return total / weight
