"""Runs a frozen TensorFlow.js graph with torch: about forty operations, enough for the MAXIM networks.

MAXIM: Tu et al., "MAXIM: Multi-Axis MLP for Image Processing", CVPR 2022 (code and weights Apache-2.0; the TF.js
conversion MIT). Its graph was unrolled by the converter and a third of its weights lost their names, so that it is
run as it is rather than rewritten as a module. What depends on the picture's size alone (shapes, resampling
matrices) is computed with numpy, so that tracing the network for ONNX at one size leaves only the real work.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ml.formats.tfjs import TfjsFormatError, read_weights

Array = NDArray[Any]
Value = Tensor | Array
Attributes = Mapping[str, Any]

MULTIPLE = 64
"""Height and width of the input must be multiples of this."""

_GRAPH = "graph"
_SMALL = 16
_TYPES = {"DT_FLOAT": "float32", "DT_INT32": "int32", "DT_INT64": "int64", "DT_BOOL": "bool"}


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The state dict from ``model.json`` and its shards: large arrays, and the graph as bytes of compact JSON.

    Raises:
        TfjsFormatError: the files do not fit together, or the graph is not closed and acyclic.
    """
    model = files["model.json"]
    weights = read_weights(model, {n: p for n, p in files.items() if n != "model.json"})
    nodes = {n["name"]: n for n in json.loads(model.read_text(encoding="utf-8"))["modelTopology"]["node"]}
    order = _topological(nodes)
    number = {name: index for index, name in enumerate(order)}
    state: dict[str, Array] = {}
    steps: list[list[Any]] = []
    for name in order:
        node = nodes[name]
        inputs = [number[_source(i)] for i in node.get("input", []) if not i.startswith("^")]
        if node["op"] != "Const":
            steps.append([node["op"], inputs, _attributes(node.get("attr", {}))])
            continue
        value = weights[name]
        if value.size > _SMALL and value.dtype == np.float32:
            state[f"w{number[name]}"] = value
            steps.append(["Weight", [], {}])
        else:
            steps.append(["Small", [], {"v": value.tolist(), "t": str(value.dtype), "s": list(value.shape)}])
    state[_GRAPH] = np.frombuffer(json.dumps(steps, separators=(",", ":")).encode(), np.uint8).copy()
    return state


def _source(name: str) -> str:
    """The node that an input names (``node`` or ``node:0``)."""
    base, _, port = name.partition(":")
    if port not in ("", "0"):
        raise TfjsFormatError(f"{name}: only first outputs are known here")
    return base


