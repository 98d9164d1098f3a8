"""The vocabulary's rows: what becomes of photos when a tag leaves it."""

from __future__ import annotations

from io import BytesIO

from alembic import command
from sqlalchemy import delete

from app import migrate
from app.context import Context
from app.models import KeyValue, PhotoTag, Tag
from app.search import find_ids
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.tagging import vocabulary
from tests.conftest import Drawn


def back_to(context: Context, revision: str) -> None:
    config = migrate.alembic_config(context.database)
    with context.database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()


def test_what_was_said_of_the_former_tag_person_is_said_of_people(
    context: Context, anna: Viewer, draw: Drawn
) -> None:
    confirmed, rejected, seen = (
        intake.add_stream(context, anna, BytesIO(draw((64, 48))), intake.Options()).id for _ in range(3)
    )
    with context.database.write() as session:
        former = Tag(slug="person", name_en="person", name_zh="人")
        session.add(former)
        session.flush()
        wider = vocabulary.tag_ids(session, ["people"])["people"]
        for photo, state in ((confirmed, "confirmed"), (rejected, "rejected"), (seen, "suggested")):
            for tag, said in ((former.id, state), (wider, "suggested")):
                row = {"tag_id": tag, "photo_id": photo, "confidence": 0.9}
                session.add(PhotoTag(**row, source="object", state=said, model="objects/test@one"))
            if state != "suggested":
                session.add(
                    PhotoTag(tag_id=former.id, photo_id=photo, source="user", confidence=1.0, state=state)
                )
        session.execute(delete(KeyValue).where(KeyValue.key == "vocabulary"))
    back_to(context, "20261122_by_photo")
    migrate.upgrade(context.database)
    with context.database.write() as session:
        shown = {
            photo: [
                (t.tag.slug, t.state) for t in photos.tags_of(session, photos.get_photo(session, anna, photo))
            ]
            for photo in (confirmed, rejected, seen)
        }
        assert shown == {
            confirmed: [("people", "confirmed")],
            rejected: [("people", "rejected")],
            seen: [("people", "suggested")],
        }
        for query in ("tag:person", "tag:people", "tag:人", "person", "people"):
            assert set(find_ids(session, anna, query)) == {confirmed, seen}, query
        assert photos.confirm_tag(session, anna, rejected, "person").slug == "people"
