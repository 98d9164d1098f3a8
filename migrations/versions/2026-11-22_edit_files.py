"""An index to tell whether an edit still names a file.

Revision: 20261122_edit_files
Revises: 20261122_devices
"""

from __future__ import annotations

from alembic import op

revision = "20261122_edit_files"
down_revision = "20261122_devices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("edits") as batch:
        batch.create_index("ix_edits_checksum", ["checksum"])


def downgrade() -> None:
    with op.batch_alter_table("edits") as batch:
        batch.drop_index("ix_edits_checksum")
