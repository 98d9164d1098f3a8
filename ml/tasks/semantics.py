"""The semantic vector: what all other stages saw, as one point in the space in which text is searched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml.runtime import Device
from ml.semantics import MODEL, semantic_space
from ml.stages import Findings
from ml.types import Image, Vector
from ml.vocabulary import load_vocabulary

_WORDS = 40  # of the recognised text; more would only blur what it is about
_LEAST_TEXT = 12  # characters; shorter finds are noise on signs and shirts


class SemanticStage:
    """Finds ``semantic``; see ``ml.stages.Stage`` for the contract. Runs no network of its own.

    Args:
        models_dir: not read; the encoder ships with its package.
    """

    stage = "embedding"
    version = "2"
    model_ids: tuple[str, ...] = (MODEL,)
    needs: tuple[str, ...] = ("scenes",)
    uses: tuple[str, ...] = ("objects", "faces", "cues", "text")

    def __init__(self, models_dir: Path, *, device: Device = "cpu") -> None:
        del models_dir, device

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """One vector per picture, from its findings alone."""
        return [Findings(semantic=_vector(findings)) for findings in so_far]

    def unload(self) -> None:
        """The encoder is small and shared by the process: it stays."""


def _vector(findings: Findings) -> Vector:
    probabilities = findings.get("probabilities")
    objects, faces = findings.get("objects", ()), findings.get("faces", ())
    derived = load_vocabulary().derived_tags(objects, faces, findings.get("cues", ()), probabilities)
    tags = [(tag.slug, tag.confidence) for tag in derived if tag.source != "object"]
    words = " ".join(block.content for block in findings.get("text", ())).split()[:_WORDS]
    text = " ".join(words)
    return semantic_space().photo(probabilities, objects, tags, text if len(text) >= _LEAST_TEXT else "")
