"""A tiny image-text model that knows three colours, and the hub it is fetched from.

Two ONNX graphs and a tokenizer, made here with a geometry that can be calculated by hand: a picture's vector is its
mean colour, a text's the sum of its words' colours. ``model("b")`` is the same with red, green and blue changed
round, so that a vector of one model compared with one of the other gives a wrong answer and not a vague one.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ml import registry
from ml.registry import CutOff, Example, ModelEntry, Preprocessing, Source, TextInput, WeightFile

if TYPE_CHECKING:
    from app.context import Context

LENGTH, SIDE, WIDTH = 6, 8, 4
_COLOURS = {"red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1)}
_WORDS = [*_COLOURS, "红", "绿", "蓝"]
_AROUND = {"a": [0, 1, 2], "b": [1, 2, 0]}


def id_of(name: str) -> str:
    return f"semantic/colours-{name}@test"


def picture_tower(name: str) -> bytes:
    """``pixel_values (N, 3, 8, 8)`` in -1..1 -> ``image_embeds (N, 4)``: mean red, green, blue, and 0.2."""
    turn = np.zeros((3, WIDTH), np.float32)
    turn[np.arange(3), _AROUND[name]] = 1
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixel_values"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "turn", "grey"], ["image_embeds"]),
    ]
    weights = {"turn": turn, "grey": np.array([0, 0, 0, 0.2], np.float32)}
    into = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    return _graph(nodes, weights, into, "image_embeds")


def text_tower(name: str) -> bytes:
    """``input_ids (N, 6)`` -> ``text_embeds (N, 4)``: takes six tokens and nothing else, as such networks do."""
    table = np.zeros((2 + len(_WORDS), WIDTH), np.float32)
    table[1] = (0, 0, 0, 1)  # a word it does not know points away from all colours
    for row, word in enumerate(_WORDS):
        colour = list(_COLOURS.values())[row % 3]
        table[2 + row][_AROUND[name]] = colour
        assert word
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("ReduceSum", ["words", "axis"], ["text_embeds"], keepdims=0),
    ]
    weights = {"table": table, "axis": np.array([1], np.int64)}
    into = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", LENGTH])
    return _graph(nodes, weights, into, "text_embeds")


def _graph(
    nodes: list[onnx.NodeProto],
    weights: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]],
    into: onnx.ValueInfoProto,
    output: str,
) -> bytes:
    out = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", WIDTH])
    kept = [numpy_helper.from_array(value, key) for key, value in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "tower", [into], [out], kept), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def tokenizer() -> bytes:
    """Splits at spaces and knows the colours in lower case."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    made = Tokenizer(WordLevel({w: i for i, w in enumerate(["[PAD]", "[UNK]", *_WORDS])}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return json.dumps(json.loads(made.to_str())).encode()


@dataclass
class Hub:
    """What the stand-in's address serves, by path; tests change ``files``. ``asked`` are the paths asked for."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


def model(name: str, hub: Hub) -> tuple[ModelEntry, ModelEntry]:
    """The two entries of one model, and its files put into the hub."""
    place = f"colours-{name}/resolve/0123abc"
    source = Source("hub", package=f"test/colours-{name}", version="0123abc", url=f"{hub.address}/{place}")

    def file(key: str, path: str, data: bytes) -> WeightFile:
        hub.files[f"/{place}/{path}"] = data
        return WeightFile(key, path, len(data), hashlib.sha256(data).hexdigest(), keep=True)

    common = {"version": "1", "source": source, "code_licence": "MIT", "weights_licence": "MIT",
              "runtime": "onnx-file", "extra": True}  # fmt: skip
    words = ModelEntry(
        id=f"semantic-text/colours-{name}@test",
        task="semantic-text",
        title=f"Colours {name}: the words",
        files=(
            file("model.onnx", "onnx/text.onnx", text_tower(name)),
            file("tokenizer.json", "tokenizer.json", tokenizer()),
        ),
        text_input=TextInput(length=LENGTH, pad=0, lower=True),
        examples=(Example("input_ids", (1, LENGTH)),),
        outputs=("text_embeds",),
        **common,  # type: ignore[arg-type]
    )
    pictures = ModelEntry(
        id=id_of(name),
        task="semantic",
        title=f"Colours {name}",
        files=(file("model.onnx", "onnx/picture.onnx", picture_tower(name)),),
        preprocessing=Preprocessing("squeeze", (SIDE, SIDE), mean=(127.5,) * 3, std=(127.5,) * 3),
        examples=(Example("pixel_values", (1, 3, SIDE, SIDE)),),
        outputs=("image_embeds",),
        requires=(words.id,),
        cut_off=CutOff(first=0.7, further=0.5, within=0.6, unrelated=0.0, sure=1.0, origin="Calculated."),
        **common,  # type: ignore[arg-type]
    )
    return pictures, words


class InThisProcess:
    """Answers for the child that looks at pictures, which would not know this test's models."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def ask(self, question: str, **arguments: Any) -> Any:
        from app.services.understanding import lookup

        return getattr(lookup, question)(self.context, **arguments)

    def close(self) -> None:
        return


@contextmanager
def served() -> Iterator[Hub]:
    """The hub on a local port, and its two models in the registry beside the shipped ones."""
    hub = Hub("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append(self.path)
            data = hub.files.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    catalog = ModuleType("ml.catalog.colours")
    catalog.ENTRIES = (*model("a", hub), *model("b", hub))  # type: ignore[attr-defined]
    patch = pytest.MonkeyPatch()
    patch.setitem(sys.modules, catalog.__name__, catalog)
    patch.setattr(registry, "CATALOG", (*registry.CATALOG, "colours"))
    registry.entries.cache_clear()
    try:
        yield hub
    finally:
        patch.undo()
        registry.entries.cache_clear()
        server.shutdown()
        server.server_close()
