"""The order in which an album is shown.

Revision: 20261122_album_sort
Revises: 20261122_errands
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_album_sort"
down_revision = "20261122_errands"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("albums", sa.Column("sort", sa.String(8), server_default="newest", nullable=False))


def downgrade() -> None:
    op.drop_column("albums", "sort")
