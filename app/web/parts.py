"""The small parts pages are made of: a tile, a tag, a place, a job. Frozen, localised, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """The one who is signed in."""

    name: str
    is_admin: bool


@dataclass(frozen=True)
class Flash:
    """A message about what the last form did; ``kind`` is ``done`` or ``problem``."""

    kind: str
    text: str
    undo: str = ""  # address that takes it back, by POST


@dataclass(frozen=True)
class Shell:
    """What every page carries; ``theme`` is system, light or dark, ``nav`` the open section.

    ``density`` says how large photos are in lists: tiny, small, large, or empty for the usual.
    """

    language: str
    theme: str
    csrf_token: str
    path: str
    nav: str = ""
    query: str = ""
    person: Person | None = None
    flash: Flash | None = None
    density: str = ""


@dataclass(frozen=True)
class Reason:
    """Why a search found a photo: words to show and, where one exists, how strong it is in 0..1."""

    text: str
    strength: float | None = None


@dataclass(frozen=True)
class SharedTile:
    """One photo of a share; ``download`` is empty where the owner offers none."""

    href: str
    src: str
    width: int
    height: int
    alt: str
    thumbhash: str = ""
    download: str = ""


@dataclass(frozen=True)
class ShareRow:
    """One link in its owner's list; ``facts`` say what it allows, ``href`` leads to what it shows."""

    id: str
    title: str
    href: str
    cover: str
    made: str
    ends: str
    over: bool
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Tile:
    """One photo in a grid. ``width`` and ``height`` are the upright picture's, for its shape."""

    id: str
    href: str
    src: str
    width: int
    height: int
    alt: str
    thumbhash: str = ""
    favorite: bool = False
    status: str = "ready"
    month: str = ""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Month:
    """A section of the timeline; ``key`` is ``2024-06``, ``count`` counts all its photos."""

    key: str
    title: str
    count: int
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Fact:
    """A labelled value; ``href`` searches for photos that share it."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True)
class TagView:
    """A tag on a photo. ``state`` is suggested or confirmed; ``confidence`` in 0..1."""

    slug: str
    name: str
    confidence: float
    source: str
    state: str
    model: str
    href: str


@dataclass(frozen=True)
class BoxView:
    """Something found: x, y, width, height in 0..1 of the upright picture; ``tags`` are what it speaks for."""

    kind: str  # object face
    label: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    href: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlaceView:
    """Where a photo was taken; ``x, y`` are hundredths of a degree on the map, y southwards."""

    label: str
    coordinates: str
    x: int
    y: int
    href: str = ""


@dataclass(frozen=True)
class StageView:
    """How one stage of understanding went."""

    name: str
    model: str
    at: str
    seconds: str
    error: str = ""


@dataclass(frozen=True)
class EditView:
    """A rendered recipe of a photo; forms about it go below ``action``."""

    title: str
    status: str
    href: str
    detail: str
    action: str


@dataclass(frozen=True)
class HoldingAlbum:
    """An album a photo is in; out of it go forms below ``action``, empty where a rule decides."""

    title: str
    href: str
    action: str = ""


@dataclass(frozen=True)
class AlbumChoice:
    id: str
    title: str
    chosen: bool = False


@dataclass(frozen=True)
class AlbumCard:
    """One album in a list. ``query`` is the rule of a dynamic album, empty for a manual one."""

    id: str
    title: str
    href: str
    count: int
    query: str = ""
    cover: str = ""


@dataclass(frozen=True)
class TermCard:
    """A tag with its number of photos and the address of a picture that shows it."""

    name: str
    href: str
    count: int
    cover: str = ""


@dataclass(frozen=True)
class TagBranch:
    """A tag with those below it."""

    name: str
    href: str
    count: int
    children: tuple[TagBranch, ...] = ()


@dataclass(frozen=True)
class TagRow:
    """A tag to be arranged; ``parent`` is the name of the tag above, ``own`` one the user made."""

    slug: str
    name: str
    name_en: str
    name_zh: str
    parent: str
    href: str
    count: int
    own: bool


@dataclass(frozen=True)
class ChangedTag:
    """A tag by the name it ships with, and what its user made of it, in sentences."""

    slug: str
    name: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class JobView:
    """One unit of background work. ``state``: ready running paused done failed cancelled; ``progress`` in 0..1.
    ``help`` says what can be done about an error.
    """

    id: str
    title: str
    state: str
    progress: float
    at: str
    error: str = ""
    photo_href: str = ""
    photo_name: str = ""
    help: str = ""


@dataclass(frozen=True)
class CampaignView:
    """A re-tagging campaign; ``share`` is how much of it is over, ``actions`` (name, label) what can be done now."""

    id: str
    query: str
    state: str
    state_name: str
    detail: str
    at: str
    done: str
    failed: str
    share: float
    pace: str
    actions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RetagForm:
    """What a campaign may be told: stages and models as (value, label, chosen)."""

    query: str
    stages: tuple[tuple[str, str, bool], ...]
    models: tuple[tuple[str, str, bool], ...]
    only_outdated: bool
    problem: str = ""


@dataclass(frozen=True)
class TriedTag:
    """How many photos of the sample would gain and lose a tag."""

    name: str
    gained: int
    lost: int
    href: str


@dataclass(frozen=True)
class Tried:
    """A re-tag tried on a sample: under way, failed, or what it would change."""

    state: str
    progress: float
    error: str
    summary: str
    rows: tuple[TriedTag, ...]


@dataclass(frozen=True)
class ModelRow:
    """One network; ``busy`` is the progress in 0..1 of an errand about it, None when there is none."""

    id: str
    title: str
    version: str
    state: str
    state_name: str
    facts: tuple[Fact, ...]
    metrics: tuple[Fact, ...]
    weaknesses: tuple[str, ...]
    chosen: bool
    choosable: bool
    fetchable: bool
    measurable: bool
    busy: float | None = None


@dataclass(frozen=True)
class BytesRow:
    """Bytes of one kind or of one person; ``share`` in 0..1 of the largest."""

    label: str
    size: str
    share: float
    note: str = ""


@dataclass(frozen=True)
class CheckView:
    """The last check of all files: its state, and what it found as (what, which, repaired)."""

    state: str
    progress: float
    at: str
    summary: str
    good: bool
    findings: tuple[tuple[str, str, bool], ...] = ()
    error: str = ""


@dataclass(frozen=True)
class WorkerRow:
    name: str
    since: str
    seen: str
    alive: bool
    doing: str


@dataclass(frozen=True)
class QueueRow:
    name: str
    ready: int
    running: int
    paused: int
    failed: int
    oldest: str


@dataclass(frozen=True)
class KeyView:
    id: str
    name: str
    scopes: tuple[str, ...]
    created: str
    used: str


@dataclass(frozen=True)
class ScopeChoice:
    scope: str
    label: str
    usual: bool = False


@dataclass(frozen=True)
class PairingView:
    """A code for a device: as a picture to scan (a data: URL), and to type."""

    picture: str
    code: str


@dataclass(frozen=True)
class AccountRow:
    id: str
    name: str
    is_admin: bool
    disabled: bool
    created: str
    is_self: bool = False


@dataclass(frozen=True)
class FieldHelp:
    """One field of the query language: what it means and an example that can be tried."""

    name: str
    text: str
    example: str
    href: str


@dataclass(frozen=True)
class QueryProblem:
    """A search that does not parse: the text around the fault, and better words as (text, href)."""

    detail: str
    before: str
    at: str
    after: str
    suggestions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PersonCard:
    """Someone on the photos; ``name`` is empty until given, ``cover`` is the address of a face's picture."""

    id: str
    name: str
    href: str
    count: int
    cover: str = ""


