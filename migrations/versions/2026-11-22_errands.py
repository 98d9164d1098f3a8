"""What an errand found out is kept with its job; the recent pace of a user's work is found by an index.

Revision: 20261122_errands
Revises: 20261122_duplicates
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_errands"
down_revision = "20261122_duplicates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch:
        batch.add_column(sa.Column("result", sa.JSON(), nullable=True))
        batch.create_index("ix_jobs_owner_id_finished_at", ["owner_id", "finished_at"])


def downgrade() -> None:
    with op.batch_alter_table("jobs") as batch:
        batch.drop_index("ix_jobs_owner_id_finished_at")
        batch.drop_column("result")
