"""Scenes and things: one network over the whole picture, and the tags that follow from it and its fellows.

``SceneStage`` runs the classifier; ``TagStage`` puts what all stages saw into the vocabulary's words. They
are two stages because the semantic vector and the detectors use the classifier's view too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml import registry
from ml.runtime import Device, open_network, to_batch
from ml.stages import Findings
from ml.types import Box, Detection, Image, TagScore, Vector
from ml.vocabulary import load_vocabulary

MODEL = "scene/efficientnet-lite2@in1k"

_STAGE_OF = {
    "scene": "scenes",
    "guess": "scenes",
    "object": "objects",
    "face": "faces",
    "cue": "cues",
    "text": "text",
}
_BATCH = 8  # larger batches gain nothing on a CPU


class SceneStage:
    """Finds ``probabilities`` and ``visual``; see ``ml.stages.Stage`` for the contract.

    Args:
        models_dir: the zoo's folder.
        device: where to run.
        model: a registry id of the task scene.
        int8: run the quantised graph where one was made.
    """

    stage = "scenes"
    version = "1"
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    def __init__(
        self, models_dir: Path, *, device: Device = "cpu", model: str = MODEL, int8: bool = False
    ) -> None:
        entry = registry.get(model)
        if entry.preprocessing is None:
            raise ValueError(f"{model} does not say how pictures become its input")
        self.model_ids: tuple[str, ...] = (model,)
        self._how = entry.preprocessing
        self._network = open_network(model, models_dir, device=device, int8=int8)
        self.version = self._network.marked(SceneStage.version)

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """Classify each picture."""
        results: list[Findings | Exception] = []
        for start in range(0, len(images), _BATCH):
            batch = to_batch(images[start : start + _BATCH], self._how)
            probabilities, features = self._network.run(batch, outputs=("probabilities", "feature"))
            results += [
                Findings(probabilities=p.copy(), visual=f.copy())
                for p, f in zip(probabilities, features, strict=True)
            ]
        return results

    def explain(self, image: Image, slug: str, objects: Sequence[Detection] = ()) -> Vector | None:
        """Where a tag is seen: see ``Analyzer.explain``.

        The scene network's say is class activation mapping (Zhou et al., CVPR 2016) of the classes under the
        tag over the picture, its overlapping quarters and ninths, because one look's map has nine by nine
        places and misses small things: 14 looks, about 0.4 s on one CPU thread. It weighs as much as the
        network believes in the tag; each box weighs as much as its score.
        """
        vocabulary = load_vocabulary()
        under = {slug, *vocabulary.descendants(slug)}
        classes = [index for index, name in enumerate(vocabulary.imagenet) if name in under]
        boxes = [found for found in objects if vocabulary.coco.get(found.name) in under]
        if not classes and not boxes:
            return None
        height, width = image.shape[:2]
        heat = np.zeros((height, width), np.float32)
        if classes:
            heat += self._activation(image, classes)
        for found in boxes:
            heat += found.confidence * _mound(height, width, found.box)
        return _scaled(heat)

    def _activation(self, image: Image, classes: list[int]) -> Vector:
        """The classes' heat map, peaking at the probability of them all."""
        whole = self._network.run(to_batch([image], self._how), outputs=("probabilities",))[0][0]
        belief = float(whole[classes].sum())
        weights = whole[classes] / max(belief, 1e-12)
        squeezed = replace(self._how, resize="squeeze", trim=1.0)
        scales = []
        for parts in _looks(image.shape[0], image.shape[1]):
            maps = []
            for top, left, height, width in parts:
                batch = to_batch([image[top : top + height, left : left + width]], squeezed)
                activation = self._network.run(batch, outputs=("activation",))[0][0]
                maps.append(np.tensordot(weights, activation[classes], 1))
            scales.append(list(zip(parts, maps, strict=True)))
        return belief * heat_map(image.shape[0], image.shape[1], scales)

    def unload(self) -> None:
        """Let the network go."""
        self._network.unload()


Part = tuple[int, int, int, int]
"""A part of a picture in pixels: top, left, height, width."""


