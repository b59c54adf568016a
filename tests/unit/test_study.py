import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settling import layout
from settling import study as plan
from settling.analysis.aggregate import AggregateSpec
from settling.artifact import archive, contents
from settling.canonical import canonical
from settling.config import Study, load
from settling.errors import BadInput
from settling.layout import Run, run_of
from settling.validation import check
from tests.study import DIGITS, cap, folder, grid, local, noise, study_of


def study(**changes: Any) -> Study:
    """Return a study of two data sets, two systems, noise and caps; `changes` replace top-level keys."""
    system = {"kind": "encoder", "checkpoint": "mini", "epochs": 3}
    values = {
        "datasets": {"news": local(all="a.txt"), "tweets": local(all="a.txt")},
        "checkpoints": {"mini": folder("mini")},
        "systems": {"base": system, "twin": {**system, "pretrained": False}},
        "treatments": {"noise": noise(0, 20), "caps": cap("PER", 5, 25)},
        "experiments": {"main": experiment()},
    }
    return load(study_of(**{**values, **changes}))


def experiment(**changes: Any) -> dict[str, Any]:
    return {**grid("news", "noise", "base"), **changes}


numbers = st.lists(st.integers(0, 3), min_size=1, max_size=3)
experiments = st.dictionaries(
    st.sampled_from(["first", "second", "third"]),
    st.fixed_dictionaries(
        {
            "datasets": st.lists(st.sampled_from(["news", "tweets"]), min_size=1),
            "treatments": st.lists(st.sampled_from(["clean", "noise", "caps"]), min_size=1),
            "systems": st.lists(st.sampled_from(["base", "twin"]), min_size=1),
            "seeds": numbers,
            "noise_seeds": numbers | st.just("same-as-seed"),
        }
    ),
    min_size=1,
)


def test_a_run_s_files_lie_where_the_design_says() -> None:
    run = Run("news", "noise-resample-20", 1, "base", 2)
    assert run.treated == Path("treated/news/noise-resample-20/noise-seed1.parquet")
    assert run.scores == Path("runs/news/noise-resample-20/noise-seed1/base/seed2/scores.parquet")
    assert run.events == Path("events/news/noise-resample-20/noise-seed1/base/seed2.parquet")


def test_an_experiment_is_every_combination() -> None:
    grid = plan.runs(study(noise_seeds=[0, 1], seeds=[7], experiments={"main": experiment(systems=["base", "twin"])}))
    assert grid == [
        Run("news", "clean", 0, "base", 7),
        Run("news", "clean", 0, "twin", 7),
        Run("news", "noise-resample-20", 0, "base", 7),
        Run("news", "noise-resample-20", 0, "twin", 7),
        Run("news", "noise-resample-20", 1, "base", 7),
        Run("news", "noise-resample-20", 1, "twin", 7),
    ]


def test_experiments_share_their_runs() -> None:
    one = {"main": experiment(seeds=[0, 1])}
    again = {**one, "more": experiment(seeds=[1, 2], treatments=["clean", "noise"])}
    assert {run.seed for run in plan.runs(study(experiments=one))} == {0, 1}
    assert len(plan.runs(study(experiments=again))) == 2 * 3


def test_the_runs_of_the_first_experiment_come_first() -> None:
    experiments = {"late": experiment(systems=["twin"]), "early": experiment(systems=["base", "twin"])}
    priorities = plan.priorities(study(experiments=experiments))
    assert {run.system: priority for run, priority in priorities.items()} == {"twin": 2, "base": 1}


@pytest.mark.parametrize(("runs_per_job", "left"), [(1, [0, 2]), (2, [2])])
def test_so_far_a_study_has_the_runs_of_the_jobs_that_are_finished(
    tmp_path: Path, runs_per_job: int, left: list[int]
) -> None:
    whole = study(runs_per_job=runs_per_job, experiments={"main": experiment(treatments=["clean"], seeds=[0, 1, 2])})
    for run in plan.runs(whole):
        if run.seed != 1:
            (tmp_path / run.folder).mkdir(parents=True)
            (tmp_path / run.record).write_text("{}")
    half = plan.so_far(whole, tmp_path)
    assert [run.seed for run in plan.runs(half)] == left
    spec = check(AggregateSpec, plan.aggregate_spec(half), "spec")
    assert len(spec.unfinished) == 3 - len(left)
    assert "unfinished" not in plan.aggregate_spec(whole)


