"""Turns checked weight files into what the runtime loads: safetensors, and an ONNX graph equal to torch.

Runs in a process of its own (``python -m ml.export`` with the task as JSON on standard input), so that the
process which wants a model never holds torch in memory for the sake of a conversion done once.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

GRAPH_VERSION = 2
"""Of the way graphs are written; raised, installed models are made again."""

_OPSET = 17
_OTHER_BATCH = 2
_OTHER_SIZE = 16


class ExportError(Exception):
    """Weights do not fit the network, or the exported graph does not compute what torch computes."""


@dataclass(frozen=True)
class ExportTask:
    """What to do, in types that survive JSON: names of functions, paths, and the example inputs.

    ``examples`` holds (name, shape, {axis: axis name}); with ``export`` false only the weights are written.
    """

    convert: str
    build: str
    files: dict[str, str]
    folder: str
    examples: list[tuple[str, list[int], dict[str, str]]]
    outputs: list[str]
    tolerance: float
    export: bool


def resolve(name: str) -> Callable[..., Any]:
    """The function that ``module:function`` names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def build_network(build: str, weights: Path) -> nn.Module:
    """The torch network with its safetensors loaded, in eval mode, without gradients.

    Raises:
        ExportError: names or shapes of the weights do not match the network's.
    """
    from safetensors.torch import load_file

    network: nn.Module = resolve(build)()
    try:
        network.load_state_dict(load_file(weights), strict=True)
    except RuntimeError as error:
        raise ExportError(f"the weights do not fit {build}: {error}") from error
    return network.eval().requires_grad_(False)


def materialise(task: ExportTask, say: Callable[[str], None]) -> float:
    """Write ``model.safetensors`` and, if asked, ``model.onnx`` into the task's folder.

    Args:
        task: what to convert.
        say: told the name of each step as it begins: convert, export, check.

    Returns:
        The largest difference between onnxruntime and torch, relative to the output's largest value where
        that is above 1; 0 without export.

    Raises:
        ExportError: see ``build_network``; or the difference is above the task's tolerance.
    """
    from safetensors.numpy import save_file

    say("convert")
    folder = Path(task.folder)
    state = resolve(task.convert)({name: Path(path) for name, path in task.files.items()})
    weights = folder / "model.safetensors"
    save_file({name: np.ascontiguousarray(value) for name, value in state.items()}, weights)
    network = build_network(task.build, weights)
    if not task.export:
        return 0.0
    say("export")
    graph = folder / "model.onnx"
    _export(network, task, graph)
    _fold_padding(graph)
    _spell_out_prelu(graph)
    say("check")
    difference = compare(network, graph, task)
    if difference > task.tolerance:
        raise ExportError(f"the exported graph differs from torch by {difference:.2e} (> {task.tolerance:g})")
    return difference


def _export(network: nn.Module, task: ExportTask, graph: Path) -> None:
    import torch

    axes = {name: {int(axis): label for axis, label in dynamic.items()} for name, _, dynamic in task.examples}
    inputs = tuple(torch.from_numpy(a) for a in _inputs(task, other=False))
    changing = {int(axis) for _, _, dynamic in task.examples for axis in dynamic}
    with torch.inference_mode():
        shown = network(*inputs)
    for name, output in zip(task.outputs, [shown] if isinstance(shown, torch.Tensor) else shown, strict=True):
        # The batch keeps its name; sizes of outputs follow from those of inputs and get names of their own.
        spatial = range(1, output.ndim) if changing - {0} else range(0)
        axes[name] = {0: "batch"} if 0 in changing else {}
        axes[name].update({axis: f"{name}_{axis}" for axis in spatial})
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # tracing warns of every Python-side size, which compare() then proves
        torch.onnx.export(
            network,
            inputs,
            str(graph),
            input_names=[name for name, _, _ in task.examples],
            output_names=task.outputs,
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )


def _fold_padding(graph: Path) -> None:
    """Let convolutions do the zero padding that stands before them as a step of its own.

    TensorFlow's SAME padding is uneven and exported as a node. onnxruntime then leaves its blocked layout of channels
    before every such node and returns to it behind: a third of the time of a network that has one before every layer.
    """
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    if not any(node.op_type == "Pad" for node in onnx.load(graph).graph.node):
        return
    options = (
        onnxruntime.SessionOptions()
    )  # computes the amounts, which are exported as small graphs of their own
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(graph)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    model = onnx.load(graph)
    nodes = model.graph.node
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for pad in [node for node in nodes if node.op_type == "Pad"]:
        after = [node for node in nodes if pad.output[0] in node.input]
        amounts = constants.get(pad.input[1])
        if (
            amounts is None
            or not _foldable(pad, amounts, constants)
            or {n.op_type for n in after} != {"Conv"}
        ):
            continue
        for convolution in after:
            _pad_more(convolution, amounts)
            convolution.input[0] = pad.input[0]
        nodes.remove(pad)
    _keep(model, list(nodes))
    onnx.save(model, graph)


