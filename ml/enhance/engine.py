"""The engine: carries a recipe out on pixels.

Between operations a picture is ``(H, W, 3) float32`` sRGB in 0..1 with its alpha aside, so that a chain of
steps is rounded to 8 bits once, at the end; pixels that no step changed come back bit for bit. Steps that
only move pixels (crop, flip, quarter turns) run on the bytes as they are. Operations on single pixels and
neighbourhoods run in bands of rows, so a picture needs its own size in float32 once or twice, and little
more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance.classical import geometry
from ml.enhance.classical.curves import luma
from ml.enhance.operation import Call, EnhanceContext, Operation, OperationFailed, Pixels, Size
from ml.enhance.recipe import Recipe, Step, check_sizes, validate_recipe


def apply(
    image: NDArray[Any],
    recipe: Recipe | list[dict[str, Any]],
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    context: EnhanceContext | None = None,
) -> NDArray[Any]:
    """Carry out a recipe.

    ``image`` is sRGB, ``uint8`` or ``float32`` in 0..1, ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)`` with
    straight alpha last. The result has the same dtype, 3 channels or 4 as the input had alpha, and the size
    ``recipe.predict_size`` says. The input is not changed. The same input gives the same result, noise
    included.

    ``progress`` takes fractions 0..1 of the whole recipe; ``cancelled`` is asked between and within steps.

    Raises:
        RecipeError: the recipe is invalid, or would exceed the pixel limit on this picture.
        OperationFailed: an operation cannot be carried out here.
        Cancelled: ``cancelled`` said so.
    """
    context = context or EnhanceContext()
    if progress or cancelled:
        context = replace(
            context, progress=progress or context.progress, cancelled=cancelled or context.cancelled
        )
    if not isinstance(recipe, Recipe):
        recipe = validate_recipe(recipe)
    work = _Work.of(image)
    check_sizes(recipe, work.size, scale=context.scale)
    costs = recipe.costs(*work.size)
    total, done = sum(costs) or 1.0, 0.0
    for step, cost in zip(recipe.steps, costs, strict=True):
        context.check()
        _apply_step(work, step.at_scale(context.scale), _part_of(context, done / total, cost / total))
        done += cost
    context.report(1.0)
    return work.result()


def _part_of(context: EnhanceContext, start: float, share: float) -> EnhanceContext:
    """A context whose progress 0..1 is a part of the whole recipe's."""
    outer = context.progress
    return replace(context, progress=lambda fraction: outer(min(1.0, start + share * fraction)))


@dataclass
class _Work:
    """The picture under way: colour and alpha apart, converted to float32 only when a step needs it."""

    dtype: np.dtype[Any]
    colour: NDArray[Any]
    alpha: NDArray[Any] | None
    owned: bool = False

    @classmethod
    def of(cls, image: NDArray[Any]) -> _Work:
        if image.dtype not in (np.uint8, np.float32) or image.ndim not in (2, 3) or 0 in image.shape:
            raise ValueError(
                f"a picture must be uint8 or float32 (H, W[, 3 or 4]), not {image.dtype} {image.shape}"
            )
        if image.ndim == 2:
            image = np.repeat(image[:, :, None], 3, axis=2)
        if image.shape[2] not in (3, 4):
            raise ValueError(f"a picture must have 3 or 4 channels, not {image.shape[2]}")
        if image.dtype == np.float32:
            image = np.clip(image, 0.0, 1.0)
        return cls(image.dtype, image[:, :, :3], image[:, :, 3] if image.shape[2] == 4 else None)

    @property
    def size(self) -> Size:
        return self.colour.shape[1], self.colour.shape[0]

    def as_float(self) -> Pixels:
        """The colour as an array that this work may change."""
        if not self.owned:
            self.colour = _to_float(self.colour)
            self.owned = True
        return self.colour

    def float_alpha(self) -> Pixels | None:
        if self.alpha is not None and self.alpha.dtype != np.float32:
            self.alpha = _to_float(self.alpha)
        return self.alpha

    def result(self) -> NDArray[Any]:
        parts = [self.colour] if self.alpha is None else [self.colour, self.alpha[:, :, None]]
        if self.dtype == np.uint8:
            parts = [_to_bytes(part) for part in parts]
        return np.concatenate(parts, axis=2) if len(parts) == 2 else np.array(parts[0], order="C")


def _to_float(values: NDArray[Any]) -> Pixels:
    if values.dtype == np.uint8:
        return np.multiply(values, np.float32(1.0 / 255.0), dtype=np.float32)
    return np.array(values, np.float32, order="C")


