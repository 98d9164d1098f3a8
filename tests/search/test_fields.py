"""Every field of the language on photos whose metadata are known, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.db import Database, new_id, utcnow
from app.errors import BadQuery
from app.models import Album, AlbumPhoto, Cue, DetectedObject, Edit, Embedding, Face, Person, Photo, TextLine
from app.search import count_photos, find_photos
from app.search.clauses import CLAUSES
from app.search.fields import FIELDS

BOX = {"x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2, "model": "m"}


def thing(name: str, confidence: float = 0.9) -> Callable[[Photo], DetectedObject]:
    return lambda photo: DetectedObject(photo_id=photo.id, name=name, confidence=confidence, **BOX)


def face(person: Person | None = None) -> Callable[[Photo], Face]:
    return lambda photo: Face(photo_id=photo.id, score=0.99, person_id=person and person.id, **BOX)


def cue(name: str, flagged: bool = True) -> Callable[[Photo], Cue]:
    return lambda photo: Cue(photo_id=photo.id, name=name, value=0.5, flagged=flagged, model="m")


def line(content: str) -> Callable[[Photo], TextLine]:
    return lambda photo: TextLine(photo_id=photo.id, content=content, confidence=0.9, **BOX)


def edit(status: str = "ready", deleted: bool = False) -> Callable[[Photo], Edit]:
    return lambda photo: Edit(
        photo_id=photo.id, recipe=[], status=status, deleted_at=utcnow() if deleted else None
    )


def visual(*values: float) -> Callable[[Photo], Embedding]:
    import numpy as np

    vector = np.array([*values, *[0.0] * (8 - len(values))], np.float32)
    vector /= np.linalg.norm(vector)
    return lambda photo: Embedding(
        photo_id=photo.id, kind="visual", model="v", vector=vector.astype("<f2").tobytes(),
    )  # fmt: skip


class Known:
    """A library in which every photo has a short name, and every query an expected set of names."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.names: dict[Any, str] = {}
        self._fill()

    def add(self, name: str, *rows: Any, **values: Any) -> Photo:
        photo: Photo = self.library.photo(*rows, **values)
        self.names[photo.id] = name
        return photo

    def find(self, query: str) -> set[str]:
        with self.library.database.read() as session:
            page = find_photos(session, self.library.viewer, query)
            assert count_photos(session, self.library.viewer, query) == len(page.items)
            return {self.names[hit.photo.id] for hit in page.items}

    def put(self, *rows: Any) -> None:
        with self.library.database.write() as session:
            session.add_all(rows)

    def _fill(self) -> None:
        lib = self.library
        owner = lib.viewer.user_id
        lib.tag("animal", zh="动物")
        lib.tag("pet", zh="宠物")
        lib.tag("dog", "animal", zh="狗", synonyms=["puppy", "小狗"])
        lib.tag("beagle", "dog", zh="比格犬")
        lib.tag("beach", zh="海滩", synonyms=["seaside", "海边"])
        anna, ben = Person(owner_id=owner, name="Anna Meier"), Person(owner_id=owner, name="Ben")
        self.put(anna, ben)
        self.anna = anna
        now = utcnow()
        self.add(
            "beach", lib.tagged("beach", 0.95), face(anna), face(), face(ben), visual(1, 0.1),
            taken=datetime(2024, 6, 1, 9, 30), filename="IMG_0001.JPG", camera_make="Canon",
            camera_model="Canon EOS R6", lens="RF 24-105mm F4 L", iso=100, aperture=4.0, focal_length=35.0,
            latitude=38.7223, longitude=-9.1393, city="Lisbon", region="Lisboa", country="Portugal",
            country_code="PT", favorite=True, rating=5, width=6000, height=4000, size=8_000_000,
        )  # fmt: skip
        self.add(
            "dog", lib.tagged("beagle", 0.55), thing("dog"), thing("dog", 0.5), thing("cup"), visual(1, 0.2),
            taken=datetime(2023, 12, 31, 23, 59, 59), filename="holiday 100%.png", format="png", iso=1600,
            aperture=2.8000000000000003, focal_length=50.2, camera_make="Apple", camera_model="iPhone 12",
            latitude=38.80, longitude=-9.38, city="Sintra", country="Portugal", country_code="PT", rating=3,
            width=1000, height=1500, size=900_000,
        )  # fmt: skip
        self.add(
            "cat", lib.tagged("dog", 0.9, "rejected"), lib.tagged("beagle", 0.8), thing("cat"), visual(0, 0, 1),
            cue("sharpness"), cue("dark", False), taken=datetime(2024, 2, 29, 0, 0), filename="cat.heic",
            format="heif", width=900, height=900, latitude=-33.87, longitude=151.2, city="Sydney",
            country="Australia", country_code="AU",
        )  # fmt: skip
        self.add(
            "receipt", line("Invoice 2041"), line("总计 发票"), cue("screenshot"), edit(), lib.tagged("beach", 0.15),
            taken=datetime(2019, 6, 15), filename="Screenshot_1.png", format="png", width=1080, height=2400,
        )  # fmt: skip
        self.add(
            "night", cue("night"), cue("haze"), cue("bw"), cue("sunset"), cue("dark"), edit("pending"),
            edit("ready", deleted=True), face(anna), thing("cup"), thing("cup"), thing("cup"),
            taken=datetime(2018, 1, 1), width=9000, height=3000, added_at=now - timedelta(days=3),
            filename="pano.tif", format="tiff",
        )  # fmt: skip
        self.add(
            "recent", taken=(now - timedelta(days=10)).replace(tzinfo=None), added_at=now, filename="r.jpg"
        )
        self.add("old", archived=True, taken=datetime(2001, 1, 1), filename="old.jpg")
        summer = Album(owner_id=owner, title="Summer 2024", kind="manual")
        dogs = Album(owner_id=owner, title="Dogs", kind="dynamic", query="object:dog or tag:beach")
        nested = Album(owner_id=owner, title="Nested", kind="dynamic", query="album:Dogs -faces:3")
        attic = Album(owner_id=owner, title="Attic", kind="dynamic", query="is:archived")
        self.put(summer, dogs, nested, attic)
        ids = {name: photo_id for photo_id, name in self.names.items()}
        self.put(
            AlbumPhoto(album_id=summer.id, photo_id=ids["beach"]),
            AlbumPhoto(album_id=summer.id, photo_id=ids["cat"]),
            AlbumPhoto(album_id=dogs.id, photo_id=ids["receipt"], pin="never"),
            AlbumPhoto(album_id=dogs.id, photo_id=ids["night"], pin="always"),
        )
        self.ids, self.albums = ids, {a.title: a.id for a in (summer, dogs, nested, attic)}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def known(request: pytest.FixtureRequest, make_database: Callable[..., Database], library_of: Any) -> Known:
    return Known(library_of(make_database(request.param)))


