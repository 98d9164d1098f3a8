"""Places, the map, journeys and memories, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.db import Database, utcnow
from app.errors import Invalid
from app.models import Cue, Face, Person, Photo
from app.search import count_photos
from app.services.clients import sync
from app.services.collections import albums, ideas, memories, places
from app.services.collections.journeys import homes, stays, trips

BERLIN = {"city": "Berlin", "region": "Berlin", "country": "Germany", "country_code": "DE"}
LISBON = {"city": "Lisbon", "region": "Lisbon", "country": "Portugal", "country_code": "PT"}
PORTO = {"city": "Porto", "region": "Porto", "country": "Portugal", "country_code": "PT"}
AT = {"Berlin": (52.52, 13.40), "Lisbon": (38.72, -9.14), "Porto": (41.15, -8.61)}


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, make_database: Callable[[str], Database], library_of: Any) -> Any:
    return library_of(make_database(request.param))


def take(
    library: Any, place: dict[str, str], day: datetime, count: int = 1, *rows: Any, **values: Any
) -> list[Any]:
    latitude, longitude = AT[place["city"]]
    return [
        library.photo(*rows, **place, latitude=latitude, longitude=longitude + n * 0.001,
                      taken=day + timedelta(minutes=n), **values)
        for n in range(count)
    ]  # fmt: skip


def at_home(library: Any, year: int) -> None:
    for month in (1, 3, 5, 9, 11):
        take(library, BERLIN, datetime(year, month, 3, 12), 2)


def test_places_have_counts_and_a_loved_cover(both: Any) -> None:
    take(both, BERLIN, datetime(2024, 1, 1), 2)
    loved = take(both, LISBON, datetime(2024, 6, 1), 1, favorite=True)[0]
    take(both, LISBON, datetime(2024, 6, 2), 2)
    take(both, PORTO, datetime(2024, 6, 3), 1)
    take(both, PORTO, datetime(2024, 6, 3), 1, deleted_at=utcnow())
    take(both, PORTO, datetime(2024, 6, 3), 1, archived=True)
    both.photo()
    with both.database.read() as session:
        found = places.list_places(session, both.viewer)
        assert [(p.city, p.count) for p in found] == [("Lisbon", 3), ("Berlin", 2), ("Porto", 1)]
        assert found[0].cover_photo_id == loved.id
        assert [count_photos(session, both.viewer, p.query) for p in found] == [3, 2, 1]
        assert [code for code, _ in places.by_country(found)] == ["PT", "DE"]


def test_clusters_part_when_zooming_in(both: Any, library_of: Any) -> None:
    for place, count in ((LISBON, 3), (PORTO, 2), (BERLIN, 1)):
        take(both, place, datetime(2024, 6, 1), count)
    take(library_of(both.database, "ben"), PORTO, datetime(2024, 6, 1), 5)

    def counts(box: places.Box, zoom: int) -> list[int]:
        with both.database.read() as session:
            found = places.clusters(session, both.viewer, box, zoom)
            for cluster in found:  # what the map leads to is what it shows
                assert count_photos(session, both.viewer, cluster.query) == cluster.count
        return [cluster.count for cluster in found]

    assert counts(places.WORLD, 3) == [5, 1]
    assert counts(places.Box(-12, 36, -4, 43), 7) == [3, 2]
    assert counts(places.Box(0, 45, 20, 60), 5) == [1]
    assert counts(places.Box(-9.145, 38.71, -9.13, 38.73), 18) == [1, 1, 1]
    assert counts(places.Box(40, -10, 60, 10), 4) == []


def test_the_map_follows_what_other_processes_change(both: Any, library_of: Any) -> None:
    """Positions are kept in memory; each look must see what was committed before it, by whomever."""
    first, second = take(both, LISBON, datetime(2024, 6, 1), 2)
    take(both, PORTO, datetime(2024, 6, 1), 4)
    ben = library_of(both.database, "ben")
    take(ben, LISBON, datetime(2024, 6, 1), 1)
    other, portugal = Database(both.database.url), places.Box(-12, 36, -4, 43)

    def change(statement: Any) -> None:
        with other.write() as session:
            session.execute(statement)

    def shown(viewer: Any = both.viewer) -> list[int]:
        with both.database.read() as session:
            return [cluster.count for cluster in places.clusters(session, viewer, portugal, 7)]

    mine, others = update(Photo).where(Photo.id == first.id), update(Photo).where(Photo.id == second.id)
    latitude, longitude = AT["Porto"]
    assert shown() == [4, 2]
    assert shown(ben.viewer) == [1]
    for statement, expected in (
        (mine.values(archived=True), [4, 1]),
        (others.values(deleted_at=utcnow()), [4]),
        (mine.values(archived=False), [4, 1]),
        (others.values(deleted_at=None), [4, 2]),
        (mine.values(latitude=latitude, longitude=longitude), [5, 1]),
        (mine.values(latitude=None, longitude=None), [4, 1]),
        (mine.values(title="Nothing of this is on the map"), [4, 1]),
        (delete(Photo).where(Photo.id == second.id), [4]),
    ):
        change(statement)
        assert shown() == expected
    take(both, LISBON, datetime(2024, 6, 2), 3)
    assert shown() == [4, 3]
    with both.database.write() as session:  # one that writes sees its own changes
        session.execute(delete(Photo).where(Photo.city == "Porto"))
        assert [c.count for c in places.clusters(session, both.viewer, portugal, 7)] == [3]
    assert shown() == [3]
    change(delete(Photo).where(Photo.owner_id == both.viewer.user_id))
    assert shown() == []
    assert shown(ben.viewer) == [1]
    with other.write() as session:
        sync.renew_epoch(session)
    assert shown(ben.viewer) == [1]
    other.dispose()


def test_the_map_crosses_the_date_line(both: Any) -> None:
    both.photo(latitude=-17.0, longitude=179.9)
    both.photo(latitude=-17.0, longitude=-179.9)
    both.photo(latitude=-17.0, longitude=0.0)
    with both.database.read() as session:
        found = places.clusters(session, both.viewer, places.Box(170, -30, -170, 0), 4)
    assert sum(cluster.count for cluster in found) == 2


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d", "0,10,10,0", "0,0,0,10", "-181,0,0,10", "nan,0,1,1"]
)
def test_bad_boxes_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        places.Box.read(text)


def test_a_trip_is_a_run_of_days_away_from_home(both: Any) -> None:
    at_home(both, 2023)
    take(both, LISBON, datetime(2023, 6, 1, 12), 5)
    take(both, PORTO, datetime(2023, 6, 4, 12), 6)
    without_gps = both.photo(taken=datetime(2023, 6, 2, 12))
    take(both, PORTO, datetime(2023, 7, 20, 12), 3)  # too few to be a trip
    with both.database.read() as session:
        known = stays(session, both.viewer)
        assert homes(known)[2023].city == "Berlin"
        (trip,) = trips(known)
        assert (trip.start, trip.end, trip.count) == (date(2023, 6, 1), date(2023, 6, 4), 11)
        assert trip.cities == ("Porto", "Lisbon")
        assert trip.countries == (("PT", "Portugal"),)
        assert count_photos(session, both.viewer, trip.query) == 12
        assert count_photos(session, both.viewer, f"{trip.query} -has:gps") == 1
    assert without_gps.latitude is None


def test_without_a_home_there_are_no_trips(both: Any) -> None:
    take(both, LISBON, datetime(2023, 6, 1, 12), 20)
    with both.database.read() as session:
        assert trips(stays(session, both.viewer)) == []


def test_memories_of_a_day(both: Any) -> None:
    today = date(2024, 6, 1)
    for year in (2019, 2022):
        both.photo(taken=datetime(year, 6, 1, 23, 59))
    for day in (30, 31):
        both.photo(taken=datetime(2020, 5, day, 8))
    both.photo(taken=datetime(2020, 6, 3, 8))
    both.photo(taken=datetime(2021, 6, 1), archived=True)
    both.photo(taken=datetime(2024, 6, 1))  # today is no memory yet
    both.photo(lambda p: Cue(photo_id=p.id, name="screenshot", value=1, flagged=True, model="m"),
               taken=datetime(2023, 6, 1))  # fmt: skip
    with both.database.read() as session:
        found = memories.memories(session, both.viewer, today)
        assert [(m.kind, m.years, m.count) for m in found] == [
            ("on_this_day", 2, 1), ("on_this_day", 5, 1), ("this_week", 4, 3),
        ]  # fmt: skip
        for memory in found:
            assert count_photos(session, both.viewer, memory.query) == memory.count == len(memory.photos)


def test_the_29th_of_february_is_remembered_on_the_28th(both: Any) -> None:
    both.photo(taken=datetime(2020, 2, 29, 10))
    with both.database.read() as session:
        (found,) = memories.on_this_day(session, both.viewer, date(2023, 2, 28))
        assert found.photos[0].taken_local.day == 29
        assert memories.on_this_day(session, both.viewer, date(2024, 2, 28)) == []
        assert len(memories.on_this_day(session, both.viewer, date(2024, 2, 29))) == 1


def test_the_first_days_of_the_year_reach_into_the_last(both: Any) -> None:
    for day in (datetime(2020, 12, 30), datetime(2020, 12, 31), datetime(2021, 1, 3)):
        both.photo(taken=day)
    with both.database.read() as session:
        (week,) = memories.memories(session, both.viewer, date(2024, 1, 1))
    assert (week.kind, week.count, week.start) == ("this_week", 3, date(2020, 12, 29))


def test_trips_and_loved_photos_are_remembered(both: Any) -> None:
    at_home(both, 2022)
    take(both, LISBON, datetime(2022, 6, 3, 12), 16)
    for _ in range(5):
        both.photo(taken=datetime(2023, 10, 10), favorite=True)
    with both.database.read() as session:
        found = memories.memories(session, both.viewer, date(2024, 6, 7))
        assert [(m.kind, m.years, m.count) for m in found] == [("trip", 2, 16), ("best_of_year", 1, 5)]
        assert found[0].places == ("Lisbon",)


def test_ideas_are_rules_that_find_what_they_promise(both: Any) -> None:
    both.tag("document")
    at_home(both, 2022)
    at_home(both, 2023)
    take(both, PORTO, datetime(2022, 8, 3, 12), 16, favorite=True)
    for month in (2, 6, 10):
        take(both, LISBON, datetime(2023, month, 1, 12), 3)
    with both.database.write() as session:
        anna, ben = (Person(owner_id=both.viewer.user_id, name=name) for name in ("Anna", "Ben"))
        session.add_all([anna, ben])
    face = {"score": 1, "x": 0, "y": 0, "width": 0.1, "height": 0.1, "model": "m"}
    for _ in range(5):
        both.photo(
            lambda p: [Face(photo_id=p.id, person_id=person.id, **face) for person in (anna, ben)],
            taken=datetime(2021, 1, 1),
        )
    with both.database.read() as session:
        found = ideas.ideas(session, both.viewer)
        assert [(i.kind, i.title, i.count) for i in found] == [
            ("trip", "Porto, August 2022", 16), ("place", "Lisbon", 9), ("people", "Anna and Ben", 5),
            ("best_of_year", "Best of 2022", 16),
        ]  # fmt: skip
        for idea in found:
            assert count_photos(session, both.viewer, idea.query) == idea.count
            assert idea.cover_photo_id is not None
    with both.database.write() as session:
        albums.create_album(session, both.viewer, "Porto", query=found[0].query)
    with both.database.read() as session:
        assert "trip" not in {idea.kind for idea in ideas.ideas(session, both.viewer)}