@dataclass(frozen=True)
class PersonPair:
    """Two who may be one person."""

    first: PersonCard
    second: PersonCard


@dataclass(frozen=True)
class FaceView:
    """One face of a person; ``said`` where someone said who it is, ``cover`` where it stands for the person."""

    id: str
    src: str
    photo_href: str
    said: bool
    cover: bool


@dataclass(frozen=True)
class CountryView:
    """A country and its cities, each as a card with a cover."""

    name: str
    href: str
    count: int
    cities: tuple[TermCard, ...]


@dataclass(frozen=True)
class MapPin:
    """Photos near each other on the map: ``x, y, r`` are hundredths of a degree, y southwards; ``href`` goes nearer."""

    x: float
    y: float
    r: float
    label: str
    href: str


@dataclass(frozen=True)
class DuplicatePhoto:
    """One photo of a group of duplicates; ``keep`` is the suggested one, ``goes`` is ticked for the trash."""

    tile: Tile
    name: str
    size: str
    taken: str
    notes: tuple[str, ...]
    keep: bool
    goes: bool


@dataclass(frozen=True)
class DuplicateSet:
    """Photos that are one picture, the one to keep first, and why that one."""

    id: str
    title: str
    reason: str
    photos: tuple[DuplicatePhoto, ...]


@dataclass(frozen=True)
class MemoryView:
    """What a day brings back: a sentence, the days it is about, some photos, and the search for all of them."""

    title: str
    when: str
    href: str
    count: int
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class IdeaCard:
    """An album worth having; ``query`` is its rule."""

    title: str
    query: str
    href: str
    count: int
    cover: str = ""
