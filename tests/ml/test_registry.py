"""The registry: every entry is complete and consistent, and mistakes in an entry are found."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ml import modelcards, registry
from ml.registry import Example, ModelEntry, RegistryError, Source, UnknownModel, WeightFile

REPOSITORY = Path(__file__).resolve().parents[2]
HASH = "0" * 64

GOOD = ModelEntry(
    id="scene/net@data",
    task="scene",
    version="1",
    title="A net",
    source=Source(kind="pypi", package="p", version="1", archive="p-1-py3-none-any.whl", sha256=HASH, size=9),
    files=(WeightFile("w", "p/w.pt", 3, HASH),),
    code_licence="MIT",
    weights_licence="MIT",
    convert="m:convert",
    build="m:build",
    examples=(Example("x", (1, 3, 4, 4)),),
)


def changed(**values: object) -> ModelEntry:
    return dataclasses.replace(GOOD, **values)  # type: ignore[arg-type]


def test_a_complete_entry_is_accepted() -> None:
    assert registry.collect([GOOD]) == {"scene/net@data": GOOD}
    assert GOOD.folder == "scene__net@data"


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (changed(id="net"), "task/architecture@weights"),
        (changed(source=dataclasses.replace(GOOD.source, version="")), "package, version and archive"),
        (changed(source=dataclasses.replace(GOOD.source, sha256="12")), "no sha256"),
        (
            changed(source=Source("url", url="https://h/x", archive="x", sha256=HASH)),
            "always an extra",
        ),
        (changed(files=()), "no file"),
        (changed(files=(WeightFile("w", "p/w.pt", 0, HASH),)), "size or sha256"),
        (changed(build=""), "convert or build"),
        (changed(examples=()), "no example"),
        (changed(runtime="onnx-file"), "model.onnx"),
        (changed(weights_licence=""), "licence"),
        (changed(default=True, extra=True), "both default and extra"),
    ],
)
def test_a_malformed_entry_is_named_with_its_fault(entry: ModelEntry, complaint: str) -> None:
    with pytest.raises(RegistryError, match=complaint):
        registry.collect([entry])


def test_two_entries_cannot_share_an_id_or_a_default() -> None:
    with pytest.raises(RegistryError, match="two entries"):
        registry.collect([GOOD, GOOD])
    with pytest.raises(RegistryError, match="both the default for scene"):
        registry.collect([changed(default=True), changed(id="scene/other@data", default=True)])


def test_the_shipped_entries_are_sound_and_the_scene_network_is_the_default() -> None:
    entries = registry.entries()
    assert registry.default("scene").id == "scene/efficientnet-lite2@in1k"
    for entry in entries.values():
        assert set(entry.requires) <= set(entries), entry.id
        assert len(entry.id) <= 80
        assert len({f.name for f in entry.files}) == len(entry.files), entry.id
        if entry.preprocessing:
            assert entry.preprocessing.describe()


def test_what_a_default_requires_is_not_left_for_request() -> None:
    for entry in registry.entries().values():
        if entry.default:
            assert not [other for other in entry.requires if registry.get(other).extra], entry.id


def test_code_that_an_entry_names_exists() -> None:
    for entry in registry.entries().values():
        for name in filter(None, (entry.convert, entry.build)):
            module, _, function = name.partition(":")
            spec = importlib.util.find_spec(module)
            assert spec is not None, name
            assert spec.origin is not None
            defined = rf"^(def {function}\(|{function} = )"
            assert re.search(defined, Path(spec.origin).read_text(), re.MULTILINE), name


def test_own_weights_lie_where_their_entry_says() -> None:
    for entry in registry.entries().values():
        if entry.source.kind == "own":
            for file in entry.files:
                assert (REPOSITORY / "ml" / "weights" / file.path).stat().st_size == file.size, file.path


def test_an_unknown_id_suggests_near_ones() -> None:
    with pytest.raises(UnknownModel, match="scene/efficientnet-lite2@in1k"):
        registry.get("scene/eficientnet-lite2@in1k")
    with pytest.raises(UnknownModel, match="'weather'"):
        registry.default("weather")


def test_for_task_lists_the_default_first() -> None:
    assert registry.for_task("scene")[0].default
    assert registry.for_task("weather") == []


def test_the_models_page_is_what_the_registry_says_today() -> None:
    """Stale? ``python -m ml.modelcards > docs/models.md``"""
    written = (REPOSITORY / "docs" / "models.md").read_text()
    command = [sys.executable, "-m", "ml.modelcards"]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert written == printed


def test_the_models_page_tells_what_matters_about_a_model() -> None:
    text = modelcards.page([changed(weaknesses=("sees no cats",), paper="Someone, 2020")])
    for fact in ("scene/net@data", "MIT", HASH, "sees no cats", "Someone, 2020", "p-1-py3-none-any.whl"):
        assert fact in text
