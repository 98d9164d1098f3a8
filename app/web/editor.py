"""The editor: its page, how each style looks on this photo, and what plain forms do to edits.

The page gets every operation's declaration with short names for its parameters, so that the script builds controls
for operations it has never heard of.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.errors import AppError, NotFound
from app.services import edit_copies, edits, photos
from app.web import present
from app.web.contexts import EditorPage
from app.web.i18n import Translator
from app.web.present import API
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, tell, text_of, translator_of

router = APIRouter()

GROUPS: dict[str, tuple[str, ...]] = {
    "smart": ("auto_enhance", "low_light", "dehaze", "super_resolution"),
    "light": ("exposure", "brightness", "contrast", "gamma", "auto_levels", "clahe", "histogram_equalize"),
    "colour": ("white_balance", "saturation", "grayscale", "sepia", "invert", "channels"),
    "detail": ("sharpen", "denoise", "smooth", "noise", "edges", "morphology"),
    "shape": ("rotate", "flip", "crop", "resize", "stretch", "perspective"),
    "style": ("style",),
}
"""The panel's sections in order, and the operations of each in theirs."""

# Where an operation goes that no section names yet, by its kind.
_SECTION_OF_KIND = {"geometry": "shape", "tone": "light", "colour": "colour", "filter": "detail"}
_PLAIN_FORMATS = ("jpeg", "png", "webp", "avif")
_STYLE_SIDE = 160
_STYLE_PREFIX = "style:"


def declarations(t: Translator) -> dict[str, Any]:
    """What the editor's script builds itself from: sections, operations by name, style presets."""
    from ml.enhance.style import PRESETS

    chinese = t.language == "zh"
    operations = {operation["name"]: _declared(operation, t) for operation in edits.operations(t.language)}
    sections = {name: list(known) for name, known in GROUPS.items()}
    placed = {operation for known in GROUPS.values() for operation in known}
    for name, operation in operations.items():
        if name not in placed and operation["kind"] != "output":
            sections[_SECTION_OF_KIND.get(operation["kind"], "smart")].append(name)
    return {
        "sections": [
            {
                "name": name,
                "title": t(f"editor.section.{name}"),
                "operations": [operation for operation in known if operation in operations],
            }
            for name, known in sections.items()
        ],
        "operations": operations,
        "presets": [
            {
                "name": preset.name,
                "title": preset.title.zh if chinese else preset.title.en,
                "by": f"{preset.painter}, {preset.year}",
            }
            for preset in PRESETS
        ],
    }


def _declared(operation: dict[str, Any], t: Translator) -> dict[str, Any]:
    parameters = []
    for parameter in operation["parameters"]:
        choices = (parameter["range"] or {}).get("choices") if parameter["type"] == "choice" else None
        parameters.append(
            {
                **parameter,
                "label": t.name("editor.param", parameter["name"]),
                "choices": [[choice, _choice_label(choice, t)] for choice in choices or ()],
            }
        )
    return {**operation, "parameters": parameters, "neutral": edits.waits_for_a_value(operation["name"])}


def _choice_label(choice: Any, t: Translator) -> str:
    if isinstance(choice, int):
        return f"×{choice}"
    name = t.name("editor.choice", choice)
    return name.upper() if name == choice and len(name) <= 4 else name


def plain_choices(t: Translator) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """What the form without scripts offers: by section, each operation that does something by itself."""
    known = declarations(t)
    found = []
    for section in known["sections"]:
        if section["name"] == "style":
            choices = [(_STYLE_PREFIX + preset["name"], preset["title"]) for preset in known["presets"]]
        else:
            named = ((name, known["operations"][name]) for name in section["operations"])
            choices = [(name, operation["title"]) for name, operation in named if not operation["neutral"]]
        if choices:
            found.append((section["title"], tuple(choices)))
    return tuple(found)


@router.get("/photo/{photo_id}/edit")
def editor_page(request: Request, viewer: PageViewer, session: deps.ReadDb, photo_id: UUID) -> Response:
    t = translator_of(request)
    photo = photos.get_photo(session, viewer, photo_id, trashed=False)
    context = EditorPage(
        shell_of(request),
        id=str(photo.id),
        heading=present.heading(photo, t),
        alt=present.alt_text(photo, t),
        src=f"{API}/{photo.id}/rendition/preview",
        width=photo.width,
        height=photo.height,
        version=photo.checksum[:10],
        declarations=declarations(t),
        choices=plain_choices(t),
        formats=_PLAIN_FORMATS,
    )
    return respond(request, context)


@router.get("/photo/{photo_id}/edit/style/{preset}")
def style_on_photo(
    viewer: PageViewer, session: deps.ReadDb, context: deps.ContextDep, photo_id: UUID, preset: str
) -> Response:
    """A small picture of the photo painted in a preset's style."""
    from ml.enhance.style import PRESETS

    if preset not in {known.name for known in PRESETS}:
        raise NotFound("There is no such style.")
    recipe = [{"op": "style", "preset": preset}]
    with context.storage.scratch() as folder:
        target = folder / "style.jpg"
        edits.preview(
            context, session, viewer, photo_id, recipe, target, long_side=_STYLE_SIDE, supersede=False
        )
        # A photo's pixels never change, so its own browser need not ask again.
        headers = {"Cache-Control": "private, max-age=2592000, immutable"}
        return Response(target.read_bytes(), media_type="image/jpeg", headers=headers)


# --- without scripts ------------------------------------------------------------------------------------


@router.post("/photo/{photo_id}/edit")
def make_edit(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    """One operation as it is by default, saved as an edit."""
    operation, kind = text_of(form, "operation"), text_of(form, "format")
    step = {"op": operation}
    if operation.startswith(_STYLE_PREFIX):
        step = {"op": "style", "preset": operation.removeprefix(_STYLE_PREFIX)}
    recipe = [step, {"op": "output", "format": kind}] if kind else [step]
    try:
        edits.create_edit(session, viewer, photo_id, recipe, text_of(form, "title"))
    except NotFound:
        raise
    except AppError as error:
        return tell(f"/photo/{photo_id}/edit", error.detail)
    return go(f"/photo/{photo_id}", "editor.begun")


@router.post("/photo/{photo_id}/edits/{edit_id}/delete")
def delete_edit(
    form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID, edit_id: UUID
) -> Response:
    edits.delete_edit(session, viewer, edit_id)
    return go(f"/photo/{photo_id}", "editor.deleted", undo=f"/photo/{photo_id}/edits/{edit_id}/restore")


@router.post("/photo/{photo_id}/edits/{edit_id}/restore")
def restore_edit(
    form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID, edit_id: UUID
) -> Response:
    edits.restore_edit(session, viewer, edit_id)
    return go(f"/photo/{photo_id}", "flash.restored")


@router.post("/photo/{photo_id}/edits/{edit_id}/copy")
def copy_edit(
    form: Form, viewer: PageViewer, context: deps.ContextDep, photo_id: UUID, edit_id: UUID
) -> Response:
    try:
        made = edit_copies.save_as_photo(context, viewer, edit_id)
    except NotFound:
        raise
    except AppError as error:
        return tell(f"/photo/{photo_id}", error.detail)
    return go(f"/photo/{made.id}", "editor.copy_there" if made.duplicate else "editor.copy_made")
