"""The manual of all edit operations, written from their declarations: ``python -m ml.enhance.reference``."""

from __future__ import annotations

import sys
from typing import Any

from ml.enhance.operation import Operation, Parameter, written
from ml.enhance.recipe import MAX_PIXELS, MAX_STEPS, OPERATIONS

_KINDS = {
    "geometry": "Geometry 几何",
    "tone": "Tone 影调",
    "colour": "Colour 色彩",
    "filter": "Filters 滤镜",
    "learned": "Learned 智能",
    "output": "Output 输出",
}
_INTRODUCTION = f"""# Enhancements

This page is written from the declarations by `python -m ml.enhance.reference > docs/enhancements.md`.

A recipe is a JSON list of steps, carried out in order:

    [{{"op": "crop", "width": 0.5}}, {{"op": "exposure", "ev": 0.7}}]

A parameter that is left out takes its default. At most {MAX_STEPS} steps; no intermediate picture may exceed
{MAX_PIXELS // 1_000_000} million pixels. Mistakes are answered with the step, the parameter and what would be accepted.

Between steps pictures are sRGB in 32-bit floating point, so a chain is rounded once. Transparency travels
with geometry and is left alone by everything else. Parameters in px are in pixels of the original; previews
scale them. Seconds are rough CPU seconds of one thread per megapixel of input with default parameters.
While a slow recipe's preview is worked, the editor shows one by the quickest models and says so.

A recipe that leaves every pixel as it is and asks for no other format, quality, colours or metadata gives the
original file itself, byte for byte. Any other result is one picture: of an animated GIF or WebP or a TIFF of several
pages the first one is edited, and the others are not in the result.

`albumen process IN OUT --op crop,width=0.5 --op channels,gain=[1,1,1.2]` carries the same out on files, a folder at a
time with `--out DIR`; there the `photo` of a style is a file.

What a photo would gain from is proposed with reasons: by the editor above its tools, by
`GET /api/v1/photos/{{id}}/suggestions`, and by `albumen process --suggest FILE`. Rules measure light, haze, range,
cast, noise, tilt and size (`ml/enhance/auto.py`); no network runs for it, and nothing is changed until it is applied.
"""


def _accepted(parameter: Parameter) -> str:
    accepted = parameter.range()
    if "choices" in accepted:
        return ", ".join(f"`{_value(choice)}`" for choice in accepted["choices"])
    parts = []
    if "lengths" in accepted:
        parts.append(
            " or ".join(str(n) for n in accepted["lengths"])
            + (" points" if parameter.kind == "points" else "")
        )
    if "minimum" in accepted:
        parts.append(f"{written(accepted['minimum'])} to {written(accepted['maximum'])}")
    if "pattern" in accepted:
        parts.append(f"`{accepted['pattern']}`")
    return " of ".join(parts) + (f" {parameter.unit}" if parameter.unit else "")


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value) or '""'


def _row(parameter: Parameter) -> str:
    doc = f"{parameter.doc.en} {parameter.doc.zh}"
    if parameter.only_for:
        name, values = parameter.only_for
        doc += f" (`{name}`: {', '.join(_value(v) for v in values)})"
    if parameter.names:
        doc += " " + "; ".join(f"`{name}` {title.en} {title.zh}" for name, title in parameter.names()) + "."
    return f"| `{parameter.name}` | {parameter.kind} | {_accepted(parameter)} | {_value(parameter.default)} | {doc} |"


def _section(operation: Operation) -> str:
    lines = [
        f"### `{operation.name}`: {operation.title.en} {operation.title.zh}",
        "",
        f"{operation.doc.en} {operation.doc.zh}",
        "",
        f"About {operation.cost:g} s per megapixel."
        + (" Grey pictures stay grey." if operation.keeps_grey else ""),
    ]
    if operation.parameters:
        lines += ["", "| parameter | type | accepted | default | meaning |", "|---|---|---|---|---|"]
        lines += [_row(parameter) for parameter in operation.parameters]
    return "\n".join(lines)


def render() -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION.strip()]
    for kind, title in _KINDS.items():
        parts.append(f"## {title}")
        parts += [_section(operation) for operation in OPERATIONS.values() if operation.kind == kind]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
