"""Edit operations on files: one to a named file, many into a folder; and what a file would gain from."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.cli.command import Add, fail, print_json, reason
from app.errors import AppError
from app.settings import Settings

_USAGE = """
  albumen process IN OUT --op sharpen
  albumen process FILE_OR_FOLDER ... --out DIR --op low_light,strength=0.7 --op channels,gain=[1,1.1,1.2]
  albumen process IN OUT --op style,photo=painting.jpg
  albumen process --suggest FILE ...
"""


def register(add: Add) -> None:
    process = add("process", _process, "Apply edit operations to files.", as_json=True)
    process.formatter_class = argparse.RawDescriptionHelpFormatter
    process.epilog = f"examples:{_USAGE}"
    process.add_argument("paths", nargs="+", type=Path, metavar="PATH",
                         help="IN OUT, or with --out the files and folders to process")  # fmt: skip
    process.add_argument("--out", type=Path, metavar="DIR", help="the folder for the results of many files")
    process.add_argument("--force", action="store_true", help="write over results that are there already")
    process.add_argument(
        "--op",
        action="append",
        default=[],
        metavar="NAME[,PARAMETER=VALUE...]",
        help="an operation, such as low_light,strength=0.7; repeat for more. A value may be a JSON list; "
        "photo of style is a file",
    )
    process.add_argument("--recipe", help="the recipe as a JSON list, instead of --op")
    process.add_argument("--suggest", action="store_true", help="only print what the files would gain from")
    process.add_argument("--language", choices=["en", "zh"], default="en", help="of the reasons of --suggest")


@dataclass(frozen=True)
class _Plan:
    """What is done to every file; ``styles`` are the files a recipe's names for style pictures stand for."""

    settings: Settings
    recipe: list[dict[str, Any]]
    styles: dict[str, Path]
    force: bool
    sources: frozenset[tuple[int, int]]  # device and inode of all of them
    written: set[Path] = field(default_factory=set)

    def develop(self, source: Path, target: Path, step: Any = None) -> dict[str, Any]:
        """Carry it out.

        Raises:
            AppError: it cannot be done. OSError: the disk. _Refused: something is in the way.
        """
        from app.imaging import darkroom

        target = target.resolve()
        self._check(target)
        recipe = _with_format(self.recipe, target.suffix)
        order = darkroom.Order(source.resolve(), recipe, target, self.styles)
        done = darkroom.develop(self.settings, order, progress=step)
        self.written.add(target)
        return vars(done)

    def _check(self, target: Path) -> None:
        if target in self.written:
            raise _Refused(f"another file of this run became {target}")
        if not target.exists():
            return
        stat = target.stat()
        if target.is_dir() or (stat.st_dev, stat.st_ino) in self.sources:
            raise _Refused(f"{target} cannot be the result: an original is never written over. Name another.")
        if not self.force:
            raise _Refused(f"{target} is there already; --force writes over it")


class _Refused(Exception):
    """A result would take the place of something else."""


