"""What follows from evidence of several kinds: objects, faces, cues, recognised text and the scene together.

Each rule is one function that reads ``Evidence`` and yields tags; docs/vocabulary.md lists them in words. A
rule speaks only when its evidence is good: a wrong tag costs more than a missing one. Thresholds were set on
labelled photos (``bench/vocabulary.py``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ml.types import CueValue, Detection, FaceDetection, TextBlock
from ml.vocabulary.outline import Setting
from ml.vocabulary.words import key

if TYPE_CHECKING:
    from ml.vocabulary.vocabulary import Vocabulary

# A detection of this score is right nine times in ten, and is stored from .4 on.
OBJECT_THRESHOLD = 0.5
# A thing that fills more of the picture than this leaves a trace in the scene, or is not what it seems.
LARGE = 0.35
TRACE = 0.045
OWN_TRACE = 0.01
# An unsure thing of some size needs a clearer trace of its family, and a little of its own.
UNSURE = 0.75
SIZED = 0.1
CLEAR_TRACE = 0.1
OWN_CLEAR_TRACE = 0.001
# The scene network hardly knows people, and looks at what is on a table.
TRACELESS = frozenset({"person", "dining table"})
# What the detector takes pages and screenshots for, and the score from which it is believed all the same.
PAGE_LOOKALIKES = frozenset(
    {"tv", "laptop", "refrigerator", "cell phone", "clock", "book", "keyboard", "parking meter"}
)
PAGE_SCORE = 0.9
PAGE = 0.2
FACE_THRESHOLD = 0.95
TAG_THRESHOLD = 0.5

# Parts of the picture's height: a face that a portrait is of, and the smallest that poses for a group.
PORTRAIT_FACE = 0.18
SELFIE_FACE = 0.15
GROUP_FACE = 0.06
GROUP = 3
CROWD = 8

# Cues are right about this often when their own rule raises them.
CUE_CONFIDENCE = 0.9
CUE_TAGS: Mapping[str, str] = {
    "night": "night",
    "sunset": "sunset",
    "bw": "black-and-white",
    "screenshot": "screenshot",
    "panorama": "panorama",
}
# Every page is without colour, and receipts are long.
_NOT_OF_PAGES = frozenset({"bw", "panorama"})


@dataclass(frozen=True)
class Room:
    """How a room is known: two kinds of its things, one of them among ``signs``; or a sign and a scene that
    agrees (``AGREES`` of ``scene``); or a scene that suffices (``SUFFICES`` of ``enough``)."""

    slug: str
    signs: frozenset[str]
    things: frozenset[str] = frozenset()
    scene: tuple[str, ...] = ()
    enough: tuple[str, ...] = ()


AGREES = 0.15
SUFFICES = 0.6
_KITCHEN = frozenset({"oven", "microwave", "refrigerator", "toaster", "sink"})
ROOMS = (
    Room("kitchen", _KITCHEN, _KITCHEN, ("kitchen-appliance",), ("kitchen-appliance",)),
    Room(
        "bathroom",
        frozenset({"toilet"}),
        frozenset({"sink", "toothbrush", "hair drier"}),
        ("bathroom-things",),
        ("bathroom-things",),
    ),
    Room("living-room", frozenset({"couch"}), frozenset({"tv", "remote", "chair"}), ("furniture",)),
    Room("bedroom", frozenset({"bed"}), frozenset(), ("furniture", "bedding"), ("bed",)),
    Room(
        "office",
        frozenset({"keyboard"}),
        frozenset({"mouse", "tv", "laptop"}),
        ("desk", "computer"),
        ("desk",),
    ),
)
STREET = frozenset({"car", "bus", "truck", "traffic light", "stop sign", "parking meter", "fire hydrant"})
RECEIPT_WORDS = (
    "total",
    "subtotal",
    "cash",
    "change",
    "tax",
    "invoice",
    "receipt",
    "合计",
    "金额",
    "发票",
    "总计",
)

# Log-odds of being out of doors: from the scene's probabilities, from each kind of object seen.
SIGN: Mapping[Setting | None, float] = {"in": -1.0, "out": 1.0, None: 0.0}
SETTING_THRESHOLD = 0.75
_SETTING_SCENE = 4.0
_SETTING_OBJECT = 1.5


@dataclass(frozen=True)
class DerivedTag:
    """A tag with its confidence in 0..1 and the evidence that decided: object, face, cue or scene."""

    slug: str
    confidence: float
    source: str


@dataclass(frozen=True)
class Evidence:
    """All that is known about one photo.

    ``sums`` are the scene's probabilities by concept, empty when it did not run; ``openness`` its probability
    of things seen out of doors less that of things seen indoors.
    """

    vocabulary: Vocabulary
    objects: Sequence[Detection]
    faces: Sequence[FaceDetection]
    cues: Sequence[CueValue]
    text: Sequence[TextBlock]
    sums: Mapping[str, float]
    openness: float
    lens: str

    @cached_property
    def believed(self) -> dict[str, float]:
        """The highest score of each kind of object, by COCO name, without those that cannot be."""
        best: dict[str, float] = {}
        for found in self.objects:
            if not self._doubtful(found):
                best[found.name] = max(found.confidence, best.get(found.name, 0.0))
        return best

    @cached_property
    def counts(self) -> Counter[str]:
        """How many of each kind are certain."""
        return Counter(
            found.name
            for found in self.objects
            if found.confidence >= OBJECT_THRESHOLD and not self._doubtful(found)
        )

    def _doubtful(self, found: Detection) -> bool:
        """Whether the scene speaks against an object: textures become beds, receipts television sets, seeds sheep."""
        slug = self.vocabulary.coco.get(found.name)
        if not self.sums or slug is None:
            return False
        if self.page and found.name in PAGE_LOOKALIKES and found.confidence < PAGE_SCORE:
            return True
        area = found.box.width * found.box.height
        if found.name in TRACELESS or area < SIZED:
            return False
        family, own = self.scene(self.vocabulary.top(slug)), self.sums.get(slug, 1.0)
        if found.confidence < UNSURE and (family < CLEAR_TRACE or own < OWN_CLEAR_TRACE):
            return True
        return area >= LARGE and (family < TRACE or (family > 0.5 and own < OWN_TRACE))

    @cached_property
    def clear_faces(self) -> list[FaceDetection]:
        """The certain faces, largest first."""
        clear = [face for face in self.faces if face.score >= FACE_THRESHOLD]
        return sorted(clear, key=lambda face: -face.box.height)

    @cached_property
    def flagged(self) -> frozenset[str]:
        """The names of the cues that are raised."""
        return frozenset(cue.name for cue in self.cues if cue.flagged)

    @cached_property
    def page(self) -> bool:
        """Whether the photo is of a page or a screen's content rather than of the world."""
        return self.scene("document") >= PAGE or "screenshot" in self.flagged

    def scene(self, slug: str) -> float:
        """The scene's probability of a concept, 0 when unknown."""
        return self.sums.get(slug, 0.0)


