"""Choosing networks: the analyzer for a model, and which model and version make each stage now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Invalid
from app.sentences import say

if TYPE_CHECKING:
    from ml import Analyzer

_STAGE_OF_TASK = {"scene": "scenes", "object": "objects"}


def build_analyzer(models_dir: Path, model: str | None = None) -> Analyzer:
    """An analyzer with the default models, or with ``model`` where its task is used.

    Raises:
        Invalid: the registry has no such model, or it does not belong to a stage that lets one choose.
    """
    from ml import Analyzer
    from ml.registry import UnknownModel, get

    if model is None:
        return Analyzer(models_dir)
    try:
        task = get(model).task
    except UnknownModel as error:
        raise Invalid(str(error), field="model") from None
    if task not in _STAGE_OF_TASK:
        raise Invalid(
            say("{model} does the task {task}, which has no choice of models.", model=model, task=task),
            field="model",
        )
    return Analyzer(models_dir, options={_STAGE_OF_TASK[task]: {"model": model}})


def provenance(analyzer: Analyzer, stages: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Stage -> (model id, version) that this analyzer would record."""
    return {stage: analyzer.provenance(stage) for stage in stages}
