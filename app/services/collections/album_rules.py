"""Dynamic albums as text: written out to be kept or given away, and read in again.

One block an album, blocks parted by an empty line::

    album: Summer at the sea
    order: oldest
    rule: tag:beach month:6..8

A line that begins with a space goes on with the line above it; ``#`` begins a comment. Rules name albums by title,
so that they mean the same in another library. Pinned photos and covers are one library's own and stay there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from app.db import ReadSession, WriteSession
from app.errors import AppError, BadQuery, Invalid
from app.models import Album
from app.search import parse
from app.search.language import And, Node, Not, Or, Query, Term
from app.search.values import Text
from app.sentences import say
from app.services.accounts import Viewer
from app.services.collections import albums

MAX_TEXT = 1_000_000
_KEYS = ("album", "description", "order", "rule")


@dataclass(frozen=True)
class Imported:
    """What became of one block: ``created``, ``updated`` or ``unchanged``."""

    album: Album
    outcome: str


@dataclass
class _Block:
    line: int
    values: dict[str, str] = field(default_factory=dict)


def export_rules(session: ReadSession, viewer: Viewer) -> str:
    """Every dynamic album of the viewer, by title."""
    rows = session.scalars(
        select(Album)
        .where(Album.owner_id == viewer.user_id, Album.kind == "dynamic", Album.deleted_at.is_(None))
        .order_by(Album.title, Album.id)
    ).all()
    titles = {
        album.id: album.title
        for album in session.scalars(select(Album).where(Album.owner_id == viewer.user_id))
    }
    return "\n".join(_written(album, titles) for album in rows)


def import_rules(session: WriteSession, viewer: Viewer, text: str) -> list[Imported]:
    """Make the albums a text describes; a dynamic album of the same title takes the new rule. All of it or nothing.

    Raises:
        Invalid or BadQuery: a block cannot be read; ``line`` says where it begins.
    """
    if len(text) > MAX_TEXT:
        raise Invalid("The rules are longer than a million characters.", field="rules")
    blocks = list(_read(text))
    if not blocks:
        raise Invalid(
            "There is no album in it. A block begins with a line such as album: Summer.", field="rules"
        )
    done: list[Imported] = []
    # A rule may name an album that comes later in the text: those wait for another round.
    while blocks:
        left = []
        for block in blocks:
            try:
                done.append(_make(session, viewer, block, last=len(blocks) == 1))
            except _Early:
                left.append(block)
        if len(left) == len(blocks):
            _make(session, viewer, left[0], last=True)  # raises what is wrong with it
        blocks = left
    return done


class _Early(Exception):
    """The rule names what is not there yet."""


def _make(session: WriteSession, viewer: Viewer, block: _Block, *, last: bool) -> Imported:
    values = block.values
    try:
        same = session.scalars(
            select(Album).where(
                Album.owner_id == viewer.user_id, Album.title == values["album"], Album.kind == "dynamic",
                Album.deleted_at.is_(None),
            )
        ).first()  # fmt: skip
        description, sort = values.get("description", ""), values.get("order", albums.ORDERS[0])
        with session.begin_nested():
            if same is None:
                made = albums.create_album(
                    session, viewer, values["album"], query=values["rule"], description=description, sort=sort
                )
                return Imported(made, "created")
            before = (same.query, same.description, same.sort)
            albums.update_album(
                session, viewer, same.id, query=values["rule"], description=description, sort=sort
            )
            changed = before != (same.query, same.description, same.sort)
            return Imported(same, "updated" if changed else "unchanged")
    except AppError as error:
        if not last and isinstance(error, BadQuery):
            raise _Early from None
        error.extra["line"] = block.line
        raise


# --- the text ---------------------------------------------------------------------------------------------------


def _written(album: Album, titles: dict[UUID, str]) -> str:
    rule = str(Query(_by_title(parse(album.query or "").root, titles)))
    lines = [f"album: {_one_line(album.title)}"]
    if album.description:
        lines.append("description: " + "\n  ".join(album.description.splitlines()))
    lines += [f"order: {album.sort}", f"rule: {rule}"]
    return "\n".join(lines) + "\n"


def _by_title(node: Node | None, titles: dict[UUID, str]) -> Node | None:
    """The rule with albums named by title instead of by id."""
    if isinstance(node, And | Or):
        return type(node)(tuple(child for child in (_by_title(c, titles) for c in node.children) if child))
    if isinstance(node, Not):
        inner = _by_title(node.child, titles)
        return Not(inner) if inner is not None else None
    if isinstance(node, Term) and node.field == "album" and isinstance(node.value, Text):
        try:
            title = titles.get(UUID(node.value.text))
        except ValueError:
            return node
        return Term("album", Text(_one_line(title))) if title else node
    return node


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _read(text: str) -> Iterator[_Block]:
    block, key = _Block(0), ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if block.values:
                yield _checked(block)
            block, key = _Block(0), ""
        elif line[0].isspace() and key:
            block.values[key] += "\n" + line.strip()
        else:
            name, colon, value = line.partition(":")
            key = name.strip().lower()
            if not colon or key not in _KEYS or key in block.values:
                raise Invalid(
                    say("Line {line} is none of album:, description:, order:, rule:, or repeats one.", line=number),
                    field="rules", line=number,
                )  # fmt: skip
            block.line = block.line or number
            block.values[key] = value.strip()


def _checked(block: _Block) -> _Block:
    values = block.values
    if not values.get("album") or not values.get("rule"):
        raise Invalid(
            say("The block at line {line} needs an album: and a rule:.", line=block.line),
            field="rules", line=block.line,
        )  # fmt: skip
    values["rule"] = _one_line(values["rule"])
    values["album"] = _one_line(values["album"])
    return block
