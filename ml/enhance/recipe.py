"""Recipes: the list of all operations and their validation in one place; ``ml.enhance.engine`` runs them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.enhance import learned
from ml.enhance.classical import colour, detail, filters, geometry, tone
from ml.enhance.operation import Operation, Parameter, RecipeError, Size, ValueRejected
from ml.enhance.output import OUTPUT, OutputOptions

MAX_STEPS = 40
MAX_PIXELS = 120_000_000  # of any intermediate picture: 1.4 GB in float32
OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for group in (
        geometry.OPERATIONS,
        tone.OPERATIONS,
        colour.OPERATIONS,
        filters.OPERATIONS,
        detail.OPERATIONS,
        learned.OPERATIONS,
        (OUTPUT,),
    )
    for operation in group
}


@dataclass(frozen=True)
class Step:
    """One operation with a value for every parameter it has."""

    operation: Operation
    params: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """``{"op": name, parameter: value, ...}`` with every value written out."""
        return {"op": self.operation.name, **self.params}

    def at_scale(self, scale: float) -> Step:
        """The same step for a picture ``scale`` times the original's size: parameters in pixels shrink with
        it.
        """
        if scale == 1.0:
            return self
        params = dict(self.params)
        for parameter in self.operation.parameters:
            if parameter.unit == "px" and params[parameter.name] is not None:
                value = params[parameter.name] * scale
                # Only sizes have a least value of one pixel; a radius may shrink to nothing.
                params[parameter.name] = (
                    max(int(parameter.low or 0), round(value)) if parameter.kind == "integer" else value
                )
        return Step(self.operation, params)

    def changes_nothing(self, width: int, height: int) -> bool:
        """Whether the step leaves a picture of this size as it is."""
        if self.operation.kind == "output" or self.operation.identity(self.params):
            return True
        return self.operation.size_tells and self.operation.size(width, height, self.params) == (
            width,
            height,
        )


@dataclass(frozen=True)
class Recipe:
    """A validated recipe; make it with ``validate_recipe``."""

    steps: tuple[Step, ...]

    @property
    def output(self) -> OutputOptions:
        """How the result is to be written; the defaults when the recipe does not say."""
        for step in self.steps:
            if step.operation.kind == "output":
                return OutputOptions(**step.params)
        return OutputOptions()

    @property
    def uses_networks(self) -> bool:
        """Whether any step runs a learned operation (and belongs into a background job)."""
        return any(step.operation.kind == "learned" for step in self.steps)

    def as_json(self) -> list[dict[str, Any]]:
        """The canonical form: every parameter written out, so that later defaults do not change old edits."""
        return [step.as_json() for step in self.steps]

    def sizes(self, width: int, height: int, scale: float = 1.0) -> list[Size]:
        """The picture's size before the first step and after each one."""
        sizes = [(width, height)]
        for step in self.steps:
            sizes.append(step.operation.size(*sizes[-1], step.at_scale(scale).params))
        return sizes

    def predict_size(self, width: int, height: int, scale: float = 1.0) -> Size:
        """Width and height of the result for a picture of this size."""
        return self.sizes(width, height, scale)[-1]

    def seconds(self, width: int, height: int) -> float:
        """A rough estimate of CPU seconds for a picture of this size."""
        return sum(self.costs(width, height))

    def costs(self, width: int, height: int) -> list[float]:
        """The same estimate for each step."""
        sizes = self.sizes(width, height)
        return [
            0.0
            if step.changes_nothing(*size)
            else step.operation.seconds_per_megapixel(step.params) * size[0] * size[1] / 1e6
            for step, size in zip(self.steps, sizes, strict=False)
        ]


def validate_recipe(
    data: Any, *, size: Size | None = None, max_steps: int = MAX_STEPS, max_pixels: int = MAX_PIXELS
) -> Recipe:
    """Check a recipe as it came from JSON: a list of ``{"op": name, parameter: value, ...}``.

    With ``size`` (width, height of the picture it is for) the size after every step is checked too.

    Raises:
        RecipeError: names the step, the operation, the parameter and what would be accepted.
    """
    if not isinstance(data, list | tuple):
        raise RecipeError(None, None, None, "A recipe must be a list of steps.")
    if len(data) > max_steps:
        accepted = {"minimum": 0, "maximum": max_steps}
        raise RecipeError(None, None, None, f"A recipe may have at most {max_steps} steps.", accepted)
    steps = tuple(_validate_step(index, entry) for index, entry in enumerate(data))
    for index, step in enumerate(steps[:-1]):
        if step.operation.kind == "output":
            raise RecipeError(
                index, step.operation.name, None, "output must be the last step, and there only once."
            )
    recipe = Recipe(steps)
    if size is not None:
        check_sizes(recipe, size, max_pixels)
    return recipe


