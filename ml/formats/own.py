"""Reads this project's own weights (``ml/weights/*.safetensors``), stored in 16- or 32-bit floats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def convert(files: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """The state dict in ``weights``, in 32-bit floats."""
    from safetensors.numpy import load_file

    return {name: value.astype(np.float32) for name, value in load_file(files["weights"]).items()}
