"""Choosing networks: what is installed, what an administrator chose, and the analyzer made of it.

Choice exists where a stage takes several networks (``_STAGES_OF_TASK``); all other tasks use their registry default.
Nothing here loads a network but ``build_analyzer`` and what it returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from app.context import Context
from app.db import ReadSession, WriteSession, utcnow
from app.errors import Conflict, Invalid, NotFound
from app.imaging.renditions import ANALYSIS_LONG_SIDE
from app.imaging.results import Pixels
from app.models import Photo, Stage
from app.sentences import say
from app.services.upkeep import facts
from app.settings import Settings

if TYPE_CHECKING:
    from ml import Analyzer
    from ml.registry import ModelEntry

_MEANING = "semantic"
_STAGES_OF_TASK = {"scene": ("scenes", "tags"), "object": ("objects",), _MEANING: ("image-text",)}
_SHOWN_BY = {"scene": "tags", "object": "objects"}  # the stage that tells which network of a task saw a photo
_QUANTISED = ("scene", "object")
_CHOSEN = "models.chosen"
_MEASURED = "models.measured"


@dataclass(frozen=True)
class ModelReport:
    """One registry entry with its state here.

    ``chosen``: used for its task now; ``choice``: there are others; ``stage``: the one that a re-tag is asked for, to
    have photos looked at by it; ``awaiting``: how many have not been, where it is installed, in use, and there is a
    choice; ``download``: the bytes that fetching it, with what it requires, would bring.
    """

    entry: ModelEntry
    state: str  # ready missing outdated damaged
    bytes: int
    chosen: bool
    choice: bool
    measured: dict[str, Any]  # seconds, memory_bytes, input, at; empty when not measured
    stage: str
    awaiting: int
    download: int


def reports(session: ReadSession, settings: Settings) -> list[ModelReport]:
    """Every model there is, in the catalog's order."""
    from ml import registry
    from ml.zoo import Zoo

    chosen, measured = chosen_models(session), facts.get(session, _MEASURED)
    found = []
    states = {state.entry.id: state for state in Zoo(settings.models_dir).states()}
    for state in states.values():
        entry = state.entry
        missing = [part for part in _with_required(entry) if states[part.id].state != "ready"]
        choice = entry.task in _STAGES_OF_TASK and len(registry.for_task(entry.task)) > 1
        in_use = chosen.get(entry.task, entry.id if entry.default else "") == entry.id
        stage = _stage_of(entry) if choice else ""
        waiting = awaiting(session, entry) if choice and in_use and state.state == "ready" else 0
        known = measured.get(entry.id, {})
        download = sum(part.download_bytes for part in missing)
        found.append(
            ModelReport(entry, state.state, state.size, in_use, choice, known, stage, waiting, download)
        )
    return found


def awaiting(session: ReadSession, entry: ModelEntry) -> int:
    """How many photos this network has not looked at: until it has, searches of what it sees pass them over."""
    made = select(Stage.photo_id).where(
        Stage.photo_id == Photo.id,
        Stage.stage == _stage_of(entry),
        Stage.model == entry.id,
        Stage.error.is_(None),
    )
    left = select(func.count()).where(Photo.status == "ready", Photo.deleted_at.is_(None), ~made.exists())
    return session.scalar(left) or 0


def _stage_of(entry: ModelEntry) -> str:
    return _SHOWN_BY.get(entry.task) or ("embedding" if entry.default else "image-text")


def entry_of(model_id: str) -> ModelEntry:
    """The registry's entry.

    Raises:
        NotFound: there is no such model.
    """
    from ml.registry import UnknownModel, get

    try:
        return get(model_id)
    except UnknownModel:
        raise NotFound(say("There is no model {model}.", model=model_id)) from None


def choosable(model_id: str) -> ModelEntry:
    """The entry of a model a campaign or an administrator may name.

    Raises:
        Invalid: the registry has no such model, or it does not belong to a stage that lets one choose.
    """
    from ml.registry import UnknownModel, get

    try:
        entry = get(model_id)
    except UnknownModel as error:
        raise Invalid(str(error), field="model") from None
    if entry.task not in _STAGES_OF_TASK:
        raise Invalid(
            say(
                "{model} does the task {task}, which has no choice of models.",
                model=model_id,
                task=entry.task,
            ),
            field="model",
        )
    return entry


# --- the administrator's choice -------------------------------------------------------------------------------


def chosen_models(session: ReadSession) -> dict[str, str]:
    """Task -> model id, for the tasks where somebody chose."""
    return {task: str(model) for task, model in facts.get(session, _CHOSEN).items()}


