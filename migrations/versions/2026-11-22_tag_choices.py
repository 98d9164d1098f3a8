"""What users want of tags: names, places and merges beside hiding.

Revision: 20261122_tag_choices
Revises: 20261122_album_sort
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db import Id

revision = "20261122_tag_choices"
down_revision = "20261122_album_sort"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tag_choices",
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=True),
        sa.Column("name_zh", sa.String(length=100), nullable=True),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["tags.id"], name=op.f("fk_tag_choices_merged_into_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["tags.id"], name=op.f("fk_tag_choices_parent_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["tags.id"], name=op.f("fk_tag_choices_tag_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_tag_choices_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "tag_id", name=op.f("pk_tag_choices")),
    )
    with op.batch_alter_table("tag_choices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tag_choices_merged_into_id"), ["merged_into_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tag_choices_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tag_choices_tag_id"), ["tag_id"], unique=False)

    op.execute(
        "INSERT INTO tag_choices (user_id, tag_id, moved, hidden) SELECT user_id, tag_id, false, true FROM hidden_tags"
    )
    op.drop_table("hidden_tags")


def downgrade() -> None:
    op.create_table(
        "hidden_tags",
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["tags.id"], name=op.f("fk_hidden_tags_tag_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_hidden_tags_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "tag_id", name=op.f("pk_hidden_tags")),
    )
    with op.batch_alter_table("hidden_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hidden_tags_tag_id"), ["tag_id"], unique=False)

    op.execute(
        "INSERT INTO hidden_tags (user_id, tag_id) SELECT user_id, tag_id FROM tag_choices WHERE hidden"
    )
    op.drop_table("tag_choices")
