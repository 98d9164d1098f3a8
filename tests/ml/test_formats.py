"""The readers of foreign weight files: what they read back, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ml.formats.dlib import DlibFormatError, read_tensors
from ml.formats.onnx import OnnxFormatError, read_metadata
from ml.formats.tfjs import TfjsFormatError, read_weights


def dlib_integer(value: int) -> bytes:
    """An integer as dlib writes it: how many bytes, then the bytes, low ones first."""
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([size]) + value.to_bytes(size, "little")


def dlib_tensor(values: np.ndarray) -> bytes:
    samples, channels = values.shape
    header = b"".join(dlib_integer(number) for number in (2, samples, channels, 1, 1))
    return header + values.astype("<f4").tobytes()


def test_dlib_tensors_come_back_in_order_from_between_other_bytes() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(300, 1)), rng.normal(size=(256, 128))
    data = b"\x01\x05con_4" + dlib_tensor(first) + b"\x01\x02relu_\x01\x02" + dlib_tensor(second) + b"tail"
    found = read_tensors(data)
    assert [tensor.shape for tensor in found] == [(300, 1), (256, 128)]
    np.testing.assert_allclose(found[0], first.astype(np.float32))
    np.testing.assert_allclose(found[1], second.astype(np.float32))


@pytest.mark.parametrize("data", [b"", b"\x01\x02", b"nothing of the kind" * 10])
def test_what_is_no_dlib_network_is_refused(data: bytes) -> None:
    with pytest.raises(DlibFormatError):
        read_tensors(data)


def test_a_dlib_file_cut_inside_its_only_tensor_is_refused() -> None:
    data = dlib_tensor(np.ones((64, 1)))
    with pytest.raises(DlibFormatError):
        read_tensors(data[:-8])


def tfjs_model(folder: Path, specs: list[dict[str, object]], shards: dict[str, bytes]) -> dict[str, Path]:
    manifest = {"weightsManifest": [{"paths": list(shards), "weights": specs}]}
    (folder / "model.json").write_text(json.dumps(manifest))
    for name, data in shards.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in shards}


def test_tfjs_tensors_are_read_across_shards_and_dequantised(tmp_path: Path) -> None:
    plain = np.arange(6, dtype="<f4").reshape(2, 3)
    half = np.array([0.5, -2.0], "<f2")
    byte = np.array([0, 10, 255], "u1")
    data = plain.tobytes() + half.tobytes() + byte.tobytes() + np.array([7], "<i4").tobytes()
    specs: list[dict[str, object]] = [
        {"name": "plain", "shape": [2, 3], "dtype": "float32"},
        {"name": "half", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {
            "name": "byte",
            "shape": [3],
            "dtype": "float32",
            "quantization": {"dtype": "uint8", "scale": 0.1, "min": -1.0},
        },
        {"name": "scalar", "shape": [], "dtype": "int32"},
    ]
    shards = tfjs_model(tmp_path, specs, {"a": data[:10], "b": data[10:]})
    found = read_weights(tmp_path / "model.json", shards)
    np.testing.assert_array_equal(found["plain"], plain)
    np.testing.assert_array_equal(found["half"], [0.5, -2.0])
    np.testing.assert_allclose(found["byte"], [-1.0, 0.0, 24.5], rtol=1e-6)
    assert found["scalar"] == 7
    assert found["scalar"].dtype == np.int32
    assert found["half"].dtype == np.float32


@pytest.mark.parametrize(("size", "message"), [(20, "left over"), (12, "ends inside")])
def test_tfjs_bytes_must_fit_exactly(tmp_path: Path, size: int, message: str) -> None:
    shards = tfjs_model(tmp_path, [{"name": "x", "shape": [4], "dtype": "float32"}], {"a": bytes(size)})
    with pytest.raises(TfjsFormatError, match=message):
        read_weights(tmp_path / "model.json", shards)


def test_a_missing_tfjs_shard_is_named(tmp_path: Path) -> None:
    tfjs_model(tmp_path, [{"name": "x", "shape": [1], "dtype": "float32"}], {"shard-1": bytes(4)})
    with pytest.raises(TfjsFormatError, match="shard-1"):
        read_weights(tmp_path / "model.json", {})


def protobuf(number: int, content: bytes) -> bytes:
    """A length-delimited field; lengths up to two bytes."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def test_onnx_metadata_is_found_behind_a_graph(tmp_path: Path) -> None:
    entries = {"character": "一\n二\n三", "author": "someone"}
    props = [protobuf(14, protobuf(1, k.encode()) + protobuf(2, v.encode())) for k, v in entries.items()]
    model = bytes([1 << 3, 8]) + protobuf(7, b"\x00" * 5000) + b"".join(props)
    (tmp_path / "model.onnx").write_bytes(model)
    assert read_metadata(tmp_path / "model.onnx") == entries


def test_onnx_metadata_as_onnx_itself_writes_it(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph([], "empty", [], [])
    model = onnx.helper.make_model(graph)
    onnx.helper.set_model_props(model, {"key": "value", "other": "值"})
    onnx.save(model, str(tmp_path / "model.onnx"))
    assert read_metadata(tmp_path / "model.onnx") == {"key": "value", "other": "值"}


@pytest.mark.parametrize("data", [b"", b"\x72\xff\xff", b"\x72\x50abc", b"\x07\x00"])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(OnnxFormatError):
        read_metadata(tmp_path / "model.onnx")