def check_sizes(recipe: Recipe, size: Size, max_pixels: int = MAX_PIXELS, scale: float = 1.0) -> None:
    """Raise ``RecipeError`` for the first step that takes or gives too large a picture, starting from this size."""
    sizes = recipe.sizes(*size, scale)
    for index, (step, (width, height)) in enumerate(zip(recipe.steps, sizes, strict=False)):
        limit = step.operation.limit(step.params) if step.operation.limit else None
        if limit is not None and width * height > limit:
            name = step.operation.name
            message = (
                f"{name} takes at most {limit / 1e6:.1f} megapixels with these parameters; "
                f"the picture has {width * height / 1e6:.1f}. Make it smaller first, or choose a quicker model."
            )
            raise RecipeError(index, name, "model", message, {"maximum_pixels": limit})
    for index, (width, height) in enumerate(sizes[1:]):
        if width * height > max_pixels:
            name = recipe.steps[index].operation.name
            message = f"{name} would give {width} x {height} pixels; at most {max_pixels} pixels are allowed."
            raise RecipeError(index, name, None, message, {"maximum_pixels": max_pixels})


def _nearest(word: str, known: Sequence[str]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(word, known, n=3, cutoff=0.5))


def _validate_step(index: int, entry: Any) -> Step:
    if not isinstance(entry, Mapping):
        raise RecipeError(index, None, None, f'Step {index + 1} must be an object such as {{"op": "flip"}}.')
    name = entry.get("op")
    if not isinstance(name, str) or name not in OPERATIONS:
        near = _nearest(name, list(OPERATIONS)) if isinstance(name, str) else ()
        hint = f" Did you mean {near[0]}?" if near else ""
        known = {"choices": list(OPERATIONS)}
        raise RecipeError(
            index,
            name if isinstance(name, str) else None,
            "op",
            f"There is no operation {name!r}.{hint}",
            known,
            near,
        )
    operation = OPERATIONS[name]
    names = [parameter.name for parameter in operation.parameters]
    for key in entry:
        if key != "op" and key not in names:
            near = _nearest(str(key), names)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise RecipeError(
                index, name, str(key), f"{name} has no parameter {key!r}.{hint}", {"choices": names}, near
            )
    params = {p.name: _read(index, operation, p, entry.get(p.name, p.default)) for p in operation.parameters}
    if operation.check:
        try:
            operation.check(params)
        except ValueRejected as error:
            accepted = error.range or (
                operation.parameter(error.parameter).range() if error.parameter else None
            )
            raise RecipeError(
                index, name, error.parameter, f"{name}: {error.parameter} {error}.", accepted
            ) from None
    return Step(operation, params)


def _read(index: int, operation: Operation, parameter: Parameter, value: Any) -> Any:
    try:
        return parameter.read(value)
    except ValueRejected as error:
        message = f"{operation.name}: {parameter.name} {error}."
        raise RecipeError(index, operation.name, parameter.name, message, parameter.range()) from None


def describe_operations(language: str = "en") -> list[dict[str, Any]]:
    """Every operation as JSON-ready data in ``en`` or ``zh``: what GET /enhancements answers."""
    chinese = language.lower().startswith("zh")
    described = []
    for operation in OPERATIONS.values():
        parameters = [
            {
                "name": parameter.name,
                "type": parameter.kind,
                "description": parameter.doc.zh if chinese else parameter.doc.en,
                "default": parameter.default,
                "unit": parameter.unit or None,
                "range": parameter.range(),
                "choices": [
                    {"value": name, "title": title.zh if chinese else title.en}
                    for name, title in parameter.names()
                ]
                if parameter.names
                else None,
                "only_for": {parameter.only_for[0]: list(parameter.only_for[1])}
                if parameter.only_for
                else None,
            }
            for parameter in operation.parameters
        ]
        described.append(
            {
                "name": operation.name,
                "kind": operation.kind,
                "title": operation.title.zh if chinese else operation.title.en,
                "description": operation.doc.zh if chinese else operation.doc.en,
                "parameters": parameters,
                "seconds_per_megapixel": operation.cost,
            }
        )
    return described