def derive(evidence: Evidence) -> list[DerivedTag]:
    """Apply every rule; of several tags of one concept the surest is kept, and all it is a kind of is added.

    Surest first.
    """
    surest: dict[str, DerivedTag] = {}
    for rule in RULES:
        for tag in rule(evidence):
            for slug in (tag.slug, *evidence.vocabulary.ancestors(tag.slug)):
                if slug not in surest or surest[slug].confidence < tag.confidence:
                    surest[slug] = DerivedTag(slug, tag.confidence, tag.source)
    return sorted(surest.values(), key=lambda tag: -tag.confidence)


def _objects(evidence: Evidence) -> Iterator[DerivedTag]:
    """A confident object is a tag; the scene may lift a doubtful one (a dog at .4 beside a dog's scene)."""
    for name, score in evidence.believed.items():
        slug = evidence.vocabulary.coco.get(name)
        if slug is None:
            continue
        together = 1 - (1 - score) * (1 - evidence.scene(slug))
        if together >= TAG_THRESHOLD:
            yield DerivedTag(slug, together, "object")


def _people(evidence: Evidence) -> Iterator[DerivedTag]:
    """Faces and bodies: people, portrait, group photo, crowd, selfie."""
    faces = evidence.clear_faces
    if faces:
        yield DerivedTag("people", max(face.score for face in faces), "face")
        first = faces[0].box.height
        alone = len(faces) == 1 or faces[1].box.height < first / 2
        if alone and first >= PORTRAIT_FACE and evidence.counts["person"] <= 2:
            yield DerivedTag("portrait", 0.85, "face")
        smallest = max(GROUP_FACE, first / 2)
        posing = [face for face in faces if face.box.height >= smallest and _looks_here(face)]
        if len(posing) >= GROUP:
            yield DerivedTag("group-photo", min(0.95, 0.6 + 0.1 * len(posing)), "face")
        if "front camera" in evidence.lens.casefold() and first >= SELFIE_FACE:
            yield DerivedTag("selfie", 0.95, "face")
    if max(len(faces), evidence.counts["person"]) >= CROWD:
        yield DerivedTag("crowd", 0.9, "object")


