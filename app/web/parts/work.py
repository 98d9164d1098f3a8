"""Background work and the state of the installation."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.parts.photos import Fact


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
class JobGroup:
    """Jobs of one kind that ended one after the other: how many, and the latest of them."""

    title: str
    state: str
    count: int
    at: str
    jobs: tuple[JobView, ...]


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
    """One network; ``busy`` is the progress in 0..1 of an errand about it, None when there is none. ``awaiting`` says
    how many photos it has not looked at, which a re-tag of ``stage`` would mend.
    """

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
    stage: str = ""
    awaiting: str = ""


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
