"""What was seen in a photo: the boxes over the picture, and the same in words, each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import count

from app.search.values import quote
from app.services.photos import PhotoDetail
from app.web import parts
from app.web.i18n import Translator
from app.web.present import search_address

_SURE = 0.5  # what is less is folded away


def boxes(detail: PhotoDetail, t: Translator) -> tuple[parts.BoxView, ...]:
    """Objects, then faces, each with its place in the picture."""
    names, tags = _object_names(t.language), _object_tags()
    found = [
        parts.BoxView("object", names.get(o.name, o.name), o.confidence, o.x, o.y, o.width, o.height,
                      tags.get(o.name, ()))
        for o in detail.objects
    ]  # fmt: skip
    found += [
        # A face without a name says so by itself: a word over it would only hide it.
        parts.BoxView(
            "face", person.name if person else "", face.score, face.x, face.y, face.width, face.height
        )
        for face, person in detail.faces
    ]
    return tuple(found)


def things(detail: PhotoDetail, t: Translator) -> tuple[parts.SeenThing, ...]:
    """Kinds of objects with their number, the surest first; ``boxes`` counts as in `boxes`."""
    names, tags = _object_names(t.language), _object_tags()
    kinds: dict[str, list[int]] = {}
    for at, thing in enumerate(detail.objects):
        kinds.setdefault(thing.name, []).append(at)
    found = []
    for name, places in kinds.items():
        label, share = names.get(name, name), max(detail.objects[at].confidence for at in places)
        several = t("photo.times", label=label, count=t.number(len(places))) if len(places) > 1 else label
        address = search_address(f"object:{quote(name)}")
        kept = tuple(map(str, places))
        found.append(parts.SeenThing(several, label, share, address, kept, tags.get(name, ()), share < _SURE))
    return tuple(sorted(found, key=lambda thing: -thing.confidence))


def faces(detail: PhotoDetail, t: Translator) -> tuple[parts.SeenFace, ...]:
    """Who is on the photo: the face cut out, the name or the question, and where to give it."""
    number: Iterator[int] = count(len(detail.objects))
    return tuple(
        parts.SeenFace(
            person.name if person and person.name else t("people.unnamed"),
            f"/api/v1/faces/{face.id}/crop",
            str(next(number)),
            f"/person/{person.id}" if person else "",
            bool(person and person.name),
        )
        for face, person in detail.faces
    )


def _object_names(language: str) -> dict[str, str]:
    """The detector's English class names in the reader's language; in English as they are, for the box around one
    person is not around "people"."""
    from ml.vocabulary import load_vocabulary

    known = load_vocabulary()
    chosen = {name: known.concepts[slug] for name, slug in known.coco.items()}
    return {name: concept.name_zh if language == "zh" else name for name, concept in chosen.items()}


def object_name(name: str, t: Translator) -> str:
    """What a class of the detector is called, as a heading."""
    said = _object_names(t.language).get(name, name)
    return said[:1].upper() + said[1:]


@cache
def _object_tags() -> dict[str, tuple[str, ...]]:
    """The tags each class of the detector speaks for: its own, those above it, and where such a thing is seen."""
    from ml.vocabulary import load_vocabulary

    known = load_vocabulary()
    where = {"in": ("indoor",), "out": ("outdoor",), None: ()}
    return {
        name: (slug, *known.ancestors(slug), *where[known.concepts[slug].setting])
        for name, slug in known.coco.items()
    }
