"""Edits: recipes applied to a photo's original by the worker. The original never changes; every edit is a new file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.context import Context
from app.db import ReadSession, WriteSession, utcnow
from app.errors import AppError, Conflict, Invalid, NotFound
from app.imaging import darkroom
from app.imaging.darkroom_bench import BENCH
from app.models import Cue, Edit, Job, Photo
from app.services import jobs, photos
from app.services.accounts import Viewer
from ml.enhance import Recipe, RecipeError, describe_operations, validate_recipe

log = logging.getLogger(__name__)
_PREVIEW_SIDE = 1024
_PREVIEW_SECONDS = 4.0  # of computing, as the operations estimate it
_LEAST_SIDE = 448
_STAND_IN_SECONDS, _STAND_IN_SIDE = 0.4, 256  # the same for what is looked at meanwhile
_PAINTED = {"style": "fast"}  # a search takes minutes whatever the size
_QUICKER = {**_PAINTED, "dehaze": "fast", "low_light": "fast", "super_resolution": "faithful"}
_QUICK_TURN, _SLOW_TURN = 1.0, 20.0  # seconds to wait for the bench


@dataclass(frozen=True)
class Requested:
    """A new edit and the job that will render it."""

    edit: Edit
    job_id: UUID | None


def operations(language: str) -> list[dict[str, Any]]:
    """Every operation a recipe may use, with parameters, ranges, defaults, units and rough cost."""
    return describe_operations(language)


def waits_for_a_value(name: str) -> bool:
    """Whether an operation does nothing, or cannot be used at all, until one of its parameters is moved."""
    try:
        (step,) = validate_recipe([{"op": name}]).steps
    except RecipeError:
        return True
    return step.operation.kind != "output" and step.changes_nothing(1600, 1200)


def checked(recipe: Any, size: tuple[int, int] | None = None) -> Recipe:
    """A valid recipe.

    Raises:
        BadRecipe: names step, operation, parameter and the accepted range.
    """
    try:
        return validate_recipe(recipe, size=size)
    except RecipeError as error:
        raise darkroom.BadRecipe(str(error), **error.as_json()) from None


def create_edit(
    session: WriteSession, viewer: Viewer, photo_id: UUID, recipe: Any, title: str = ""
) -> Requested:
    """Ask for an edit; it is rendered in the background."""
    photo = photos.get_photo(session, viewer, photo_id, trashed=False)
    edit = new_edit(session, viewer, photo, recipe, title)
    session.flush()
    job_id = jobs.enqueue(
        session,
        "edit",
        dedupe=str(edit.id),
        owner_id=viewer.user_id,
        photo_id=photo.id,
        payload={"edit": str(edit.id)},
        priority=jobs.USER_WAITS,
    )
    return Requested(edit, job_id)


def new_edit(session: WriteSession, viewer: Viewer, photo: Photo, recipe: Any, title: str) -> Edit:
    """The row of an edit, for a job to render.

    Raises:
        NotFound: the photo is in the trash, or the recipe takes the style of a photo that is not there.
        BadRecipe: the recipe is wrong, or does not suit the photo's size.
    """
    if photo.deleted_at is not None:
        raise NotFound("The photo is in the trash.")
    steps = checked(recipe, (photo.width, photo.height))
    for style in _style_photos(steps):
        photos.get_photo(session, viewer, style)
    edit = Edit(photo_id=photo.id, title=title.strip()[:200], recipe=steps.as_json())
    session.add(edit)
    photo.updated_at = utcnow()
    return edit


def list_edits(session: ReadSession, viewer: Viewer, photo_id: UUID) -> list[Edit]:
    photo = photos.get_photo(session, viewer, photo_id)
    query = select(Edit).where(Edit.photo_id == photo.id, Edit.deleted_at.is_(None)).order_by(Edit.id)
    return list(session.scalars(query))


def get_edit(session: ReadSession, viewer: Viewer, edit_id: UUID) -> tuple[Edit, Photo]:
    edit = session.get(Edit, edit_id)
    photo = session.get(Photo, edit.photo_id) if edit is not None else None
    if edit is None or photo is None or edit.deleted_at is not None or photo.owner_id != viewer.user_id:
        raise NotFound("There is no such edit.")
    return edit, photo


def finished_checksum(edit: Edit) -> str:
    """The SHA-256 that names the rendered file.

    Raises:
        Conflict: it is not rendered yet, or could not be.
    """
    if edit.status == "failed":
        raise Conflict(edit.error or "The edit could not be made.")
    if edit.status != "ready" or edit.checksum is None:
        raise Conflict("The edit is still being made.")
    return edit.checksum


def finished_file(context: Context, edit: Edit) -> Path:
    """The rendered file; raises as ``finished_checksum``."""
    return context.storage.original(finished_checksum(edit))


def delete_edit(session: WriteSession, viewer: Viewer, edit_id: UUID) -> None:
    """Put an edit away; ``restore_edit`` brings it back."""
    edit, photo = get_edit(session, viewer, edit_id)
    edit.deleted_at = photo.updated_at = utcnow()


def restore_edit(session: WriteSession, viewer: Viewer, edit_id: UUID) -> Edit:
    edit = session.get(Edit, edit_id)
    photo = session.get(Photo, edit.photo_id) if edit is not None else None
    if edit is None or photo is None or photo.owner_id != viewer.user_id:
        raise NotFound("There is no such edit.")
    edit.deleted_at, photo.updated_at = None, utcnow()
    return edit


# --- the worker's side ----------------------------------------------------------------------------------------


def render_job(context: Context, worker: str, job: Job) -> None:
    """Do one claimed ``edit`` job."""
    edit_id = UUID(job.payload["edit"])
    try:
        render(
            context,
            edit_id,
            Follow(context, worker, job.id),
            lambda session: jobs.finish(session, worker, job.id),
        )
    except darkroom.Cancelled:
        _fail(context, worker, job, "cancelled", "Cancelled.", retryable=False)
    except AppError as error:
        _fail(context, worker, job, error.code, error.detail, retryable=False)
    except OSError as error:
        log.exception("edit could not be rendered")
        _fail(context, worker, job, "internal", f"{type(error).__name__}: {error}", retryable=True)


def render(context: Context, edit_id: UUID, follow: Follow, keep: Callable[[WriteSession], bool]) -> None:
    """Render an edit in a child, keep the file, then one transaction, in which ``keep`` says whether it still counts.

    Raises:
        NotFound: the edit or its photo is gone.
        Cancelled: ``follow`` heard that it should stop.
        AppError: the recipe cannot be applied to the photo. OSError: the disk.
    """
    with context.database.read() as session:
        edit = session.get(Edit, edit_id)
        photo = session.get(Photo, edit.photo_id) if edit is not None else None
        styles = _style_files(session, context, edit) if edit is not None else {}
        cues = cues_of(session, photo) if photo is not None else {}
    if edit is None or photo is None or edit.deleted_at is not None:
        raise NotFound("The edit or its photo is gone.")
    target = context.settings.data / "incoming" / f"{edit_id}.edit"
    order = darkroom.Order(context.storage.original(photo.checksum), edit.recipe, target, styles, cues)
    try:
        developed = darkroom.develop(
            context.settings, order, progress=follow.progress, cancelled=follow.stopped
        )
        _keep(context, edit_id, target, developed, keep)
    finally:
        target.unlink(missing_ok=True)


class Follow:
    """Carries progress to the job's row and the wish to stop back, about once a second.

    ``done`` of ``total`` equal pieces of the job's work were finished before this one.
    """

    def __init__(self, context: Context, worker: str, job_id: UUID, *, done: int = 0, total: int = 1) -> None:
        self._context, self._worker, self._job_id = context, worker, job_id
        self._done, self._total, self._fraction = done, total, 0.0

    def progress(self, fraction: float) -> None:
        self._fraction = fraction

    def stopped(self) -> bool:
        reached = (self._done + self._fraction) / self._total
        with self._context.database.write() as session:
            return not jobs.set_progress(session, self._worker, self._job_id, reached)


def _keep(
    context: Context,
    edit_id: UUID,
    target: Path,
    developed: darkroom.Developed,
    keep: Callable[[WriteSession], bool],
) -> None:
    with target.open("rb") as stream, context.storage.receive(stream, limit=1 << 40) as incoming:
        checksum = incoming.sha256
        context.storage.keep(incoming)
    with context.database.write() as session:
        edit = session.get(Edit, edit_id)
        if edit is None or not keep(session):
            return  # taken over or removed meanwhile; the file is swept as an orphan
        edit.status, edit.error, edit.checksum = "ready", None, checksum
        edit.format, edit.size = developed.format, developed.size
        edit.width, edit.height = developed.width, developed.height
        photo = session.get(Photo, edit.photo_id)
        if photo is not None:
            photo.updated_at = utcnow()


def _fail(context: Context, worker: str, job: Job, code: str, message: str, *, retryable: bool) -> None:
    with context.database.write() as session:
        jobs.fail(session, worker, job.id, code, message, retryable=retryable)


def mark_failed(session: WriteSession, edit_id: UUID, message: str) -> None:
    """Say of one edit that it could not be made."""
    edit = session.get(Edit, edit_id)
    if edit is not None and edit.status == "pending":
        edit.status, edit.error = "failed", message[:500]


# --- without storing ------------------------------------------------------------------------------------------


def process_once(
    context: Context, source: Path, recipe: Any, target: Path, *, styles: Mapping[str, Path] | None = None
) -> darkroom.Developed:
    """Apply a recipe to a file that is not stored; size and time are limited by settings.

    Raises:
        BadRecipe, RecipeFailed, UnsupportedImage, BrokenImage, TooLarge: see ``app.imaging.darkroom``.
    """
    checked(recipe)
    limited = context.settings.for_one_shot()
    order = darkroom.Order(source, recipe, target, styles or {})
    return darkroom.develop(limited, order, seconds=context.settings.process_seconds)


def preview(
    context: Context,
    session: ReadSession,
    viewer: Viewer,
    photo_id: UUID,
    recipe: Any,
    target: Path,
    *,
    long_side: int = _PREVIEW_SIDE,
    supersede: bool = True,
    stand_in: bool = False,
) -> darkroom.Developed:
    """How a recipe will look, at a long side of 1,024 pixels or less, quickly and without storing anything.

    A slow recipe is worked at a smaller size; what a recipe enlarges is shrunk again. Someone who looks at a photo in
    a browser wants the newest preview only: with ``supersede`` their earlier one of the same photo is given up (never
    that of an API key). A ``stand_in`` is done within about a second: by each operation's quickest model, and smaller
    still.

    Raises:
        Conflict: a newer preview took this one's place.
    """
    photo = photos.get_photo(session, viewer, photo_id)
    steps = _by_models(checked(recipe, (photo.width, photo.height)), _QUICKER if stand_in else _PAINTED)
    names = _style_photos(steps)
    wanted = [photo, *(photos.get_photo(session, viewer, name) for name in names)]
    source, *styles = sources = [context.storage.rendition(one.checksum, "preview") for one in wanted]
    rendered = all(path.exists() for path in sources)
    if not rendered:
        source, *styles = (context.storage.original(one.checksum) for one in wanted)
    as_jpeg = [step for step in steps.as_json() if step["op"] != "output"] + [
        {"op": "output", "format": "jpeg"}
    ]
    quick = (_STAND_IN_SECONDS, _STAND_IN_SIDE) if stand_in else (_PREVIEW_SECONDS, _LEAST_SIDE)
    side = _quick_side(steps, photo, long_side, *quick)
    named = dict(zip(map(str, names), styles, strict=True))
    order = darkroom.Order(source, as_jpeg, target, named, cues_of(session, photo), side, long_side)
    seconds = context.settings.process_seconds
    # A slow recipe rather waits for the bench than for its networks to be loaded once more.
    turn = _SLOW_TURN if _seconds(steps, photo, side) > 1 else _QUICK_TURN
    with _newest.turn((viewer.user_id, photo.id) if supersede and viewer.scopes is None else None) as stop:
        try:
            if rendered:
                return BENCH.develop(
                    context.settings, order, seconds=seconds, cancelled=stop.is_set, turn=turn
                )
            # An original is a stranger's file: it is opened in a child that does nothing else.
            return darkroom.develop(context.settings, order, seconds=seconds, cancelled=stop.is_set)
        except darkroom.Cancelled:
            raise Conflict("A newer preview of this photo has been asked for.") from None


def wants_stand_in(session: ReadSession, viewer: Viewer, photo_id: UUID, recipe: Any) -> bool:
    """Whether the preview of a recipe takes so long that a quicker picture is worth looking at meanwhile."""
    photo = photos.get_photo(session, viewer, photo_id)
    steps = _by_models(checked(recipe, (photo.width, photo.height)), _PAINTED)
    if _by_models(steps, _QUICKER) != steps:
        return True
    return _seconds(steps, photo, _quick_side(steps, photo, _PREVIEW_SIDE)) > 1


def _by_models(steps: Recipe, models: Mapping[str, str]) -> Recipe:
    """The recipe with these models in place of those it names."""
    return validate_recipe(
        [{**step, "model": models[step["op"]]} if step["op"] in models else step for step in steps.as_json()]
    )


def _quick_side(
    steps: Recipe,
    photo: Photo,
    long_side: int,
    most: float = _PREVIEW_SECONDS,
    least: int = _LEAST_SIDE,
) -> int:
    """The long side at which a preview is worked: smaller for slow recipes, as far as one can still judge it."""
    side = min(long_side, max(photo.width, photo.height))
    seconds = _seconds(steps, photo, side)
    if seconds <= most:
        return side
    return max(min(side, least), round(side * (most / seconds) ** 0.5))


def _seconds(steps: Recipe, photo: Photo, side: int) -> float:
    """What a recipe costs with the photo at this long side, as the operations estimate it."""
    scale = side / max(photo.width, photo.height)
    return steps.seconds(max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))


class _Newest:
    """One stop sign for each person and photo: setting out anew stops whoever set out before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._signs: dict[tuple[UUID, UUID], threading.Event] = {}

    @contextmanager
    def turn(self, key: tuple[UUID, UUID] | None) -> Iterator[threading.Event]:
        sign = threading.Event()
        if key is None:
            yield sign
            return
        with self._lock:
            before = self._signs.get(key)
            self._signs[key] = sign
        if before is not None:
            before.set()
        try:
            yield sign
        finally:
            with self._lock:
                if self._signs.get(key) is sign:
                    del self._signs[key]


_newest = _Newest()


def _style_photos(recipe: Recipe) -> list[UUID]:
    names = [
        step.params["photo"]
        for step in recipe.steps
        if step.operation.name == "style" and step.params["photo"]
    ]
    try:
        return [UUID(name) for name in names]
    except ValueError:
        raise Invalid("The style photo must be a photo's id.", field="photo") from None


def _style_files(session: ReadSession, context: Context, edit: Edit) -> dict[str, Path]:
    found = {}
    for style in _style_photos(validate_recipe(edit.recipe)):
        photo = session.get(Photo, style)
        if photo is not None:
            found[str(style)] = context.storage.original(photo.checksum)
    return found


def cues_of(session: ReadSession, photo: Photo) -> dict[str, float]:
    """Which cues the analysis raised, 1 or 0 by name, as ``ml.enhance.auto`` wants them; empty before it."""
    rows = session.execute(select(Cue.name, Cue.flagged).where(Cue.photo_id == photo.id))
    return {name: float(flagged) for name, flagged in rows}
