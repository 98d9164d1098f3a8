"""One tag for people: what users said of the tag "person" is said of "people".

Every photo that shows a person had both. The tag itself stays, out of sight, as any that left the vocabulary.

Revision: 20261122_people_tag
Revises: 20261122_by_photo
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_people_tag"
down_revision = "20261122_by_photo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run = op.get_bind()
    of = sa.text("SELECT id FROM tags WHERE slug = :slug AND owner_id IS NULL")
    person = run.scalar(of, {"slug": "person"})
    people = run.scalar(of, {"slug": "people"})
    if person is None or people is None:
        return
    both = {"person": person, "people": people}
    # A verdict on the wider tag wins over one on the narrower.
    run.execute(
        sa.text("""
            UPDATE photo_tags SET tag_id = :people WHERE tag_id = :person AND source = 'user'
            AND NOT EXISTS (SELECT 1 FROM photo_tags AS wider WHERE wider.tag_id = :people
                            AND wider.photo_id = photo_tags.photo_id AND wider.source = 'user')"""),
        both,
    )
    run.execute(
        sa.text("""
            UPDATE photo_tags SET state = (
                SELECT said.state FROM photo_tags AS said WHERE said.tag_id = :people
                AND said.photo_id = photo_tags.photo_id AND said.source = 'user')
            WHERE tag_id = :people AND source <> 'user' AND photo_id IN (
                SELECT photo_id FROM photo_tags WHERE tag_id = :people AND source = 'user')"""),
        both,
    )
    run.execute(sa.text("DELETE FROM photo_tags WHERE tag_id = :person"), both)


def downgrade() -> None:
    """The verdicts stay where they are."""