def _topological(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All node names, inputs before users; depth first without recursion, for the graph is thousands deep."""
    order: list[str] = []
    state: dict[str, int] = {}
    for root in nodes:
        stack = [root]
        while stack:
            name = stack[-1]
            if state.get(name) == 2:
                stack.pop()
                continue
            if name not in nodes:
                raise TfjsFormatError(f"the graph has no node {name}")
            waiting = [_source(i.lstrip("^")) for i in nodes[name].get("input", [])]
            waiting = [i for i in waiting if state.get(i) != 2]
            if not waiting:
                state[name] = 2
                order.append(name)
                stack.pop()
            elif state.get(name) == 1 and any(state.get(i) == 1 for i in waiting):
                raise TfjsFormatError(f"the graph runs in a circle at {name}")
            else:
                state[name] = 1
                stack.extend(waiting)
    return order


def _attributes(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that matter, as plain values."""
    found: dict[str, Any] = {}
    for key, value in raw.items():
        if "i" in value:
            found[key] = int(value["i"])
        elif "b" in value:
            found[key] = bool(value["b"])
        elif "s" in value:
            found[key] = base64.b64decode(value["s"]).decode()
        elif "list" in value and "i" in value["list"]:
            found[key] = [int(i) for i in value["list"]["i"]]
        elif key == "DstT":
            found[key] = _TYPES[value["type"]]
    return found


class TfGraph(nn.Module):
    """``(N, 3, H, W)`` RGB in 0..1 -> the same shape; H and W multiples of ``MULTIPLE``.

    The graph itself comes with the weights: ``load_state_dict`` builds everything.
    """

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[tuple[str, list[int], dict[str, Any]]] = []
        self._last_use: list[list[int]] = []

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Take over graph and weights.

        Raises:
            RuntimeError: there is no graph among the weights, or it uses an operation that is not known here.
        """
        if _GRAPH not in state_dict:
            raise RuntimeError("there is no graph among the weights")
        steps = json.loads(bytes(state_dict[_GRAPH].cpu().numpy()).decode())
        unknown = {op for op, _, _ in steps} - set(_OPERATIONS) - {"Placeholder", "Weight", "Small", "Const"}
        if unknown:
            raise RuntimeError(f"operations not known here: {', '.join(sorted(unknown))}")
        for name, value in state_dict.items():
            self.register_buffer(name, value)
        self._steps = [(op, inputs, attributes) for op, inputs, attributes in steps]
        last = {source: index for index, (_, inputs, _) in enumerate(self._steps) for source in inputs}
        self._last_use = [[] for _ in self._steps]
        for source, index in last.items():
            self._last_use[index].append(source)
        return nn.modules.module._IncompatibleKeys([], [])

    def forward(self, image: Tensor) -> Tensor:
        """Run the graph; see the class."""
        values: dict[int, Value] = {}
        result: Value = image
        for index, (op, inputs, attributes) in enumerate(self._steps):
            if op == "Placeholder":
                values[index] = image.permute(0, 2, 3, 1)
            elif op == "Weight":
                values[index] = self.get_buffer(f"w{index}")
            elif op == "Small":
                values[index] = np.array(attributes["v"], attributes["t"]).reshape(attributes["s"])
            else:
                values[index] = _OPERATIONS[op]([values[i] for i in inputs], attributes)
            result = values[index]
            for done in self._last_use[index]:
                del values[done]
        return _tensor(result).permute(0, 3, 1, 2)


def _tensor(value: Value) -> Tensor:
    return value if isinstance(value, Tensor) else torch.from_numpy(np.asarray(value))


def _ints(value: Value) -> list[int]:
    """A shape or axis argument; always known from sizes alone."""
    if isinstance(value, Tensor):
        raise TypeError("a shape cannot depend on the picture")
    return [int(v) for v in np.asarray(value).reshape(-1)]


def _either(
    with_numpy: Callable[..., Any], with_torch: Callable[..., Tensor]
) -> Callable[[Sequence[Value], Attributes], Value]:
    """An element-wise operation: numpy when all inputs are, else torch."""

    def run(inputs: Sequence[Value], attributes: Attributes) -> Value:
        if any(isinstance(v, Tensor) for v in inputs):
            return with_torch(*(_tensor(v) for v in inputs))
        return np.asarray(with_numpy(*inputs))

    return run


def _shaped(
    with_numpy: Callable[[Array, list[int]], Array], with_torch: Callable[[Tensor, list[int]], Tensor]
) -> Callable[[Sequence[Value], Attributes], Value]:
    """An operation on one array with a list of integers as its second input."""

    def run(inputs: Sequence[Value], attributes: Attributes) -> Value:
        first, numbers = inputs[0], _ints(inputs[1])
        return with_torch(first, numbers) if isinstance(first, Tensor) else with_numpy(first, numbers)

    return run


def _sum(inputs: Sequence[Value], attributes: Attributes) -> Value:
    keep, axes = bool(attributes.get("keep_dims", False)), _ints(inputs[1])
    if isinstance(inputs[0], Tensor):
        return inputs[0].sum(axes, keepdim=keep) if axes else inputs[0]
    return np.asarray(inputs[0].sum(axis=tuple(axes), keepdims=keep))


def _pack(inputs: Sequence[Value], attributes: Attributes) -> Value:
    axis = int(attributes.get("axis", 0))
    if any(isinstance(v, Tensor) for v in inputs):
        return torch.stack([_tensor(v) for v in inputs], axis)
    return np.stack(list(inputs), axis)


def _concat(inputs: Sequence[Value], attributes: Attributes) -> Value:
    (axis,) = _ints(inputs[-1])
    if any(isinstance(v, Tensor) for v in inputs[:-1]):
        return torch.cat([_tensor(v) for v in inputs[:-1]], axis)
    return np.concatenate(list(inputs[:-1]), axis)


def _einsum(inputs: Sequence[Value], attributes: Attributes) -> Value:
    equation = str(attributes["equation"])
    # torch knows one letter per axis and no ellipsis is used; letters may be any of the alphabet.
    assert set(equation) <= set(string.ascii_letters + ",->")
    if any(isinstance(v, Tensor) for v in inputs):
        return torch.einsum(equation, *(_tensor(v).float() for v in inputs))
    return np.asarray(np.einsum(equation, *inputs))


def _strided_slice(inputs: Sequence[Value], attributes: Attributes) -> Value:
    begin, end, step = (_ints(v) for v in inputs[1:4])
    index: list[Any] = []
    flips: list[int] = []
    value, axis = inputs[0], 0
    for n, by in enumerate(step):
        if attributes.get("new_axis_mask", 0) >> n & 1:
            index.append(None)
            continue
        if attributes.get("ellipsis_mask", 0) >> n & 1:
            raise ValueError("an ellipsis in a slice is not known here")
        if attributes.get("shrink_axis_mask", 0) >> n & 1:
            index.append(begin[n])
        else:
            first = None if attributes.get("begin_mask", 0) >> n & 1 else begin[n]
            last = None if attributes.get("end_mask", 0) >> n & 1 else end[n]
            if by < 0 and isinstance(value, Tensor):  # torch has no negative steps: turn the axis round
                size = value.shape[axis]
                flips.append(axis)
                first = None if first is None else size - 1 - (first % size)
                last = None if last is None else size - 1 - (last % size)
                by = -by
            index.append(slice(first, last, by))
        axis += 1
    if flips and isinstance(value, Tensor):
        value = value.flip(flips)
    return value[tuple(index)]


def _conv(inputs: Sequence[Value], attributes: Attributes) -> Value:
    x, weight = _tensor(inputs[0]).permute(0, 3, 1, 2), _tensor(inputs[1]).permute(3, 2, 0, 1)
    stride = attributes["strides"][1:3]
    if attributes["padding"] == "SAME":
        pads: list[int] = []
        for size, kernel, by in zip(x.shape[2:], weight.shape[2:], stride, strict=True):
            total = max((-(-int(size) // by) - 1) * by + int(kernel) - int(size), 0)
            pads = [total // 2, total - total // 2, *pads]  # torch wants the last axis first
        x = functional.pad(x, pads)
    return functional.conv2d(x, weight, stride=stride).permute(0, 2, 3, 1)


def _conv_transpose(inputs: Sequence[Value], attributes: Attributes) -> Value:
    x, weight = _tensor(inputs[2]).permute(0, 3, 1, 2), _tensor(inputs[1]).permute(3, 2, 0, 1)
    stride = attributes["strides"][1:3]
    if list(weight.shape[2:]) != stride:
        raise ValueError("only transposed convolutions without overlap are known here")
    return functional.conv_transpose2d(x, weight, stride=stride).permute(0, 2, 3, 1)


def _cast(inputs: Sequence[Value], attributes: Attributes) -> Value:
    kind = str(attributes["DstT"])
    return inputs[0].to(getattr(torch, kind)) if isinstance(inputs[0], Tensor) else inputs[0].astype(kind)


def _squeeze(inputs: Sequence[Value], attributes: Attributes) -> Value:
    axes = tuple(attributes.get("squeeze_dims", ()))
    if isinstance(inputs[0], Tensor):
        return inputs[0].squeeze(axes) if axes else inputs[0].squeeze()
    return np.squeeze(inputs[0], axis=axes or None)


def _gather(inputs: Sequence[Value], attributes: Attributes) -> Value:
    (axis,) = _ints(inputs[2])
    if isinstance(inputs[0], Tensor):
        positions = torch.from_numpy(np.asarray(inputs[1], np.int64).reshape(-1))
        shape = [*inputs[0].shape[:axis], *np.shape(inputs[1]), *inputs[0].shape[axis + 1 :]]
        return inputs[0].index_select(axis, positions.to(inputs[0].device)).reshape(shape)
    return np.take(inputs[0], np.asarray(inputs[1]), axis=axis)


def _shape(inputs: Sequence[Value], attributes: Attributes) -> Value:
    return np.array([int(n) for n in inputs[0].shape], np.int32)


def _range(inputs: Sequence[Value], attributes: Attributes) -> Value:
    start, stop, step = (np.asarray(v).item() for v in inputs)
    return np.arange(start, stop, step, dtype=np.asarray(inputs[0]).dtype)


def _same(inputs: Sequence[Value], attributes: Attributes) -> Value:
    return inputs[0]


_OPERATIONS: dict[str, Callable[[Sequence[Value], Attributes], Value]] = {
    "Abs": _either(np.abs, torch.abs),
    "AddV2": _either(np.add, torch.add),
    "BroadcastTo": _shaped(np.broadcast_to, lambda x, shape: x.expand(shape)),
    "Cast": _cast,
    "ConcatV2": _concat,
    "Conv2D": _conv,
    "Conv2DBackpropInput": _conv_transpose,
    "Einsum": _einsum,
    "Exp": _either(np.exp, torch.exp),
    "ExpandDims": _shaped(lambda x, axis: np.expand_dims(x, axis[0]), lambda x, axis: x.unsqueeze(axis[0])),
    "Floor": _either(np.floor, torch.floor),
    "FloorDiv": _either(np.floor_divide, torch.floor_divide),
    "FloorMod": _either(np.mod, torch.remainder),
    "GatherV2": _gather,
    "Greater": _either(np.greater, torch.gt),
    "GreaterEqual": _either(np.greater_equal, torch.ge),
    "Identity": _same,
    "Less": _either(np.less, torch.lt),
    "LessEqual": _either(np.less_equal, torch.le),
    "LogicalAnd": _either(np.logical_and, torch.logical_and),
    "Maximum": _either(np.maximum, torch.maximum),
    "Minimum": _either(np.minimum, torch.minimum),
    "Mul": _either(np.multiply, torch.mul),
    "Neg": _either(np.negative, torch.neg),
    "NotEqual": _either(np.not_equal, torch.ne),
    "Pack": _pack,
    "Range": _range,
    "RealDiv": _either(np.divide, torch.div),
    "Reciprocal": _either(np.reciprocal, torch.reciprocal),
    "Reshape": _shaped(lambda x, shape: x.reshape(shape), lambda x, shape: x.reshape(shape)),
    "Rsqrt": _either(lambda x: 1 / np.sqrt(x), torch.rsqrt),
    "SelectV2": _either(np.where, torch.where),
    "Shape": _shape,
    "Sign": _either(np.sign, torch.sign),
    "Square": _either(np.square, torch.square),
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Sub": _either(np.subtract, torch.sub),
    "Sum": _sum,
    "Tanh": _either(np.tanh, torch.tanh),
    "Transpose": _shaped(lambda x, axes: x.transpose(axes), lambda x, axes: x.permute(axes)),
}


def build() -> TfGraph:
    """The interpreter; graph and weights come with ``load_state_dict``."""
    return TfGraph().eval()
