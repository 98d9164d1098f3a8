"""Counters kept by triggers: the number of the last vector, photos per tag.

Revision: 20261122_counters
Revises: 20261122_baseline
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db import Id

revision = "20261122_counters"
down_revision = "20261122_baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vector_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vector_counter")),
    )
    op.create_table(
        "tag_counts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_tag_counts_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["tags.id"], name=op.f("fk_tag_counts_tag_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_counts")),
    )
    with op.batch_alter_table("tag_counts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tag_counts_owner_id_tag_id_delta"), ["owner_id", "tag_id", "delta"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_tag_counts_tag_id"), ["tag_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("tag_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tag_counts_tag_id"))
        batch_op.drop_index(batch_op.f("ix_tag_counts_owner_id_tag_id_delta"))

    op.drop_table("tag_counts")
    op.drop_table("vector_counter")
