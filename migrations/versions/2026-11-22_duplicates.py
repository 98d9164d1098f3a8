"""Pairs of photos that are one picture, those that are not, and merges that can be undone.

Revision: 20261122_duplicates
Revises: 20261122_edit_files
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db import Id, UtcTime

revision = "20261122_duplicates"
down_revision = "20261122_edit_files"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicate_pairs",
        sa.Column("first_id", Id(), nullable=False),
        sa.Column("second_id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.Column("cosine", sa.Double(), nullable=True),
        sa.CheckConstraint("kind in ('copy', 'similar')", name=op.f("ck_duplicate_pairs_kind")),
        sa.ForeignKeyConstraint(
            ["first_id"], ["photos.id"], name=op.f("fk_duplicate_pairs_first_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_duplicate_pairs_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["photos.id"], name=op.f("fk_duplicate_pairs_second_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_duplicate_pairs")),
    )
    with op.batch_alter_table("duplicate_pairs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_duplicate_pairs_owner_id_first_id"), ["owner_id", "first_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_duplicate_pairs_second_id"), ["second_id"], unique=False)

    op.create_table(
        "photo_merges",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("keeper_id", Id(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("undone_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["keeper_id"], ["photos.id"], name=op.f("fk_photo_merges_keeper_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_photo_merges_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_merges")),
    )
    with op.batch_alter_table("photo_merges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photo_merges_keeper_id"), ["keeper_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_photo_merges_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "photos_apart",
        sa.Column("first_id", Id(), nullable=False),
        sa.Column("second_id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_id"], ["photos.id"], name=op.f("fk_photos_apart_first_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["photos.id"], name=op.f("fk_photos_apart_second_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_photos_apart")),
    )
    with op.batch_alter_table("photos_apart", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photos_apart_second_id"), ["second_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("photos_apart", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photos_apart_second_id"))

    op.drop_table("photos_apart")
    with op.batch_alter_table("photo_merges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_merges_owner_id"))
        batch_op.drop_index(batch_op.f("ix_photo_merges_keeper_id"))

    op.drop_table("photo_merges")
    with op.batch_alter_table("duplicate_pairs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duplicate_pairs_second_id"))
        batch_op.drop_index(batch_op.f("ix_duplicate_pairs_owner_id_first_id"))

    op.drop_table("duplicate_pairs")
