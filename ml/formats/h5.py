"""Reads weights from HDF5 files (Keras and others): every array by its path inside the file.

Only plain numeric arrays are read; a file cannot make this run code or open other files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class H5FormatError(ValueError):
    """The file is not HDF5, lacks a wanted array, or holds it in an unusable form."""


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The named arrays, in the file's own layout (Keras convolutions are height, width, in, out).

    Raises:
        H5FormatError: the file cannot be read, or a name is missing or not a numeric array stored in this file.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return {name: _array(file, name) for name in names}
    except OSError as error:
        raise H5FormatError(f"{path.name} cannot be read as HDF5: {error}") from error


def _array(file: Any, name: str) -> NDArray[Any]:
    import h5py

    try:
        link = file.get(name, getlink=True)
        found = file[name]
    except KeyError:
        raise H5FormatError(f"the file has no array {name}") from None
    if not isinstance(link, h5py.HardLink) or not isinstance(found, h5py.Dataset) or found.external:
        raise H5FormatError(f"{name} is not an array stored in this file")
    if found.dtype.kind not in "fiu":
        raise H5FormatError(f"{name} is not numeric")
    return np.asarray(found[()])