def _process(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.suggest:
        return _suggest(arguments, settings)
    recipe = _recipe(arguments)
    styles = _styles(recipe)
    if arguments.out is None:
        return _one(arguments, settings, recipe, styles)
    return _many(arguments, settings, recipe, styles)


# --- one file, many files ---------------------------------------------------------------------------------------


def _one(
    arguments: argparse.Namespace, settings: Settings, recipe: list[dict[str, Any]], styles: dict[str, Path]
) -> int:
    from tqdm import tqdm

    from app.services import edits

    if len(arguments.paths) != 2:
        fail("say IN and OUT, or name the files and a folder for the results: --out DIR")
    source, target = arguments.paths
    if not source.is_file():
        fail(f"there is no file {source}" if not source.is_dir() else f"{source} is a folder: say --out DIR")
    if not target.resolve().parent.is_dir():
        fail(f"there is no folder {target.resolve().parent}")
    edits.checked(_with_format(recipe, target.suffix))
    plan = _Plan(settings, recipe, styles, arguments.force, _identities([source]))
    try:
        with tqdm(total=100, unit="%", disable=arguments.json or None) as bar:
            done = plan.develop(source, target, lambda f: bar.update(round(f * 100) - bar.n) and None)
    except _Refused as refusal:
        fail(str(refusal))
    if arguments.json:
        print_json(done)
    else:
        print(_told(target, done))
    return 0


def _many(
    arguments: argparse.Namespace, settings: Settings, recipe: list[dict[str, Any]], styles: dict[str, Path]
) -> int:
    from tqdm import tqdm

    from app.services import edits

    out: Path = arguments.out.resolve()
    if out.is_relative_to(settings.data.resolve()):
        fail(f"{arguments.out} lies in the data folder, where only the album writes; name another folder")
    edits.checked(recipe)
    pairs = list(_pairs(arguments.paths, out, recipe))
    plan = _Plan(settings, recipe, styles, arguments.force, _identities([source for source, _ in pairs]))
    results, failures = [], 0
    with tqdm(pairs, unit="file", disable=arguments.json or None) as bar:
        for source, target in bar:
            try:
                if not source.is_file():
                    raise _Refused("there is no such file")
                target.parent.mkdir(parents=True, exist_ok=True)
                done = plan.develop(source, target)
                results.append({"file": str(source), "result": str(target), **done})
                line, stream = _told(target, done), sys.stdout
            except (_Refused, AppError, OSError) as error:
                failures += 1
                results.append({"file": str(source), "error": _why(error)})
                line, stream = f"{source}: {_why(error)}", sys.stderr
            if not arguments.json:
                bar.write(line, file=stream)
    if arguments.json:
        print_json(results)
    else:
        print(f"{len(results) - failures} written, {failures} failed.")
    return 1 if failures else 0


def _pairs(paths: Sequence[Path], out: Path, recipe: list[dict[str, Any]]) -> Iterator[tuple[Path, Path]]:
    """Each source and its result: below ``out`` as below the folder that was named; earlier results are no sources."""
    from app.services.upkeep.importing import find_files

    for path in paths:
        if not path.is_dir():
            yield path, _result(out / path.name, recipe)
            continue
        inside = out != path.resolve()
        for file in find_files([path]):
            if not (inside and file.resolve().is_relative_to(out)):
                yield file, _result(out / file.relative_to(path), recipe)


def _result(place: Path, recipe: list[dict[str, Any]]) -> Path:
    """Where a result goes: its suffix is that of its format, JPEG where the source's own cannot be written."""
    from app.imaging.formats import SUFFIXES
    from ml.enhance.output import FORMATS

    wanted = next((step.get("format") for step in recipe if step.get("op") == "output"), None)
    if wanted:
        return place.with_suffix(SUFFIXES[wanted])
    return place if _format(place.suffix) in FORMATS else place.with_suffix(".jpg")


def _format(suffix: str) -> str:
    from ml.enhance.output import ALIASES

    name = suffix.lower().lstrip(".")
    return dict(ALIASES).get(name, name)


def _with_format(recipe: list[dict[str, Any]], suffix: str) -> list[dict[str, Any]]:
    """The recipe with the format that the result's name says, where it says none itself."""
    if any(step.get("op") == "output" for step in recipe):
        return recipe
    return [*recipe, {"op": "output", "format": _format(suffix)}]


def _identities(sources: Sequence[Path]) -> frozenset[tuple[int, int]]:
    stats = [source.stat() for source in sources if source.exists()]
    return frozenset((stat.st_dev, stat.st_ino) for stat in stats)


def _told(target: Path, done: dict[str, Any]) -> str:
    return f"{target}: {done['format']}, {done['width']} x {done['height']}, {done['size']:,} bytes"


def _why(error: Exception) -> str:
    if isinstance(error, AppError):
        return error.detail
    return reason(error) if isinstance(error, OSError) else str(error)


# --- suggestions ------------------------------------------------------------------------------------------------


def _suggest(arguments: argparse.Namespace, settings: Settings) -> int:
    """For each file the reasons, and the recipe as ``--recipe`` takes it."""
    from app.context import Context
    from app.services import suggestions

    context = Context.open(settings)
    results: list[dict[str, Any]] = []
    failures = 0
    for path in arguments.paths:
        try:
            found = suggestions.for_file(context, path)
        except (AppError, OSError) as error:
            failures += 1
            results.append({"file": str(path), "error": _why(error)})
            continue
        reasons = [suggestions.said(one.reason, arguments.language) for one in found]
        nothing = [suggestions.said(suggestions.NOTHING, arguments.language)]
        results.append(
            {"file": str(path), "recipe": [one.step for one in found], "reasons": reasons or nothing}
        )
    context.close()
    if arguments.json:
        print_json(results)
        return 1 if failures else 0
    for result in results:
        if "error" in result:
            print(f"{result['file']}: {result['error']}", file=sys.stderr)
            continue
        print(result["file"])
        for sentence in result["reasons"]:
            print(f"  {sentence}")
        if result["recipe"]:
            print(f"  --recipe '{json.dumps(result['recipe'])}'")
    return 1 if failures else 0


# --- recipes ----------------------------------------------------------------------------------------------------


def _recipe(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The steps as given; what they mean is checked later."""
    if not arguments.recipe:
        return [_operation(text) for text in arguments.op]
    try:
        steps = json.loads(arguments.recipe)
    except json.JSONDecodeError as error:
        fail(f"--recipe is not JSON: {error}")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        fail('--recipe must be a list of steps, such as [{"op": "sharpen"}]')
    return steps


def _styles(recipe: list[dict[str, Any]]) -> dict[str, Path]:
    """The files that steps take a style from, by the names put in their place."""
    files: dict[str, Path] = {}
    for step in recipe:
        given = step.get("photo") if step.get("op") == "style" else None
        if given and isinstance(given, str):
            if not Path(given).is_file():
                fail(f"there is no style picture {given}")
            step["photo"] = f"style-{len(files) + 1}"
            files[step["photo"]] = Path(given).resolve()
    return files


def _operation(text: str) -> dict[str, Any]:
    """``name,parameter=value,...``; values are JSON where they can be, else text."""
    name, *parameters = _split(text)
    step: dict[str, Any] = {"op": name}
    for parameter in parameters:
        key, equals, value = parameter.partition("=")
        if not equals:
            fail(f"--op {text}: {parameter} must have the form parameter=value")
        try:
            step[key] = json.loads(value)
        except json.JSONDecodeError:
            step[key] = value
    return step


def _split(text: str) -> list[str]:
    """At the commas that are not within a list or quotes."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += (letter == "[") - (letter == "]")
        if letter == "," and depth <= 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
