"""Style transfer: a photo painted in the manner of a preset or of any other picture, at the photo's full size.

A preset is what nine public-domain paintings look like to the feature network (Gram matrices in ``ml/weights``); the
paintings themselves are not part of the product. The painting happens at a working size and is then enlarged by
super-resolution, which keeps strokes crisp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance import paint
from ml.enhance.operation import EnhanceContext, OperationFailed, Params, Pixels, Text
from ml.enhance.superres import ENLARGERS
from ml.enhance.tiles import network, picture_runner, run_tiled
from ml.enhance.transfer import LUMA, shrink

OP = "style"
STYLE_SIDE = 640
"""Long side at which a style picture is looked at: its strokes against the working size of the photo."""

_WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
_PREVIEW = (paint.Level(256, 30),)
_PAINTING_SHARE = 0.85


@dataclass(frozen=True)
class Preset:
    """One built-in style: its name in recipes, its title, the painting it was taken from, and how much the content of
    photos has to resist it.
    """

    name: str
    title: Text
    painter: str
    year: int
    content_weight: float = paint.CONTENT

    @property
    def file(self) -> Path:
        """Where its Gram matrices lie."""
        return _WEIGHTS / f"style-{self.name}.safetensors"


PRESETS: tuple[Preset, ...] = (
    Preset("starry-night", Text("The Starry Night", "星月夜"), "Vincent van Gogh", 1889),
    Preset("great-wave", Text("The Great Wave off Kanagawa", "神奈川冲浪里"), "Katsushika Hokusai", 1831),
    Preset("scream", Text("The Scream", "呐喊"), "Edvard Munch", 1893, content_weight=0.4),
    Preset("composition-vii", Text("Composition VII", "构图七号"), "Wassily Kandinsky", 1913),
    Preset("udnie", Text("Udnie", "乌德尼"), "Francis Picabia", 1913),
    Preset("portrait", Text("Portrait of Metzinger", "梅青格尔肖像"), "Robert Delaunay", 1906),
    Preset("night-cafe", Text("The Night Café", "夜间咖啡馆"), "Vincent van Gogh", 1888),
    Preset("olive-trees", Text("Olive Trees", "橄榄树"), "Vincent van Gogh", 1889),
    Preset("woman-with-hat", Text("Woman with a Hat", "戴帽子的女人"), "Henri Matisse", 1905),
)


def style(image: Pixels, params: Params, context: EnhanceContext) -> Pixels:
    """Paint a photo.

    Args:
        image: ``(H, W, 3)`` float32 sRGB in 0..1.
        params: ``preset`` (a name of ``PRESETS``) or ``photo`` (an id that ``context.style_image`` knows);
            ``strength`` 0..1 blends with the photo; ``keep_color`` takes brightness from the painting alone.
        context: where the models are; progress and cancellation after every evaluation. Below scale 1 a quick,
            coarse preview is made.

    Returns:
        The same shape and range.

    Raises:
        OperationFailed: there is no such style, or a network is missing.
        Cancelled: the context asked to stop.
    """
    strength = float(params.get("strength", 1.0))
    if strength == 0:
        return image.copy()
    if context.models_dir is None:
        raise OperationFailed(OP, "There is no models folder.")
    wanted, content_weight = _wanted(params, context, context.models_dir)
    preview = context.scale < 1
    painted = paint.paint(
        shrink(image, paint.LEVELS[-1].side),
        wanted,
        paint.trunk(context.models_dir),
        lambda share: context.report(_PAINTING_SHARE * share),
        _PREVIEW if preview else paint.LEVELS,
        content_weight,
    )
    height, width = image.shape[:2]
    rest = replace(context, progress=_later(context.progress))
    large = enlarged(painted, height, width, rest, quick=preview)
    if params.get("keep_color", False):
        large = np.clip(image + (large @ LUMA - image @ LUMA)[..., None], 0, 1)
    if strength != 1:
        large = image + np.float32(strength) * (large - image)
    context.report(1.0)
    return np.asarray(large, np.float32)


def _later(progress: Callable[[float], None]) -> Callable[[float], None]:
    return lambda share: progress(_PAINTING_SHARE + (1 - _PAINTING_SHARE) * share)


def _wanted(params: Params, context: EnhanceContext, models_dir: Path) -> tuple[paint.Grams, float]:
    photo = params.get("photo", "")
    if photo:
        if context.style_image is None:
            raise OperationFailed(OP, "Pictures cannot be used as styles here; choose a preset.")
        pixels = context.style_image(photo).astype(np.float32) / np.float32(255)
        return paint.describe(shrink(pixels, STYLE_SIDE), paint.trunk(models_dir)), paint.CONTENT
    name = params.get("preset", "")
    for preset in PRESETS:
        if preset.name == name:
            return read_preset(preset.file), preset.content_weight
    known = ", ".join(p.name for p in PRESETS)
    raise OperationFailed(OP, f"There is no style {name!r}; there are {known}.")


@lru_cache(maxsize=4)
def read_preset(path: Path) -> paint.Grams:
    """The Gram matrices of a preset's file: each layer's upper triangle in 16-bit floats, and its scale."""
    from safetensors.numpy import load_file

    stored = load_file(path)
    found: dict[str, NDArray[np.float32]] = {}
    for key, scale in stored.items():
        if key.startswith("scale."):
            layer = key.removeprefix("scale.")
            triangle = stored[f"gram.{layer}"].astype(np.float32) * scale.astype(np.float32)
            side = int((np.sqrt(8 * triangle.size + 1) - 1) / 2)
            gram = np.zeros((side, side), np.float32)
            rows, columns = np.triu_indices(side)
            gram[rows, columns] = gram[columns, rows] = triangle
            found[layer] = gram
    return found


def write_preset(grams: paint.Grams, path: Path) -> None:
    """Store Gram matrices as ``read_preset`` reads them."""
    from safetensors.numpy import save_file

    stored: dict[str, NDArray[np.generic]] = {}
    for layer, gram in grams.items():
        scale = np.float32(np.abs(gram).max())
        stored[f"gram.{layer}"] = (gram[np.triu_indices(len(gram))] / scale).astype(np.float16)
        stored[f"scale.{layer}"] = np.array([scale], np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(stored, path)


def enlarged(
    painted: Pixels, height: int, width: int, context: EnhanceContext, *, quick: bool = False
) -> Pixels:
    """The painting at ``(height, width)``: by super-resolution as far as it goes, the rest by interpolation."""
    ratio = max(height / painted.shape[0], width / painted.shape[1])
    if ratio > 1.1 and not quick:
        enlarger = ENLARGERS["faithful", 4 if ratio > 2.2 else 2]
        run = picture_runner(network(enlarger.model_id, context, OP))
        painted = run_tiled(painted, run, enlarger.factor, context, size=enlarger.tile)
        ratio /= enlarger.factor
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
    return np.clip(np.asarray(cv2.resize(painted, (width, height), interpolation=how), np.float32), 0, 1)
