"""Indexes from which places, journeys and the map are counted.

Revision: 20261122_place_indexes
Revises: 20261122_counters
"""

from __future__ import annotations

from alembic import op

revision = "20261122_place_indexes"
down_revision = "20261122_counters"
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = ["owner_id", "deleted_at", "archived"]
    place = [
        "country_code",
        "region",
        "city",
        "taken_local",
        "latitude",
        "longitude",
        "favorite",
        "country",
        "id",
    ]
    op.create_index("ix_photos_place", "photos", [*here, *place])
    op.create_index("ix_photos_position", "photos", [*here, "latitude", "longitude", "id"])


def downgrade() -> None:
    op.drop_index("ix_photos_position", "photos")
    op.drop_index("ix_photos_place", "photos")
