"""Where a person's photos were taken: the cities and countries in their columns, counted."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from app.db import ReadSession
from app.models import Photo
from app.services.accounts import Viewer


@dataclass(frozen=True)
class PlaceSummary:
    """One city (or what of a country lies near none): its photos, their mean position in degrees, the best of them."""

    country_code: str
    country: str
    region: str
    city: str
    count: int
    latitude: float
    longitude: float
    cover_photo_id: UUID


def list_places(session: ReadSession, viewer: Viewer) -> list[PlaceSummary]:
    """The places of the viewer's photos outside trash and archive, the most photographed first.

    The cover is a favourite where there is one, then what is rated highest, then the newest.
    """
    place = (Photo.country_code, Photo.region, Photo.city)
    ranked = (
        select(
            Photo.country_code,
            func.coalesce(Photo.country, Photo.country_code).label("country"),
            func.coalesce(Photo.region, "").label("region"),
            func.coalesce(Photo.city, "").label("city"),
            func.count().over(partition_by=place).label("photos"),
            func.avg(Photo.latitude).over(partition_by=place).label("latitude"),
            func.avg(Photo.longitude).over(partition_by=place).label("longitude"),
            Photo.id,
            func.row_number()
            .over(
                partition_by=place,
                order_by=(
                    Photo.favorite.desc(), Photo.rating.desc(), Photo.taken_local.desc(), Photo.id.desc(),
                ),
            )
            .label("rank"),
        )
        .where(
            Photo.owner_id == viewer.user_id,
            Photo.deleted_at.is_(None),
            Photo.archived.is_(False),
            Photo.country_code.is_not(None),
            Photo.latitude.is_not(None),
            Photo.longitude.is_not(None),
        )
        .subquery()
    )  # fmt: skip
    rows = session.execute(
        select(ranked)
        .where(ranked.c.rank == 1)
        .order_by(ranked.c.photos.desc(), ranked.c.country_code, ranked.c.city, ranked.c.region)
    )
    return [
        PlaceSummary(code, country, region, city, count, float(latitude), float(longitude), cover)
        for code, country, region, city, count, latitude, longitude, cover, _rank in rows.tuples()
    ]
