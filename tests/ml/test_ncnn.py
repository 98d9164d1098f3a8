"""The ncnn reader: what is written in the format comes back; what does not fit is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ml.formats.ncnn import NcnnFormatError, convolutions, read_ncnn

HALF = 0x01306B47


def _write(folder: Path, lines: list[str], binary: bytes) -> tuple[Path, Path]:
    param, weights = folder / "net.param", folder / "net.bin"
    param.write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines]) + "\n")
    weights.write_bytes(binary)
    return param, weights


CONV = "Convolution c 1 1 a b 0=2 1=3 4=1 5=1 6=54"
INPUT = "Input a 0 1 a"


def test_half_and_single_precision_convolutions_come_back_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    first, second = (
        rng.normal(size=(2, 3, 3, 3)).astype(np.float16),
        rng.normal(size=(1, 2, 1, 1)).astype(np.float32),
    )
    bias = rng.normal(size=2).astype(np.float32)
    binary = struct.pack("<I", HALF) + first.tobytes() + bias.tobytes()
    binary += struct.pack("<I", 0) + second.tobytes()
    lines = [INPUT, CONV, "Convolution d 1 1 b e 0=1 1=1 5=0 6=2"]
    found = convolutions(read_ncnn(*_write(tmp_path, lines, binary)))
    np.testing.assert_array_equal(found[0][0], first.astype(np.float32))
    np.testing.assert_array_equal(found[0][1], bias)
    np.testing.assert_array_equal(found[1][0], second)
    np.testing.assert_array_equal(found[1][1], np.zeros(1, np.float32))


def test_half_precision_is_padded_to_four_bytes(tmp_path: Path) -> None:
    weight = np.arange(1, 4, dtype=np.float16)  # six bytes: two of padding follow
    binary = struct.pack("<I", HALF) + weight.tobytes() + b"\xff\xff" + np.float32(7).tobytes()
    lines = [INPUT, "Convolution c 1 1 a b 0=1 1=1 5=1 6=3"]
    ((found, bias),) = convolutions(read_ncnn(*_write(tmp_path, lines, binary)))
    assert found.ravel().tolist() == [1.0, 2.0, 3.0]
    assert bias.tolist() == [7.0]


def test_slopes_constants_and_options_are_read(tmp_path: Path) -> None:
    binary = np.array([0.1, 0.2], np.float32).tobytes() + np.array([5, 6, 7], np.float32).tobytes()
    lines = [INPUT, "PReLU p 1 1 a b 0=2", "MemoryData m 0 1 m 0=1 1=1 2=3"]
    layers = read_ncnn(*_write(tmp_path, lines, binary))
    np.testing.assert_allclose(layers[1].weights["slope"], [0.1, 0.2])
    assert layers[2].weights["data"].shape == (3, 1, 1)
    assert layers[2].integer(2) == 3
    assert layers[1].inputs == ("a",)
    assert layers[1].outputs == ("b",)


@pytest.mark.parametrize(
    ("lines", "binary", "problem"),
    [
        ([INPUT, CONV], struct.pack("<I", HALF) + bytes(54 * 2 + 8 + 4), "4 bytes are left over"),
        ([INPUT, CONV], struct.pack("<I", HALF) + bytes(54), "end inside layer c"),
        ([INPUT, CONV], struct.pack("<I", 99) + bytes(400), "unknown way"),
        ([INPUT, "Gru g 1 1 a b 0=2"], b"", "unknown type Gru"),
        ([INPUT, "Convolution c 1 1 a b 0=0 1=3 6=54"], b"", "impossible sizes"),
        ([INPUT, "Convolution c two 1 a b"], b"", "malformed"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, lines: list[str], binary: bytes, problem: str) -> None:
    with pytest.raises(NcnnFormatError, match=problem):
        read_ncnn(*_write(tmp_path, lines, binary))


def test_other_files_and_wrong_counts_are_refused(tmp_path: Path) -> None:
    param, weights = _write(tmp_path, [INPUT], b"")
    param.write_text("PK\x03\x04 something else entirely\n\n")
    with pytest.raises(NcnnFormatError, match="not an ncnn"):
        read_ncnn(param, weights)
    param.write_text(f"7767517\n2 2\n{INPUT}\n")
    with pytest.raises(NcnnFormatError, match="announces 2 layers and has 1"):
        read_ncnn(param, weights)
