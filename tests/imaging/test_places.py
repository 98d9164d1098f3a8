"""Positions have towns, except out at sea."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from app.imaging.places import Place, locate
from app.imaging.sandbox import Sandbox


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ((43.4674, 11.8851), Place("IT", "Italy", "Tuscany", "Arezzo")),
        ((48.8583, 2.2945), Place("FR", "France", "Île-de-France", "Paris")),  # not one of its quarters
        ((48.8049, 2.1204), Place("FR", "France", "Île-de-France", "Versailles")),  # not the city beside it
        ((31.2304, 121.4737), Place("CN", "China", "Shanghai", "Shanghai")),
        ((-33.857, 151.215), Place("AU", "Australia", "New South Wales", "Sydney")),
    ],
)
def test_known_places(position: tuple[float, float], expected: Place) -> None:
    assert locate([position]) == [expected]


def test_distance_is_measured_on_the_sphere() -> None:
    # Across the date line: Tubou at 178.81 W is nearer to 179.9 E than any town of Vanua Levu is in degrees.
    west, east = locate([(-18.24, -179.2), (-18.07, 179.32)])
    assert west is not None
    assert east is not None
    assert (west.country_code, east.city) == ("FJ", "Levuka")
    # Near the pole a degree of longitude is short: Longyearbyen is 30 km away, not 2 degrees.
    (svalbard,) = locate([(78.22, 17.0)])
    assert svalbard is not None
    assert svalbard.city == "Longyearbyen"


@pytest.mark.parametrize("position", [(0.0, 0.0), (30.0, -40.0), (-60.0, -140.0), (90.0, 0.0), (-89.9, 12.0)])
def test_the_open_sea_and_the_ice_are_no_place(position: tuple[float, float]) -> None:
    assert locate([position]) == [None]


@pytest.mark.parametrize("position", [(91.0, 0.0), (0.0, 181.0), (math.nan, 0.0), (0.0, math.inf)])
def test_impossible_positions_are_no_place(position: tuple[float, float]) -> None:
    assert locate([position]) == [None]


def test_every_photo_of_the_italian_walk_is_in_arezzo(sandbox: Sandbox, shared_data: Path) -> None:
    paths = sorted((shared_data / "metadata" / "gps").glob("*.jpg"))
    found = [sandbox.inspect(path).metadata for path in paths]
    positions = [(one.latitude, one.longitude) for one in found if one.latitude and one.longitude]
    assert len(positions) == len(paths) == 9
    assert {place.city for place in locate(positions) if place} == {"Arezzo"}
    assert locate([]) == []