def test_a_study_of_which_no_run_is_finished_is_not_drawn(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no run is finished yet"):
        plan.so_far(study(), tmp_path)


def test_an_experiment_s_seeds_and_draws_come_before_the_study_s() -> None:
    grid = plan.runs(
        study(
            seeds=[0],
            noise_seeds=[0],
            experiments={"main": experiment(seeds=[5], noise_seeds=[6]), "more": experiment()},
        )
    )
    noisy = {(run.noise_seed, run.seed) for run in grid if run.treatment != "clean"}
    assert noisy == {(6, 5), (0, 0)}


def test_each_seed_can_have_the_draw_of_its_number() -> None:
    grid = plan.runs(study(experiments={"main": experiment(seeds=[0, 3], noise_seeds="same-as-seed")}))
    assert {(run.treatment, run.noise_seed, run.seed) for run in grid} == {
        ("clean", 0, 0),
        ("clean", 0, 3),
        ("noise-resample-20", 0, 0),
        ("noise-resample-20", 3, 3),
    }


def test_what_is_not_drawn_has_one_draw_that_all_share() -> None:
    treatments = {"noise": {"kind": "flip", "levels": [9]}, "short": {"kind": "truncate", "words": [48, 20]}}
    made = study(
        treatments=treatments,
        experiments={
            "main": experiment(treatments=["short", "noise"], noise_seeds=[1, 2]),
            "more": experiment(treatments=["short"], seeds=[0, 3], noise_seeds="same-as-seed"),
        },
    )
    assert {(run.treatment, run.noise_seed, run.seed) for run in plan.runs(made)} == {
        ("noise-flip-9", 1, 0),
        ("noise-flip-9", 2, 0),
        ("truncate-20", 0, 0),
        ("truncate-48", 0, 0),
        ("truncate-20", 0, 3),
        ("truncate-48", 0, 3),
    }
    assert plan.treatment_spec(plan.treatments(made)["truncate-48"], 0) == {
        "kind": "truncate",
        "words": 48,
        "noise_seed": 0,
    }


@given(experiments)
def test_runs_are_unique_sorted_and_clean_has_one_draw(drawn: dict[str, Any]) -> None:
    grid = plan.runs(study(experiments=drawn))
    assert grid == sorted(set(grid))
    assert {run.noise_seed for run in grid if run.treatment == "clean"} <= {0}


@given(experiments)
def test_an_experiment_s_runs_are_counted_without_listing_them(drawn: dict[str, Any]) -> None:
    made = study(experiments=drawn)
    named = plan.treatments(made)
    for block in plan.experiments(made):
        assert plan.num_runs(block, named) == len(plan.runs_of([block], named))


def test_no_noise_is_clean() -> None:
    named = plan.treatments(study())
    assert named == {
        "clean": {"kind": "clean"},
        "noise-resample-20": {"kind": "resample", "percent": 20},
        "cap-PER-5": {"kind": "cap", "class": "PER", "sentences": 5},
        "cap-PER-25": {"kind": "cap", "class": "PER", "sentences": 25},
    }
    assert plan.treatment_spec(named["clean"], 0) == {"kind": "clean", "noise_seed": 0}
    assert plan.treatment_spec(named["cap-PER-5"], 3) == {**named["cap-PER-5"], "noise_seed": 3}


def test_one_name_never_stands_for_two_treatments() -> None:
    # The class `relabel-PER` capped, and the class `PER` relabelled, would both be cap-relabel-PER-5.
    clash = {
        "one": {"kind": "cap", "class": "relabel-PER", "sentences": [5]},
        "two": {"kind": "cap-relabel", "class": "PER", "sentences": [5]},
    }
    with pytest.raises(BadInput, match="cap-relabel-PER-5"):
        plan.treatments(study(treatments=clash, experiments={"main": experiment(treatments=["one", "two"])}))


def capped(name: str) -> Study:
    return study(
        treatments={"caps": {"kind": "cap", "class": name, "sentences": [5]}},
        experiments={"main": experiment(treatments=["caps"])},
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Drug/Vaccine", "cap-Drug_Vaccine~fac1598f-5"),
        ("group of people", "cap-group_of_people~e6aec5ae-5"),
        ("café au lait", "cap-cafe_au_lait~7c413039-5"),
        ("人名", "cap-~6f22cc0a-5"),
        ("../..", "cap-.._..~"),
        ("x" * 100, f"cap-{'x' * 100}-5"),
        ("-", "cap--~"),
        ("$HOME; {x} * 'a' \"b\"", "cap-HOME_x_a_b~"),
    ],
)
def test_a_class_of_any_name_makes_a_treatment_whose_name_is_safe_in_paths(name: str, expected: str) -> None:
    made = capped(name)
    (run,) = plan.runs(made)
    assert run.treatment.startswith(expected)
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,150}", run.treatment)
    assert plan.treatments(made)[run.treatment] == {"kind": "cap", "class": name, "sentences": 5}
    assert run.treatment == expected or plan.readable_name(run.treatment, "cap", name, 5) == f"cap-{name}-5"
    for file in plan.recorded(made):
        if not file.startswith("figures/"):
            assert archive.template_of(file), file
    spec = plan.aggregate_spec(made)
    assert check(AggregateSpec, spec, "spec").treatments[run.treatment].kind == "cap"


