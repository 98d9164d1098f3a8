"""Turns what services return into what templates show: localised words, links, order. Decides no rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from urllib.parse import urlencode

from app.errors import BadQuery
from app.models import Album, Edit, Job, Photo
from app.search.countries import chinese_name
from app.search.fields import FIELDS
from app.search.ranking import Reason
from app.search.values import quote
from app.services.collections.albums import AlbumSummary
from app.services.photos import PhotoDetail, TagOnPhoto
from app.services.tagging.vocabulary import TagNode
from app.web import parts
from app.web.i18n import Translator

API = "/api/v1/photos"


def address(path: str, **query: object) -> str:
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def search_address(query: str) -> str:
    return address("/search", q=query)


# --- photos in lists ------------------------------------------------------------------------------------


def tile(photo: Photo, t: Translator, reasons: Iterable[parts.Reason] = ()) -> parts.Tile:
    return parts.Tile(
        id=str(photo.id),
        href=f"/photo/{photo.id}",
        src=f"{API}/{photo.id}/rendition/grid",
        width=photo.width,
        height=photo.height,
        alt=alt_text(photo, t),
        thumbhash=photo.thumbhash or "",
        favorite=photo.favorite,
        status=photo.status,
        month=f"{photo.taken_local:%Y-%m}",
        reasons=tuple(reasons),
    )


def alt_text(photo: Photo, t: Translator) -> str:
    """What to say in place of the picture: the title someone gave it, else when (and where) it was taken."""
    if photo.title:
        return photo.title
    if photo.city:
        return t("photo.alt_place", date=t.date(photo.taken_local), place=photo.city)
    return t("photo.alt", date=t.date(photo.taken_local))


def tiles(photos: Iterable[Photo], t: Translator) -> tuple[parts.Tile, ...]:
    return tuple(tile(photo, t) for photo in photos)


def months(
    photos: Sequence[Photo], buckets: Sequence[tuple[str, int]], t: Translator
) -> tuple[parts.Month, ...]:
    """The sections of one page of the timeline, in the order of the photos."""
    counts = dict(buckets)
    sections: list[parts.Month] = []
    before = 0
    for key, group in groupby(photos, key=lambda photo: f"{photo.taken_local:%Y-%m}"):
        shown = tiles(group, t)
        sections.append(parts.Month(key, t.month(key), counts.get(key, len(shown)), shown, before))
        before += len(shown)
    return tuple(sections)


# --- one photo ------------------------------------------------------------------------------------------


def heading(photo: Photo, t: Translator) -> str:
    if photo.title:
        return photo.title
    where = ", ".join(dict.fromkeys(part for part in (photo.city, country_name(photo, t)) if part))
    return where or t.date(photo.taken_local)


def country_name(photo: Photo, t: Translator) -> str:
    """The country in the reader's language; of towns and regions there are no Chinese names."""
    return (chinese_name(photo.country_code) if t.language == "zh" else None) or photo.country or ""


def facts(photo: Photo, t: Translator) -> tuple[parts.Fact, ...]:
    """Camera, exposure and file, each leading to the photos that share it where a query can say so."""
    found = []

    def add(key: str, value: str, query: str = "") -> None:
        if value:
            found.append(parts.Fact(t(f"fact.{key}"), value, search_address(query) if query else ""))

    make, model = photo.camera_make or "", photo.camera_model or ""
    camera = model if model.casefold().startswith(make.split(" ")[0].casefold()) else f"{make} {model}"
    add("camera", camera.strip(), f"camera:{quote(model)}" if model else "")
    add("lens", photo.lens or "", f"lens:{quote(photo.lens)}" if photo.lens else "")
    exposure = [
        f"f/{photo.aperture:g}" if photo.aperture else "",
        shutter(photo.exposure_time) if photo.exposure_time else "",
        f"{photo.focal_length:g} mm" if photo.focal_length else "",
        f"ISO {photo.iso}" if photo.iso else "",
    ]
    add("exposure", " · ".join(part for part in exposure if part))
    if photo.altitude is not None:
        add("altitude", f"{photo.altitude:.0f} m")
    megapixels = photo.width * photo.height / 1e6
    add("size", f"{photo.width} × {photo.height} · {megapixels:.1f} MP")
    add("file", f"{photo.filename} · {photo.format.upper()} · {t.size(photo.size)}".lstrip(" ·"))
    add("added", t.moment(photo.added_at))
    return tuple(found)


def shutter(seconds: float) -> str:
    return f"1/{round(1 / seconds)} s" if seconds < 0.4 else f"{seconds:g} s"


def tells(seen: TagOnPhoto) -> bool:
    """Whether a tag says something of the photo: not one removed, nor one that only gathers others."""
    return seen.state != "rejected" and not (seen.tag.slug == "photo-kind" and seen.broader)