def _looks(height: int, width: int) -> list[list[Part]]:
    """The whole picture, its quarters and its ninths; neighbours overlap by half a tile."""
    result = []
    for count in (1, 2, 3):
        tall, wide = max(1, 2 * height // (count + 1)), max(1, 2 * width // (count + 1))
        tops = [(height - tall) * i // max(1, count - 1) for i in range(count)]
        lefts = [(width - wide) * i // max(1, count - 1) for i in range(count)]
        result.append([(top, left, tall, wide) for top in tops for left in lefts])
    return result


def heat_map(height: int, width: int, scales: Sequence[Sequence[tuple[Part, Vector]]]) -> Vector:
    """Lays coarse maps over the picture they were seen in.

    Args:
        height, width: the picture's, in pixels.
        scales: per scale, parts of the picture with their map ``(h, w)`` of any range. Overlapping parts of one
            scale are averaged, scales are added; negative evidence counts as none.

    Returns:
        ``(height, width)`` float32 in 0..1 with a peak of 1, or all 0 without any evidence.
    """
    import cv2

    heat = np.zeros((height, width), np.float32)
    for parts in scales:
        total, count = np.zeros_like(heat), np.zeros_like(heat)
        for (top, left, tall, wide), coarse in parts:
            positive = np.maximum(coarse, 0).astype(np.float32)
            here = np.s_[top : top + tall, left : left + wide]
            total[here] += cv2.resize(positive, (wide, tall), interpolation=cv2.INTER_CUBIC)
            count[here] += 1
        heat += total / np.maximum(count, 1)
    return _scaled(np.maximum(heat, 0))


def _scaled(heat: Vector) -> Vector:
    peak = float(heat.max())
    return heat / peak if peak > 0 else heat


def _mound(height: int, width: int, box: Box) -> Vector:
    """A box as evidence: 1 at its centre, falling to 0 at its edges."""
    across = (np.arange(width, dtype=np.float32) + 0.5) / width - (box.x + box.width / 2)
    down = (np.arange(height, dtype=np.float32) + 0.5) / height - (box.y + box.height / 2)
    near_x = np.maximum(1 - np.abs(across) / (box.width / 2 + 1e-9), 0)
    near_y = np.maximum(1 - np.abs(down) / (box.height / 2 + 1e-9), 0)
    return np.sqrt(np.outer(near_y, near_x)).astype(np.float32)


class TagStage:
    """Puts everything seen into the vocabulary's words; runs no network of its own.

    What the scene network is too unsure of to show, but a search may match, has the source ``guess``. Finds ``tags``:
    from the scene network, and derived from objects, faces and cues where those are known.
    """

    stage = "tags"
    version = "5"
    needs: tuple[str, ...] = ("scenes",)
    uses: tuple[str, ...] = ("objects", "faces", "cues", "text")

    def __init__(
        self, models_dir: Path, *, device: Device = "cpu", model: str = MODEL, int8: bool = False
    ) -> None:
        self.model_ids: tuple[str, ...] = (model,)
        network = open_network(model, models_dir, device=device, int8=int8)  # whose word these tags are
        self.version = network.marked(TagStage.version)

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """Tag each picture, most confident first."""
        return [Findings(tags=self._tags(findings)) for findings in so_far]

    def unload(self) -> None:
        """Nothing is loaded."""

    def _tags(self, findings: Findings) -> tuple[TagScore, ...]:
        vocabulary, probabilities = load_vocabulary(), findings["probabilities"]
        models = findings.get("models", {})
        seen = [(slug, score, "scene") for slug, score in vocabulary.scene_tags(probabilities)]
        derived = vocabulary.derived_tags(
            findings.get("objects", ()),
            findings.get("faces", ()),
            findings.get("cues", ()),
            probabilities,
            text=findings.get("text", ()),
            lens=findings.get("lens", ""),
        )
        seen += [(tag.slug, tag.confidence, tag.source) for tag in derived]
        shown = {slug for slug, _, _ in seen}
        guesses = vocabulary.scene_guesses(probabilities)
        seen += [(slug, score, "guess") for slug, score in guesses if slug not in shown]
        surest: dict[tuple[str, str], TagScore] = {}
        for slug, score, source in seen:
            if (slug, source) not in surest or surest[slug, source].confidence < score:
                model = models.get(_STAGE_OF[source], self.model_ids[0])
                surest[slug, source] = TagScore(slug, score, source, model)
        return tuple(sorted(surest.values(), key=lambda tag: -tag.confidence))
