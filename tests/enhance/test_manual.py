"""The manual says what the declarations say."""

from __future__ import annotations

from pathlib import Path

from ml.enhance import OPERATIONS
from ml.enhance.reference import render

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "enhancements.md"


def test_manual_is_current():
    assert MANUAL.read_text(encoding="utf-8") == render(), (
        "run: python -m ml.enhance.reference > docs/enhancements.md"
    )


def test_manual_names_everything():
    page = render()
    for operation in OPERATIONS.values():
        assert f"### `{operation.name}`" in page
        for parameter in operation.parameters:
            assert f"| `{parameter.name}` | {parameter.kind} |" in page
            assert parameter.doc.zh in page
