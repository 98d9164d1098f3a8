"""The ``albumen`` command as somebody at a terminal meets it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.cli import main

BENCH = Path(__file__).resolve().parents[2] / "bench"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_measurements_are_listed_with_what_they_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench") == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines.keys() >= {"tagging", "scale", "durability"}
    assert lines.keys() <= {path.stem for path in BENCH.glob("*.py")}


def test_a_new_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    assert run("user", "list", "--data", str(tmp_path / "album")) == 0
    assert stat.S_IMODE((tmp_path / "album").stat().st_mode) == 0o700


def test_a_measurement_takes_its_own_options(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "scale", "-h") == 0
    assert "--photos" in capfd.readouterr().out
    assert run("bench", "nonsense") == 2
    assert "nonsense" in capfd.readouterr().err