def tag_view(seen: TagOnPhoto, t: Translator) -> parts.TagView:
    name = seen.tag.name_zh if t.language == "zh" else seen.tag.name_en
    return parts.TagView(
        slug=seen.tag.slug,
        name=name,
        confidence=round(seen.confidence, 4),
        source=seen.source,
        state=seen.state,
        model=seen.model or "",
        href=search_address(f"tag:{quote(seen.tag.slug)}"),
        broader=seen.broader,
    )


def place(photo: Photo, t: Translator) -> parts.PlaceView | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    ns = t("map.north" if photo.latitude >= 0 else "map.south")
    ew = t("map.east" if photo.longitude >= 0 else "map.west")
    coordinates = f"{abs(photo.latitude):.4f}° {ns}, {abs(photo.longitude):.4f}° {ew}"
    # A city-state has one name for all three; it is said once.
    names = dict.fromkeys(name for name in (photo.city, photo.region, country_name(photo, t)) if name)
    return parts.PlaceView(
        label=", ".join(names) or t("map.unnamed"),
        coordinates=coordinates,
        x=round(photo.longitude * 100),
        y=round(-photo.latitude * 100),
        href=search_address(f"near:{photo.latitude:.4f},{photo.longitude:.4f},5"),
    )


def stages(detail: PhotoDetail, t: Translator) -> tuple[parts.StageView, ...]:
    return tuple(
        parts.StageView(
            name=t.name("stage", stage.stage),
            model=f"{stage.model} ({stage.version})",
            at=t.moment(stage.at),
            seconds=t("photo.seconds", seconds=f"{stage.seconds:.2f}"),
            error=t.sentence(stage.error or ""),
        )
        for stage in detail.stages
    )


def comparable(detail: PhotoDetail) -> bool:
    """Whether the stage that makes photos comparable has run on this one."""
    return any(stage.stage == "embedding" and not stage.error for stage in detail.stages)


def edit_view(edit: Edit, t: Translator) -> parts.EditView:
    steps = " → ".join(str(step.get("op", "")) for step in edit.recipe)
    href = f"/api/v1/edits/{edit.id}/file" if edit.status == "ready" else ""
    action = f"/photo/{edit.photo_id}/edits/{edit.id}"
    return parts.EditView(
        edit.title or t("photo.edit"), edit.status, href, t.sentence(edit.error or "") or steps, action
    )


def cues(detail: PhotoDetail, t: Translator) -> tuple[parts.Fact, ...]:
    return tuple(
        parts.Fact(
            t.name("cue", cue.name), f"{cue.value:.3g}" + (f" · {t('cue.flagged')}" if cue.flagged else "")
        )
        for cue in detail.cues
    )


def qualities(detail: PhotoDetail, t: Translator) -> tuple[str, ...]:
    """What the cues say, in words: what was noticed, or that nothing was."""
    raised = [t.name("quality", cue.name) for cue in detail.cues if cue.flagged]
    return tuple(raised or ([t("quality.usual")] if detail.cues else []))


def stage_problem(detail: PhotoDetail, t: Translator) -> str:
    failed = [t.name("stage", stage.stage) for stage in detail.stages if stage.error]
    return t("photo.stage_problem", stages=", ".join(failed)) if failed else ""


def in_album(album: Album, photo: Photo) -> parts.HoldingAlbum:
    action = f"/photo/{photo.id}/albums/{album.id}"
    return parts.HoldingAlbum(album.title, f"/album/{album.id}", action)


def exif(photo: Photo) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)[:300]) for name, value in sorted(photo.exif.items()))


# --- albums, tags, jobs ---------------------------------------------------------------------------------


def album_card(summary: AlbumSummary) -> parts.AlbumCard:
    album = summary.album
    cover = f"{API}/{summary.cover_photo_id}/rendition/grid" if summary.cover_photo_id else ""
    return parts.AlbumCard(
        str(album.id), album.title, f"/album/{album.id}", summary.count, album.query or "", cover
    )


def tag_name(node: TagNode, t: Translator) -> str:
    return node.tag.name_zh if t.language == "zh" else node.tag.name_en


def tag_address(node: TagNode) -> str:
    return search_address(f"tag:{quote(node.tag.slug)}")


def telling(nodes: Sequence[TagNode], most: int) -> list[TagNode]:
    """The most used tags that say something of their own: not those that are nearly all one narrower tag."""
    parents = {node.tag.id: node.tag.parent_id for node in nodes}
    narrower: dict[int, int] = {}  # tag -> the largest count below it
    for node in nodes:
        above = node.tag.parent_id
        while above is not None and above in parents:
            narrower[above] = max(narrower.get(above, 0), node.count)
            above = parents[above]
    kept = [node for node in nodes if node.count and narrower.get(node.tag.id, 0) < 0.6 * node.count]
    return sorted(kept, key=lambda node: (-node.count, node.tag.slug))[:most]


_MOST_BELOW = 8  # tags shown of a branch; with more than these it is folded