def meaning_model(session: ReadSession) -> str:
    """The model whose vectors searches by meaning compare."""
    from ml.semantics import MODEL

    return chosen_models(session).get(_MEANING, MODEL)


def choose(session: WriteSession, settings: Settings, model_id: str) -> None:
    """Use this model for its task from now on; photos keep what they have until they are looked at again.

    Raises:
        Invalid: its task has no choice.
        Conflict: it is not installed.
    """
    from ml.zoo import Zoo

    entry = choosable(model_id)
    if any(
        Zoo(settings.models_dir).state(part, deep=False).state != "ready" for part in _with_required(entry)
    ):
        raise Conflict("This model is not installed. Fetch it first.")
    facts.put(session, _CHOSEN, {**chosen_models(session), entry.task: entry.id})


def _with_required(entry: ModelEntry) -> list[ModelEntry]:
    return [entry, *(entry_of(name) for name in entry.requires)]


def keep_measurement(session: WriteSession, model_id: str, measured: Mapping[str, Any]) -> None:
    """Remember what a model cost on this machine."""
    known = facts.get(session, _MEASURED)
    facts.put(session, _MEASURED, {**known, model_id: {**measured, "at": utcnow().isoformat()}})


# --- quantising -----------------------------------------------------------------------------------------------


def quantize(
    context: Context, model_ids: Sequence[str] = (), folder: Path | None = None
) -> Iterator[tuple[str, Path]]:
    """Make the 8-bit graph of each model (all that stages can use quantised, by default), observed on photos of
    ``folder`` or on some of the album's own; yields (model id, graph). Used where ``Settings.int8`` says so.

    Raises:
        Invalid: a model that no stage uses quantised, or too few photos.
        ml.zoo.FetchError: a model is not installed.
    """
    from ml import registry
    from ml.quantize import ENOUGH, quantize

    able = [entry.id for task in _QUANTISED for entry in registry.for_task(task) if not entry.requires]
    for model_id in model_ids:
        if model_id not in able:
            raise Invalid(say("{model} cannot be quantised.", model=model_id), field="model")
    pictures = _ordinary_photos(context, ENOUGH, folder)
    if len(pictures) < ENOUGH:
        raise Invalid(
            say(
                "Quantising needs {wanted} photos to observe the networks on, and there are {found}.",
                wanted=ENOUGH,
                found=len(pictures),
            )
        )
    for model_id in model_ids or [name for name in able if registry.get(name).default]:
        yield model_id, quantize(model_id, context.settings.models_dir, pictures)


def _ordinary_photos(context: Context, count: int, folder: Path | None) -> list[Pixels]:
    """So many photos at the size networks see them, spread evenly over the folder or the album."""
    if folder is not None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
    else:
        with context.database.read() as session:
            ready = select(Photo.checksum).where(Photo.status == "ready", Photo.deleted_at.is_(None))
            files = [
                context.storage.original(checksum) for checksum in session.scalars(ready.order_by(Photo.id))
            ]
    files = files[:: max(1, len(files) // count)][:count]
    decoded = (context.sandbox.decode(file, long_side=ANALYSIS_LONG_SIDE) for file in files)
    return [np.ascontiguousarray(pixels[..., :3]) for pixels in decoded]


# --- analyzers ------------------------------------------------------------------------------------------------


def build_analyzer(
    settings: Settings, model: str | None = None, chosen: Mapping[str, str] | None = None
) -> Analyzer:
    """An analyzer with the default models, those ``chosen`` for their tasks, or ``model`` where its task is used;
    quantised as the settings say.

    Raises:
        Invalid: the registry has no such model, or it does not belong to a stage that lets one choose.
    """
    from ml import Analyzer
    from ml.semantics import MODEL

    wanted = {**(chosen or {}), **({choosable(model).task: model} if model is not None else {})}
    options: dict[str, dict[str, Any]] = {
        stage: {"int8": settings.int8} for task in _QUANTISED for stage in _STAGES_OF_TASK[task]
    }
    for task, name in wanted.items():
        if name == MODEL:  # which the stage ``embedding`` sees to, whatever else is chosen
            continue
        for stage in _STAGES_OF_TASK.get(task, ()):
            options.setdefault(stage, {})["model"] = name
    return Analyzer(settings.models_dir, options=options)


def provenance(analyzer: Analyzer, stages: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Stage -> (model id, version) that this analyzer would record, for the stages that it runs."""
    return {stage: analyzer.provenance(stage) for stage in stages if analyzer.runs(stage)}