def _to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    result = np.empty(values.shape, np.uint8)
    rows = max(1, (1 << 22) // max(1, values[0].size))
    for top in range(0, len(values), rows):
        result[top : top + rows] = np.clip(
            values[top : top + rows] * np.float32(255.0) + np.float32(0.5), 0, 255
        )
    return result


def _apply_step(work: _Work, step: Step, context: EnhanceContext) -> None:
    if step.changes_nothing(*work.size):
        return
    operation, params = step.operation, step.params
    expected = operation.size(*work.size, params)
    if operation.kind != "geometry":
        _apply_to_colour(work, step, context)
    elif operation.lossless(params):
        call = Call(context)
        work.colour = operation.run(work.colour, params, call)
        work.alpha = None if work.alpha is None else operation.run(work.alpha, params, call)
    else:
        _resample(work, step, context)
    if work.size != expected:
        raise OperationFailed(
            operation.name, f"gave {work.size[0]} x {work.size[1]} pixels, not {expected[0]} x {expected[1]}"
        )


def _resample(work: _Work, step: Step, context: EnhanceContext) -> None:
    """Move pixels between positions: colours travel premultiplied, so hidden ones do not bleed into visible
    ones.
    """
    image, alpha = work.as_float(), work.float_alpha()
    if alpha is None:
        work.colour = step.operation.run(image, step.params, Call(context))
        return
    together = np.concatenate([image * alpha[:, :, None], alpha[:, :, None]], axis=2)
    together = step.operation.run(together, step.params, Call(context, has_alpha=True))
    work.alpha = np.ascontiguousarray(together[:, :, 3])
    visible = np.maximum(work.alpha, np.float32(1e-4))[:, :, None]
    work.colour = np.clip(together[:, :, :3] / visible, 0.0, 1.0)


def _apply_to_colour(work: _Work, step: Step, context: EnhanceContext) -> None:
    """Tone, colour, filters, networks: alpha stays as it is, or grows with the picture."""
    operation, params = step.operation, step.params
    image = work.as_float()
    hidden = None if work.alpha is None else work.alpha == 0
    if hidden is not None and not hidden.any():
        hidden = None
    if hidden is not None and operation.kind in ("filter", "learned"):
        image = _cover_hidden(image, work.float_alpha())
    call = Call(context, visible=None if hidden is None else ~hidden)
    if operation.prepare:
        call = replace(call, state=operation.prepare(image, params, call))
    size = operation.size(*work.size, params)
    grey = operation.keeps_grey and _is_grey(image)
    result = _in_bands(operation, image, params, call)
    if not isinstance(result, np.ndarray) or result.shape != (size[1], size[0], 3):
        raise OperationFailed(
            operation.name, f"gave an array of shape {np.shape(result)}, not {(size[1], size[0], 3)}"
        )
    if operation.kind == "learned":
        if not np.isfinite(result).all():
            raise OperationFailed(operation.name, "gave values that are not numbers")
        result = np.clip(result, 0.0, 1.0)
    work.colour = np.asarray(result, np.float32)
    if grey:
        work.colour = np.repeat(luma(work.colour)[:, :, None], 3, axis=2)
    alpha = work.float_alpha() if size != (image.shape[1], image.shape[0]) else None
    if alpha is not None:
        work.alpha = geometry.resample(alpha[:, :, None], size)[:, :, 0]


def _is_grey(image: Pixels) -> bool:
    """Whether all channels are equal but for rounding; most pictures tell in their first rows."""
    for rows in (image[:4], image):
        red, green, blue = (rows[:, :, channel] for channel in range(3))
        if max(float(np.abs(red - green).max()), float(np.abs(green - blue).max())) > 1e-4:
            return False
    return True


def _in_bands(operation: Operation, image: Pixels, params: Mapping[str, Any], call: Call) -> Any:
    """Run an operation on bands of rows with as many rows around as it reaches; on the whole when it needs
    that.
    """
    reach = operation.reach(params)
    height, width = image.shape[:2]
    # Multiples of 16 keep bands aligned for operations that work at half size.
    halo = 0 if reach is None else math.ceil(reach / 16) * 16
    rows = max(16, call.context.band_pixels // width // 16 * 16, 4 * halo)
    if reach is None or rows >= height:
        return operation.run(image, params, call)
    result = image if reach == 0 else np.empty_like(image)
    for top in range(0, height, rows):
        start, stop = max(0, top - halo), min(height, top + rows + halo)
        part = operation.run(image[start:stop], params, call)
        result[top : top + rows] = part[top - start : top - start + rows]
        call.context.report(min(1.0, (top + rows) / height))
    return result


def _cover_hidden(image: Pixels, alpha: Pixels | None) -> Pixels:
    """Give fully transparent pixels the colours around them: filters must not spread what nobody sees."""
    if alpha is None or not alpha.any():
        return image
    weight = alpha[:, :, None]
    levels = [(image * weight, weight)]
    while max(levels[-1][0].shape[:2]) > 1:
        sums, shares = levels[-1]
        half = (max(1, (sums.shape[1] + 1) // 2), max(1, (sums.shape[0] + 1) // 2))
        smaller = [
            cv2.resize(part, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1)
            for part in (sums, shares)
        ]
        levels.append((np.asarray(smaller[0], np.float32), np.asarray(smaller[1], np.float32)))
    filled = levels[-1][0] / np.maximum(levels[-1][1], np.float32(1e-6))
    for sums, shares in reversed(levels[:-1]):
        grown = cv2.resize(filled, (sums.shape[1], sums.shape[0]), interpolation=cv2.INTER_LINEAR).reshape(
            sums.shape
        )
        filled = np.where(shares > 0, sums / np.maximum(shares, np.float32(1e-6)), grown)
    return np.where(weight > 0, image, np.clip(filled, 0.0, 1.0)).astype(np.float32)
