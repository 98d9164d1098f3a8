"""People and places as a person without scripts corrects them, over the real application and a real grouping."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from io import BytesIO
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from app.context import Context
from app.models import Photo
from app.search import index_terms
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.collections.places import list_places
from app.services.faces import merging, people
from app.worker import Worker
from ml.types import Analysis, Box, FaceDetection, StageRun
from tests.conftest import FakeAnalyzer


def direction(index: int, towards: int = 0, share: float = 0.0) -> Any:
    """Face vectors of different people, 0.85 apart; ``share`` of the way towards another one."""
    one, other = np.zeros(128, np.float32), np.zeros(128, np.float32)
    one[index], other[towards] = 0.6, 0.6
    return (1 - share) * one + share * other


@pytest.fixture
def photograph(context: Context, anna: Viewer, draw: Any) -> Callable[..., str]:
    """Take a photo with faces of these vectors and let the worker find and group them; the photo's id."""

    def take(*vectors: Any) -> str:
        places = [Box(0.05 + 0.3 * i, 0.1, 0.25, 0.3) for i in range(len(vectors))]
        marks = ((0.2, 0.2),) * 5
        faces = tuple(FaceDetection(0.99, b, marks, v) for b, v in zip(places, vectors, strict=True))
        seen = Analysis(faces=faces, stages=(StageRun("faces", "face/test@one", "1", 0.01),))
        added = intake.add_stream(context, anna, BytesIO(draw()), intake.Options())
        analyzer: Any = FakeAnalyzer(lambda _image: seen)
        worker = Worker(context, analyzer)
        while worker.run_once():
            pass
        return str(added.id)

    return take


@pytest.fixture
def whose(context: Context, anna: Viewer) -> Callable[[str], list[tuple[str, str, str]]]:
    """Each face of a photo as (face, person, name); empty where it belongs to nobody."""

    def read(photo_id: str) -> list[tuple[str, str, str]]:
        with context.database.read() as session:
            found = photos.describe(session, anna, UUID(photo_id)).faces
            return [(str(f.id), str(p.id) if p else "", p.name if p else "") for f, p in found]

    return read


