"""Many photos at once: one action on all of them, one recipe for all of them, one file with all of them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from app.api.schemas import BatchAnswer, BatchRequest, DownloadRequest, EditsTakenBack, problems
from app.deps import ContextDep, PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.services import batch_edits, batches
from app.services.clients import downloads
from app.services.clients.downloads import Entry

router = APIRouter(tags=["photos"])


@router.post(
    "/photos/batch",
    response_model=BatchAnswer,
    responses=problems(401, 403, 404, 422),
    summary="Act on many photos",
)
def act_on_photos(viewer: PhotoWriter, session: WriteDb, body: BatchRequest) -> BatchAnswer:
    """Actions: tag, untag, favorite, unfavorite, archive, unarchive, delete, restore, album, unalbum, retag, edit.

    `edit` asks for the same edit of every photo; the answer names the job that renders them one after the other.
    """
    values = batches.Values(body.tag, body.album_id, body.recipe, body.title)
    result = batches.batch(session, viewer, body.action, values, ids=body.ids, query=body.query)
    return BatchAnswer.model_validate(result)


@router.delete(
    "/jobs/{job_id}/edits",
    response_model=EditsTakenBack,
    responses=problems(401, 403, 404, 422),
    summary="Take a batch of edits back",
)
def take_back_edits(viewer: PhotoWriter, session: WriteDb, job_id: UUID) -> EditsTakenBack:
    """Stops the job of a batch `edit` and puts away every edit it made; each can be restored by itself."""
    return EditsTakenBack(done=batch_edits.take_back(session, viewer, job_id))


@router.post(
    "/photos/download",
    response_class=StreamingResponse,
    summary="Many photos as a ZIP",
    responses={200: {"content": {"application/zip": {}}}, **problems(401, 403, 404, 422)},
)
def download_photos(
    viewer: PhotoReader, session: ReadDb, context: ContextDep, body: DownloadRequest
) -> StreamingResponse:
    """Written while it is sent, so it has no announced length. Photos in the trash are left out."""
    files = downloads.entries(
        context, session, viewer, ids=body.ids, query=body.query, edited=body.version == "edited"
    )
    return as_zip(files)


def as_zip(files: list[Entry]) -> StreamingResponse:
    headers = {"Content-Disposition": 'attachment; filename="photos.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(downloads.stream(files), media_type="application/zip", headers=headers)
