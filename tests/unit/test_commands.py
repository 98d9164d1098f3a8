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

    def test_a_result_that_is_there_is_written_over_only_by_force(
        self, photo: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        target = photo.parent / "out.png"
        target.write_bytes(b"mine")
        assert run("process", str(photo), str(target), "--op", "invert") == 2
        assert "--force writes over it" in capsys.readouterr().err
        assert target.read_bytes() == b"mine"
        assert run("process", str(photo), str(target), "--op", "invert", "--force") == 0
        assert Image.open(target).convert("RGB").getpixel((1, 1)) == (255, 127, 127)

    def test_a_list_is_a_value_and_a_file_lends_its_style_by_name(
        self, photo: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = photo.parent / "out.png"
        assert run("process", str(photo), str(out), "--op", "channels,gain=[1,1.5,0.5],offset=[0,0,0]") == 0
        assert Image.open(out).convert("RGB").getpixel((1, 1)) == (0, 192, 64)
        capsys.readouterr()
        assert run("process", str(photo), str(out), "--op", "style,photo=/none.jpg") == 2
        assert capsys.readouterr().err == "albumen: there is no style picture /none.jpg\n"


class TestProcessMany:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """a.png, deep/b.bmp and deep/broken.jpg in a folder."""
        folder = tmp_path / "photos"
        (folder / "deep").mkdir(parents=True)
        Image.new("RGB", (40, 30), "teal").save(folder / "a.png")
        Image.new("RGB", (40, 30), "red").save(folder / "deep" / "b.bmp")
        (folder / "deep" / "broken.jpg").write_bytes(b"no picture")
        return folder

    def test_a_folder_is_done_in_its_order_and_what_fails_is_told_in_a_line(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = folder.parent / "out"
        assert run("process", str(folder), "/none.png", "--out", str(out), "--op", "invert") == 1
        said = capsys.readouterr()
        failed = [line for line in said.err.splitlines() if line.startswith("/")]
        assert [line.partition(": ")[0] for line in failed] == [
            str(folder / "deep" / "broken.jpg"), "/none.png",
        ]  # fmt: skip
        assert "2 written, 2 failed." in said.out
        made = sorted(str(path.relative_to(out)) for path in out.rglob("*.*"))
        assert made == ["a.png", "deep/b.bmp"]
        assert Image.open(out / "a.png").convert("RGB").getpixel((1, 1)) == (255, 127, 127)

    def test_a_format_names_the_results(self, folder: Path) -> None:
        out = folder / "edited"
        (folder / "deep" / "broken.jpg").unlink()
        recipe = ("--op", "grayscale", "--op", "output,format=webp")
        assert run("process", str(folder), "--out", str(out), *recipe) == 0
        assert {path.name for path in out.rglob("*.*")} == {"a.webp", "b.webp"}
        assert run("process", str(folder), "--out", str(out), *recipe, "--force") == 0
        assert {str(path.relative_to(out)) for path in out.rglob("*.*")} == {"a.webp", "deep/b.webp"}

    def test_neither_a_source_nor_an_earlier_result_is_written_over(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        source = folder / "a.png"
        before = source.read_bytes()
        assert run("process", str(source), "--out", str(folder), "--op", "invert", "--force") == 1
        assert "never written over" in capsys.readouterr().err
        assert source.read_bytes() == before
        out = folder.parent / "out"
        (out / "a.png").parent.mkdir()
        (out / "a.png").write_bytes(b"mine")
        assert run("process", str(source), "--out", str(out), "--op", "invert") == 1
        assert (out / "a.png").read_bytes() == b"mine"
        assert run("process", str(source), "--out", str(out), "--op", "invert", "--force") == 0
        assert (out / "a.png").read_bytes() != b"mine"

    def test_two_files_of_one_name_are_not_written_over_each_other(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Image.new("RGB", (40, 30), "white").save(folder / "deep" / "a.png")
        same = (str(folder / "a.png"), str(folder / "deep" / "a.png"))
        out = folder.parent / "out"
        assert run("process", *same, "--out", str(out), "--op", "invert", "--force") == 1
        assert "another file of this run" in capsys.readouterr().err
        assert Image.open(out / "a.png").convert("RGB").getpixel((1, 1)) == (255, 127, 127)

    def test_many_files_need_a_folder_and_not_the_albums(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("process", str(folder / "a.png"), "--op", "invert") == 2
        assert "--out DIR" in capsys.readouterr().err
        data = folder.parent / "album"
        assert run("process", str(folder), "--out", str(data / "x"), "--data", str(data)) == 2
        assert "lies in the data folder" in capsys.readouterr().err


def test_what_files_would_gain_from_is_printed_as_a_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.api.test_suggestions import picture

    (tmp_path / "dark.jpg").write_bytes(picture(0.05, side=400))
    (tmp_path / "good.jpg").write_bytes(picture(0.5, 2.2))
    files = [str(tmp_path / name) for name in ("dark.jpg", "good.jpg", "none.jpg")]
    assert run("process", "--suggest", *files, "--language", "zh", "--data", str(tmp_path / "album")) == 1
    said = capsys.readouterr()
    assert "照片大部分区域过暗。" in said.out
    assert '--recipe \'[{"op": "low_light"' in said.out
    assert "这张照片无需调整。" in said.out
    assert f"{tmp_path}/none.jpg: No such file or directory" in said.err
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == ["dark.jpg", "good.jpg"]


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