EVERYTHING = "beach dog cat receipt night recent"
EXPECTED = {
    "": EVERYTHING,
    # tags: both languages, synonyms, everything below; the user's word
    "tag:beach": "beach receipt",
    "tag:Seaside": "beach receipt",
    "tag:海边": "beach receipt",
    "tag:dog": "dog",  # not the cat: the user said it is no dog
    "tag:puppies": "dog",
    "tag:小狗": "dog",
    "tag:beagle": "dog cat",
    "tag:animal": "dog cat",
    "-tag:animal": "beach receipt night recent",
    "tag:pet": "dog cat",  # the vocabulary's further parents count, too
    # confidence, and its group
    "tag:beach confidence:>0.6": "beach",
    "confidence:<=0.15 tag:beach": "receipt",
    "object:dog>=2 confidence:>0.6": "",
    "object:dog confidence:>0.6": "dog",
    "(tag:beach or tag:dog) confidence:>=0.55": "beach dog",
    "(tag:beach confidence:>0.6) or tag:dog": "beach dog",
    # objects
    "object:dog": "dog",
    "object:狗": "dog",
    "object:animal": "dog cat",
    "object:dog=2": "dog",
    "object:dog>2": "",
    "object:cup<=1": "beach dog cat receipt recent",
    "object:cup>=1": "dog night",
    "-object:cup": "beach cat receipt recent",
    # people and faces
    "person:anna": "beach night",
    'person:"Anna Meier"': "beach night",
    "person:ben": "beach",
    "person:nobody": "",
    "faces:0": "dog cat receipt recent",
    "faces:>=3": "beach",
    "faces:1..3": "beach night",
    "faces:<2": "dog cat receipt night recent",
    "-faces:0": "beach night",
    # albums
    'album:"summer 2024"': "beach cat",
    "album:Dogs": "beach dog night",
    "album:Nested": "dog night",
    "-album:Dogs": "cat receipt recent",
    "album:Attic": "old",
    # places
    "place:lisbon": "beach",
    "place:portugal": "beach dog",
    "place:葡萄牙": "beach dog",
    "place:澳大利亚": "cat",
    "place:lis*": "beach",
    "country:pt": "beach dog",
    "country:PORTUGAL": "beach dog",
    "country:葡萄牙": "beach dog",
    "country:france": "",
    "near:38.7223,-9.1393,1": "beach",
    "near:38.7223,-9.1393,30": "beach dog",
    "near:38.7223,-9.1393,20": "beach",
    "near:-33.87,151.2": "cat",
    "near:0,0,20038": "beach dog cat",
    "-near:38.7223,-9.1393,30": "cat receipt night recent",
    "has:gps": "beach dog cat",
    "-has:gps": "receipt night recent",
    "has:faces": "beach night",
    "has:text": "receipt",
    "has:edits": "receipt",
    # times
    "date:2024-06-01": "beach",
    "date:2023": "dog",
    "date:2023-12": "dog",
    "date:2023-12-31..2024-02": "dog cat",
    "date:>2023 date:<2025": "beach cat",
    "date:<=2019": "receipt night",
    "date:<2019": "night",
    "taken:last-30d": "recent",
    "taken:last-5d": "",
    "taken:today": "",
    "added:last-7d": "night recent",
    "added:today": "recent",
    "added:2024-07-01": "beach dog cat receipt",
    "year:2024": "beach cat",
    "year:2018..2019": "receipt night",
    "year:<2019": "night",
    "month:6 date:<2025": "beach receipt",
    "month:january date:<2025": "night",
    # camera
    "camera:canon": "beach",
    'camera:"iphone 12"': "dog",
    "camera:eos*6": "beach",
    "lens:24-105": "beach",
    "iso:100": "beach",
    "iso:>800": "dog",
    "-iso:>800": "beach cat receipt night recent",
    "aperture:2.8": "dog",
    "aperture:<=2.8": "dog",
    "aperture:>2.8": "beach",
    "focal:50": "dog",
    "focal:>50": "dog",
    "focal:24..40": "beach",
    # what it is
    "is:favorite": "beach",
    "is:archived": "old",
    "-is:archived": EVERYTHING,
    "is:archived or is:favorite": "old beach",
    "is:blurry": "cat",
    "is:dark": "night",
    "is:hazy": "night",
    "is:screenshot": "receipt",
    "is:bw": "night",
    "is:night": "night",
    "is:sunset": "night",
    "is:edited": "receipt",
    "is:panorama": "receipt night",
    "is:portrait": "dog receipt",
    "is:landscape": "beach night recent",
    "is:square": "cat",
    "rating:>=4": "beach",
    "rating:0": "cat receipt night recent",
    "type:jpg": "beach night recent".replace("night ", ""),
    "type:heic": "cat",
    "type:png or type:tiff": "dog receipt night",
    "size:>5mb": "beach",
    "size:<1mb": "dog",
    "size:800kb..900kb": "dog",
    "mp:24": "beach",
    "mp:>24": "night",
    "mp:<1": "cat recent",
    "text:invoice": "receipt",
    'text:"invoice 2041"': "receipt",
    'text:"2041 invoice"': "",
    "text:发票": "receipt",
    "text:invo*": "receipt",
    "name:IMG_*": "beach",
    "name:img_0001.jpg": "beach",
    "name:*.png": "dog receipt",
    "name:100%": "dog",
    "name:_": "beach receipt",
    "name:scr*1*": "receipt",
}


