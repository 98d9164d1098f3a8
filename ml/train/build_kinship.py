"""Writes ``ml/weights/class-kinship.npz`` from the scene network's last layer: ``python -m ml.train.build_kinship``.

Reads the default scene network in ``$ALBUMEN_MODELS``; run it again when that network changes.
"""

from __future__ import annotations

import os
from pathlib import Path

from safetensors.numpy import load_file

from ml.kinship import TABLE, write_table
from ml.tasks.scenes import MODEL

if __name__ == "__main__":
    folder = Path(os.environ.get("ALBUMEN_MODELS", "data/models")) / MODEL.replace("/", "__")
    layers = load_file(folder / "model.safetensors")
    write_table(layers["classifier.weight"], layers["classifier.bias"])
    print(f"{TABLE.stat().st_size:,} bytes in {TABLE.name}")
