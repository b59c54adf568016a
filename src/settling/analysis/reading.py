"""Reading the files of a study's runs, for the aggregate stage. All other modules beside it compute on frames.

Scores and events are summarised run by run as they are read, so that memory holds the files of one run at a time.
"""

import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from settling.analysis.forgetting import counts
from settling.analysis.lineage import check_recorded
from settling.analysis.measures import run_phases
from settling.analysis.words import NOTABLE_FROM, RunFrame, WordFrames, first_learned_counts, notable
from settling.errors import BadInput
from settling.frames import as_frame, read_frame
from settling.layout import Run
from settling.provenance import sha256
from settling.tables import metadata_of, open_table, read_table

SPLIT_FACTS = ("task", "sentences", "nominal_rate", "effective_rate", "effective_mention_rate", "settled_f1")


def progress(runs: Sequence[Run]) -> Iterator[Run]:
    """Yield the runs; print a line to standard error after every hundred."""
    for number, run in enumerate(runs, 1):
        yield run
        if number % 100 == 0:
            print(f"read {number}/{len(runs)} runs", file=sys.stderr)


def read_scores(results: Path, runs: Sequence[Run], noisy: set[str]) -> tuple[list[RunFrame], list[RunFrame]]:
    """Return the scores (schema `scores`) and the lengths of the phases (`run_phases`) of each run.

    `results` is the study's folder, `noisy` has the names of its treatments with label noise. Raises BadInput for a
    missing or foreign file, and where the files of a run were not all made of one training.
    """
    scores: list[RunFrame] = []
    phases: list[RunFrame] = []
    # Runs share training splits, so each file is hashed once.
    hash_of = functools.cache(sha256)
    for run in progress(runs):
        check_recorded(results, run, run.treatment in noisy, hash_of)
        table = read_table(results / run.scores, "scores")
        steps = metadata_of(table.schema).get("steps")
        if not isinstance(steps, int):
            raise BadInput(
                f"{results / run.scores}: steps: found {steps!r} in the metadata, expected a number of updates"
            )
        split, _ = split_metadata(results / run.treated)
        frame = as_frame(table)
        scores.append((run, frame))
        phases.append((run, run_phases(frame, steps, split["settled_f1"], len(split["tags"]))))
    return scores, phases


def read_words(results: Path, runs: Iterable[Run], classes: list[str]) -> WordFrames:
    """Read the events of each run once, and return what they say of words.

    `runs` are sorted. The words of each of `classes` are counted apart in `learned`, beside those of `all`. Raises
    BadInput for a missing or foreign file.
    """
    frames = WordFrames([], [], [])
    for path, runs_of_split in groupby(runs, key=lambda run: run.treated):
        split = read_frame(results / path, "treated")
        positions, num_sentences = split["position"].to_numpy(), split["sentence"].nunique()
        class_of_word = split["true_label"].str.slice(2).where(lambda names: names.isin(classes), "").to_numpy()
        for _, runs_of_system in groupby(runs_of_split, key=lambda run: run.system):
            by_view: dict[str, list[pd.DataFrame]] = {}
            for run in runs_of_system:
                table = read_table(results / run.events, "events")
                events = as_frame(table).assign(epochs=metadata_of(table.schema)["epochs"])
                for view, rows in events.groupby("view"):
                    if len(rows) != len(split):
                        raise BadInput(f"{results / run.events}: {len(rows)} words; {results / path} has {len(split)}")
                    by_view.setdefault(str(view), []).append(rows[NOTABLE_FROM])
                events["class"] = class_of_word[events["word"]]
                frames.learned.append((run, first_learned_counts(events)))
                frames.forgetting.append((run, counts(events, positions, num_sentences)))
            for view, events_of_seeds in by_view.items():
                frames.notable.append((run, notable(events_of_seeds, split).assign(view=view)))
    return frames


def read_detector_tables(results: Path, runs: Iterable[Run]) -> tuple[list[RunFrame], list[RunFrame]]:
    """Return the tables `detectors` and `losses` of each run, which must have label noise."""
    tables = [
        (run, read_frame(results / run.detectors, "detectors"), read_frame(results / run.losses, "losses"))
        for run in runs
    ]
    return [(run, detectors) for run, detectors, _ in tables], [(run, losses) for run, _, losses in tables]


def read_splits(results: Path, runs: Iterable[Run]) -> list[RunFrame]:
    """Return one row for each treated split, with one of its runs: its `words`, and what its metadata says of it."""
    frames = []
    for run in {(run.dataset, run.treatment, run.noise_seed): run for run in runs}.values():
        metadata, num_words = split_metadata(results / run.treated)
        frames.append((run, pd.DataFrame([{"words": num_words, **{name: metadata[name] for name in SPLIT_FACTS}}])))
    return frames


def split_metadata(path: Path) -> tuple[Mapping[str, Any], int]:
    """Return the metadata of a treated split and its number of words."""
    with open_table(path, "treated") as file:
        return metadata_of(file.schema_arrow), file.metadata.num_rows
