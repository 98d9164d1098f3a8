"""Style transfer: a photo painted in the manner of a preset or of any other picture, at the photo's full size.

A preset is a public-domain painting: a network knows its hand (``ml.enhance.painters``), and ``ml/weights`` what it
looks like to the feature network; the paintings themselves are not part of the product. ``fast`` paints in seconds:
presets by their painters, the style of any other picture in one sweep of a decoder that knows no hand
(``ml.enhance.sweep``). ``best`` searches for minutes (``ml.enhance.paint``). ``auto`` is fast for presets and best for
pictures. All paint at a working size, so that strokes have the same size in the picture whatever its pixels, and
super-resolution enlarges the painting, which keeps strokes crisp.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance import paint, painters
from ml.enhance import sweep as sweeping
from ml.enhance.operation import EnhanceContext, OperationFailed, Params, Pixels, Text
from ml.enhance.palette import Palette
from ml.enhance.superres import ENLARGERS
from ml.enhance.tiles import network, picture_runner, run_tiled
from ml.enhance.transfer import LUMA, shrink

OP = "style"
STYLE_SIDE = 640
"""Long side at which a style picture is looked at: its strokes against the working size of the photo."""

WORKING_SIDE = 768
"""Long side at which photos are painted in seconds; smaller pictures are painted as they are, down to half of it."""

_LEAST_STYLE_SIDE = 32
"""A style picture with a side below this is mirrored up to it: the feature network needs something to look at."""

_WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
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
        params: ``preset`` (a name of ``PRESETS``) or ``photo`` (an id that ``context.style_image`` knows); ``model``
            "auto", "fast" or "best"; ``strength`` 0..1 blends with the photo; ``keep_color`` takes brightness from the
            painting alone.
        context: where the models are; progress and cancellation between tiles, or after every evaluation. Below scale 1
            the painting is not enlarged by a network.

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
    source = _source(params, context)
    first = replace(context, progress=lambda share: context.progress(_PAINTING_SHARE * share))
    paint_it = _painted if is_fast(params) else _searched
    painted = paint_it(image, source, first, context.models_dir)
    height, width = image.shape[:2]
    large = enlarged(painted, height, width, _later(context), quick=context.scale < 1)
    if params.get("keep_color", False):
        large = np.clip(image + (large @ LUMA - image @ LUMA)[..., None], 0, 1)
    if strength != 1:
        large = image + np.float32(strength) * (large - image)
    context.report(1.0)
    return np.asarray(large, np.float32)


def _later(context: EnhanceContext) -> EnhanceContext:
    """The context of what comes after painting."""
    outer = context.progress
    return replace(context, progress=lambda share: outer(_PAINTING_SHARE + (1 - _PAINTING_SHARE) * share))


def _source(params: Params, context: EnhanceContext) -> Preset | Pixels:
    """The preset, or the pixels of the style picture at ``STYLE_SIDE``."""
    photo, name = params.get("photo", ""), params.get("preset", "")
    if photo:
        if context.style_image is None:
            raise OperationFailed(OP, "Pictures cannot be used as styles here; choose a preset.")
        pixels = shrink(context.style_image(photo).astype(np.float32) / np.float32(255), STYLE_SIDE)
        short = [(0, max(0, _LEAST_STYLE_SIDE - side)) for side in pixels.shape[:2]]
        return np.pad(pixels, (*short, (0, 0)), mode="symmetric")
    for preset in PRESETS:
        if preset.name == name:
            return preset
    known = ", ".join(p.name for p in PRESETS)
    raise OperationFailed(OP, f"There is no style {name!r}; there are {known}.")


def is_fast(params: Params) -> bool:
    """Whether a step with these parameters takes seconds: it says so, or leaves it open and names a preset."""
    model = params.get("model", "auto")
    return bool(model == "fast" or (model == "auto" and not params.get("photo")))


def _painted(image: Pixels, source: Preset | Pixels, context: EnhanceContext, models_dir: Path) -> Pixels:
    small = working_copy(image)
    if isinstance(source, Preset):
        return painters.painted(small, PRESETS.index(source), read_palette(source.file), context)
    trunk, decoder = paint.trunk(models_dir), sweeping.decoder(models_dir)
    return sweeping.sweep(small, sweeping.study(source, trunk), trunk, decoder, context)


def _searched(image: Pixels, source: Preset | Pixels, context: EnhanceContext, models_dir: Path) -> Pixels:
    trunk = paint.trunk(models_dir)
    if isinstance(source, Preset):
        grams, content_weight = read_preset(source.file), source.content_weight
    else:
        grams, content_weight = paint.describe(source, trunk), paint.CONTENT
    small = shrink(image, paint.LEVELS[-1].side)
    return paint.paint(small, grams, trunk, context.report, paint.LEVELS, content_weight)


def working_copy(image: Pixels) -> Pixels:
    """The photo at the size at which one sweep paints: between a half of ``WORKING_SIDE`` and all of it, as far as that
    leaves its short side a pixel.
    """
    height, width = image.shape[:2]
    side = max(height, width)
    scale = min(max(1.0, WORKING_SIDE / 2 / side), WORKING_SIDE / side)
    if scale == 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(image, size, interpolation=how), 0, 1, dtype=np.float32)


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


@lru_cache(maxsize=16)
def read_palette(path: Path) -> Palette:
    """The colours of a preset's painting, from its file."""
    from safetensors.numpy import load_file

    stored = load_file(path)
    mean, covariance = (stored[f"palette.{part}"].astype(np.float64) for part in ("mean", "covariance"))
    return Palette(mean, covariance)


def write_preset(grams: paint.Grams, colours: Palette, path: Path) -> None:
    """Store a preset as ``read_preset`` and ``read_palette`` read it."""
    from safetensors.numpy import save_file

    stored: dict[str, NDArray[np.generic]] = {}
    for layer, gram in grams.items():
        scale = np.float32(np.abs(gram).max())
        stored[f"gram.{layer}"] = (gram[np.triu_indices(len(gram))] / scale).astype(np.float16)
        stored[f"scale.{layer}"] = np.array([scale], np.float32)
    for part, values in colours._asdict().items():
        stored[f"palette.{part}"] = values.astype(np.float32)
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
