"""The words every edit operation is declared in: parameters, operations, the context they run in, and the
errors.

A declaration is the single truth about an operation: validation, the engine, the API's list of enhancements
and the manual all read it. Nothing here touches pixels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Params = Mapping[str, Any]
Size = tuple[int, int]
ParameterKind = Literal["number", "integer", "choice", "boolean", "colour", "points", "numbers", "text"]
OperationKind = Literal["geometry", "tone", "colour", "filter", "learned", "output"]


class Text(NamedTuple):
    """The same sentence in both languages of the product."""

    en: str
    zh: str


class EnhanceError(Exception):
    """Base of everything this package raises on purpose; the message is fit for a person."""


class RecipeError(EnhanceError):
    """A recipe that cannot be accepted.

    ``index`` is the step (0-based) or None for the recipe as a whole; ``op`` and ``parameter`` are names as
    the client sent them, or None; ``range`` says what would be accepted (``{"minimum", "maximum"}``,
    ``{"choices"}``, ...); ``suggestions`` are the nearest known names.
    """

    def __init__(
        self,
        index: int | None,
        op: str | None,
        parameter: str | None,
        message: str,
        range: dict[str, Any] | None = None,
        suggestions: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.index = index
        self.op = op
        self.parameter = parameter
        self.message = message
        self.range = range
        self.suggestions = suggestions

    def as_json(self) -> dict[str, Any]:
        """All fields, for an error body."""
        return {
            "index": self.index,
            "op": self.op,
            "parameter": self.parameter,
            "message": self.message,
            "range": self.range,
            "suggestions": list(self.suggestions),
        }


class OperationFailed(EnhanceError):
    """An accepted operation could not be carried out (a missing network, a wrong result); ``op`` names it."""

    def __init__(self, op: str, message: str) -> None:
        super().__init__(f"{op}: {message}")
        self.op = op
        self.message = message


class Cancelled(EnhanceError):
    """The caller asked to stop; no result exists."""


def _nothing(fraction: float) -> None:
    """Progress nobody listens to."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class EnhanceContext:
    """What an operation may need beside pixels and parameters.

    ``progress`` takes a fraction 0..1 of the present operation; ``cancelled`` is asked now and then.
    ``style_image`` turns the id of a style photo into its ``(H, W, 3) uint8`` sRGB pixels.
    ``cues`` tell which cues the analysis raised, 1 or 0 by name, when known (see ``ml.enhance.auto.propose``).
    ``scale`` is the size of the given pixels relative to the original: a preview at a quarter of the size
    passes 0.25 and every parameter measured in pixels shrinks with it, so that previews look like the final
    picture. ``band_pixels`` bounds the temporary memory of operations that can work on a part of the picture
    at a time.
    """

    models_dir: Path | None = None
    progress: Callable[[float], None] = _nothing
    cancelled: Callable[[], bool] = _never
    style_image: Callable[[str], NDArray[np.uint8]] | None = None
    cues: Mapping[str, float] | None = None
    scale: float = 1.0
    band_pixels: int = 1 << 20

    def check(self) -> None:
        """Raise ``Cancelled`` if the caller asked to stop."""
        if self.cancelled():
            raise Cancelled("The work was cancelled.")

    def report(self, fraction: float) -> None:
        """Check for cancellation, then tell how far the operation is."""
        self.check()
        self.progress(min(1.0, max(0.0, fraction)))


@dataclass(frozen=True)
class Call:
    """What the engine hands to a classical operation: ``state`` is what its ``prepare`` found in the whole
    picture.

    ``visible`` masks the pixels that can be seen, ``(H, W) bool``, or None when all can (statistics must
    ignore what hides under full transparency). ``has_alpha`` is true while the fourth channel travels with
    the picture.
    """

    context: EnhanceContext
    state: Any = None
    visible: NDArray[np.bool_] | None = None
    has_alpha: bool = False


