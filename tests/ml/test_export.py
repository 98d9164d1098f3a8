"""Graphs as they are written for the runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.export import ExportTask, materialise

WEIGHTS = {
    "0.weight": np.random.default_rng(1).standard_normal((4, 3, 3, 3)).astype(np.float32),
    "1.weight": np.random.default_rng(2).standard_normal((4, 1, 3, 3)).astype(np.float32),
}


def convert(files: dict[str, Path]) -> dict[str, NDArray[Any]]:
    return WEIGHTS


def _network(mode: str, value: float = 0.0) -> Any:
    from torch import Tensor, nn
    from torch.nn import functional

    class Padded(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            down = max((-(-int(x.shape[2]) // 2) - 1) * 2 + 3 - int(x.shape[2]), 0)
            amounts = (0, 1, down // 2, down - down // 2)  # uneven, as TensorFlow's SAME
            padded = (
                functional.pad(x, amounts, mode)
                if mode != "constant"
                else functional.pad(x, amounts, value=value)
            )
            out: Tensor = super().forward(padded)
            return out

    return nn.Sequential(Padded(3, 4, 3, 2, bias=False), Padded(4, 4, 3, 1, groups=4, bias=False)).eval()


def zeros() -> Any:
    return _network("constant")


def ones() -> Any:
    return _network("constant", 1.0)


def mirrored() -> Any:
    return _network("reflect")


@pytest.mark.parametrize(("build", "folded"), [("zeros", True), ("ones", False), ("mirrored", False)])
def test_convolutions_do_the_zero_padding_before_them(tmp_path: Path, build: str, folded: bool) -> None:
    import onnx

    task = ExportTask(
        convert=f"{__name__}:convert", build=f"{__name__}:{build}", files={}, folder=str(tmp_path),
        examples=[("image", [1, 3, 12, 11], {"0": "batch"})], outputs=["out"], tolerance=1e-5, export=True,
    )  # fmt: skip
    assert materialise(task, lambda step: None) < 1e-5  # equal to torch, padding or not
    kinds = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert ("Pad" not in kinds) is folded
    assert kinds.count("Conv") == 2


def slopes(files: dict[str, Path]) -> dict[str, NDArray[Any]]:
    return {"0.weight": WEIGHTS["0.weight"], "1.weight": np.array([-0.5, 0.0, 0.25, 1.5], np.float32)}


def prelu() -> Any:
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.PReLU(4)).eval()


def test_what_the_runtime_computes_slowly_is_written_in_plain_steps_with_the_same_result(
    tmp_path: Path,
) -> None:
    import onnx

    task = ExportTask(
        convert=f"{__name__}:slopes", build=f"{__name__}:prelu", files={}, folder=str(tmp_path),
        examples=[("image", [1, 3, 16, 16], {"0": "batch", "2": "height", "3": "width"})], outputs=["seen"],
        tolerance=1e-5, export=True,
    )  # fmt: skip
    assert materialise(task, lambda _step: None) < 1e-5
    assert "PRelu" not in {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
