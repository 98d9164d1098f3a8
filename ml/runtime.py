"""Runs networks: onnxruntime on the CPU, torch on a GPU or where a network has no sensible ONNX graph.

One thread per process is the default, because processes scale and threads do not: two spinning threads beside
a busy neighbour were up to ten times slower than one. Networks load at first use and can be let go.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ml import registry
from ml.registry import ModelEntry, Preprocessing
from ml.types import Image
from ml.zoo import check_folder

Array = NDArray[Any]
Device = Literal["auto", "cpu", "cuda"]

INT8_GRAPH = "model.int8.onnx"
"""The quantised graph beside the exact one, where ``ml.quantize`` made it."""

_log = logging.getLogger(__name__)


# A picture of more values than this goes through a processor's network alone, whatever batch it came in: of a batch the
# layers do not fit its cache, and eight pictures took 1.5 times as long as one by one (scenes 21 and 14 ms each).
_LARGE = 100_000


class _Backend(Protocol):
    def __call__(self, arrays: Sequence[Array], outputs: Sequence[str]) -> list[Array]: ...


class Network:
    """One network of the registry, ready to run.

    Thread-safe: runs may overlap, loading happens once. ``run`` after ``unload`` loads again.

    Args:
        entry: what to run.
        models_dir: where the zoo keeps its models.
        device: ``cpu``; ``cuda``; ``auto`` for a GPU if this machine has one.
        threads: CPU threads for one run.
        int8: run the quantised graph if one was made for this model (see ``ml.quantize``).
    """

    def __init__(
        self,
        entry: ModelEntry,
        models_dir: Path,
        *,
        device: Device = "cpu",
        threads: int = 1,
        int8: bool = False,
    ) -> None:
        self.entry = entry
        self.folder = models_dir / entry.folder
        self._device: Device = device
        self._threads = threads
        self._int8 = int8
        self._lock = threading.Lock()
        self._backend: _Backend | None = None
        self.last_used = 0.0

    @property
    def loaded(self) -> bool:
        return self._backend is not None

    @property
    def int8(self) -> bool:
        """Whether the quantised graph is what runs: it was asked for and made, and there is no GPU."""
        return self._int8 and not self._in_torch and (self.folder / INT8_GRAPH).exists()

    def marked(self, version: str) -> str:
        """A stage's version, told apart when its network runs quantised: the results differ."""
        return f"{version} int8" if self.int8 else version

    @property
    def _in_torch(self) -> bool:
        return self.entry.runtime == "torch" or (self.entry.runtime == "onnx" and self._on_gpu)

    @property
    def _on_gpu(self) -> bool:
        return self._device == "cuda" or (self._device == "auto" and gpu_present())

    def run(self, *arrays: Array, outputs: Sequence[str] | None = None) -> list[Array]:
        """Run the network.

        Args:
            arrays: one per input of the entry, of the example's rank; float32, or ``input_type``.
            outputs: which of the entry's outputs to compute, in this order; None for all.

        Raises:
            zoo.ModelMissing, zoo.ModelDamaged: the weights are not there or not intact.
            ValueError: an array does not fit the network's input.
        """
        self.last_used = time.monotonic()
        for array, example in zip(arrays, self.entry.examples, strict=False):
            free = {axis for axis, _ in example.dynamic}
            fits = array.ndim == len(example.shape) and all(
                axis in free or have == want
                for axis, (have, want) in enumerate(zip(array.shape, example.shape, strict=True))
            )
            if not fits:
                raise ValueError(f"{self.entry.id}: input {example.name} cannot be {array.shape}")
        backend = self._load()
        result = backend(arrays, list(outputs or self.entry.outputs))
        self.last_used = time.monotonic()
        return result

    def unload(self) -> None:
        """Let the weights go and give their memory back to the system."""
        with self._lock:
            if self._backend is None:
                return
            self._backend = None
        _log.info("unloaded %s", self.entry.id)
        release_memory()

    def _load(self) -> _Backend:
        with self._lock:
            if self._backend is None:
                started = time.perf_counter()
                check_folder(self.folder, self.entry)
                self._backend = self._open()
                _log.info("loaded %s in %.2f s", self.entry.id, time.perf_counter() - started)
            return self._backend

    def _open(self) -> _Backend:
        if self._in_torch:
            return _open_torch(self.entry, self.folder, "cuda" if self._on_gpu else "cpu", self._threads)
        return _open_onnx(self.folder / (INT8_GRAPH if self.int8 else "model.onnx"), self._threads)


def open_network(
    model_id: str,
    models_dir: Path,
    *,
    device: Device = "cpu",
    threads: int = 1,
    int8: bool = False,
) -> Network:
    """The network with this registry id; nothing is loaded before its first run.

    Raises:
        registry.UnknownModel: there is no such id.
    """
    return Network(registry.get(model_id), models_dir, device=device, threads=threads, int8=int8)


