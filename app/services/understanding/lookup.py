"""Looking at one picture without storing anything. Runs networks: from the web only through ``app.lookout``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.context import Context
from app.errors import ModelMissing
from app.services.understanding import models

if TYPE_CHECKING:
    from ml import Analyzer
    from ml.types import TagScore

_analyzers: dict[tuple[Path, tuple[tuple[str, str], ...]], Analyzer] = {}


def look_at(
    context: Context, path: Path | str, language: str, stages: Sequence[str] | None = None
) -> dict[str, Any]:
    """What the models see in one file, as plain values (the shapes of the API).

    Raises:
        UnsupportedImage, BrokenImage, TooLarge: it is not a picture Albumen can read.
    """
    from ml.vocabulary import load_vocabulary

    pixels = context.sandbox.render(Path(path)).pixels
    analyzer = _analyzer(context)
    shown = [name for name in analyzer.stages if name != "image-text"]  # a vector is nothing to show
    seen = analyzer.analyze([pixels], stages=shown if stages is None else stages)[0]
    concepts = load_vocabulary().concepts
    strongest: dict[str, TagScore] = {}
    for tag in sorted(seen.tags, key=lambda t: -t.confidence):
        if tag.source != "guess":
            strongest.setdefault(tag.slug, tag)

    def name(slug: str) -> str:
        return concepts[slug].name_zh if language == "zh" else concepts[slug].name_en

    return {
        "tags": [
            {
                "slug": t.slug,
                "name": name(t.slug),
                "confidence": round(t.confidence, 4),
                "source": t.source,
                "model": t.model,
            }
            for t in strongest.values()
        ],
        "objects": [
            {"name": d.name, "confidence": round(d.confidence, 4), "box": vars(d.box)} for d in seen.objects
        ],
        "faces": [{"score": round(f.score, 4), "box": vars(f.box)} for f in seen.faces],
        "cues": [{"name": c.name, "value": round(c.value, 4), "flagged": c.flagged} for c in seen.cues],
        "text": [
            {"content": t.content, "confidence": round(t.confidence, 4), "box": vars(t.box)}
            for t in seen.text
        ],
        "stages": [vars(run) for run in seen.stages],
    }


def picture_vector(context: Context, path: Path | str) -> dict[str, Any]:
    """How a picture looks to the scene network in use: the ``model`` and its ``vector``, as photos' are kept.

    Raises:
        UnsupportedImage, BrokenImage, TooLarge: it is not a picture Albumen can read.
        ModelMissing: the network is not there or does not run; the log says why.
    """
    pixels = context.sandbox.render(Path(path)).pixels
    seen = _analyzer(context).analyze([pixels], stages=["scenes"])[0]
    run = next(run for run in seen.stages if run.stage == "scenes")
    if seen.visual is None:
        raise ModelMissing("A model this needs is not on the server. Ask its administrator to fetch it.")
    return {"model": run.model, "vector": seen.visual.astype(float).tolist()}


def explain(context: Context, path: str, slug: str, checksum: str, kind: str) -> bool:
    """Keep the heat map of a tag as a rendition of the photo; False when the network cannot point at this tag."""
    from app.services.understanding.heatmaps import paint

    pixels = context.sandbox.decode(Path(path), long_side=512)
    heat = _analyzer(context).explain(pixels[..., :3], slug)
    if heat is None:
        return False
    context.storage.write_rendition(checksum, kind, ".png", paint(heat))
    return True


def provenance(context: Context, stages: Sequence[str], model: str | None) -> dict[str, list[str]]:
    """Stage -> [model id, version] that a re-tag with ``model`` (None: those in use) would record."""
    with context.database.read() as session:
        chosen = models.chosen_models(session)
    analyzer = models.build_analyzer(context.settings, model, chosen)
    return {stage: list(made) for stage, made in models.provenance(analyzer, stages).items()}


def _analyzer(context: Context) -> Analyzer:
    with context.database.read() as session:
        chosen = models.chosen_models(session)
    wanted = (context.settings.models_dir, tuple(sorted(chosen.items())))
    if wanted not in _analyzers:
        _analyzers.clear()  # one set of networks at a time is enough to hold
        _analyzers[wanted] = models.build_analyzer(context.settings, chosen=chosen)
    return _analyzers[wanted]
