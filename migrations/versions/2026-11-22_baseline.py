"""The first schema.

Revision: 20261122_baseline
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db import Id, UtcTime

revision = "20261122_baseline"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "change_counters",
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_change_counters")),
    )
    op.create_table(
        "changes",
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "kind", "entity", name=op.f("pk_changes")),
    )
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_changes_owner_id_sequence"), ["owner_id", "sequence"], unique=False
        )

    op.create_table(
        "key_values",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_key_values")),
    )
    op.create_table(
        "login_failures",
        sa.Column("id", Id(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_failures")),
    )
    with op.batch_alter_table("login_failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_failures_key_at"), ["key", "at"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", Id(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("username_key", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("disabled_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username_key", name=op.f("uq_users_username_key")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", Id(), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("last_used_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_keys_user_id"), ["user_id"], unique=False)

    op.create_table(
        "campaigns",
        sa.Column("id", Id(), nullable=False),
        sa.Column("created_by", Id(), nullable=True),
        sa.Column("query", sa.String(length=4000), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=True),
        sa.Column("only_outdated", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_campaigns_created_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_table(
        "kept_answers",
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_kept_answers_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "key", name=op.f("pk_kept_answers")),
    )
    with op.batch_alter_table("kept_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_answers_created_at"), ["created_at"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("cover_face_id", Id(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_people_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_people_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "people_merges",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("into_id", Id(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("undone_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_people_merges_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_merges")),
    )
    with op.batch_alter_table("people_merges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_people_merges_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "photos",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("checksum_sha1", sa.String(length=40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("device_id", sa.String(length=100), nullable=True),
        sa.Column("device_asset_id", sa.String(length=200), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("orientation", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("color_profile", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("thumbhash", sa.String(length=64), nullable=True),
        sa.Column("phash", sa.BigInteger(), nullable=True),
        sa.Column("taken_local", sa.DateTime(), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=False),
        sa.Column("taken_offset", sa.Integer(), nullable=True),
        sa.Column("taken_source", sa.String(length=8), nullable=False),
        sa.Column("added_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("deleted_at", UtcTime(), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("description", sa.String(length=10000), nullable=False),
        sa.Column("favorite", sa.Boolean(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("camera_make", sa.String(length=100), nullable=True),
        sa.Column("camera_model", sa.String(length=100), nullable=True),
        sa.Column("lens", sa.String(length=150), nullable=True),
        sa.Column("iso", sa.Integer(), nullable=True),
        sa.Column("aperture", sa.Double(), nullable=True),
        sa.Column("exposure_time", sa.Double(), nullable=True),
        sa.Column("focal_length", sa.Double(), nullable=True),
        sa.Column("exif", sa.JSON(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("altitude", sa.Double(), nullable=True),
        sa.Column("location_source", sa.String(length=8), nullable=True),
        sa.Column("country_code", sa.String(length=2), nullable=True),
        sa.Column("country", sa.String(length=100), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.CheckConstraint("status in ('pending', 'ready', 'failed')", name=op.f("ck_photos_status")),
        sa.CheckConstraint("rating between 0 and 5", name=op.f("ck_photos_rating")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_photos_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photos")),
        sa.UniqueConstraint("owner_id", "checksum", name=op.f("uq_photos_owner_id_checksum")),
    )
    with op.batch_alter_table("photos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photos_checksum"), ["checksum"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_photos_owner_id_added_at"), ["owner_id", "added_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_photos_owner_id_camera_model"), ["owner_id", "camera_model"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_photos_owner_id_checksum_sha1"), ["owner_id", "checksum_sha1"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_photos_owner_id_country_code_city"),
            ["owner_id", "country_code", "city"],
            unique=False,
        )
        batch_op.create_index(
            "ix_photos_timeline", ["owner_id", "deleted_at", "archived", "taken_local", "id"], unique=False
        )

    op.create_table(
        "sessions",
        sa.Column("id", Id(), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("last_used_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("owner_id", Id(), nullable=True),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("name_zh", sa.String(length=100), nullable=False),
        sa.Column("synonyms", sa.JSON(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_tags_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["tags.id"], name=op.f("fk_tags_parent_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("owner_id", "slug", name=op.f("uq_tags_owner_id_slug")),
    )
    with op.batch_alter_table("tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tags_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(
            "uq_tags_vocabulary",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("owner_id IS NULL"),
            postgresql_where=sa.text("owner_id IS NULL"),
        )

    op.create_table(
        "uploads",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("photo_id", Id(), nullable=True),
        sa.Column("duplicate", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_uploads_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_uploads_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_uploads_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "albums",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=10000), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("query", sa.String(length=4000), nullable=True),
        sa.Column("cover_photo_id", Id(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("deleted_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'dynamic') = (query is not null)", name=op.f("ck_albums_query_if_dynamic")
        ),
        sa.ForeignKeyConstraint(
            ["cover_photo_id"], ["photos.id"], name=op.f("fk_albums_cover_photo_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_albums_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_albums")),
    )
    with op.batch_alter_table("albums", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_albums_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "campaign_before",
        sa.Column("campaign_id", Id(), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_before_campaign_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_campaign_before_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "photo_id", name=op.f("pk_campaign_before")),
    )
    op.create_table(
        "cues",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_cues_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", "photo_id", name=op.f("pk_cues")),
    )
    with op.batch_alter_table("cues", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_cues_name_flagged_photo_id"), ["name", "flagged", "photo_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_cues_photo_id"), ["photo_id"], unique=False)

    op.create_table(
        "edits",
        sa.Column("id", Id(), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("output", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("checksum", sa.String(length=64), nullable=True),
        sa.Column("format", sa.String(length=8), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("deleted_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_edits_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edits")),
    )
    with op.batch_alter_table("edits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_edits_photo_id"), ["photo_id"], unique=False)

    op.create_table(
        "embeddings",
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_embeddings_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("photo_id", "kind", name=op.f("pk_embeddings")),
    )
    with op.batch_alter_table("embeddings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_embeddings_kind_version"), ["kind", "version"], unique=False)

    op.create_table(
        "faces",
        sa.Column("id", Id(), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("height", sa.Double(), nullable=False),
        sa.Column("landmarks", sa.JSON(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("person_id", Id(), nullable=True),
        sa.Column("person_source", sa.String(length=5), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_faces_person_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_faces_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faces")),
    )
    with op.batch_alter_table("faces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_faces_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_faces_photo_id"), ["photo_id"], unique=False)

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

    op.create_table(
        "jobs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("dedupe", sa.String(length=100), nullable=False),
        sa.Column("owner_id", Id(), nullable=True),
        sa.Column("photo_id", Id(), nullable=True),
        sa.Column("campaign_id", Id(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", UtcTime(), nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state in ('ready', 'running', 'paused', 'done', 'failed', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_jobs_campaign_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_jobs_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_jobs_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_campaign_id_state"), ["campaign_id", "state"], unique=False)
        batch_op.create_index("ix_jobs_claim", ["state", "kind", "priority", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_jobs_owner_id_state_id"), ["owner_id", "state", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_jobs_photo_id"), ["photo_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_state_lease_until"), ["state", "lease_until"], unique=False)
        batch_op.create_index(
            "uq_jobs_active",
            ["kind", "dedupe"],
            unique=True,
            sqlite_where=sa.text("state IN ('ready', 'running')"),
            postgresql_where=sa.text("state IN ('ready', 'running')"),
        )

    op.create_table(
        "objects",
        sa.Column("id", Id(), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("height", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_objects_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objects")),
    )
    with op.batch_alter_table("objects", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_objects_name_photo_id_confidence"),
            ["name", "photo_id", "confidence"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_objects_photo_id"), ["photo_id"], unique=False)

    op.create_table(
        "people_apart",
        sa.Column("first_id", Id(), nullable=False),
        sa.Column("second_id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_id"], ["people.id"], name=op.f("fk_people_apart_first_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["people.id"], name=op.f("fk_people_apart_second_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_people_apart")),
    )
    with op.batch_alter_table("people_apart", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_people_apart_second_id"), ["second_id"], unique=False)

    op.create_table(
        "people_suggestions",
        sa.Column("first_id", Id(), nullable=False),
        sa.Column("second_id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("distance", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_id"], ["people.id"], name=op.f("fk_people_suggestions_first_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_people_suggestions_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["people.id"], name=op.f("fk_people_suggestions_second_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_people_suggestions")),
    )
    with op.batch_alter_table("people_suggestions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_people_suggestions_owner_id_distance"), ["owner_id", "distance"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_people_suggestions_second_id"), ["second_id"], unique=False)

    op.create_table(
        "photo_tags",
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_photo_tags_photo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["tags.id"], name=op.f("fk_photo_tags_tag_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tag_id", "photo_id", "source", name=op.f("pk_photo_tags")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("photo_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photo_tags_photo_id"), ["photo_id"], unique=False)

    op.create_table(
        "photo_terms",
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("field", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_photo_terms_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("term", "photo_id", "field", name=op.f("pk_photo_terms")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("photo_terms", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_photo_terms_photo_id_field"), ["photo_id", "field"], unique=False
        )

    op.create_table(
        "stages",
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_stages_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("photo_id", "stage", name=op.f("pk_stages")),
    )
    with op.batch_alter_table("stages", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_stages_stage_model_version"), ["stage", "model", "version"], unique=False
        )

    op.create_table(
        "taught_tags",
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("model", sa.String(length=170), nullable=True),
        sa.Column("rule", sa.LargeBinary(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("learned_revision", sa.Integer(), nullable=False),
        sa.Column("learned_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_taught_tags_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["tags.id"], name=op.f("fk_taught_tags_tag_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_taught_tags")),
    )
    with op.batch_alter_table("taught_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taught_tags_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "text_lines",
        sa.Column("id", Id(), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("content", sa.String(length=1000), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("height", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_text_lines_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_lines")),
    )
    with op.batch_alter_table("text_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_text_lines_photo_id"), ["photo_id"], unique=False)

    op.create_table(
        "album_photos",
        sa.Column("album_id", Id(), nullable=False),
        sa.Column("photo_id", Id(), nullable=False),
        sa.Column("pin", sa.String(length=6), nullable=True),
        sa.Column("added_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["album_id"], ["albums.id"], name=op.f("fk_album_photos_album_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_album_photos_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("album_id", "photo_id", name=op.f("pk_album_photos")),
    )
    with op.batch_alter_table("album_photos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_album_photos_photo_id"), ["photo_id"], unique=False)

    op.create_table(
        "face_rejections",
        sa.Column("face_id", Id(), nullable=False),
        sa.Column("person_id", Id(), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_id"], ["faces.id"], name=op.f("fk_face_rejections_face_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_face_rejections_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("face_id", "person_id", name=op.f("pk_face_rejections")),
    )
    op.create_table(
        "shares",
        sa.Column("id", Id(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("album_id", Id(), nullable=True),
        sa.Column("photo_id", Id(), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("download", sa.Boolean(), nullable=False),
        sa.Column("location", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint("(album_id is null) <> (photo_id is null)", name=op.f("ck_shares_one_thing")),
        sa.ForeignKeyConstraint(
            ["album_id"], ["albums.id"], name=op.f("fk_shares_album_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_shares_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photos.id"], name=op.f("fk_shares_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_shares_token_hash")),
    )
    with op.batch_alter_table("shares", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shares_album_id"), ["album_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shares_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shares_photo_id"), ["photo_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("shares", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shares_photo_id"))
        batch_op.drop_index(batch_op.f("ix_shares_owner_id"))
        batch_op.drop_index(batch_op.f("ix_shares_album_id"))

    op.drop_table("shares")
    op.drop_table("face_rejections")
    with op.batch_alter_table("album_photos", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_album_photos_photo_id"))

    op.drop_table("album_photos")
    with op.batch_alter_table("text_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_text_lines_photo_id"))

    op.drop_table("text_lines")
    with op.batch_alter_table("taught_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_taught_tags_owner_id"))

    op.drop_table("taught_tags")
    with op.batch_alter_table("stages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stages_stage_model_version"))

    op.drop_table("stages")
    with op.batch_alter_table("photo_terms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_terms_photo_id_field"))

    op.drop_table("photo_terms")
    with op.batch_alter_table("photo_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_tags_photo_id"))

    op.drop_table("photo_tags")
    with op.batch_alter_table("people_suggestions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_suggestions_second_id"))
        batch_op.drop_index(batch_op.f("ix_people_suggestions_owner_id_distance"))

    op.drop_table("people_suggestions")
    with op.batch_alter_table("people_apart", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_apart_second_id"))

    op.drop_table("people_apart")
    with op.batch_alter_table("objects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_objects_photo_id"))
        batch_op.drop_index(batch_op.f("ix_objects_name_photo_id_confidence"))

    op.drop_table("objects")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_jobs_active",
            sqlite_where=sa.text("state IN ('ready', 'running')"),
            postgresql_where=sa.text("state IN ('ready', 'running')"),
        )
        batch_op.drop_index(batch_op.f("ix_jobs_state_lease_until"))
        batch_op.drop_index(batch_op.f("ix_jobs_photo_id"))
        batch_op.drop_index(batch_op.f("ix_jobs_owner_id_state_id"))
        batch_op.drop_index("ix_jobs_claim")
        batch_op.drop_index(batch_op.f("ix_jobs_campaign_id_state"))

    op.drop_table("jobs")
    with op.batch_alter_table("hidden_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hidden_tags_tag_id"))

    op.drop_table("hidden_tags")
    with op.batch_alter_table("faces", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_faces_photo_id"))
        batch_op.drop_index(batch_op.f("ix_faces_person_id"))

    op.drop_table("faces")
    with op.batch_alter_table("embeddings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_embeddings_kind_version"))

    op.drop_table("embeddings")
    with op.batch_alter_table("edits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_edits_photo_id"))

    op.drop_table("edits")
    with op.batch_alter_table("cues", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cues_photo_id"))
        batch_op.drop_index(batch_op.f("ix_cues_name_flagged_photo_id"))

    op.drop_table("cues")
    op.drop_table("campaign_before")
    with op.batch_alter_table("albums", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_albums_owner_id"))

    op.drop_table("albums")
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_uploads_owner_id"))
        batch_op.drop_index(batch_op.f("ix_uploads_expires_at"))

    op.drop_table("uploads")
    with op.batch_alter_table("tags", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_tags_vocabulary",
            sqlite_where=sa.text("owner_id IS NULL"),
            postgresql_where=sa.text("owner_id IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_tags_parent_id"))

    op.drop_table("tags")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_user_id"))

    op.drop_table("sessions")
    with op.batch_alter_table("photos", schema=None) as batch_op:
        batch_op.drop_index("ix_photos_timeline")
        batch_op.drop_index(batch_op.f("ix_photos_owner_id_country_code_city"))
        batch_op.drop_index(batch_op.f("ix_photos_owner_id_checksum_sha1"))
        batch_op.drop_index(batch_op.f("ix_photos_owner_id_camera_model"))
        batch_op.drop_index(batch_op.f("ix_photos_owner_id_added_at"))
        batch_op.drop_index(batch_op.f("ix_photos_checksum"))

    op.drop_table("photos")
    with op.batch_alter_table("people_merges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_merges_owner_id"))

    op.drop_table("people_merges")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_owner_id"))

    op.drop_table("people")
    with op.batch_alter_table("kept_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kept_answers_created_at"))

    op.drop_table("kept_answers")
    op.drop_table("campaigns")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_user_id"))

    op.drop_table("api_keys")
    op.drop_table("users")
    with op.batch_alter_table("login_failures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_failures_key_at"))

    op.drop_table("login_failures")
    op.drop_table("key_values")
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_changes_owner_id_sequence"))

    op.drop_table("changes")
    op.drop_table("change_counters")