def _open_onnx(graph: Path, threads: int) -> _Backend:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = (
        False  # the arena keeps its largest size for ever: half of a worker's memory
    )
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    only_asked = onnxruntime.RunOptions()
    only_asked.only_execute_path_to_fetches = True

    def run(arrays: Sequence[Array], outputs: Sequence[str]) -> list[Array]:
        if len(arrays) > 1 or len(arrays[0]) < 2 or arrays[0][0].size <= _LARGE:
            return session.run(list(outputs), dict(zip(names, arrays, strict=True)), only_asked)
        each = [session.run(list(outputs), {names[0]: one[None]}, only_asked) for one in arrays[0]]
        return [np.concatenate(parts) for parts in zip(*each, strict=True)]

    return run


def _open_torch(entry: ModelEntry, folder: Path, device: str, threads: int) -> _Backend:
    import torch

    from ml.export import build_network

    torch.set_num_threads(threads)
    network = build_network(entry.build, folder / "model.safetensors").to(device)

    def run(arrays: Sequence[Array], outputs: Sequence[str]) -> list[Array]:
        with torch.inference_mode():
            found = network(*(torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in arrays))
        found = (found,) if isinstance(found, torch.Tensor) else found
        by_name = dict(zip(entry.outputs, found, strict=True))
        return [by_name[name].float().cpu().numpy() for name in outputs]

    return run


def input_type(entry: ModelEntry) -> type[np.generic]:
    """What the network's inputs hold: token ids or, for all others, values of pixels."""
    return np.float32 if entry.text_input is None else np.int64


def gpu_present() -> bool:
    """Whether an NVIDIA driver runs here; asks the system, so that torch is not loaded for a "no"."""
    return Path("/proc/driver/nvidia/version").exists()


def release_memory() -> None:
    """Return freed memory to the system, where the C library can be asked to."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # not glibc: nothing to ask
        return


def to_batch(images: Sequence[Image], how: Preprocessing) -> NDArray[np.float32]:
    """Pictures as one batch for a network that takes a fixed size.

    Args:
        images: ``(H, W, 3) uint8`` sRGB arrays of any sizes.
        how: the entry's preprocessing; ``resize`` must be squeeze, crop or half.

    Returns:
        ``(N, 3, height, width)`` float32, normalised.

    Raises:
        ValueError: the preprocessing has no fixed size.
    """
    if how.size is None:
        raise ValueError("pictures of any size cannot be batched")
    batch = np.empty((len(images), 3, *how.size), np.float32)
    mean = np.asarray(how.mean, np.float32)[:, None, None]
    std = np.asarray(how.std, np.float32)[:, None, None]
    for index, image in enumerate(images):
        top, left, height, width = seen_part(image.shape[0], image.shape[1], how)
        small = _resized(image[top : top + height, left : left + width], how)
        if how.channels == "BGR":
            small = small[..., ::-1]
        np.subtract(small.transpose(2, 0, 1), mean, out=batch[index])
        batch[index] /= std
    return batch


def seen_part(height: int, width: int, how: Preprocessing) -> tuple[int, int, int, int]:
    """The part of a picture that the network sees: (top, left, height, width) in pixels.

    Raises:
        ValueError: the preprocessing takes no fixed part of the picture.
    """
    if how.size is None or how.resize not in ("squeeze", "crop", "half"):
        raise ValueError(f"{how.resize!r} takes no fixed part of a picture")
    wide = (width / height) / (how.size[1] / how.size[0])
    excess = max(wide, 1 / wide) ** {"squeeze": 0.0, "half": 0.5, "crop": 1.0}[how.resize]
    tall_kept, wide_kept = (how.trim, how.trim / excess) if wide >= 1 else (how.trim / excess, how.trim)
    h, w = max(1, int(height * tall_kept)), max(1, int(width * wide_kept))
    return (height - h) // 2, (width - w) // 2, h, w


def _resized(image: Image, how: Preprocessing) -> Image:
    """Resized with support for the scale (no aliasing), as the training of such networks did."""
    from PIL import Image as Pillow

    assert how.size is not None
    height, width = how.size
    methods = {
        "bilinear": Pillow.Resampling.BILINEAR,
        "bicubic": Pillow.Resampling.BICUBIC,
        "area": Pillow.Resampling.BOX,
        "none": Pillow.Resampling.NEAREST,
    }
    picture = Pillow.fromarray(np.ascontiguousarray(image))
    return np.array(picture.resize((width, height), methods[how.interpolation], reducing_gap=3.0))
