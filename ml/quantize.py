"""Makes the 8-bit version of a network from pictures of one's own: several times faster on a CPU, a little worse.

Weights become int8 per channel, activations uint8 with ranges observed on the calibration pictures (post-training
static quantisation, Jacob et al., CVPR 2018; done by onnxruntime). The graph is kept beside the exact one and is
used only where ``int8`` is asked for: ``Analyzer(models, options={"scenes": {"int8": True}})``. What it costs in
accuracy is among the metrics of the model's entry.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ml import registry
from ml.download import locked, sha256_of
from ml.runtime import INT8_GRAPH, to_batch
from ml.types import Image
from ml.zoo import check_folder

ENOUGH = 48
"""Calibration pictures from which more change little."""


def quantize(model_id: str, models_dir: Path, pictures: Sequence[Image]) -> Path:
    """Write the 8-bit graph of a model; replaces an older one.

    Args:
        model_id: a registry id with runtime ``onnx``, one input and a fixed input size.
        models_dir: the zoo's folder; the model must be there.
        pictures: about ``ENOUGH`` ordinary photos, upright ``(H, W, 3) uint8``.

    Raises:
        ValueError: the model cannot be quantised this way, or there are no pictures.
        zoo.ModelMissing, zoo.ModelDamaged: the exact model is not there.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    entry = registry.get(model_id)
    if entry.runtime != "onnx" or entry.preprocessing is None or len(entry.examples) != 1:
        raise ValueError(
            f"{model_id} cannot be quantised: it needs an exported graph with one picture as input"
        )
    if not pictures:
        raise ValueError("quantising needs pictures to observe the network on")
    how, name = entry.preprocessing, entry.examples[0].name

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._feeds: Iterator[dict[str, Any]] = ({name: to_batch([p], how)} for p in pictures)

        def get_next(self) -> dict[str, Any] | None:
            return next(self._feeds, None)

    folder = models_dir / entry.folder
    with locked(models_dir / ".locks" / entry.folder):
        check_folder(folder, entry)
        with tempfile.TemporaryDirectory(prefix=".quantising-", dir=models_dir) as work:
            quantize_static(
                str(folder / "model.onnx"),
                str(Path(work) / INT8_GRAPH),
                Reader(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            _install(folder, Path(work) / INT8_GRAPH)
    return folder / INT8_GRAPH


def _install(folder: Path, graph: Path) -> None:
    """Move the graph into the model's folder and name it in the marker, so that every load verifies it."""
    marker = json.loads((folder / "entry.json").read_text())
    marker["files"][INT8_GRAPH] = {"size": graph.stat().st_size, "sha256": sha256_of(graph)}
    fresh = graph.with_name("entry.json")
    fresh.write_text(json.dumps(marker, indent=1) + "\n")
    os.replace(graph, folder / INT8_GRAPH)
    os.replace(fresh, folder / "entry.json")
