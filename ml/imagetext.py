"""Image-text models: two networks ("towers") trained together, so that a picture and words for it get near vectors.

The picture tower runs in the worker, as the stage ``image-text``; the text tower runs where searches are answered,
by onnxruntime, without torch. Both towers' vectors have unit length, and their dot product is what the entry's
``cut_off`` speaks of. Vectors of different models lie in different spaces and say nothing about each other.

A model is two registry entries: the picture tower of the task ``semantic`` carries the id that is stored with its
vectors, and requires the text tower with its tokenizer. Methods: CLIP (Radford et al., "Learning Transferable Visual
Models From Natural Language Supervision", ICML 2021) and its kin; nothing here depends on which.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import registry
from ml.registry import ModelEntry
from ml.runtime import Device, open_network, to_batch
from ml.stages import Findings
from ml.types import Image, Vector
from ml.zoo import check_folder

TOKENIZER = "tokenizer.json"
_MOST_TEXT = 1000  # characters; far more than the longest input of a tower holds
_AT_ONCE = 8  # pictures in one run: bounds the memory


class TextTower:
    """Turns words into vectors; loads at first use, thread-safe.

    Args:
        model_id: of the picture tower, whose vectors these are compared with.
        models_dir: the zoo's folder.

    Raises:
        registry.UnknownModel: there is no such model.
        ValueError: it is no image-text model.
    """

    def __init__(self, model_id: str, models_dir: Path) -> None:
        self.entry = text_entry(registry.get(model_id))
        assert self.entry.text_input is not None
        self._input = self.entry.text_input
        self._network = open_network(self.entry.id, models_dir)
        self._lock = threading.Lock()
        self._tokenizer: Any = None
        self._known = lru_cache(maxsize=512)(self._encode)

    def encode(self, text: str) -> Vector:
        """``(width,)`` float32 of unit length; equal texts are encoded once.

        Raises:
            zoo.ModelMissing, zoo.ModelDamaged: the tower is not there or not intact.
        """
        return self._known(" ".join(text.split())[:_MOST_TEXT])

    def _encode(self, text: str) -> Vector:
        text = text.lower() if self._input.lower else text
        # Lone surrogates, which JSON can carry, are no text to the tokenizer.
        encoded = self._load().encode(text.encode("utf-8", "ignore").decode())
        (vectors,) = self._network.run(np.array([encoded.ids], np.int64), outputs=self.entry.outputs[:1])
        return _unit(vectors)[0]

    def _load(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                check_folder(self._network.folder, self.entry)
                from tokenizers import Tokenizer

                tokenizer = Tokenizer.from_file(str(self._network.folder / TOKENIZER))
                tokenizer.enable_truncation(self._input.length)
                tokenizer.enable_padding(length=self._input.length, pad_id=self._input.pad)
                self._tokenizer = tokenizer
            return self._tokenizer


_one_at_a_time = threading.Lock()
_tower = lru_cache(maxsize=1)(TextTower)


def text_tower(model_id: str, models_dir: Path) -> TextTower:
    """The process's text tower; asking for another one lets the former go. Raises as ``TextTower`` does."""
    with _one_at_a_time:  # or two threads would load it twice
        return _tower(model_id, models_dir)


def let_text_tower_go() -> None:
    """Give its memory back, which may be a gigabyte; cheap when there is none."""
    _tower.cache_clear()


def text_entry(entry: ModelEntry) -> ModelEntry:
    """The text tower that belongs to a picture tower.

    Raises:
        ValueError: the entry is no image-text model.
    """
    for name in entry.requires if entry.cut_off is not None else ():
        if (other := registry.get(name)).text_input is not None:
            return other
    raise ValueError(f"{entry.id} is no image-text model")


class ImageTextStage:
    """Finds ``image_text``; see ``ml.stages.Stage`` for the contract.

    Args:
        models_dir: the zoo's folder.
        device: where to run; the graphs are run by onnxruntime on the CPU.
        model: registry id of the picture tower.
    """

    stage = "image-text"
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    def __init__(self, models_dir: Path, *, device: Device = "cpu", model: str) -> None:
        self._network = open_network(model, models_dir, device=device)
        self._entry = self._network.entry
        text_entry(self._entry)
        self.version = self._entry.version
        self.model_ids: tuple[str, ...] = (model,)

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """One vector per picture."""
        how = self._entry.preprocessing
        assert how is not None
        found: list[Findings | Exception] = []
        for start in range(0, len(images), _AT_ONCE):
            batch = to_batch(images[start : start + _AT_ONCE], how)
            (vectors,) = self._network.run(batch, outputs=self._entry.outputs[:1])
            found += [Findings(image_text=vector) for vector in _unit(vectors)]
        return found

    def unload(self) -> None:
        """Let the network go."""
        self._network.unload()


def _unit(vectors: Any) -> NDArray[np.float32]:
    """Rows scaled to length 1.

    Raises:
        ValueError: a row is not finite or has no direction.
    """
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("the network gave a vector without a direction")
    return np.asarray(vectors / lengths, np.float32)
