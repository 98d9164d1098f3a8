"""Guests may add photos to a shared album.

Revision: 20261122_guest_uploads
Revises: 20261122_place_indexes
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_guest_uploads"
down_revision = "20261122_place_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("shares") as batch:
        batch.add_column(sa.Column("upload", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch.add_column(sa.Column("received", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("shares") as batch:
        batch.drop_column("received")
        batch.drop_column("upload")
