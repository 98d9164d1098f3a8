"""Tags: teaching them by example, changing them, and why a photo has one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.responses import FileResponse

from app.api.schemas import BoxSchema, Cursor, Limit, PhotoId, PhotoItem, Schema, problems
from app.deps import ContextDep, Language, PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.models import Tag
from app.services.tagging import taxonomy, teaching
from app.services.understanding import evidence

router = APIRouter(tags=["tags"])


class TagTeach(Schema):
    name: str = Field(min_length=1, max_length=100, examples=["Our boat"])
    examples: list[UUID] = Field(min_length=1, max_length=teaching.MAX_EXAMPLES)
    counter_examples: list[UUID] = Field(default_factory=list, max_length=teaching.MAX_EXAMPLES)


class TagTaught(Schema):
    slug: str
    name: str
    examples: int = Field(description="Photos confirmed so far.")
    counter_examples: int = Field(description="Photos rejected so far.")
    photos: int | None = Field(description="Photos that fit; null while `job` is looking for them.")
    job: UUID | None


class FoundPhoto(Schema):
    confidence: float
    photo: PhotoItem


class TagReview(Schema):
    slug: str
    name: str
    examples: int = Field(description="Photos confirmed so far.")
    counter_examples: int = Field(description="Photos rejected so far.")
    waiting: int = Field(description="Photos found that nobody has judged yet.")
    learning: bool = Field(description="Verdicts given since are still being learned from.")
    items: list[FoundPhoto]
    next_cursor: str | None


class TagUpdate(Schema):
    """Only the fields that are sent change; `parent` null moves to the top."""

    name: str | None = Field(None, max_length=100, description="In both languages.")
    name_en: str | None = Field(None, max_length=100)
    name_zh: str | None = Field(None, max_length=100)
    parent: str | None = Field(None, max_length=100, description="Slug of the tag above.")
    hidden: bool | None = None
    merge_into: str | None = Field(None, max_length=100, description="Slug of the tag to become one with.")


class TagMerge(Schema):
    tags: list[str] = Field(min_length=1, max_length=taxonomy.MAX_MERGED, examples=[["puppy"]])
    into: str = Field(max_length=100, description="Slug of the tag to become one with.", examples=["dog"])


class TagChanged(Schema):
    """A tag as you arranged it. `changed`: what you did to it, of name, parent, hidden, merged."""

    slug: str
    name: str
    name_en: str
    name_zh: str
    parent: str | None = Field(description="Slug of the tag above.")
    own: bool
    hidden: bool
    merged_into: str | None = Field(description="Slug of the tag that it is shown as.")
    changed: list[str]

    @classmethod
    def of(cls, seen: taxonomy.Arranged, language: str) -> TagChanged:
        return cls(
            slug=seen.tag.slug,
            name=seen.name_zh if language == "zh" else seen.name_en,
            name_en=seen.name_en,
            name_zh=seen.name_zh,
            parent=seen.parent,
            own=seen.tag.owner_id is not None,
            hidden=seen.hidden,
            merged_into=seen.merged_into,
            changed=list(seen.changed),
        )


class EvidenceBox(Schema):
    name: str = Field(description="COCO's name of the object, or face.")
    confidence: float
    box: BoxSchema


class EvidenceExample(Schema):
    photo_id: UUID
    similarity: float


class EvidencePublic(Schema):
    """`source`, `model` and `confidence` are those of the strongest evidence; `user` where there is no other."""

    slug: str
    name: str
    source: str
    model: str | None
    confidence: float
    state: str
    boxes: list[EvidenceBox] = Field(description="Objects or faces that speak for the tag.")
    examples: list[EvidenceExample] = Field(description="For a taught tag: the examples most like the photo.")
    heat_map: str | None = Field(description="Address of a PNG to lay over the photo.")


@router.post(
    "/tags",
    status_code=201,
    response_model=TagTaught,
    responses=problems(401, 403, 404, 422),
    summary="Teach a tag by examples",
)
def teach_tag(viewer: PhotoWriter, session: WriteDb, body: TagTeach, language: Language) -> TagTaught:
    """Makes a tag of your own, or extends it, and gives it to every photo that fits, now and in future.

    Five examples are a good start. Every tag you confirm or reject later improves it.
    """
    taught = teaching.teach(session, viewer, body.name, body.examples, body.counter_examples)
    return TagTaught(
        slug=taught.tag.slug,
        name=_name(taught.tag, language),
        examples=taught.examples,
        counter_examples=taught.counter_examples,
        photos=taught.photos,
        job=taught.job,
    )


@router.get(
    "/tags/{slug}/review",
    response_model=TagReview,
    responses=problems(401, 403, 404, 422),
    summary="What a taught tag has found",
)
def review_tag(
    viewer: PhotoReader,
    session: ReadDb,
    slug: str,
    language: Language,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> TagReview:
    """Photos nobody has judged yet, the surest first. Confirm one with PUT on the photo's tag, reject with DELETE."""
    found = teaching.review(session, viewer, slug, limit=limit, cursor=cursor)
    return TagReview(
        slug=found.tag.slug,
        name=_name(found.tag, language),
        examples=found.examples,
        counter_examples=found.counter_examples,
        waiting=found.waiting,
        learning=found.learning,
        items=[
            FoundPhoto(confidence=round(sure, 4), photo=PhotoItem.of(photo)) for photo, sure in found.found
        ],
        next_cursor=found.next_cursor,
    )