def test_classes_that_look_alike_in_paths_are_told_apart() -> None:
    names = ["a b", "a/b", "a_b", "a  b", "ä b", "a b/", "人", "名"]
    treatments = {f"t{number}": {"kind": "cap", "class": name, "sentences": [5]} for number, name in enumerate(names)}
    made = study(treatments=treatments, experiments={"main": experiment(treatments=[*treatments])})
    assert len({run.treatment.casefold() for run in plan.runs(made)}) == len(names)


def test_a_class_is_one_however_its_letters_are_composed() -> None:
    composed, apart = capped("caf\u00e9 x"), capped("cafe\u0301 x")
    assert plan.aggregate_spec(composed) == plan.aggregate_spec(apart)


@pytest.mark.parametrize("name", ["", " PER", "PER ", "two\nlines", "\x1b[2J", "x" * 101])
def test_a_class_without_a_name_that_can_be_printed_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"treatments\.caps\.class: found"):
        capped(name)


@given(experiments)
def test_the_spec_of_the_tables_holds_every_run_and_its_treatment(drawn: dict[str, Any]) -> None:
    made = study(experiments=drawn)
    spec = plan.aggregate_spec(made)
    assert plan.runs_of(spec["experiments"], spec["treatments"]) == plan.runs(made)
    assert set(spec["treatments"]) == {run.treatment for run in plan.runs(made)}
    assert spec["treatments"].items() <= plan.treatments(made).items()


def test_the_spec_of_the_tables_stays_short_for_a_large_grid() -> None:
    def length(seeds: int, noise_seeds: int) -> int:
        main = experiment(treatments=["noise", "caps"], systems=["base", "twin"])
        made = study(seeds=[*range(seeds)], noise_seeds=[*range(noise_seeds)], experiments={"main": main})
        return len(canonical(plan.aggregate_spec(made)))

    assert length(9, 9) < length(1, 1) + 300


def test_a_system_s_learning_rate_is_in_that_system_s_spec_alone() -> None:
    base = study()
    systems = base.model_dump(mode="json")["systems"]
    systems["twin"]["learning_rate"] = 0.5
    other = study(systems=systems)

    def steps(made: Study) -> dict[str, dict[str, Any]]:
        return {
            **{f"dataset {name}": plan.dataset_spec(made, name) for name in made.datasets},
            **{f"checkpoint {name}": plan.checkpoint_spec(made, name) for name in made.checkpoints},
            **{f"system {name}": plan.training_spec(made, name) for name in made.systems},
            **{
                f"treatment {name}": plan.treatment_spec(treatment, 0)
                for name, treatment in plan.treatments(made).items()
            },
            "tables": plan.aggregate_spec(made),
        }

    before, after = steps(base), steps(other)
    assert [name for name in before if before[name] != after[name]] == ["system twin"]
    assert after["system twin"] == {
        "kind": "encoder",
        "checkpoint": "mini",
        "epochs": 3,
        "learning_rate": 0.5,
        "pretrained": False,
    }


def test_an_artifact_may_hold_every_file_that_its_study_records_and_no_other_file() -> None:
    made = study(experiments={"main": experiment(treatments=["noise", "caps"], seeds=[0, 12])})
    names = contents.names_of(made)
    assert any(name.startswith("events/") for name in names)
    assert [name for name in names if archive.template_of(name) is None] == []
    run = plan.runs(made)[-1]
    for path in (
        run.state / "state.pt",
        run.log,
        layout.TRAIN.format(dataset="news"),
        layout.TABLE_AS_CSV,
        "report.html",
    ):
        assert archive.template_of(str(path)) is None
    assert archive.template_of("runs/news/clean/noise-seed0/base/seed-1/run.json") is None


