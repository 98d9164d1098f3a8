"""Fixtures of the tests that run real networks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
