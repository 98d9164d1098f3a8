"""Scenes and things: one network over the whole picture, and the tags that follow from it and its fellows.

``SceneStage`` runs the classifier; ``TagStage`` puts what all stages saw into the vocabulary's words. They
are two stages because the semantic vector and the detectors use the classifier's view too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml import registry
from ml.runtime import Device, open_network, seen_part, to_batch
from ml.stages import Findings
from ml.types import Image, TagScore, Vector
from ml.vocabulary import load_vocabulary

MODEL = "scene/efficientnet-lite2@in1k"

_STAGE_OF = {"scene": "scenes", "object": "objects", "face": "faces", "cue": "cues", "text": "text"}
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

    def explain(self, image: Image, slug: str) -> Vector | None:
        """Where the network saw a tag: see ``Analyzer.explain``.

        Class activation mapping (Zhou et al., CVPR 2016), averaged over the classes under the tag by their
        probability, positive part, scaled to a peak of 1; zero where the network does not look.
        """
        vocabulary = load_vocabulary()
        under = {slug, *vocabulary.descendants(slug)}
        classes = [index for index, name in enumerate(vocabulary.imagenet) if name in under]
        if not classes:
            return None
        probabilities, activation = self._network.run(
            to_batch([image], self._how), outputs=("probabilities", "activation")
        )
        part = seen_part(image.shape[0], image.shape[1], self._how)
        return heat_map(image, part, probabilities[0], activation[0], classes)

    def unload(self) -> None:
        """Let the network go."""
        self._network.unload()


def heat_map(
    image: Image,
    part: tuple[int, int, int, int],
    probabilities: Vector,
    activation: Vector,
    classes: Sequence[int],
) -> Vector:
    """Class activations laid over the picture.

    Args:
        image: ``(H, W, 3)``.
        part: what the network saw of it: top, left, height, width in pixels.
        probabilities: ``(1000,)``.
        activation: ``(1000, h, w)``, the classes' logits per place.
        classes: the indices to average.

    Returns:
        ``(H, W)`` float32, at most 1.
    """
    import cv2

    chosen = list(classes)
    weights = probabilities[chosen] / max(float(probabilities[chosen].sum()), 1e-12)
    coarse = np.maximum(np.tensordot(weights, activation[chosen], 1), 0).astype(np.float32)
    top, left, height, width = part
    heat = np.zeros(image.shape[:2], np.float32)
    heat[top : top + height, left : left + width] = cv2.resize(
        coarse, (width, height), interpolation=cv2.INTER_CUBIC
    )
    peak = float(heat.max())
    return np.clip(heat / peak, 0, 1) if peak > 0 else heat


class TagStage:
    """Puts everything seen into the vocabulary's words; runs no network of its own.

    Finds ``tags``: from the scene network, and derived from objects, faces and cues where those are known.
    """

    stage = "tags"
    version = "1"
    needs: tuple[str, ...] = ("scenes",)
    uses: tuple[str, ...] = ("objects", "faces", "cues", "text")

    def __init__(self, models_dir: Path, *, device: Device = "cpu", model: str = MODEL) -> None:
        self.model_ids: tuple[str, ...] = (model,)

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
        surest: dict[tuple[str, str], TagScore] = {}
        for slug, score, source in seen:
            if (slug, source) not in surest or surest[slug, source].confidence < score:
                model = models.get(_STAGE_OF[source], self.model_ids[0])
                surest[slug, source] = TagScore(slug, score, source, model)
        return tuple(sorted(surest.values(), key=lambda tag: -tag.confidence))