def test_a_file_in_a_runs_folder_names_the_run_and_no_other_file_does() -> None:
    run = Run("news", "cap-LOC-5", 3, "base", 12)
    assert run_of(f"results/s/{run.record}") == run_of(f"results/s/{run.scores}") == run
    for path in (run.events, run.state / "state.pt", run.log, run.treated, run.detectors):
        assert run_of(f"results/s/{path}") is None


def test_what_a_run_asks_of_a_cluster_is_in_no_spec() -> None:
    base = study()
    systems = base.model_dump(mode="json")["systems"]
    systems["base"]["resources"] = {"gpu": 2, "cpus": 8, "memory": 64000, "minutes": 600}
    other = study(systems=systems)
    assert other.systems["base"].resources.gpu == 2
    assert plan.training_spec(other, "base") == plan.training_spec(base, "base")
    assert plan.aggregate_spec(other) == plan.aggregate_spec(base)


def test_a_job_asks_for_the_time_of_all_its_runs_and_for_more_at_each_attempt() -> None:
    systems = study().model_dump(mode="json")["systems"]
    systems["base"]["resources"] = {"gpu": 1, "cpus": 4, "memory": 3000, "minutes": 2.5}
    systems["twin"]["resources"] = {"minutes": 0.01}
    made = study(systems=systems)
    assert plan.resources(made, "base", 3, 1) == {"gpu": 1, "cpus_per_task": 4, "mem_mb": 3000, "runtime": 8}
    assert plan.resources(made, "base", 3, 2) == {"gpu": 1, "cpus_per_task": 4, "mem_mb": 6000, "runtime": 15}
    assert plan.resources(made, "twin", 1, 1) == {"gpu": 0, "cpus_per_task": 1, "mem_mb": 4000, "runtime": 1}


def test_a_checkpoint_lies_where_its_spec_says_whatever_the_study_and_the_name() -> None:
    folder, pinned = {"kind": "folder", "path": "mini"}, {"kind": "folder", "path": "other"}
    systems = {"base": {"kind": "encoder", "checkpoint": "b", "epochs": 3}}
    several = study(study="several", checkpoints={"b": folder, "a": folder, "c": pinned}, systems=systems)
    (place,) = plan.checkpoint_of(study(), "base")
    # The hash of the printed spec: another would download every checkpoint again.
    assert place == "results/checkpoints/6af91378d82a573e"
    assert plan.checkpoint_of(several, "base") == [place] == [plan.checkpoint_folder(several, "a")]
    assert plan.checkpoint_folder(several, "c") != place
    assert plan.checkpoints(several) == ["a", "c"]


def test_a_file_of_labels_is_one_treatment_named_after_its_key_and_known_by_its_file() -> None:
    treatments = {"crowd": {"kind": "from-file", "file": "none/crowd.csv", "scheme": "BIO"}, "noise": noise(0, 20)}
    made = study(treatments=treatments, noise_seeds=[0, 1], experiments={"main": experiment(treatments=["crowd"])})
    assert plan.runs(made) == [Run("news", "noise-from-file-crowd", 0, "base", 0)]
    treatment = plan.treatments(made)["noise-from-file-crowd"]
    assert treatment == {"kind": "from-file", "file": "none/crowd.csv"}
    assert plan.treatment_files(treatment) == ["none/crowd.csv"]
    assert plan.treatment_code(treatment) == ["settling.treatments.from_file", "settling.data.formats.csv"]
    assert ("treatments.crowd", "none/crowd.csv") in plan.not_there(made)
    assert plan.treatment_files(plan.treatments(made)["noise-resample-20"]) == []


@pytest.mark.parametrize(
    ("treatment", "why"),
    [
        ({"kind": "from-file", "file": "a"}, "is for words, but this task is of images"),
        *((noise(20, kind=kind), "gives images the tag O, which") for kind in ("missing", "boundary", "spurious")),
    ],
)
def test_what_images_cannot_have_is_refused_before_anything_runs(treatment: dict[str, Any], why: str) -> None:
    image = {"kind": "image", "epochs": 1}
    with pytest.raises(BadInput, match=f"experiments.main: mine {why}"):
        study(
            datasets={"digits": DIGITS},
            systems={"net": image},
            treatments={"mine": treatment},
            experiments={"main": grid("digits", "mine", "net")},
        )


@pytest.mark.parametrize("kind", ["resample", "flip", "permute", "span"])
def test_images_can_have_what_needs_no_o(kind: str) -> None:
    study(
        datasets={"digits": DIGITS},
        systems={"net": {"kind": "image", "epochs": 1}},
        treatments={"mine": noise(20, kind=kind)},
        experiments={"main": grid("digits", "mine", "net")},
    )
