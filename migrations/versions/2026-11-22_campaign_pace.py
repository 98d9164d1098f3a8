"""An index of a campaign's jobs in the order they ended: its pace is told without reading them all.

Revision: 20261122_campaign_pace
Revises: 20261122_people_tag
"""

from __future__ import annotations

from alembic import op

revision = "20261122_campaign_pace"
down_revision = "20261122_people_tag"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_jobs_campaign_id_state_finished_at", "jobs", ["campaign_id", "state", "finished_at"])
    op.drop_index("ix_jobs_campaign_id_state", "jobs")


def downgrade() -> None:
    op.create_index("ix_jobs_campaign_id_state", "jobs", ["campaign_id", "state"])
    op.drop_index("ix_jobs_campaign_id_state_finished_at", "jobs")
