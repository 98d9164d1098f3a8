"""Photos out of the album: originals into folders by month, with XMP sidecars that say what the album knows.

Exporting twice into the same folder copies only what is new: a file that is there with the same bytes is left alone,
one with the same name and other bytes is never touched, its namesake gets a part of its checksum into its name.
"""

from __future__ import annotations

import os
import secrets
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from app.context import Context
from app.db import ReadSession
from app.models import Edit, Face, Person, Photo, PhotoTag
from app.search import find_photos
from app.search.tags import tag_book
from app.services.accounts import Viewer
from app.storage import write_atomically

_PAGE = 200
_NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Exported:
    """What became of one file: ``copied``, ``present`` or ``failed`` (with the reason)."""

    photo_id: UUID
    path: Path
    outcome: str
    detail: str = ""


@dataclass
class _Told:
    """What a sidecar says beyond the photo's own row."""

    tags: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)


def export_photos(
    context: Context,
    viewer: Viewer,
    folder: Path,
    *,
    query: str = "",
    sidecars: bool = False,
    edits: bool = False,
) -> Iterator[Exported]:
    """Copy the originals a query finds to ``folder/YEAR/MONTH/``, archived ones included.

    Args:
        sidecars: write ``NAME.xmp`` beside each (title, description, rating, tags, people, time and place).
        edits: also copy finished edits, as ``NAME-edit-PART_OF_ID.FORMAT``.

    Raises:
        BadQuery: before anything is copied.
    """
    taken: set[Path] = set()
    cursor: str | None = None
    while True:
        with context.database.read() as session:
            page = find_photos(
                session, viewer, query, order="oldest", limit=_PAGE, cursor=cursor, archived=True
            )
            photos = [hit.photo for hit in page.items]
            told = _told(session, viewer, photos) if sidecars else {}
            versions = _edits(session, photos) if edits else {}
        for photo in photos:
            month = folder / f"{photo.taken_local:%Y}" / f"{photo.taken_local:%m}"
            name = photo.filename or f"{photo.checksum[:12]}.{photo.format}"
            done = _export(context, photo, photo.checksum, month / name, taken)
            yield done
            if sidecars and done.outcome != "failed":
                write_atomically(done.path.with_name(done.path.name + ".xmp"), sidecar(photo, told[photo.id]))
            for edit in versions.get(photo.id, ()):
                edited = done.path.with_name(f"{done.path.stem}-edit-{edit.id.hex[-8:]}.{edit.format}")
                yield _export(context, photo, edit.checksum or "", edited, taken)
        cursor = page.next_cursor
        if cursor is None:
            return


def _export(context: Context, photo: Photo, checksum: str, wanted: Path, taken: set[Path]) -> Exported:
    source = context.storage.original(checksum)
    for path in (wanted, wanted.with_name(f"{wanted.stem}-{checksum[:8]}{wanted.suffix}")):
        key = path.with_name(path.name.casefold())  # some file systems do not tell a.jpg from A.JPG
        if key in taken:
            continue
        try:
            if not path.exists():
                _copy(context, source, checksum, path, photo.taken_at.timestamp())
            elif not _same(context, path, source, checksum):
                continue
            else:
                taken.add(key)
                return Exported(photo.id, path, "present")
        except (OSError, ValueError) as error:
            return Exported(photo.id, path, "failed", str(error))
        taken.add(key)
        return Exported(photo.id, path, "copied")
    return Exported(photo.id, wanted, "failed", "other files have both names it could have")


def _same(context: Context, path: Path, source: Path, checksum: str) -> bool:
    return path.stat().st_size == source.stat().st_size and context.storage.checksum(path) == checksum


def _copy(context: Context, source: Path, checksum: str, target: Path, modified: float) -> None:
    """Copy so that the name appears only on a whole, proven file. Raises ValueError for a damaged original."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        shutil.copyfile(source, unfinished)
        if context.storage.checksum(unfinished) != checksum:
            raise ValueError("the original is damaged; see `albumen check`")
        os.utime(unfinished, (modified, modified))
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _told(session: ReadSession, viewer: Viewer, photos: Sequence[Photo]) -> dict[UUID, _Told]:
    found = {photo.id: _Told() for photo in photos}
    book = tag_book(session, viewer.user_id)
    tags = select(PhotoTag.photo_id, PhotoTag.tag_id).where(
        PhotoTag.photo_id.in_(found), PhotoTag.state != "rejected", PhotoTag.source != "guess"
    )
    names: dict[UUID, set[str]] = {}
    for photo_id, tag_id in session.execute(tags):
        if (tag := book.shown(tag_id)) is not None:
            names.setdefault(photo_id, set()).add(tag.name(viewer.language))
    for photo_id, told in names.items():
        found[photo_id].tags.extend(sorted(told))
    people = (
        select(Face.photo_id, Person.name)
        .join(Person, Person.id == Face.person_id)
        .where(Face.photo_id.in_(found), Person.name != "")
        .distinct()
        .order_by(Person.name)
    )
    for photo_id, person in session.execute(people):
        found[photo_id].people.append(person)
    return found


def _edits(session: ReadSession, photos: Sequence[Photo]) -> dict[UUID, list[Edit]]:
    found: dict[UUID, list[Edit]] = {}
    finished = select(Edit).where(
        Edit.photo_id.in_([photo.id for photo in photos]), Edit.status == "ready", Edit.deleted_at.is_(None)
    )
    for edit in session.scalars(finished.order_by(Edit.id)):
        found.setdefault(edit.photo_id, []).append(edit)
    return found


def sidecar(photo: Photo, told: _Told) -> bytes:
    """An XMP packet (Adobe XMP specification part 1; IPTC Extension for people), UTF-8."""
    root = ElementTree.Element(_name("x:xmpmeta"))
    about = ElementTree.SubElement(
        ElementTree.SubElement(root, _name("rdf:RDF")), _name("rdf:Description"), {_name("rdf:about"): ""}
    )

    def put(name: str, value: str) -> None:
        ElementTree.SubElement(about, _name(name)).text = value

    def put_all(name: str, kind: str, values: list[str]) -> None:
        inside = ElementTree.SubElement(ElementTree.SubElement(about, _name(name)), _name(kind))
        for value in values:
            item = ElementTree.SubElement(inside, _name("rdf:li"))
            item.text = value
            if kind == "rdf:Alt":
                item.set(_LANGUAGE, "x-default")

    for name, text in (("dc:title", photo.title), ("dc:description", photo.description)):
        if text:
            put_all(name, "rdf:Alt", [text])
    if told.tags:
        put_all("dc:subject", "rdf:Bag", told.tags)
    if told.people:
        put_all("Iptc4xmpExt:PersonInImage", "rdf:Bag", told.people)
    if photo.rating:
        put("xmp:Rating", str(photo.rating))
    if photo.favorite:
        put("xmp:Label", "Favorite")
    put(
        "photoshop:DateCreated", photo.taken_local.isoformat(timespec="seconds") + _offset(photo.taken_offset)
    )
    if photo.latitude is not None and photo.longitude is not None:
        put("exif:GPSLatitude", _degrees(photo.latitude, "NS"))
        put("exif:GPSLongitude", _degrees(photo.longitude, "EW"))
    for prefix, uri in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, uri)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _name(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _offset(minutes: int | None) -> str:
    if minutes is None:
        return ""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _degrees(value: float, hemispheres: str) -> str:
    """XMP's form of a coordinate: degrees, minutes with decimals, hemisphere."""
    minutes = abs(value) * 60
    return f"{int(minutes // 60)},{minutes % 60:.6f}{hemispheres[value < 0]}"