@router.get(
    "/tags/hidden",
    response_model=list[TagChanged],
    responses=problems(401, 403),
    summary="Tags you have hidden",
)
def hidden_tags(viewer: PhotoReader, session: ReadDb, language: Language) -> list[TagChanged]:
    return [TagChanged.of(tag, language) for tag in taxonomy.hidden_tags(session, viewer)]


@router.get(
    "/tags/changed",
    response_model=list[TagChanged],
    responses=problems(401, 403),
    summary="Tags you have renamed, moved, hidden or merged",
)
def changed_tags(viewer: PhotoReader, session: ReadDb, language: Language) -> list[TagChanged]:
    """Each can be brought back with `POST /tags/{slug}/restore`."""
    return [TagChanged.of(tag, language) for tag in taxonomy.changed_tags(session, viewer)]


@router.post(
    "/tags/merge",
    response_model=TagChanged,
    responses=problems(401, 403, 404, 409, 422),
    summary="Make several tags one",
)
def merge_tags(viewer: PhotoWriter, session: WriteDb, body: TagMerge, language: Language) -> TagChanged:
    """They are shown and searched as one, for you alone; `POST /tags/{slug}/restore` parts one again."""
    merged = taxonomy.merge_tags(session, viewer, body.tags, body.into)
    return TagChanged.of(merged, language)


@router.post(
    "/tags/{slug}/restore",
    response_model=TagChanged,
    responses=problems(401, 403, 404, 422),
    summary="Take back what you did to a tag",
)
def restore_tag(viewer: PhotoWriter, session: WriteDb, slug: str, language: Language) -> TagChanged:
    """Its own name and place, in sight, and by itself. A tag of your own keeps the name and place you gave it."""
    restored = taxonomy.restore_tag(session, viewer, slug)
    return TagChanged.of(restored, language)


@router.patch(
    "/tags/{slug}",
    response_model=TagChanged,
    responses=problems(401, 403, 404, 409, 422),
    summary="Rename, move, hide or merge a tag",
)
def update_tag(
    viewer: PhotoWriter,
    session: WriteDb,
    slug: str,
    body: TagUpdate,
    language: Language,
) -> TagChanged:
    """For you alone: a tag of the vocabulary stays as it is for everybody else. Search and dynamic albums follow at
    once, and find it by its former name, too. Photos keep the wider tags they were given before a tag was moved.
    """
    fields = body.model_dump()
    if "parent" in body.model_fields_set:
        fields["parent"] = body.parent or ""
    changed = taxonomy.update_tag(session, viewer, slug, taxonomy.TagChange(**fields))
    return TagChanged.of(changed, language)


@router.delete(
    "/tags/{slug}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Delete a tag of your own",
)
def delete_tag(viewer: PhotoWriter, session: WriteDb, slug: str) -> None:
    """From every photo, with all that was learned for it."""
    taxonomy.delete_tag(session, viewer, slug)


@router.get(
    "/photos/{photo_id}/tags/{slug}/evidence",
    response_model=EvidencePublic,
    responses=problems(401, 403, 404, 422, 503),
    summary="Why a photo has a tag",
)
def tag_evidence(
    viewer: PhotoReader,
    session: ReadDb,
    photo_id: PhotoId,
    slug: str,
    language: Language,
) -> EvidencePublic:
    found = evidence.evidence_of(session, viewer, photo_id, slug)
    best = found.rows[0]
    address = f"/api/v1/photos/{photo_id}/explain?tag={quote(found.tag.slug, safe='')}"
    return EvidencePublic(
        slug=found.tag.slug,
        name=found.tag.name(language),
        source=best.source,
        model=best.model,
        confidence=round(best.confidence, 4),
        state=best.state,
        boxes=[
            EvidenceBox(
                name=place.name, confidence=round(place.confidence, 4), box=BoxSchema.model_validate(place)
            )
            for place in found.places
        ],
        examples=[
            EvidenceExample(photo_id=example, similarity=round(similarity, 4))
            for example, similarity in found.examples
        ],
        heat_map=address if found.has_heat_map else None,
    )


@router.get(
    "/photos/{photo_id}/explain",
    response_class=FileResponse,
    summary="Where in the photo a tag was seen",
    responses={200: {"content": {"image/png": {}}}, **problems(401, 403, 404, 422, 503)},
)
def explain(
    request: Request,
    viewer: PhotoReader,
    session: ReadDb,
    context: ContextDep,
    photo_id: PhotoId,
    tag: Annotated[str, Query(min_length=1, max_length=100, description="The tag's slug.")],
) -> Response:
    """A transparent PNG to lay over the photo: blue is faint, red is strong. The first time takes about a second."""
    path = evidence.heat_map(context, session, viewer, photo_id, tag)
    headers = {"Cache-Control": "private, max-age=3600", "ETag": f'"{path.stem[:32]}-{path.stem[-20:]}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="image/png", headers=headers)


def _name(tag: Tag, language: str) -> str:
    return tag.name_zh if language == "zh" else tag.name_en
