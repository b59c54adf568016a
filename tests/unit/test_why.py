"""What `settling why` says of dry runs of Snakemake 9.27 on the tiny study, recorded and cut to a few jobs a rule."""

from pathlib import Path

import pytest

from settling.why import PlannedJob, causes, changed_keys, changed_modules, complaint, planned_jobs, what_would_run

RECORDED = Path(__file__).parent / "dry_runs"
TREATED = "results/tiny/treated"
SAID = {
    "nothing": ["nothing would run"],
    "rate": [
        "2 runs train again: system tiny: schedule unset -> constant",
        "2 runs train again: system twin: learning_rate 0.003 -> 0.001",
        "4 runs' events, 3 runs' detectors, aggregate, plot, claims, findings follow",
    ],
    "code": [
        "2 runs train again: settling.training.loop changed",
        "2 runs' events, 2 runs' detectors, aggregate, plot, claims, findings follow",
    ],
    "figure": ["plot again: settling.figures.fig6_class_caps changed"],
    "new_runs": [
        f"1 treated split: new (missing outputs): {TREATED}/toy/noise-resample-30/noise-seed2.parquet",
        "2 runs train: new (missing outputs): toy/clean/noise-seed0/tiny/seed2, "
        "toy/noise-resample-30/noise-seed2/tiny/seed2",
        "2 runs' events, 1 run's detectors, aggregate, plot, claims, findings follow",
    ],
    "licence": [
        "1 data set (toy) again: licence unset -> MIT",
        f"1 treated split: new (missing outputs): {TREATED}/digits/noise-flip-40/noise-seed1.parquet",
        "2 runs train: new (missing outputs): digits/clean/noise-seed0/resnet/seed1, "
        "digits/noise-flip-40/noise-seed1/resnet/seed1",
        "1 treated split, 2 runs' events, 2 runs' detectors, aggregate, plot, claims, findings follow",
    ],
    "checkpoint": [
        "1 checkpoint (tiny) again: newer inputs: checkpoint/config.json",
        "1 run, 1 run's events, 1 run's detectors, aggregate, plot, claims, findings follow",
    ],
    "shared_jobs": [
        "2 runs train: new (missing outputs): toy/clean/noise-seed0/twin/seed1, "
        "toy/noise-resample-30/noise-seed1/twin/seed1; "
        "the 2 beside them only where changed",
        f"9 runs re-checked; only changed ones are retrained: newer inputs: "
        f"{TREATED}/digits/clean/noise-seed0.parquet, "
        f"{TREATED}/toy/clean/noise-seed0.parquet, {TREATED}/toy/noise-resample-30/noise-seed0.parquet and 1 more",
        "1 run's events, 1 run's detectors, aggregate, plot, claims, findings follow",
    ],
    "interrupted": [
        f"1 treated split: new (missing outputs): {TREATED}/toy/cap-LOC-5/noise-seed0.parquet",
        "2 runs train: new (missing outputs): toy/clean/noise-seed0/proto/seed0, toy/clean/noise-seed0/tiny/seed1",
        "2 runs' events: new (missing outputs): results/tiny/events/toy/clean/noise-seed0/crf/seed0.parquet, "
        "results/tiny/events/toy/noise-resample-30/noise-seed1/tiny/seed1.parquet",
        "1 run's detectors again: interrupted, or forced",
        "1 run's detectors: new (missing outputs): "
        "results/tiny/detectors/digits/noise-flip-40/noise-seed0/resnet/seed0/detectors.parquet, "
        "results/tiny/detectors/digits/noise-flip-40/noise-seed0/resnet/seed0/losses.parquet",
        "aggregate, plot, claims, findings follow",
    ],
}


@pytest.mark.parametrize("name", SAID)
def test_a_recorded_dry_run_is_told_by_cause(name: str) -> None:
    assert what_would_run(planned_jobs((RECORDED / f"{name}.txt").read_text())).splitlines() == SAID[name]


def test_a_failed_dry_run_is_told_in_one_line_without_code() -> None:
    assert complaint((RECORDED / "broken.txt").read_text()).startswith(
        'WorkflowError in file "/study/Snakefile", line 31: '
        "config: systems.twin.learning_rte: unknown key; did you mean 'learning_rate'? (known: epochs, "
    )
    assert complaint("usage: snakemake [-h] [--dry-run]\nsnakemake: error: unrecognized arguments: --fast\n") == (
        "unrecognized arguments: --fast"
    )
    broken = (
        "Building DAG of jobs...\nInputFunctionException in rule plot:\nError:\n  SyntaxError: no\nTraceback:\n  x\n"
    )
    assert complaint(broken) == "InputFunctionException in rule plot: Error: SyntaxError: no"


def trained(old: str, new: str, *wildcards: str) -> list[str]:
    """Return the causes of a training whose parameters Snakemake gives as `old` and `new`."""
    reason = (
        "Params have changed since last execution: Union of exclusive params before and now across all output: "
        f"before: {old} now: {new} "
    )
    return causes(
        PlannedJob(
            "train", ["results/s/runs/d/clean/noise-seed0/base/seed3/run.json"], dict.fromkeys(wildcards, ""), reason
        )
    )


def test_parameters_that_hold_quotes_semicolons_and_the_words_before_and_now_are_read_whole() -> None:
    old = r"""'{"a":"it\'s; before: \'x\' now: y"}'"""
    assert trained(old, "'{\"a\":2}'") == ["system base: a it's; before: 'x' now: y -> 2"]
    assert trained("<nothing exclusive>", "'{\"b\":1}'") == ["system base: b unset -> 1"]


def test_code_that_changed_came_and_went_is_named() -> None:
    before = "settling.a=00000001 settling.b=00000001 settling.c=00000001"
    after = "settling.a=00000001 settling.b=00000002 settling.d=00000001"
    assert changed_modules(before, after) == "settling.b changed; settling.d came; settling.c went"
    assert trained(f"'{before}'", f"'{after}'") == ["settling.b changed; settling.d came; settling.c went"]


def test_every_earlier_recipe_of_a_job_is_compared_with_the_one_it_has_now() -> None:
    assert trained("""'{"a":1}','{"a":3}'""", """'{"a":2}'""") == ["system base: a 1 -> 2", "system base: a 3 -> 2"]


def test_a_run_that_leaves_a_shared_job_trains_again_and_one_that_joins_another_is_looked_at() -> None:
    one, two = "'--run 3 a b c d'", "'--run 3 a b c d --run 4 e f g h'"
    assert trained(two, one, "seed") == ["they shared a job before"]
    assert trained(one, two) == ["jobs made up anew"]


def test_plain_data_is_compared_key_by_key_and_long_values_are_only_named() -> None:
    old = {"same": 1, "rate": 0.0001, "inner": {"x": 1, "y": "a"}, "gone": True, "list": list(range(40))}
    new = {"same": 1, "rate": 0.0002, "inner": {"x": 2, "y": "a"}, "list": list(range(41))}
    assert changed_keys(old, new) == ["gone true -> unset", "inner.x 1 -> 2", "list changed", "rate 0.0001 -> 0.0002"]
    assert changed_keys(new, new) == []
