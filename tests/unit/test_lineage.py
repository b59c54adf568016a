"""Files that were put in another's place, or edited, are refused by the stage that reads them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from settling.analysis.aggregate import aggregate
from settling.analysis.events import find_events
from settling.detectors.detect import detect
from settling.errors import BadInput
from settling.files import metadata_of, read_table, write_table
from settling.study import Run
from tests.conftest import TINY_SPEC, run_command, train_command
from tests.unit.small_study import STEPS, block, scores, spec_of, write, write_runs

NAMES = ["clean", "noise-flip-20"]
SPEC = spec_of([block(NAMES, [0], [0, 1])], NAMES)
RUNS = [
    Run("news", name, noise_seed, "base", 0)
    for name, noise_seed in (("clean", 0), ("noise-flip-20", 0), ("noise-flip-20", 1))
]
NOISY, OTHER = RUNS[1:]


@pytest.fixture(scope="module")
def other_seed(
    tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder of a training like `tiny_run`, of another seed."""
    output = tmp_path_factory.mktemp("run") / "seed1"
    run_command(train_command(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output, seed=1))
    return output


@pytest.mark.parametrize("name", ["dynamics.parquet", "scores.parquet"])
def test_what_another_seed_wrote_is_refused_in_a_run_s_folder(
    name: str, tiny_run: Path, other_seed: Path, tiny_treated: Path, tmp_path: Path
) -> None:
    run = tmp_path / "seed0"
    shutil.copytree(tiny_run, run)
    find_events(run / "dynamics.parquet", tiny_treated, tmp_path / "events.parquet", run / "run.json")
    (tmp_path / "events.parquet").unlink()
    # Of one training split, of one recipe, of as many words and epochs: only the hash tells.
    shutil.copy(other_seed / name, run / name)
    stages: list[Callable[[], None]] = [
        lambda: detect(
            run / "dynamics.parquet", tiny_treated, run / "scores.parquet", tmp_path / "out", run / "run.json"
        )
    ]
    if name == "dynamics.parquet":
        stages.append(lambda: find_events(run / name, tiny_treated, tmp_path / "events.parquet", run / "run.json"))
    for stage in stages:
        with pytest.raises(BadInput) as error:
            stage()
        assert str(error.value).startswith(f"{run / name}: not what the run wrote: found SHA-256 ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed0"]


@pytest.mark.parametrize("card", ["[]", "{}", '{"outputs": 1, "made": {}}', '{"outputs": {}, "made": {"inputs": []}}'])
def test_what_is_no_card_of_a_run_is_named(card: str, tiny_run: Path, tiny_treated: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(card)
    with pytest.raises(BadInput, match=r"run\.json: found no outputs or inputs with their hashes"):
        find_events(tiny_run / "dynamics.parquet", tiny_treated, tmp_path / "out.parquet", tmp_path / "run.json")


def edited_events(results: Path) -> str:
    """Change one count, and keep all that the file says of itself."""
    path = results / NOISY.events
    table = pq.read_table(path)
    column = table.schema.get_field_index("forgetting")
    changed = table.set_column(column, table.schema.field(column), [np.full(len(table), 7, dtype=np.uint16)])
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)
    return rf"{path}: damaged, or edited since settling wrote it"


def events_of_other_dynamics(results: Path) -> str:
    path = results / NOISY.events
    table = read_table(path, "events")
    made = {**metadata_of(table.schema), "inputs": {"dynamics": "0" * 64}}
    write_table(path, "events", {name: table[name] for name in table.column_names}, made)
    return rf"{path}: made of other dynamics than those of .*run\.json"


def detectors_of_another_draw(results: Path) -> str:
    path = results / NOISY.detectors
    table = read_table(path, "detectors")
    made = {"inputs": {"treated": json.loads((results / OTHER.card).read_text())["made"]["inputs"]["treated"] + "0"}}
    write_table(path, "detectors", {name: table[name] for name in table.column_names}, made)
    return rf"{path}: made of other treated than those of .*run\.json"


def scores_written_anew(results: Path) -> str:
    rows = [{**row, "value": 0.5} for row in scores(NOISY)]
    write(results / NOISY.scores, "scores", rows, steps=STEPS)
    return rf"{results / NOISY.scores}: not what the run wrote"


def another_training_split(results: Path) -> str:
    table = read_table(results / NOISY.treated, "treated")
    made = {**metadata_of(table.schema), "effective_rate": 0.9}
    write_table(results / NOISY.treated, "treated", {name: table[name] for name in table.column_names}, made)
    return rf"{results / NOISY.treated}: not the training split that the run of .*run\.json was trained on"


@pytest.mark.parametrize(
    "swap",
    [
        edited_events,
        events_of_other_dynamics,
        detectors_of_another_draw,
        scores_written_anew,
        another_training_split,
    ],
)
def test_no_table_is_made_of_files_that_are_not_of_one_training(swap: Callable[[Path], str], tmp_path: Path) -> None:
    write_runs(tmp_path, RUNS)
    message = swap(tmp_path)
    with pytest.raises(BadInput, match=message):
        aggregate(SPEC, tmp_path, tmp_path / "tables")
    assert not (tmp_path / "tables").exists()


def test_tables_edited_by_hand_are_not_read(tmp_path: Path) -> None:
    write_runs(tmp_path, RUNS)
    aggregate(SPEC, tmp_path, tmp_path / "tables")
    path = tmp_path / "tables" / "summary.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    with pytest.raises(BadInput, match=r"summary\.parquet: damaged, or edited since settling wrote it"):
        read_table(path, "summary")