def branches(nodes: Sequence[TagNode], t: Translator) -> tuple[parts.TagBranch, ...]:
    """The tree of the tags in use, the most used first; roots also name the most used anywhere below them."""
    known = {node.tag.id for node in nodes}
    under: dict[int | None, list[TagNode]] = {}
    for node in nodes:
        under.setdefault(node.tag.parent_id if node.tag.parent_id in known else None, []).append(node)

    def grow(node: TagNode) -> tuple[parts.TagBranch, list[parts.TagBranch]] | None:
        """A tag with what is below it, and everything below it in one list; None when nothing is in use."""
        grown = [one for child in under.get(node.tag.id, ()) if (one := grow(child))]
        if not (node.count or grown):
            return None
        grown.sort(key=lambda one: -max(one[0].count, *(leaf.count for leaf in one[1]), 0))
        below = [branch for twig, deeper in grown for branch in (twig, *deeper) if branch.count]
        most = tuple(sorted(below, key=lambda leaf: -leaf.count)[:_MOST_BELOW])
        children = tuple(twig for twig, _ in grown)
        branch = parts.TagBranch(tag_name(node, t), tag_address(node), node.count, children, len(below), most)
        return branch, below

    found = [one for root in under.get(None, ()) if (one := grow(root))]
    found.sort(key=lambda one: -(one[0].count + sum(leaf.count for leaf in one[1])))
    return tuple(branch for branch, _ in found)


def job_view(job: Job, filename: str | None, t: Translator) -> parts.JobView:
    at: datetime = job.finished_at or job.started_at or job.created_at
    return parts.JobView(
        id=str(job.id),
        title=job_title(job, t),
        state=job.state,
        progress=job.progress,
        at=t.moment(at),
        error=t.sentence(job.error or "") if job.state in ("failed", "ready") else "",
        photo_href=f"/photo/{job.photo_id}" if job.photo_id and filename is not None else "",
        photo_name=filename or "",
        help=_way_out(job, t) if job.state == "failed" else "",
    )


def job_title(job: Job, t: Translator) -> str:
    """What a job does, and to which model where it is about one."""
    title, about = t.name("job.kind", job.kind), job.payload.get("model") if job.photo_id is None else None
    return f"{title}: {about}" if about else title


def _way_out(job: Job, t: Translator) -> str:
    """What a person can do about a failure of this kind."""
    key = f"job.help.{job.error_code}"
    return t(key) if t.has(key) else t("job.help.internal")


# --- search ---------------------------------------------------------------------------------------------


def query_problem(query: str, error: BadQuery, t: Translator) -> parts.QueryProblem:
    """The text cut at the fault, and the suggestions put in the fault's place."""
    position = min(max(int(error.extra.get("position", len(query))), 0), len(query))
    end = position
    while end < len(query) and not query[end].isspace():
        end += 1
    better = [str(word) for word in error.extra.get("suggestions", ())]
    return parts.QueryProblem(
        detail=t.sentence(error.detail),
        before=query[:position],
        at=query[position:end],
        after=query[end:],
        suggestions=tuple((word, search_address(mended(query, position, word))) for word in better[:6]),
    )


def mended(query: str, position: int, word: str) -> str:
    """The query with the word at ``position`` replaced; a suggested field (``tag:``) keeps its value."""
    end = position
    while end < len(query) and not (query[end].isspace() or query[end] in "()"):
        end += 1
    bad = query[position:end]
    if word.endswith(":") and ":" in bad:
        word += bad.partition(":")[2]
    return query[:position] + word + query[end:]


def reason(found: Reason, t: Translator) -> parts.Reason:
    """Why a search found a photo, as the search reports it, in words."""
    label, met = t.name("reason", found.kind), found.match or found.word
    if found.kind == "meaning":
        return parts.Reason(label, found.confidence)
    if found.kind == "tag" and t.language == "zh":
        met = _chinese_names().get(met, met)
    return parts.Reason(t("reason.met", kind=label, met=met), found.confidence)


@cache
def _chinese_names() -> dict[str, str]:
    from ml.vocabulary import load_vocabulary

    return {concept.name_en: concept.name_zh for concept in load_vocabulary().concepts.values()}


_GROUPS = {
    "what": "tag object is has text album rating similar confidence",
    "who": "person faces",
    "where": "place country near",
    "when": "date taken added year month",
    "camera": "camera lens iso aperture focal",
}


def field_group(name: str) -> str:
    """Which question a field of the query language answers: what who where when camera file."""
    return next((group for group, names in _GROUPS.items() if name in names.split()), "file")


def field_help(t: Translator) -> tuple[parts.FieldHelp, ...]:
    return tuple(
        parts.FieldHelp(
            field.name,
            field.help_zh if t.language == "zh" else field.help_en,
            field.examples[0],
            search_address(field.examples[0]),
        )
        for field in FIELDS
    )