class ValueRejected(ValueError):
    """A value is outside what its declaration accepts; the message completes the parameter's name ("must be
    ...").

    ``parameter`` and ``range`` are given by checks that look at several parameters together.
    """

    def __init__(
        self, message: str, parameter: str | None = None, range: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.range = range


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation.

    ``low`` and ``high`` bound numbers, each member of ``numbers`` and each coordinate of ``points``;
    ``lengths`` are the accepted list lengths of those two. ``unit`` is ``px`` (scaled for previews), ``deg``,
    ``EV``, ``%``, ``s`` or empty for plain factors and fractions. A default of None means that the parameter
    may be left out. ``only_for`` (parameter, values) says when it has an effect, for editors that hide what
    does nothing. ``aliases`` are (other name, choice); a choice that has some may be written in any case.
    ``names`` gives the accepted names of a text with their titles, where there is a list of them.
    """

    name: str
    kind: ParameterKind
    doc: Text
    default: Any
    low: float | None = None
    high: float | None = None
    unit: str = ""
    choices: tuple[str | int, ...] = ()
    lengths: tuple[int, ...] = ()
    pattern: str = ""
    only_for: tuple[str, tuple[Any, ...]] | None = None
    aliases: tuple[tuple[str, str], ...] = ()
    names: Callable[[], Sequence[tuple[str, Text]]] | None = None

    def range(self) -> dict[str, Any]:
        """What is accepted, as JSON-ready members."""
        if self.kind in ("number", "integer"):
            return {"minimum": self.low, "maximum": self.high}
        if self.kind == "choice":
            return {"choices": list(self.choices)}
        if self.kind in ("points", "numbers"):
            return {"lengths": list(self.lengths), "minimum": self.low, "maximum": self.high}
        if self.kind == "text":
            return {"pattern": self.pattern}
        if self.kind == "colour":
            return {"pattern": "#rgb or #rrggbb"}
        return {"choices": [True, False]}

    def read(self, value: Any) -> Any:
        """Give the value in its canonical form.

        Raises:
            ValueRejected: wrong type, not finite, or out of range.
        """
        if value is None and self.default is None:
            return None
        return _READERS[self.kind](self, value)


def written(value: float | None) -> str:
    """A bound as people read it: whole numbers in full."""
    return str(int(value)) if value is not None and value == int(value) else f"{value:g}"


def _number(parameter: Parameter, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueRejected("must be a number")
    if not math.isfinite(value):
        raise ValueRejected("must be a finite number")
    low, high = parameter.low, parameter.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueRejected(f"must be between {written(low)} and {written(high)}")
    return float(value)


def _integer(parameter: Parameter, value: Any) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value
        or value in (math.inf, -math.inf)
    ):
        raise ValueRejected("must be a whole number")
    if int(value) != value:
        raise ValueRejected("must be a whole number")
    _number(parameter, value)
    return int(value)


def _choice(parameter: Parameter, value: Any) -> str | int:
    if parameter.aliases and isinstance(value, str):
        value = dict(parameter.aliases).get(value.lower(), value.lower())
    for choice in parameter.choices:
        if type(choice) is type(value) and choice == value:
            return choice
    raise ValueRejected("must be one of " + ", ".join(str(c) for c in parameter.choices))


def _boolean(parameter: Parameter, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueRejected("must be true or false")
    return value


def _colour(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", value):
        raise ValueRejected("must be a colour written #rrggbb")
    digits = value[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(d * 2 for d in digits))


def _numbers(parameter: Parameter, value: Any) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) not in parameter.lengths:
        lengths = " or ".join(str(n) for n in parameter.lengths)
        raise ValueRejected(f"must be a list of {lengths} numbers")
    return [_number(parameter, member) for member in value]


def _points(parameter: Parameter, value: Any) -> list[list[float]]:
    if not isinstance(value, list | tuple) or len(value) not in parameter.lengths:
        lengths = " or ".join(str(n) for n in parameter.lengths)
        raise ValueRejected(f"must be a list of {lengths} points [x, y]")
    points = []
    for point in value:
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise ValueRejected("must hold points written [x, y]")
        points.append([_number(parameter, point[0]), _number(parameter, point[1])])
    return points


def _text(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(parameter.pattern, value):
        raise ValueRejected(f"must be text of the form {parameter.pattern}")
    return value


_READERS: dict[str, Callable[[Parameter, Any], Any]] = {
    "number": _number,
    "integer": _integer,
    "choice": _choice,
    "boolean": _boolean,
    "colour": _colour,
    "numbers": _numbers,
    "points": _points,
    "text": _text,
}


def colour_values(colour: str) -> tuple[float, float, float]:
    """``#rrggbb`` as three values 0..1."""
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def same_size(width: int, height: int, params: Params) -> Size:
    """The size rule of operations that keep the picture's size."""
    return width, height


def _not_identity(params: Params) -> bool:
    return False


@dataclass(frozen=True)
class Operation:
    """One declared operation.

    ``run(image, params, call)`` takes and returns ``(H, W, C) float32`` in 0..1 sRGB. C is 3 for tone,
    colour, filter and learned operations (the engine puts transparency aside) and 3 or 4 for geometry, where
    a fourth channel is alpha and colours come premultiplied by it. It must not change its input unless
    ``reach`` is 0.

    ``reach`` gives the number of pixels around one output pixel that decide it: 0 for operations on single
    pixels, a count for neighbourhoods, None when the whole picture is needed; the engine works in bands of
    rows accordingly. ``prepare(image, params, call)`` looks at the whole picture first and its result is
    ``call.state``. ``identity(params)`` tells parameters that change nothing: the engine then skips the step,
    bit for bit. ``size_tells`` marks resampling that changes nothing when the size stays the same, which is
    skipped likewise. ``keeps_grey`` marks what has no business with colours of its own: the engine makes its result
    of a grey picture grey. ``lossless(params)`` tells geometry that only moves pixels, which the engine runs on any
    dtype without conversion. ``check(params)`` looks at parameters together and raises ``ValueRejected`` with
    the parameter's name. ``limit(params)`` is the largest input in pixels. ``cost`` is a rough
    figure in CPU seconds per megapixel of input with default
    parameters.
    """

    name: str
    kind: OperationKind
    title: Text
    doc: Text
    parameters: tuple[Parameter, ...]
    cost: float
    run: Callable[[Any, Params, Call], Any]
    size: Callable[[int, int, Params], Size] = same_size
    reach: Callable[[Params], int | None] = lambda params: None
    prepare: Callable[[Pixels, Params, Call], Any] | None = None
    identity: Callable[[Params], bool] = _not_identity
    lossless: Callable[[Params], bool] = _not_identity
    check: Callable[[Params], None] | None = None
    size_tells: bool = False
    keeps_grey: bool = False
    limit: Callable[[Params], int] | None = None
    cost_of: Callable[[Params], float] | None = None

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; KeyError when there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def seconds_per_megapixel(self, params: Params) -> float:
        """Rough CPU seconds per megapixel of input with these parameters."""
        return self.cost_of(params) if self.cost_of else self.cost


def local(params: Params) -> int:
    """The reach of operations whose every output pixel depends on the same input pixel alone."""
    return 0


def strength(default: float, doc: Text | None = None) -> Parameter:
    """The parameter that blends an operation's result with its input, alike everywhere."""
    text = doc or Text(
        "How much of the effect is applied: 0 leaves the picture as it is, 1 is the full effect.",
        "效果强度：0 保持原图，1 为完整效果。",
    )
    return Parameter("strength", "number", text, default, low=0.0, high=1.0)


def no_strength(params: Params) -> bool:
    """The identity rule of operations that have a ``strength``."""
    return float(params["strength"]) == 0.0