def words(html: str) -> str:
    body = re.sub(r"<(script|svg)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def undo_of(html: str) -> str:
    found = re.search(r'<div class="notice done".*?action="([^"]+)"', html, flags=re.S)
    assert found is not None, words(html)[:400]
    return unescape(found[1])


def test_an_empty_album_invites(browser: Any) -> None:
    assert "Nobody here yet" in words(browser.get("/people").text)
    assert "No places yet" in words(browser.get("/places").text)
    assert "Nobody is hidden" in words(browser.get("/people?show=hidden").text)


def test_somebody_is_named_in_place_and_unnamed_again(browser: Any, photograph: Any, whose: Any) -> None:
    shots = [photograph(direction(0)) for _ in range(3)]
    ((_, person, _),) = whose(shots[0])
    page = browser.get("/people").text
    assert f'action="/person/{person}/name"' in page
    assert "3 photos" in words(page)
    named = browser.post(f"/person/{person}/name", {"name": "Anna  Meier", "from": "people"})
    assert (named.url.path, whose(shots[1])[0][2]) == ("/people", "Anna Meier")
    assert f'action="/person/{person}/name"' not in named.text
    assert f'href="/person/{person}"' in browser.get(f"/photo/{shots[0]}").text
    assert "Anna Meier" in words(browser.get(f"/photo/{shots[0]}").text)
    browser.post(undo_of(named.text))
    assert whose(shots[0])[0][2] == ""


def test_a_bad_name_says_why(browser: Any, photograph: Any, whose: Any) -> None:
    ((_, person, _),) = whose(photograph(direction(0)))
    page = browser.post(f"/person/{person}/name", {"name": "x" * 101})
    assert "1 to 100 characters" in words(page.text)


def test_passers_by_are_listed_when_asked_for(browser: Any, photograph: Any, whose: Any) -> None:
    ((_, person, _),) = whose(photograph(direction(0)))
    assert person not in browser.get("/people").text
    assert person in browser.get("/people?show=all").text


def test_hiding_and_showing(browser: Any, photograph: Any, whose: Any) -> None:
    shots = [photograph(direction(0)) for _ in range(3)]
    ((_, person, _),) = whose(shots[0])
    gone = browser.post(f"/person/{person}/hidden", {"value": "1"})
    assert f'href="/person/{person}"' not in gone.text
    assert person in browser.get("/people?show=hidden").text
    browser.post(undo_of(gone.text))
    assert f'href="/person/{person}"' in browser.get("/people").text


def test_one_name_twice_asks_whether_they_are_one(browser: Any, photograph: Any, whose: Any) -> None:
    first, second = photograph(direction(0)), photograph(direction(1))
    (_, anna, _), (_, other, _) = whose(first)[0], whose(second)[0]
    browser.post(f"/person/{anna}/name", {"name": "Anna"})
    asked = browser.post(f"/person/{other}/name", {"name": "anna", "from": "people"})
    assert asked.url.path == f"/person/{other}"
    assert f'<option value="{anna}" selected>' in asked.text
    merged = browser.post(f"/person/{other}/merge", {"into": anna})
    assert (merged.url.path, whose(second)[0][1:]) == (f"/person/{anna}", (anna, "Anna"))
    browser.post(undo_of(merged.text))
    assert whose(second)[0][1:] == (other, "anna")


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_is_this_the_same_person(
    browser: Any, photograph: Any, whose: Any, context: Context, anna: Viewer, answer: str
) -> None:
    ours = [photograph(direction(0)) for _ in range(3)]
    theirs = [photograph(direction(1, towards=0, share=0.35)) for _ in range(3)]
    with context.database.read() as session:
        (question,) = merging.questions(session, anna)
    pair = f"{question.first.person.id}/{question.second.person.id}"
    assert "Is this the same person?" in words(browser.get("/people").text)
    after = browser.post(f"/people/suggestions/{pair}", {"answer": answer})
    assert "Is this the same person?" not in words(after.text)
    assert (whose(ours[0])[0][1] == whose(theirs[0])[0][1]) is (answer == "yes")
    if answer == "yes":
        browser.post(undo_of(after.text))
        assert whose(ours[0])[0][1] != whose(theirs[0])[0][1]
    again = browser.post(f"/people/suggestions/{pair}", {"answer": answer})
    assert "no such suggestion" in words(again.text)


def test_a_face_that_is_not_this_person_leaves_and_comes_back(
    browser: Any, photograph: Any, whose: Any
) -> None:
    shots = [photograph(direction(0)) for _ in range(3)]
    face, person, _ = whose(shots[0])[0]
    faces = browser.get(f"/person/{person}?view=faces").text
    assert faces.count('name="face"') == 3
    away = browser.post(f"/person/{person}/faces", {"action": "away", "face": face})
    assert away.text.count('name="face"') == 2
    assert whose(shots[0])[0][1] == ""
    browser.post(undo_of(away.text))
    assert whose(shots[0])[0][1] == person


def test_the_last_face_takes_the_unnamed_person_with_it(browser: Any, photograph: Any, whose: Any) -> None:
    face, person, _ = whose(photograph(direction(0)))[0]
    page = browser.post(f"/person/{person}/faces", {"action": "nobody", "face": face})
    assert (page.status_code, page.url.path) == (200, "/people")
    assert browser.get(f"/person/{person}").status_code == 404


def test_faces_become_a_person_of_their_own(browser: Any, photograph: Any, whose: Any) -> None:
    shots = [photograph(direction(0)) for _ in range(3)]
    face, person, _ = whose(shots[0])[0]
    page = browser.post(f"/person/{person}/faces", {"action": "split", "face": face, "name": "Twin"})
    _, other, name = whose(shots[0])[0]
    assert (page.url.path, name) == (f"/person/{other}", "Twin")
    assert f"/photo/{shots[0]}" in page.text
    assert f"/photo/{shots[1]}" not in page.text
    everybody = [whose(shot)[0][0] for shot in shots[1:]]
    refused = browser.post(f"/person/{person}/faces", {"action": "split", "face": everybody})
    assert "At least one face stays" in words(refused.text)


def test_the_cover_is_chosen(
    browser: Any, photograph: Any, whose: Any, context: Context, anna: Viewer
) -> None:
    shots = [photograph(direction(0)) for _ in range(3)]
    _, person, _ = whose(shots[0])[0]
    for shot in shots:
        browser.post(f"/person/{person}/faces", {"action": "cover", "face": whose(shot)[0][0]})
        with context.database.read() as session:
            summary = people.summarise(session, people.get_person(session, anna, UUID(person)))
        assert str(summary.cover_face_id) == whose(shot)[0][0]
    assert "Tick at least one face" in words(browser.post(f"/person/{person}/faces", {"action": "away"}).text)


def test_people_are_their_owners(
    browser: Any, open_browser: Any, photograph: Any, whose: Any, bob: Viewer
) -> None:
    face, person, _ = whose(photograph(direction(0)))[0]
    other = open_browser("bob")
    assert other.get(f"/person/{person}").status_code == 404
    for path, form in (
        ("name", {"name": "Mine"}),
        ("hidden", {"value": "1"}),
        ("merge", {"into": person}),
        ("faces", {"action": "away", "face": face}),
        (f"return?faces={face}", {}),
    ):
        assert other.post(f"/person/{person}/{path}", form).status_code == 404, path
    assert whose(photograph(direction(0)))[0][1:] == (person, "")


# --- places -----------------------------------------------------------------------------------------------------


@pytest.fixture
def taken(browser: Any, draw: Any, context: Context) -> Callable[..., str]:
    """Upload a photo and place it."""

    def take(latitude: float, longitude: float, **columns: Any) -> str:
        photo_id = browser.upload(draw())
        with context.database.write() as session:
            photo = session.get(Photo, UUID(photo_id))
            assert photo is not None
            photo.latitude, photo.longitude = latitude, longitude
            intake.set_place(photo)
            session.flush()
            index_terms(session, photo)
            for name, value in columns.items():
                setattr(photo, name, value)
        return str(photo_id)

    return take


LISBON, PORTO, TOKYO = (38.7223, -9.1393), (41.1496, -8.6109), (35.6764, 139.65)


def test_places_by_country_and_city(browser: Any, taken: Any, context: Context, anna: Viewer) -> None:
    taken(*TOKYO)
    favourite = taken(*LISBON, favorite=True)
    taken(*LISBON)
    taken(*PORTO)
    taken(*PORTO, archived=True)
    taken(0.0, -30.0)  # in the ocean
    with context.database.read() as session:
        found = list_places(session, anna)
    assert [(p.country_code, p.city, p.count) for p in found][:2] == [("PT", "Lisbon", 2), ("JP", "Tokyo", 1)]
    assert str(found[0].cover_photo_id) == favourite
    assert found[0].latitude == pytest.approx(LISBON[0])
    html = browser.get("/places").text
    page = words(html)
    assert page.index("Portugal") < page.index("Lisbon") < page.index("Porto ") < page.index("Japan")
    assert "4 photos know where" in page
    assert "葡萄牙" in words(browser.get("/places?language=zh").text)
    # What a card counts is what its search finds.
    for city, count in (("Lisbon", 2), ("Porto", 1)):
        link = next(
            a for a in re.findall(r'href="(/search\?q=country[^"]+)"', html) if f"place%3A{city}" in a
        )
        assert len(re.findall(r'<li class="tile"', browser.get(unescape(link)).text)) == count


def test_the_map_holds_every_place(browser: Any, taken: Any) -> None:
    for place in (LISBON, TOKYO, (-41.2865, 174.7762)):
        taken(*place)
    html = browser.get("/places").text
    if 'class="place-map' not in html:
        pytest.skip("the pages' assets are not built")
    number = r"(-?\d+(?:\.\d+)?)"
    view = re.search(rf'class="place-map wide-map" viewBox="{number} {number} {number} {number}"', html)
    assert view is not None
    x, y, width, height = (float(part) for part in view.groups())
    dots = re.findall(rf'<circle class="pin" cx="{number}" cy="{number}"', html)
    assert len(dots) == 3
    for cx, cy in dots:
        assert x < float(cx) < x + width
        assert y < float(cy) < y + height
