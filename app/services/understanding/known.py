"""What earlier runs saw in a photo, as ``ml`` values: evidence for stages that run again without the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db import ReadSession
from app.models import Cue, DetectedObject, Face, Photo, Stage, TextLine

if TYPE_CHECKING:
    from ml import Analysis


def stored_analysis(session: ReadSession, photo: Photo, running: Sequence[str]) -> Analysis | None:
    """The stored findings of the stages that do not run now; None when all of them do.

    Tags are derived from objects, faces, cues and text as well: a run of the stage ``tags`` alone must not lose those.
    """
    from ml.types import Analysis, Box, CueValue, Detection, FaceDetection, StageRun, TextBlock

    if {"objects", "faces", "cues", "text"} <= set(running):
        return None

    def rows(table: type, stage: str) -> list:  # type: ignore[type-arg]
        if stage in running:
            return []
        return list(session.scalars(select(table).where(table.photo_id == photo.id)))  # type: ignore[attr-defined]

    def box(row: DetectedObject | Face | TextLine) -> Box:
        return Box(row.x, row.y, row.width, row.height)

    stages = session.scalars(select(Stage).where(Stage.photo_id == photo.id, Stage.error.is_(None)))
    return Analysis(
        objects=tuple(Detection(o.name, o.confidence, box(o)) for o in rows(DetectedObject, "objects")),
        faces=tuple(
            FaceDetection(f.score, box(f), tuple((p[0], p[1]) for p in f.landmarks), None)
            for f in rows(Face, "faces")
        ),
        cues=tuple(CueValue(c.name, c.value, c.flagged) for c in rows(Cue, "cues")),
        text=tuple(TextBlock(t.content, t.confidence, box(t)) for t in rows(TextLine, "text")),
        stages=tuple(
            StageRun(s.stage, s.model, s.version, s.seconds) for s in stages if s.stage not in running
        ),
    )
