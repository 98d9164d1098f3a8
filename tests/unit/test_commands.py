"""The ``albumen`` command as somebody at a terminal meets it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from PIL import Image

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


class TestProcess:
    @pytest.fixture
    def photo(self, tmp_path: Path) -> Path:
        Image.new("RGB", (40, 30), "teal").save(tmp_path / "in.png")
        return tmp_path / "in.png"

    def test_an_original_is_never_written_over(self, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = photo.read_bytes()
        (photo.parent / "link.png").symlink_to(photo)
        (photo.parent / "hard.png").hardlink_to(photo)
        for name in ("in.png", "link.png", "hard.png"):
            assert run("process", str(photo), str(photo.parent / name), "--op", "sharpen") == 2
            assert "never written over" in capsys.readouterr().err
        assert photo.read_bytes() == before

    @pytest.mark.parametrize(
        ("recipe", "said"), [("{bad", "is not JSON"), ("5", "list of steps"), ('["x"]', "list of steps")]
    )
    def test_a_recipe_that_is_none_is_told_in_a_sentence(
        self, photo: Path, recipe: str, said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("process", str(photo), str(photo.parent / "out.png"), "--recipe", recipe) == 2
        assert said in capsys.readouterr().err

    @pytest.mark.parametrize(("name", "kind"), [("out.JPG", "JPEG"), ("out.tif", "TIFF")])
    def test_the_result_has_the_format_of_its_name(self, photo: Path, name: str, kind: str) -> None:
        assert run("process", str(photo), str(photo.parent / name), "--op", "flip") == 0
        assert Image.open(photo.parent / name).format == kind

    def test_formats_are_understood_as_people_write_them(self, photo: Path) -> None:
        target = photo.parent / "out"
        assert run("process", str(photo), str(target), "--op", "output,format=jpg") == 0
        assert Image.open(target).format == "JPEG"

    def test_what_is_not_there_is_named(self, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("process", "/none.png", str(photo.parent / "out.png"), "--op", "sharpen") == 2
        assert capsys.readouterr().err == "albumen: there is no file /none.png\n"
        assert run("process", str(photo), str(photo.parent / "none" / "out.png"), "--op", "sharpen") == 2
        assert "there is no folder" in capsys.readouterr().err

    def test_a_full_disk_is_called_so_and_leaves_nothing(
        self, photo: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (photo.parent / "out.png.part").symlink_to("/dev/full")  # where the result is written first
        assert run("process", str(photo), str(photo.parent / "out.png"), "--op", "sharpen") == 2
        assert "There is no space left" in capsys.readouterr().err
        assert [path.name for path in photo.parent.iterdir()] == ["in.png"]


class TestTrouble:
    """What goes wrong around the album is told in one line, without a traceback."""

    def test_a_damaged_database(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "albumen.db").write_bytes(b"no database at all" * 400)
        assert run("user", "list", "--data", str(tmp_path)) == 2
        assert "the database is damaged" in capsys.readouterr().err

    def test_a_data_folder_that_is_a_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").touch()
        assert run("user", "list", "--data", str(tmp_path / "file" / "album")) == 2
        assert capsys.readouterr().err == f"albumen: {tmp_path}/file/album: Not a directory\n"

    def test_an_export_into_the_album_itself(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("export", str(tmp_path / "blobs"), "--data", str(tmp_path)) == 2
        assert "lies in the data folder" in capsys.readouterr().err
