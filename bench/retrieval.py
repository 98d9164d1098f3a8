"""Measures search on real photos: ``python bench/retrieval.py [--meaning ID] [--cache FILE] [--json]``.

Photos are analysed, stored as the worker stores them, and searched through ``find_photos``, as a user would. Printed:

- class names: hit@5 of every labelled photo's English class name;
- concepts: queries that name no class ("something to eat"); R-precision and hit@5;
- Chinese words: the same;
- absent things: how many queries return nothing, and how much of what the searches above find among their first R
  results is lost to the cut-off;
- captions of everyday photos: recall@1, @5 and @10, and the same for plain tag matching;
- with ``--meaning``, the registry id of an image-text model that has been fetched, all this with its vectors, and where
  its cosines lie for pairs that belong together and pairs that do not: what its ``cut_off`` is to be set by.

The query sets are in ``bench/queries``. Photos: ``shared/data`` beside the checkout, or ``--data``; models:
``ALBUMEN_MODELS``. The labelled photos very probably belong to the scene network's training set: the first four
figures flatter.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "bench")]

from queries import blind_1, blind_2, blind_3, fresh, held_out, own  # noqa: E402
from queries.own import classes  # noqa: E402

import app.search.meaning as meaning  # noqa: E402
from app.db import Database  # noqa: E402
from app.models import Base, Photo, User  # noqa: E402
from app.search import find_photos, index_terms, numbering  # noqa: E402
from app.services.accounts import Viewer, viewer_of  # noqa: E402
from app.services.tagging.vocabulary import sync_vocabulary  # noqa: E402
from app.services.understanding import models  # noqa: E402
from app.services.understanding.analysis import replace_results  # noqa: E402
from app.settings import Settings  # noqa: E402
from ml import Analysis  # noqa: E402
from ml.imagetext import text_tower  # noqa: E402
from ml.semantics import MODEL  # noqa: E402
from ml.vocabulary import load_vocabulary  # noqa: E402

QUERIES = (own, fresh, held_out, blind_1, blind_2, blind_3)
STAGES = ("scenes", "objects", "faces", "cues", "tags", "embedding", "image-text")
BATCH = 8


def analyses(files: Sequence[Path], cache: Path | None, models_dir: Path, model: str) -> dict[Path, Analysis]:
    """Each file's analysis; from ``cache`` where it holds the very files, seen by ``model``."""
    if cache is not None and cache.exists():
        known = pickle.loads(cache.read_bytes())
        if set(known) >= set(files) and all(seen_by(analysis, model) for analysis in known.values()):
            return dict(known)
    analyzer, found = models.build_analyzer(Settings(models=models_dir), model), {}
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        pictures = [np.array(Image.open(file).convert("RGB")) for file in batch]
        seen = analyzer.analyze(pictures, STAGES)
        for run in (run for analysis in seen for run in analysis.stages if run.error):
            sys.exit(f"the stage {run.stage} failed, and figures without it would say nothing: {run.error}")
        found.update(zip(batch, seen, strict=True))
        print(f"\ranalysed {len(found)} of {len(files)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    if cache is not None:
        cache.write_bytes(pickle.dumps(found))
    return found


def seen_by(analysis: Analysis, model: str) -> bool:
    return model in {run.model for run in analysis.stages}


class Collection:
    """One user's library made of ``files``, and searches in it."""

    def __init__(self, database: Database, username: str, files: Mapping[Path, Analysis]) -> None:
        self.database = database
        self.ids: dict[UUID, Path] = {}
        with database.write() as session:
            user = User(username=username, username_key=username, password_hash="-")
            session.add(user)
            session.flush()
            self.viewer: Viewer = viewer_of(user)
            for number, (file, analysis) in enumerate(files.items()):
                photo = _photo(user.id, f"{username}{number}", number)
                session.add(photo)
                session.flush()
                replace_results(session, photo, analysis)
                index_terms(session, photo)
                self.ids[photo.id] = file

    def search(self, query: str, limit: int = 1000) -> list[Path]:
        with self.database.read() as session:
            found = find_photos(session, self.viewer, query, order="relevance", limit=limit)
            return [self.ids[hit.photo.id] for hit in found.items]


def _photo(owner: UUID, name: str, number: int) -> Photo:
    """A row that gives nothing away: the file name of a labelled photo names its class."""
    return Photo(
        owner_id=owner, checksum=f"{name:>064}", checksum_sha1=f"{name:>040}", size=1, format="jpeg",
        filename=f"{number:05}.jpg", width=640, height=480, status="ready", taken_local=datetime(2024, 1, 1),
        taken_at=datetime(2024, 1, 1, tzinfo=UTC), taken_source="file",
    )  # fmt: skip


def judge(
    search: Callable[[str], Sequence[Path]], queries: Mapping[str, frozenset[Any]], labels: Mapping[Path, Any]
) -> dict[str, Any]:
    """R-precision, hit@5 and, per query, how many relevant photos stand among its first R results.

    A photo has one label, or a set of them.
    """
    precision, hits, found = [], [], {}
    of = {file: label if isinstance(label, frozenset) else {label} for file, label in labels.items()}
    for query, wanted in queries.items():
        relevant = sum(not wanted.isdisjoint(mine) for mine in of.values())
        if not relevant:
            continue
        results = [not wanted.isdisjoint(of[file]) for file in search(query)]
        found[query] = sum(results[:relevant])
        precision.append(found[query] / relevant)
        hits.append(any(results[:5]))
    return {
        "queries": len(hits),
        "r_precision": float(np.mean(precision)),
        "hit@5": float(np.mean(hits)),
        "found": found,
    }


def by_boxes(
    folder: Path, queries: Mapping[str, str], files: Sequence[Path]
) -> tuple[dict[str, frozenset[str]], dict[Path, frozenset[str]]]:
    """Queries with the names of the boxes that answer them, and the names in each photo."""
    named: dict[Path, set[str]] = {file: set() for file in files}
    with (folder / "boxes.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            named.setdefault(folder / row["file"], set()).add(row["class"])
    wanted = {query: frozenset(names.split("|")) for query, names in queries.items()}
    return wanted, {file: frozenset(named[file]) for file in files}


def nothing(search: Callable[[str], Sequence[Path]], queries: Sequence[str]) -> dict[str, Any]:
    """How many searches for what is not there return nothing, and what the others return."""
    answers = {query: len(search(query)) for query in queries}
    return {
        "queries": len(answers),
        "nothing_returned": float(np.mean([not n for n in answers.values()])),
        "returned": {query: n for query, n in answers.items() if n},
    }


def recall(search: Callable[[str], Sequence[Path]], captions: Sequence[tuple[str, Path]]) -> dict[str, float]:
    ranks = []
    for caption, file in captions:
        results = list(search(caption))
        ranks.append(results.index(file) if file in results else 10**6)
    return {f"recall@{k}": float(np.mean([rank < k for rank in ranks])) for k in (1, 5, 10)}


def match_tags(files: Mapping[Path, Analysis]) -> Callable[[str], list[Path]]:
    """Plain tag matching, to compare with: the summed confidence of the tags that words of the text name."""
    vocabulary = load_vocabulary()

    def search(text: str) -> list[Path]:
        words = text.split()
        spoken = [*words, *(" ".join(pair) for pair in pairwise(words))]
        named = [{s, *vocabulary.descendants(s)} for word in spoken for s in vocabulary.find(word)]
        scores = {
            file: sum(
                max((t.confidence for t in analysis.tags if t.slug in slugs), default=0.0) for slugs in named
            )
            for file, analysis in files.items()
        }
        return sorted((file for file, score in scores.items() if score > 0), key=lambda file: -scores[file])

    return search


def as_words(text: str) -> str:
    """A sentence as somebody would type it: no sign that the query language reads as more than a word."""
    return "".join(c if c.isalnum() or c in " '" else " " for c in text)


class NoCutOff:
    """Turns the cut-off away, to see what it costs."""

    def __enter__(self) -> None:
        names = (
            "FIRST",
            "VAGUE_FIRST",
            "FURTHER",
            "SENTENCE_FIRST",
            "SENTENCE_FURTHER",
            "SHARE",
            "LEAST",
            "SURE",
        )
        self.kept = {name: getattr(meaning, name) for name in names}
        for name in names:
            setattr(meaning, name, -1.0)
        self.cut_off_of = cut_off_of = meaning.cut_off_of
        meaning.cut_off_of = lambda model: dataclasses.replace(
            cut_off_of(model), first=-1.0, further=-1.0, within=2.0
        )

    def __exit__(self, *_: object) -> None:
        for name, value in self.kept.items():
            setattr(meaning, name, value)
        meaning.cut_off_of = self.cut_off_of


class TagsAlone:
    """Turns meaning off."""

    def __enter__(self) -> None:
        self.kept = meaning.Meaning.__call__
        meaning.Meaning.__call__ = lambda *_a, **_k: {}  # type: ignore[method-assign,assignment]

    def __exit__(self, *_: object) -> None:
        meaning.Meaning.__call__ = self.kept  # type: ignore[method-assign]


def cosines(
    model: str,
    models_dir: Path,
    queries: Mapping[str, frozenset[int]],
    labels: Mapping[Path, int],
    known: Mapping[Path, Analysis],
) -> dict[str, Any]:
    """Where the cosines of queries lie with photos that belong to them, with others, and, of those, the highest."""
    tower = text_tower(model, models_dir)
    vectors = np.stack([known[file].image_text for file in labels])  # type: ignore[arg-type]
    given = np.array(list(labels.values()))
    right: list[float] = []
    wrong: list[float] = []
    highest: list[float] = []
    for query, wanted in queries.items():
        near, mine = vectors @ tower.encode(query), np.isin(given, list(wanted))
        right.extend(near[mine].tolist())
        wrong.extend(near[~mine].tolist())
        highest.append(float(near[~mine].max()))
    parts = {"right": right, "wrong": wrong, "highest wrong of a query": highest}
    return {
        f"{name}, {percent} %": float(np.percentile(values, percent))
        for name, values in parts.items()
        for percent in (5, 25, 50, 75, 95)
    }


def measure(
    data: Path, cache: Path | None, database: Database, models_dir: Path, model: str
) -> dict[str, Any]:
    with (data / "photos/imagenet/labels.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    labels = {data / "photos/imagenet" / row["file"]: int(row["class_index"]) for row in rows}
    names = {row["label"]: frozenset({int(row["class_index"])}) for row in rows}
    with (data / "retrieval/captions.csv").open(newline="") as table:
        captions = [
            (as_words(row["caption"]), data / "retrieval" / row["file"]) for row in csv.DictReader(table)
        ]
    everyday = list(dict.fromkeys(file for _, file in captions))
    known = analyses([*labels, *everyday], cache, models_dir, model)
    Base.metadata.create_all(database.engine)
    numbering.install(database)
    with database.write() as session:
        sync_vocabulary(session)
        models.choose(session, Settings(models=models_dir), model)
    labelled = Collection(database, "labelled", {file: known[file] for file in labels})
    daily = Collection(database, "daily", {file: known[file] for file in everyday})
    sets = {
        "class names": names,
        **{
            f"{module.__name__.removeprefix('queries.')} {kind.lower()}": {
                query: classes(text) for query, text in getattr(module, kind, {}).items()
            }
            for module in QUERIES
            for kind in ("CONCEPTS", "CHINESE", "SENTENCES")
            if hasattr(module, kind)
        },
    }
    result: dict[str, Any] = {"model": {"id": model}}
    if model != MODEL:
        result["cosines"] = cosines(model, models_dir, sets["own concepts"], labels, known)
    for name, queries in sets.items():
        figures = judge(labelled.search, queries, labels)
        with NoCutOff():
            uncut = judge(labelled.search, queries, labels)
        with TagsAlone():
            tags = judge(labelled.search, queries, labels)
        kept = sum(figures["found"].values()) / max(sum(uncut["found"].values()), 1)
        result[name] = {
            **{key: figures[key] for key in ("queries", "r_precision", "hit@5")},
            "tags_alone_r_precision": tags["r_precision"],
            "tags_alone_hit@5": tags["hit@5"],
            "lost_to_cut_off": 1 - kept,
            "missed": sorted(q for q, n in figures["found"].items() if not n),
        }
    for module in QUERIES:
        result[f"{module.__name__.removeprefix('queries.')} absent things"] = nothing(
            labelled.search, module.ABSENT
        )
    result["fresh words for everyday photos"] = judge(
        daily.search, *by_boxes(data / "retrieval", fresh.EVERYDAY, everyday)
    )
    result["fresh absent things, everyday photos"] = nothing(daily.search, fresh.EVERYDAY_ABSENT)
    result["captions"] = {"queries": len(captions), **recall(daily.search, captions)}
    result["captions by plain tag matching"] = recall(
        match_tags({file: known[file] for file in everyday}), captions
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--meaning", default=MODEL, metavar="ID", help="the model that searches by meaning")
    parser.add_argument("--cache", type=Path, help="file that keeps the analyses between runs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    models_dir = Path(os.environ.get("ALBUMEN_MODELS") or "data/models")
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/retrieval.db", models_dir=models_dir)
        result = measure(options.data, options.cache, database, models_dir, options.meaning)
        database.dispose()
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
        return
    for name, figures in result.items():
        print(name)
        for key, value in figures.items():
            shown = f"{value:.3f}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
            print(f"  {key:24} {shown}")


if __name__ == "__main__":
    main()