@pytest.mark.parametrize(("query", "names"), EXPECTED.items(), ids=list(EXPECTED))
def test_field(known: Known, query: str, names: str) -> None:
    assert known.find(query) == set(names.split())


def test_similar(known: Known) -> None:
    assert known.find(f"similar:{known.ids['beach']}") == {"dog"}
    assert known.find(f"-similar:{known.ids['beach']}") == set(EVERYTHING.split()) - {"dog"}
    assert known.find(f"similar:{known.ids['receipt']}") == set()  # it has no vector yet
    assert known.find(f"similar:{new_id()}") == set()


def test_albums_by_id(known: Known) -> None:
    assert known.find(f"album:{known.albums['Summer 2024']}") == {"beach", "cat"}


def test_no_field_is_untested() -> None:
    tested = {text.lstrip("-(").partition(":")[0] for text in " ".join(EXPECTED).split() if ":" in text}
    assert tested | {"similar"} >= {field.name for field in FIELDS}


def test_every_field_compiles_by_a_column_or_by_one_clause() -> None:
    assert {f.name for f in FIELDS if f.column is None} == set(CLAUSES)
    assert not {f.name for f in FIELDS if f.column is not None} & set(CLAUSES)


@pytest.mark.parametrize(
    ("query", "position", "suggestion"),
    [
        ("night tag:beech", 6, "tag:beach"),
        ("object:dgo", 0, "object:dog"),
        ("x album:Sumer", 2, 'album:"Summer 2024"'),
        ("tag:\U0001f415", 0, None),
    ],
)
def test_unknown_names_are_told(known: Known, query: str, position: int, suggestion: str | None) -> None:
    with pytest.raises(BadQuery) as caught:
        known.find(query)
    assert caught.value.extra["position"] == position
    assert suggestion is None or suggestion in caught.value.extra["suggestions"]


def test_an_album_cannot_contain_itself(known: Known) -> None:
    owner = known.library.viewer.user_id
    first = Album(owner_id=owner, title="First", kind="dynamic", query="album:Second")
    second = Album(owner_id=owner, title="Second", kind="dynamic", query="tag:dog or album:First")
    known.put(first, second)
    with pytest.raises(BadQuery, match="cannot contain itself: “First” → “Second” → “First”"):
        known.find("album:First")
    known.put(Album(owner_id=owner, title="Broken", kind="dynamic", query="tag:gone-tag"))
    with pytest.raises(BadQuery, match="In the album “Broken”"):
        known.find("dog album:Broken")