def _spell_out_prelu(graph: Path) -> None:
    """Write ``x + (1 - slope) * relu(-x)`` for every PReLU, which is the same.

    onnxruntime computes a PReLU with a slope for each channel value by value: it took more than half of the time of
    MTCNN's networks, and the four plain steps take a third of that.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(graph)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes: list[Any] = []
    for node in model.graph.node:
        slope = constants.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is None:
            nodes.append(node)
            continue
        (value, _), (result,) = node.input, node.output
        rest, negative, below, added = (f"{result}_{part}" for part in ("rest", "negative", "below", "added"))
        model.graph.initializer.append(numpy_helper.from_array(1 - slope, rest))
        nodes += [
            helper.make_node("Neg", [value], [negative]),
            helper.make_node("Relu", [negative], [below]),
            helper.make_node("Mul", [below, rest], [added]),
            helper.make_node("Add", [value, added], [result]),
        ]
    if len(nodes) == len(model.graph.node):
        return
    _keep(model, nodes)
    onnx.save(model, graph)


def _keep(model: Any, nodes: list[Any]) -> None:
    """Make these the graph's nodes, and let go the constants that none of them reads."""
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)


def _foldable(pad: Any, amounts: NDArray[Any], constants: dict[str, NDArray[Any]]) -> bool:
    """Whether it adds zeros, and these to height and width alone (``amounts`` begin with batch and channels)."""
    mode = next((attribute.s for attribute in pad.attribute if attribute.name == "mode"), b"constant")
    filled = bool(len(pad.input) > 2 and pad.input[2])
    zero = not filled or not np.any(constants.get(pad.input[2], 1))
    return bool(mode == b"constant" and zero and len(amounts) == 8 and not amounts[[0, 1, 4, 5]].any())


def _pad_more(convolution: Any, amounts: NDArray[Any]) -> None:
    """Add the amounts of a ``Pad`` to a convolution's own."""
    from onnx import helper

    own = [attribute for attribute in convolution.attribute if attribute.name == "pads"]
    pads = np.array(own[0].ints if own else [0] * 4) + amounts[[2, 3, 6, 7]]
    for attribute in own:
        convolution.attribute.remove(attribute)
    convolution.attribute.append(helper.make_attribute("pads", pads.tolist()))


def _inputs(task: ExportTask, *, other: bool) -> list[NDArray[np.float32]]:
    """Seeded random inputs in 0..1; with ``other`` every axis that may change has another length."""
    rng = np.random.default_rng(20)
    result = []
    for _, shape, dynamic in task.examples:
        shape = list(shape)
        for axis in map(int, dynamic) if other else ():
            shape[axis] = _OTHER_BATCH if axis == 0 else shape[axis] + _OTHER_SIZE
        result.append(rng.random(shape, dtype=np.float32))
    return result


def compare(network: nn.Module, graph: Path, task: ExportTask) -> float:
    """The largest difference between onnxruntime and torch over two sets of input sizes."""
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    worst = 0.0
    for other in (False, True):
        arrays = _inputs(task, other=other)
        feeds = {name: array for (name, _, _), array in zip(task.examples, arrays, strict=True)}
        ours = session.run(task.outputs, feeds)
        with torch.inference_mode():
            theirs = network(*map(torch.from_numpy, arrays))
        theirs = [theirs] if isinstance(theirs, torch.Tensor) else list(theirs)
        worst = max(worst, _difference(ours, [t.numpy() for t in theirs]))
    return worst


def _difference(ours: Sequence[NDArray[Any]], theirs: Sequence[NDArray[Any]]) -> float:
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            raise ExportError(f"the exported graph returns {a.shape}, torch {b.shape}")
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return math.inf
        if b.size:
            worst = max(worst, float(np.max(np.abs(a - b)) / max(1.0, float(np.max(np.abs(b))))))
    return worst


def main() -> int:
    """Read a task, do it, print one JSON line per event: step, done or error."""

    def tell(**event: Any) -> None:
        print(json.dumps(event), flush=True)

    task = ExportTask(**json.load(sys.stdin))
    try:
        difference = materialise(task, lambda step: tell(step=step))
    except Exception as error:  # whatever stops a conversion is told to the parent, which reports it
        tell(error=f"{type(error).__name__}: {error}")
        return 1
    tell(difference=difference)
    return 0


def to_json(task: ExportTask) -> str:
    """The task as ``main`` reads it."""
    return json.dumps(asdict(task))


if __name__ == "__main__":
    sys.exit(main())
