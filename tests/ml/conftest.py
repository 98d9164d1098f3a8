"""Fixtures of the tests that run real networks."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ml import registry
from ml.runtime import INT8_GRAPH
from ml.zoo import FetchError, Zoo


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the default models: ``$ALBUMEN_MODELS`` where set, fetched through the zoo when missing.

    Without a network and without models the tests that ask for this skip.
    """
    named = os.environ.get("ALBUMEN_MODELS")
    folder = Path(named) if named else tmp_path_factory.mktemp("models")
    try:
        Zoo(folder).fetch()
    except FetchError as error:
        pytest.skip(f"the default models are not here and cannot be fetched: {error}")
    return folder


@pytest.fixture
def exact_copy(models_dir: Path) -> Callable[[str, Path], None]:
    """Copies a network's folder into another models folder, without what ``albumen models quantize`` made of it."""

    def copy(model_id: str, into: Path) -> None:
        folder = into / registry.get(model_id).folder
        shutil.copytree(models_dir / folder.name, folder, ignore=shutil.ignore_patterns(INT8_GRAPH))
        marker = folder / "entry.json"
        known = json.loads(marker.read_text())
        known["files"].pop(INT8_GRAPH, None)
        marker.write_text(json.dumps(known))

    return copy
