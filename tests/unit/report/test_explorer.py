"""The explorer beside the figures, on runs that recorded one view, the other, or both."""

from math import nan
from pathlib import Path

import pandas as pd
import pytest

from settling.analysis.aggregate import aggregate
from settling.analysis.rows import TRAINED, holding, one_view
from settling.figures import phases as figure
from settling.frames import read_frame
from settling.layout import TABLES, Run
from settling.report import explorer
from settling.study import runs_of
from tests.unit import small_study
from tests.unit.small_study import Row, block, detectors, losses, spec_of, write, write_card

NAMES = ["clean", "noise-flip-20"]
VIEWS = {"base": ("minibatch", "epoch-end"), "another": ("minibatch",), "crf": ("epoch-end",)}
BLOCKS = [block(NAMES, [0, 1, 2, 3], [0], tuple(VIEWS))]
# Dev F1 by seed: one that settles, a peak, one that settles longer, and a split of dev without an entity.
DEV = {
    0: (0.2, 0.8, 0.81, 0.8, 0.6),
    1: (0.2, 0.4, 0.9, 0.4, 0.3),
    2: (0.8, 0.8, 0.81, 0.8, 0.79),
    3: (nan, nan, nan, nan, nan),
}
# As its batches pass, a run memorises earlier than when the epoch has ended.
NOISY = {"epoch-end": (0.0, 0.0, 0.1, 0.2, 0.8), "minibatch": (0.0, 0.0, 0.1, 0.6, 0.9)}


def scores(run: Run) -> list[Row]:
    place = {"class": "all", "metric": "f1"}
    rows = []
    for epoch, f1 in enumerate(DEV[run.seed]):
        for split in ("dev", "test"):
            score = {"split": split, "view": "epoch-end", "reference": "true", **place}
            rows.append({"epoch": epoch, **score, "value": f1})
        for view in VIEWS[run.system]:
            score = {"split": "train", "view": view, "reference": "given", **place}
            rows.append({"epoch": epoch, **score, "value": 0.9})
            if run.treatment != "clean":
                rows.append({"epoch": epoch, **score, "metric": "noisy_accuracy", "value": NOISY[view][epoch]})
    return rows


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    results, runs = tmp_path_factory.mktemp("results"), runs_of(BLOCKS, small_study.TREATMENTS)
    write_runs(results, runs)
    aggregate(spec_of(BLOCKS, NAMES, VIEWS), results, results / "tables")
    return {name: read_frame(results / "tables" / f"{name}.parquet", name) for name in TABLES}


def write_runs(results: Path, runs: list[Run]) -> None:
    """Write what the stages before `aggregate` leave of the runs, in the views that each system records."""
    for run in runs:
        words = small_study.events(run)
        write(results / run.scores, "scores", scores(run), steps=50)
        write(
            results / run.events,
            "events",
            [{**word, "view": view} for view in VIEWS[run.system] for word in words],
            epochs=5,
        )
        small_study.write_split(results, run)
        write_card(results, run)
        if run.treatment != "clean":
            write(results / run.detectors, "detectors", detectors(run))
            write(results / run.losses, "losses", losses(run))


def test_on_every_curve_as_many_runs_settle_and_as_long_as_in_the_figures(tables: dict[str, pd.DataFrame]) -> None:
    found = explorer.content(tables)
    phases = one_view(tables["phases"])
    seen = set()
    for number, (split, view, *_) in enumerate(found["curves"]):
        shown = [run for run in found["runs"] if number in [curve for curve, _ in run[5]]]
        for trained in sorted({tuple(run[:3]) for run in shown}):
            ends = [run[6] for run in shown if tuple(run[:3]) == trained]
            told = [settled for settled in ends if settled != []]
            of_figure = holding(phases, **dict(zip(TRAINED, trained, strict=True))).set_index("quantity")
            settles, lengths = of_figure.loc["settles"], of_figure.loc["settling_epochs"]
            assert (len(ends), len(told)) == (settles["runs"], settles["n"]) == (4, 3)
            assert len([settled for settled in told if settled]) == pytest.approx(settles["mean"] * settles["n"])
            assert sum(settled[1] for settled in told if settled) == pytest.approx(lengths["mean"] * lengths["n"])
            seen.add((split, view, trained[2], lengths["mean"]))
    # Dev is scored at the epoch's end whatever was recorded of train, and the view of the phases makes a difference.
    assert {("dev", "epoch-end", system) for system in VIEWS} <= {case[:3] for case in seen}
    assert {case[2:] for case in seen if case[0] == "dev"} > {("base", 7 / 3), ("another", 5 / 3), ("crf", 7 / 3)}


def test_the_figure_says_in_words_what_the_explorer_shows(tables: dict[str, pd.DataFrame]) -> None:
    of_another = {name: tables[name][tables[name]["system"] == "another"] for name in ("phases", "systems")}
    (said,) = figure.sentences(of_another)
    runs = [run for run in explorer.content(tables)["runs"] if run[1:3] == ["noise-flip-20", "another"]]
    assert [run[6] for run in runs] == [[1.0, 2.0], None, [0.0, 3.0], []]
    assert "2 of 3 runs settle, for a mean over all runs of 1.7" in said