def _looks_here(face: FaceDetection) -> bool:
    """Whether the nose lies well between the eyes, as in faces turned to the camera."""
    left, right, nose = (face.landmarks[place][0] for place in (0, 1, 2))
    return right > left and 0.2 <= (nose - left) / (right - left) <= 0.8


def _rooms(evidence: Evidence) -> Iterator[DerivedTag]:
    """Rooms by what stands in them; see ``Room``."""
    for room in ROOMS:
        seen = {name: evidence.believed[name] for name in room.signs | room.things if evidence.counts[name]}
        agreeing = sum(map(evidence.scene, room.scene))
        enough = sum(map(evidence.scene, room.enough))
        if enough >= SUFFICES or (seen.keys() & room.signs and (len(seen) >= 2 or agreeing >= AGREES)):
            missing = math.prod(1 - score for score in seen.values()) * (1 - min(agreeing, 0.95))
            yield DerivedTag(room.slug, 0.9 * max(SUFFICES, 1 - missing), "object" if seen else "scene")


def _street(evidence: Evidence) -> Iterator[DerivedTag]:
    """Three things of the street, of two kinds at least, or one and a scene that agrees."""
    seen = {name: evidence.counts[name] for name in STREET if evidence.counts[name]}
    if (len(seen) >= 2 and sum(seen.values()) >= 3) or (seen and evidence.scene("street") >= 0.25):
        yield DerivedTag("street", 0.8, "object")


def _setting(evidence: Evidence) -> Iterator[DerivedTag]:
    """Indoor or outdoor: what the scene's classes and the objects are usually seen in, weighed."""
    odds = outdoor_odds(evidence)
    confidence = 1 / (1 + math.exp(-abs(odds)))
    if confidence >= SETTING_THRESHOLD and not evidence.page:
        source = "object" if evidence.counts else "scene"
        yield DerivedTag("outdoor" if odds > 0 else "indoor", confidence, source)


def outdoor_odds(evidence: Evidence) -> float:
    """Log-odds of the photo being taken out of doors."""
    concepts = evidence.vocabulary.concepts
    odds = _SETTING_SCENE * evidence.openness
    for name, score in evidence.believed.items():
        slug = evidence.vocabulary.coco.get(name)
        if slug is not None:
            odds += _SETTING_OBJECT * SIGN[concepts[slug].setting] * score
    return odds


def _cues(evidence: Evidence) -> Iterator[DerivedTag]:
    """A raised cue is a tag."""
    for name, slug in CUE_TAGS.items():
        if name in evidence.flagged and not (evidence.page and name in _NOT_OF_PAGES):
            yield DerivedTag(slug, CUE_CONFIDENCE, "cue")


def _text(evidence: Evidence) -> Iterator[DerivedTag]:
    """Lines of text: text, a document when there are many, a receipt when they speak of money."""
    lines = [key(block.content) for block in evidence.text if block.confidence >= 0.8]
    if len(lines) >= 3:
        yield DerivedTag("text", 0.9, "cue")
    if len(lines) >= 10 and "screenshot" not in evidence.flagged:
        yield DerivedTag("document", 0.85, "cue")
        if sum(any(word in line for line in lines) for word in RECEIPT_WORDS) >= 2:
            yield DerivedTag("receipt", 0.8, "cue")


RULES: tuple[Callable[[Evidence], Iterator[DerivedTag]], ...] = (
    _objects,
    _people,
    _rooms,
    _street,
    _setting,
    _cues,
    _text,
)
