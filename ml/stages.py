"""What an analysis stage is: the contract between ``ml.analyzer`` and the modules in ``ml/tasks``.

A stage is a class built once per analyzer as ``SomeStage(models_dir, device=...)``. It loads nothing until
``run``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypedDict

from ml.types import CueValue, Detection, FaceDetection, Image, TagScore, TextBlock, Vector


class Findings(TypedDict, total=False):
    """What is known about one picture so far; a stage returns the keys it found.

    ``probabilities`` is ``(1000,) float32``, the scene network's softmax; ``visual`` ``(1280,)`` and
    ``semantic`` ``(384,)`` are float32 of unit length, and so is ``image_text``, as wide as its model's vectors.
    ``lens`` is the lens's name from the photo's metadata and ``models`` the model id by stage that ran; the
    analyzer sets both. The other keys are those of ``ml.types.Analysis``.
    """

    tags: tuple[TagScore, ...]
    objects: tuple[Detection, ...]
    faces: tuple[FaceDetection, ...]
    cues: tuple[CueValue, ...]
    text: tuple[TextBlock, ...]
    probabilities: Vector
    visual: Vector
    semantic: Vector
    image_text: Vector
    lens: str
    models: Mapping[str, str]


class Stage(Protocol):
    """One kind of understanding.

    Attributes:
        stage: its name: scenes, objects, faces, cues, text, embedding, image-text, tags.
        model_ids: registry ids of the networks it runs; the first is stored with the results.
        version: raised when the same networks give other results; ends in ``int8`` where one runs quantised.
        needs: stages without whose findings it cannot run; ``uses``: stages it profits from when they ran
            too.
    """

    stage: str
    model_ids: tuple[str, ...]
    version: str
    needs: tuple[str, ...]
    uses: tuple[str, ...]

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """Look at a batch. One picture's failure is returned in its place as the exception; raising fails
        the batch (the analyzer then tries the pictures one by one).

        Args:
            images: upright ``(H, W, 3) uint8`` sRGB arrays, sizes may differ.
            so_far: per picture, the findings of earlier stages.
        """
        ...

    def unload(self) -> None:
        """Let the networks go; the next ``run`` loads them again."""
        ...
