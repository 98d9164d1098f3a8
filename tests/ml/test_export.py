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
