"""The one door to understanding: pictures in, what all stages saw out, whatever fails on the way.

Stages live in ``ml/tasks`` and plug in by name (``STAGES``). They run in the order of their needs over the
whole batch; a picture or a stage that fails is told in ``StageRun.error`` and takes nothing else with it.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import numpy as np

from ml.runtime import Device, release_memory
from ml.stages import Findings, Stage
from ml.types import Analysis, Detection, Image, StageRun, Vector
from ml.zoo import FetchError

_log = logging.getLogger(__name__)

StageFactory = Callable[..., Stage]

STAGES: Mapping[str, str | StageFactory] = {
    "scenes": "ml.tasks.scenes:SceneStage",
    "objects": "ml.tasks.objects:ObjectStage",
    "faces": "ml.tasks.faces:FaceStage",
    "cues": "ml.tasks.cues:CueStage",
    "text": "ml.tasks.text:TextStage",
    "embedding": "ml.tasks.semantics:SemanticStage",
    "image-text": "ml.imagetext:ImageTextStage",
    "tags": "ml.tasks.scenes:TagStage",
}
"""Every stage by name, as a class or as ``module:class`` (imported when first run)."""

_WITHOUT_DEFAULT = frozenset({"image-text"})  # runs only with a model among its options, and else is left out

_UNSTORED = "scenes"
_MESSAGE_LENGTH = 500
_PARTS = frozenset(field.name for field in fields(Analysis)) - {"stages"}


class UnknownStage(ValueError):
    """No stage has this name."""


class Analyzer:
    """Runs stages over pictures; loads networks when first needed.

    Thread-safe: calls take turns.

    Args:
        models_dir: where the zoo keeps its models.
        stages: what ``analyze`` runs when it is not told; default all.
        device: ``cpu``, ``cuda`` or ``auto``.
        options: per stage, keyword arguments for its class, as in ``{"objects": {"model": "..."}}``.
        kinds: the stages there are; default ``STAGES``.

    Raises:
        UnknownStage: a stage or an option names none.
    """

    def __init__(
        self,
        models_dir: Path,
        stages: Sequence[str] | None = None,
        *,
        device: Device = "cpu",
        options: Mapping[str, Mapping[str, Any]] | None = None,
        kinds: Mapping[str, str | StageFactory] = STAGES,
    ) -> None:
        self.models_dir = models_dir
        self._kinds = dict(kinds)
        self._device: Device = device
        self._options = dict(options or {})
        self._built: dict[str, Stage] = {}
        self._lock = threading.RLock()
        self._last_used = time.monotonic()
        self.stages = tuple(kinds) if stages is None else tuple(stages)
        self._require((*self.stages, *self._options))

    @classmethod
    def default(cls, models_dir: Path | None = None) -> Analyzer:
        """All stages with the default models.

        Args:
            models_dir: where the models are; default ``$ALBUMEN_MODELS``, else ``data/models``.
        """
        return cls(models_dir or Path(os.environ.get("ALBUMEN_MODELS") or "data/models").expanduser())

    def analyze(
        self,
        images: Sequence[Image],
        stages: Sequence[str] | None = None,
        *,
        known: Sequence[Analysis | None] | None = None,
        lenses: Sequence[str | None] | None = None,
    ) -> list[Analysis]:
        """Look at pictures.

        Args:
            images: upright ``(H, W, 3) uint8`` sRGB arrays, sizes may differ. Nothing is gained above 1024
                pixels on the long side but small faces and text.
            stages: which to run; those they need run too. Default: the analyzer's.
            known: per picture, what earlier runs saw: evidence for the stages that run now (tags derived from
                stored objects, for example). It is not repeated in the result.
            lenses: per picture, the lens's name from its metadata: a front camera takes selfies.

        Returns:
            One analysis per picture, in order. ``Analysis.stages`` tells for every stage how it went; one
            that failed has ``error`` set and leaves its parts empty.

        Raises:
            UnknownStage: ``stages`` names one that there is not.
        """
        asked = self.stages if stages is None else tuple(stages)
        self._require(asked)
        asked = tuple(name for name in asked if self.runs(name))
        with self._lock:
            self._last_used = time.monotonic()
            each = zip(images, known or [None] * len(images), lenses or [None] * len(images), strict=True)
            runs = [_Run(image, _evidence(seen, lens)) for image, seen, lens in each]
            for name in self._order(asked):
                self._run_stage(name, runs)
            self._last_used = time.monotonic()
        return [run.analysis() for run in runs]

    def explain(self, image: Image, slug: str, objects: Sequence[Detection] = ()) -> Vector | None:
        """Where in the picture a tag is seen, by the scene network and in the boxes of detected objects.

        Args:
            image: upright ``(H, W, 3) uint8``.
            slug: a vocabulary tag.
            objects: what was detected in the picture (stored with it).

        Returns:
            ``(H, W)`` float32 in 0..1; None if neither the network nor the objects know anything of this tag.

        Raises:
            KeyError: the vocabulary has no such tag.
            ModelMissing, ModelDamaged: the scene network is not there.
        """
        with self._lock:
            stage = self._stage("scenes")
            self._last_used = time.monotonic()
            return cast("Vector | None", stage.explain(image, slug, objects))  # type: ignore[attr-defined]

    def runs(self, name: str) -> bool:
        """Whether this stage does anything here: there is one without a default model."""
        return name not in _WITHOUT_DEFAULT or "model" in self._options.get(name, {})

    def provenance(self, name: str) -> tuple[str, str]:
        """The model id and version a stage would record now.

        Raises:
            UnknownStage: there is no such stage.
        """
        self._require((name,))
        with self._lock:
            stage = self._stage(name)
        return (stage.model_ids[0] if stage.model_ids else name), stage.version

    def unload(self) -> None:
        """Let all networks go; the next call loads what it needs."""
        with self._lock:
            for stage in self._built.values():
                stage.unload()
            self._built.clear()
        release_memory()

    def unload_idle(self, seconds: float) -> bool:
        """Let all networks go if none ran for this long; whether it did."""
        with self._lock:
            if not self._built or time.monotonic() - self._last_used < seconds:
                return False
            self.unload()
        return True

    def _require(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._kinds:
                raise UnknownStage(f"there is no stage {name!r}; there are {', '.join(self._kinds)}")

    def _order(self, asked: Sequence[str]) -> list[str]:
        """The asked stages and what they need, needs first. What the scene network saw is stored nowhere, so
        it runs for every stage that uses it."""
        wanted: dict[str, tuple[str, ...]] = {}
        queue = list(asked)
        while queue:
            name = queue.pop(0)
            if name in wanted:
                continue
            needs, uses = self._before(name)
            wanted[name] = (*needs, *uses)
            queue += [*needs, *(u for u in uses if u == _UNSTORED)]
        ordered: list[str] = []
        while len(ordered) < len(wanted):
            ready = [
                n
                for n, b in wanted.items()
                if n not in ordered and all(x in ordered or x not in wanted for x in b)
            ]
            if not ready:
                raise RuntimeError(f"stages need each other in a circle: {set(wanted) - set(ordered)}")
            ordered += ready
        return ordered

    def _before(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        try:
            kind = self._kind(name)
        except ImportError:  # told by _run_stage, for this stage alone
            return (), ()
        return tuple(getattr(kind, "needs", ())), tuple(getattr(kind, "uses", ()))

    def _kind(self, name: str) -> StageFactory:
        kind = self._kinds[name]
        if isinstance(kind, str):
            module, _, attribute = kind.partition(":")
            kind = cast(StageFactory, getattr(importlib.import_module(module), attribute))
            self._kinds[name] = kind
        return kind

    def _stage(self, name: str) -> Stage:
        if name not in self._built:
            options = self._options.get(name, {})
            self._built[name] = self._kind(name)(self.models_dir, device=self._device, **options)
        return self._built[name]

    def _run_stage(self, name: str, runs: Sequence[_Run]) -> None:
        """Run one stage on every picture whose needs were met; never raises for a picture or a stage."""
        started = time.perf_counter()
        fit: list[_Run] = []
        model = version = ""
        try:
            stage = self._stage(name)
            model, version = stage.model_ids[0] if stage.model_ids else name, stage.version
            for run in runs:
                run.blocked = run.problem or run.missing(stage.needs)
            fit = [run for run in runs if not run.blocked]
            outcomes = _attempt(stage, fit) if fit else []
        except Exception as error:
            _log.error("stage %s cannot run: %s", name, error, exc_info=not isinstance(error, ImportError))
            fit, outcomes = list(runs), [error] * len(runs)
        share = (time.perf_counter() - started) / max(1, len(fit))
        for run, outcome in zip(fit, outcomes, strict=True):
            failed = isinstance(outcome, Exception)
            run.record(StageRun(name, model, version, share, _told(outcome) if failed else None), outcome)
        for run in runs:
            if run not in fit:
                run.record(StageRun(name, model, version, 0.0, run.blocked), None)


class _Run:
    """One picture on its way through the stages."""

    def __init__(self, image: Image, evidence: Findings) -> None:
        self.image = image
        self.evidence = evidence
        self.found: dict[str, Any] = {}
        self.models = dict(evidence.get("models", {}))
        self.stages: list[StageRun] = []
        self.problem = _unfit(image)
        self.blocked: str | None = None

    def so_far(self) -> Findings:
        return cast(Findings, {**self.evidence, **self.found, "models": dict(self.models)})

    def missing(self, needs: Sequence[str]) -> str | None:
        """Why a stage with these needs cannot run, or None."""
        for run in self.stages:
            if run.stage in needs and run.error is not None:
                return f"the stage {run.stage} failed before it: {run.error}"[:_MESSAGE_LENGTH]
        return None

    def record(self, run: StageRun, outcome: Findings | Exception | None) -> None:
        self.stages.append(run)
        if run.error is None:
            self.models[run.stage] = run.model
        if isinstance(outcome, dict):
            self.found.update(outcome)

    def analysis(self) -> Analysis:
        parts = {name: value for name, value in self.found.items() if name in _PARTS}
        return Analysis(**parts, stages=tuple(self.stages))


def _evidence(known: Analysis | None, lens: str | None) -> Findings:
    evidence: dict[str, Any] = {"lens": lens} if lens else {}
    if known is not None:
        parts = {name: getattr(known, name) for name in _PARTS if name != "tags"}
        evidence |= {name: value for name, value in parts.items() if value is not None and len(value)}
        evidence["models"] = {run.stage: run.model for run in known.stages if run.error is None}
    return cast(Findings, evidence)


def _unfit(image: Image) -> str | None:
    """Why this is not a picture a stage could look at, or None."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        shape = f"{image.shape} {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        return f"not an (H, W, 3) uint8 array but {shape}"
    return None if image.size else "the picture has no pixels"


def _attempt(stage: Stage, runs: Sequence[_Run]) -> list[Findings | Exception]:
    """The stage's outcome per picture; a batch that fails as a whole is tried picture by picture."""
    try:
        outcomes = stage.run([run.image for run in runs], [run.so_far() for run in runs])
    except FetchError as error:  # the weights are not there: no picture will fare better
        _log.error("stage %s cannot run: %s", stage.stage, error)
        return [error] * len(runs)
    except Exception as error:
        _log.exception("stage %s failed on %d pictures", stage.stage, len(runs))
        return [error] if len(runs) == 1 else [_attempt(stage, [run])[0] for run in runs]
    if len(outcomes) != len(runs):
        return [RuntimeError(f"{len(runs)} pictures in, {len(outcomes)} results out")] * len(runs)
    return outcomes


def _told(error: object) -> str:
    return f"{type(error).__name__}: {error}"[:_MESSAGE_LENGTH]
