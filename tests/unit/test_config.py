import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from settling import study as plan
from settling.canonical import canonical
from settling.config import Study, json_schema, load, read
from settling.data.keys import Dataset
from settling.errors import BadInput
from settling.model import NUMBER
from settling.systems.bilstm_crf import BilstmCrfRecipe
from settling.systems.encoder import EncoderRecipe
from settling.systems.image import ImageRecipe
from settling.systems.protobert import ProtobertRecipe
from settling.training.recipe import Recipe, Resources, TransformerRecipe
from tests.conftest import ROOT
from tests.study import cap, folder, grid, local, noise, study_of

CONFIGS = [ROOT / "config.yaml", *sorted(set((ROOT / "config").glob("*.yaml")) - {ROOT / "config" / "claims.yaml"})]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
HASH = "0123456789abcdef" * 4
COMMIT = "0123456789" * 4

FULL = study_of(
    datasets={
        "tweets": {
            "source": {"kind": "url", "files": {"all": "http://localhost/a.txt"}, "sha256": {"all": HASH}},
            "subset": {"train": 80},
        },
        "news": local(train="a", dev="b", test="c"),
    },
    checkpoints={"base": {"kind": "hub", "repo": "owner/base", "revision": COMMIT}, "mini": folder("mini")},
    systems={"base": {"kind": "encoder", "checkpoint": "base", "epochs": 3, "learning_rate": 1.0}},
    treatments={"noise": noise(0, 20), "caps": cap("PER", 5)},
    experiments={"main": grid("tweets", "noise caps", "base")},
)


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return FULL with the value at a dotted path set, or removed where it is `...`."""
    values = copy.deepcopy(FULL)
    *outer, last = path.split(".")
    inner = values
    for key in outer:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return values


def problem(values: dict[str, Any]) -> str:
    """Return the one line that is said of a configuration."""
    with pytest.raises(BadInput) as caught:
        load(values, "config.yaml")
    (line,) = str(caught.value).splitlines()
    return line


def specs(study: Study) -> list[str]:
    """Return the specs of all steps of a study, as rules print them."""
    made = [
        *(plan.dataset_spec(study, name) for name in sorted(study.datasets)),
        *(plan.checkpoint_spec(study, name) for name in sorted(study.checkpoints)),
        *(plan.training_spec(study, name) for name in sorted(study.systems)),
        *(plan.treatment_spec(treatment, 2) for _, treatment in sorted(plan.treatments(study).items())),
        plan.aggregate_spec(study),
    ]
    return [canonical(spec) for spec in made]


def test_a_printed_spec_has_sorted_keys_and_the_numbers_of_its_kind_and_leaves_out_defaults() -> None:
    systems = {"base": {"kind": "encoder", "checkpoint": "base", "learning_rate": 1, "epochs": 3.0, "clip": 1}}
    treatments = {"noise": {"kind": "flip", "levels": ["20"]}}
    main = {"datasets": ["news"], "treatments": ["noise"], "systems": ["base"]}
    study = load({**FULL, "systems": systems, "treatments": treatments, "experiments": {"main": main}})
    assert canonical(plan.training_spec(study, "base")) == (
        '{"checkpoint":"base","epochs":3,"kind":"encoder","learning_rate":1.0}'
    )
    (noise,) = [treatment for name, treatment in plan.treatments(study).items() if name != "clean"]
    assert canonical(plan.treatment_spec(noise, 2)) == '{"kind":"flip","noise_seed":2,"percent":20}'


def reversed_keys(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: reversed_keys(values[key]) for key in reversed(values)}
    return values


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_studies_of_this_repository_load_and_come_back_as_printed(path: Path) -> None:
    study = read(path)
    assert load(json.loads(study.model_dump_json())) == study
    assert plan.runs(study)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_schema_accepts_the_studies_of_this_repository(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), yaml.safe_load(json_schema()))


def test_the_schema_file_is_the_one_generated() -> None:
    assert SCHEMA.read_text() == json_schema(), "run: settling schema > workflow/schemas/config.schema.yaml"


def test_the_schema_refuses_what_the_program_refuses() -> None:
    schema = yaml.safe_load(json_schema())
    jsonschema.validate(FULL, schema)
    for path, value in (("systems.base.epoch", 3), ("study", ...), ("systems.base.kind", "encode")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(changed(path, value), schema)


@pytest.mark.parametrize(
    "other",
    [
        reversed_keys(FULL),
        changed("systems.base.learning_rate", 1),
        changed("systems.base.batch_size", 64),
        changed("systems.base.views", ["minibatch", "epoch-end"]),
        changed("systems.base.layers", None),
        changed("datasets.tweets.columns", ["token", "tag"]),
        changed("datasets.tweets.split", {"test": 0.1, "dev": 0.1}),
        changed("datasets.news.source.sha256", {}),
        changed("seeds", [0]),
        changed("noise_seeds", [0]),
        changed("experiments.main.seeds", [0, 0]),
        changed("datasets.tweets.licence", "not stated"),
    ],
    ids=["order", "1", "int", "tuple", "null", "list", "mapping", "empty", "seeds", "noise_seeds", "repeated", "text"],
)
def test_how_a_study_is_written_does_not_change_its_specs(other: dict[str, Any]) -> None:
    assert specs(load(other)) == specs(load(FULL))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("systems.base.batch_size", 32),
        ("systems.base.layers", 2),
        ("systems.base.pretrained", False),
        ("systems.base.views", ["minibatch"]),
        ("datasets.tweets.scheme", "iob1"),
        ("datasets.tweets.subset", {"train": 81}),
        ("datasets.tweets.source.sha256", {"all": HASH[::-1]}),
        ("checkpoints.base.revision", COMMIT[::-1]),
        ("treatments.noise.kind", "flip"),
        ("seeds", [1]),
    ],
)
def test_what_steers_a_step_is_in_a_spec(path: str, value: Any) -> None:
    assert specs(load(changed(path, value))) != specs(load(FULL))


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("experiment", "experiments"),
        ("datasets.tweets.sources", "source"),
        ("datasets.tweets.source.sha", "sha256"),
        ("systems.base.learning_rat", "learning_rate"),
        ("treatments.noise.level", "levels"),
        ("treatments.caps.sentence", "sentences"),
        ("experiments.main.seed", "seeds"),
        ("checkpoints.base.revison", "revision"),
    ],
)
def test_a_mistyped_key_is_answered_with_the_nearest(path: str, near: str) -> None:
    line = problem(changed(path, 3))
    assert line.startswith(f"config.yaml: {path}: unknown key; did you mean {near!r}? (known: ")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("systems.base.kind", "encodr", "did you mean 'encoder'?"),
        ("datasets.tweets.source.kind", "ulr", "datasets.tweets.source.kind: found 'ulr'; did you mean 'url'?"),
        ("treatments.noise.kind", "flop", "treatments.noise.kind: found 'flop'; did you mean 'flip'?"),
        ("datasets.tweets.scheme", "iob3", "datasets.tweets.scheme: found 'iob3'; did you mean 'iob"),
        ("systems.base.schedule", "linaer", "systems.base.schedule: found 'linaer'; did you mean 'linear'?"),
    ],
)
def test_a_mistyped_value_is_answered_with_the_nearest(path: str, value: str, message: str) -> None:
    assert message in problem(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "fragments"),
    [
        ("study", ..., ["study: missing"]),
        ("systems.base.epochs", ..., ["systems.base.epochs: missing"]),
        ("datasets.news.source.kind", ..., ["datasets.news.source.kind: missing"]),
        ("systems.base.epochs", "many", ["systems.base.epochs: found 'many'", "integer"]),
        ("systems.base.epochs", 0, ["systems.base.epochs: found 0", "greater than or equal to 1"]),
        ("systems.base.epochs", 70000, ["systems.base.epochs: found 70000", "10000"]),
        ("systems.base.learning_rate", float("nan"), ["systems.base.learning_rate: found nan"]),
        ("systems.base.warmup", 1, ["systems.base.warmup: found 1", "less than 1"]),
        ("systems.base.views", ["minibatch", "minibatch"], ["systems.base: views repeat: minibatch"]),
        ("systems.base.views", [], ["systems.base.views: found", "at least 1"]),
        ("treatments.noise.levels", [10, 101], ["treatments.noise.levels.1: found 101", "100"]),
        ("treatments.caps.sentences", [-1], ["treatments.caps.sentences.0: found -1"]),
        ("treatments.noise.levels", [], ["treatments.noise.levels: found []"]),
        ("treatments.short", {"kind": "truncate", "words": [0]}, ["treatments.short.words.0: found 0", "equal to 1"]),
        ("datasets.tweets.source.sha256", {"all": "abc"}, ["source.sha256.all: found 'abc', expected a SHA-256 of 64"]),
        ("checkpoints.base.revision", "main", ["checkpoints.base.revision: found 'main', expected a git id of 40"]),
        ("study", "from-artifact", ["study: found 'from-artifact', expected another name"]),
        ("study", "checkpoints", ["study: found 'checkpoints', expected another name"]),
        ("study", "a" * 101, ["study: found 101 characters, expected at most 100"]),
        ("seeds", [True], ["seeds.0: found true, expected a number"]),
        ("noise_seeds", [False], ["noise_seeds.0: found false, expected a number"]),
        ("runs_per_job", True, ["runs_per_job: found true, expected a number"]),
        ("systems.base.epochs", True, ["systems.base.epochs: found true, expected a number"]),
        ("systems.base.layers", True, ["systems.base.layers: found true, expected a number"]),
        ("systems.base.warmup", False, ["systems.base.warmup: found false, expected a number"]),
        ("systems.base.resources", {"gpu": True}, ["systems.base.resources.gpu: found true, expected a number"]),
        ("datasets.tweets.split", {"dev": True, "test": 0.1}, ["tweets.split.dev: found true, expected a number"]),
        ("treatments.noise.levels", [1, True], ["treatments.noise.levels.1: found true, expected a number"]),
        ("study", "../out", ["study: found '../out', expected a name of letters"]),
        ("datasets.tweets.columns", ["word", "tag"], ["columns are word, tag; expected one token and one tag"]),
        ("datasets.tweets.split", {"dev": 0.6, "test": 0.6}, ["datasets.tweets: split is", "leave some train"]),
        ("datasets.tweets.split", {"dev": 0}, ["datasets.tweets: split is {'dev': 0.0, 'test': 0.1}", "above 0"]),
        (
            "datasets.tweets.encoding",
            "utf-9",
            ["datasets.tweets.encoding: found 'utf-9', expected an encoding, such as"],
        ),
        ("datasets.tweets.comment", "", ["datasets.tweets.comment: found ''", "at least 1 character"]),
        ("datasets.tweets.outside", 0, ["datasets.tweets.outside: found the number 0, expected text"]),
        ("datasets.tweets.format", "cnll", ["datasets.tweets.format: found 'cnll'; did you mean 'conll'?"]),
        ("datasets.tweets.source.files", {"all": []}, ["source.files.all: found [], expected at least 1"]),
        ("datasets.tweets.source.files", {"all": ""}, ["source.files.all: found ''", "at least 1 character"]),
        ("datasets.tweets.source.files", {"all": ["a", 1]}, ["source.files.all.1: found the number 1, expected text"]),
        ("datasets.tweets.source.sha256", {"all": ["abc"]}, ["source.sha256.all.0: found 'abc', expected a SHA-256"]),
        ("datasets.tweets.source.sha256", {"all": ["a" * 64] * 2}, ["sha256 of all has 2 hashes; expected 1, one for"]),
        ("datasets.tweets.source.sha256", {"dev": "a" * 64}, ["sha256 names dev, which is not among the files"]),
        ("datasets.tweets.source.files", {"train": "a"}, ["files are train; expected all, or train and test, or"]),
        ("datasets", [], ["datasets: found []"]),
        ("noise_seeds", "same-as-sed", ["noise_seeds: found 'same-as-sed'; did you mean 'same-as-seed'?"]),
        ("noise_seeds", ["same-as-seed"], ["noise_seeds.0: found 'same-as-seed'", "integer"]),
        ("noise_seeds", [], ["noise_seeds: found []", "at least 1"]),
        ("experiments", {}, ["experiments: found {}"]),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_what_was_expected(path: str, value: Any, fragments: list[str]) -> None:
    line = problem(changed(path, value))
    assert line.startswith("config.yaml: ")
    assert [fragment for fragment in fragments if fragment not in line] == [], line


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("systems.base.checkpoint", "bass", "systems.base.checkpoint: 'bass' is not defined; did you mean 'base'?"),
        ("experiments.main.datasets", ["tweet"], "experiments.main.datasets: 'tweet' is not defined; did you mean"),
        ("experiments.main.treatments", ["nose"], "experiments.main.treatments: 'nose' is not defined; did you mean"),
        ("experiments.main.systems", ["x"], "experiments.main.systems: 'x' is not defined; known: base"),
        ("experiments.main.treatments", ["noise-resample-20"], "known: clean, noise, caps"),
        ("checkpoints", {}, "systems.base.checkpoint: 'base' is not defined; none are defined"),
    ],
)
def test_a_name_that_nothing_defines_is_told_with_those_that_are(path: str, value: Any, message: str) -> None:
    assert message in problem(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "bound"),
    [
        ("systems.base.batch_size", 2**31, "1000000"),
        ("systems.base.max_length", 2**31, "65536"),
        ("systems.base.layers", 10**9, "1000"),
        ("systems.base.epochs", 10**9, "10000"),
        ("systems.base.learning_rate", 1e308, "1e+30"),
        ("systems.base.weight_decay", 1e308, "1e+30"),
        ("systems.base.clip", 1e308, "1e+30"),
        ("systems.base.resources", {"gpu": 10**30}, "1024"),
        ("systems.base.resources", {"cpus": 10**30}, "65536"),
        ("systems.base.resources", {"memory": 10**30}, "100000000"),
        ("systems.base.resources", {"minutes": 1e300}, "525600"),
        ("runs_per_job", 10**30, "1000"),
        ("seeds", [*range(10**6)], "found 1000000 of them, expected at most 10000"),
        ("noise_seeds", [*range(10**6)], "found 1000000 of them, expected at most 10000"),
        ("seeds", [2**31], "2147483648"),
        ("noise_seeds", [10**30], "2147483648"),
        ("treatments.noise.levels", [20] * 10**6, "found 1000000 of them, expected at most 10000"),
        ("treatments.caps.sentences", [2**31], "2147483648"),
        ("treatments.short", {"kind": "truncate", "words": [10**30]}, "2147483648"),
        ("experiments.main.datasets", ["tweets"] * 10**6, "found 1000000 of them, expected at most 10000"),
        *(
            ("systems.base", {"kind": "protobert", "checkpoint": "base", "epochs": 1, key: 2**62}, bound)
            for key, bound in (
                ("dimension", "65536"),
                ("support_minority", "1000000"),
                ("support_others", "1000000"),
                ("query_minority", "1000000"),
                ("query_ratio", "1000000"),
                ("episodes", "1000000000"),
            )
        ),
        *(
            ("systems.base", {"kind": "bilstm-crf", "epochs": 1, **shape}, bound)
            for shape, bound in (
                ({"layers": 10**6}, "1000"),
                ({"hidden_size": 2**31}, "65536"),
                ({"word_size": 2**31}, "65536"),
                ({"character_size": 2**31}, "65536"),
                ({"layers": 1000, "hidden_size": 65536}, "1e+14 parameters, expected at most 1e+10"),
            )
        ),
        *(
            ("systems.base", {"kind": "image", "epochs": 1, **shape}, bound)
            for shape, bound in (
                ({"image_size": 2**31}, "4096"),
                ({"depths": [10**6], "widths": [4]}, "1000"),
                ({"depths": [1], "widths": [2**31]}, "65536"),
                ({"depths": [1] * 10**6, "widths": [4] * 10**6}, "found 1000000 of them, expected at most 12"),
                ({"depths": [1000], "widths": [65536]}, "4e+12 parameters, expected at most 1e+10"),
            )
        ),
    ],
)
def test_a_number_that_nothing_could_train_is_refused_with_its_bound(path: str, value: Any, bound: str) -> None:
    values = changed(path, value)
    with pytest.raises(BadInput) as caught:
        load(values, "config.yaml")
    assert bound in str(caught.value)
    assert all(line.startswith("config.yaml: ") and len(line) < 300 for line in str(caught.value).splitlines())


def test_what_is_found_is_shown_in_part_where_it_is_huge() -> None:
    bomb: Any = "deep"
    for _ in range(4):
        bomb = [bomb] * 10
    for value in (bomb, {"a" * 10**6: bomb}, "x" * 10**6, ["long"] * 10**6):
        for path in ("study", "seeds", "systems.base.kind", "systems.base.schedule", "checkpoints.base.revision"):
            with pytest.raises(BadInput) as caught:
                load(changed(path, value), "config.yaml")
            lines = str(caught.value).splitlines()
            assert len(lines) <= 51
            assert max(map(len, lines)) < 1100
    many = problem(changed("systems.base", {**FULL["systems"]["base"], "k" * 10**6: 1}))
    assert "unknown key" in many
    assert len(many) < 400


def test_of_a_thousand_problems_the_first_are_told_and_the_others_counted() -> None:
    with pytest.raises(BadInput) as caught:
        load(changed("treatments.noise.levels", [101] * 1000), "config.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "config.yaml: 950 more problems"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("news:", "no:", ':3: YAML reads the key no as false; write "no"'),
        ("news:", "2020:", ':3: YAML reads the key 2020 as the number 2020; write "2020"'),
        ("news:", "2020-01-01:", ':3: YAML reads the key 2020-01-01 as a date; write "2020-01-01"'),
        ("news:", "~:", ':3: YAML reads the key ~ as nothing; write "~"'),
        ("class: PER", "class: NO", ': treatments.caps.class: YAML reads NO as false; write "NO"'),
        ("class: PER", "class: 7", ': treatments.caps.class: YAML reads 7 as the number 7; write "7"'),
        ("class: PER", "class: ~", ': treatments.caps.class: YAML reads ~ as nothing; write "~"'),
        ("study: small", "study: 2020-01-01", ': study: YAML reads 2020-01-01 as a date; write "2020-01-01"'),
        ("study: small", "study: 1.0", ': study: YAML reads 1.0 as the number 1.0; write "1.0"'),
        ("study: small", "study:", ": study: found nothing, expected text"),
        ("[news]", "[off]", ': experiments.main.datasets.0: YAML reads off as false; write "off"'),
        ("levels: [20]", "levels: [010]", ':8: YAML reads 010 as the number 8; write 8 for the number, "010" for the'),
        ("levels: [20]", "levels: [1:30]", ':8: YAML reads 1:30 as the number 90; write 90 for the number, "1:30"'),
        ("epochs: 3", "epochs: 007", ':6: YAML reads 007 as the number 7; write 7 for the number, "007" for the text'),
        ("epochs: 3", "epochs: 1e3", ": systems.base.epochs: YAML reads 1e3 as text; write 1000"),
        ("epochs: 3", "epochs: yes", ": systems.base.epochs: YAML reads yes as true; expected a number"),
        ("epochs: 3", "epochs: ~", ": systems.base.epochs: YAML reads ~ as nothing; expected a number"),
        ("epochs: 3", "epochs: 2020-01-01", ": systems.base.epochs: YAML reads 2020-01-01 as a date; expected a numb"),
        ("epochs: 3", "epochs:", ": systems.base.epochs: found nothing, expected"),
        ("epochs: 3", "epochs: 3, schedule: no", ": systems.base.schedule: found 'no'; "),
        ("kind: local", "kind: off", ": datasets.news.source.kind: found 'off'; "),
    ],
)
def test_what_yaml_reads_otherwise_than_it_looks_is_told_with_what_to_write(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (
        "study: small\ndatasets:\n  news: {source: {kind: local, files: {all: a}}}\ncheckpoints: {}\n"
        "systems:\n  base: {kind: bilstm-crf, epochs: 3}\ntreatments:\n  noise: {kind: flip, levels: [20]}\n"
        "  caps: {kind: cap, class: PER, sentences: [1]}\n"
        "experiments: {main: {datasets: [news], treatments: [noise, caps], systems: [base]}}\n"
    )
    assert old in text
    path = tmp_path / "study.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInput) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{message}")
    path.write_text(text)
    assert read(path).study == "small"


def test_words_that_yaml_takes_for_true_and_false_stay_so_where_these_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    values = changed("systems.base.pretrained", "no")
    path.write_text(yaml.safe_dump(values).replace("pretrained: 'no'", "pretrained: no"))
    system = read(path).systems["base"]
    assert isinstance(system, EncoderRecipe)
    assert not system.pretrained


def test_whole_floats_and_numbers_as_text_are_numbers() -> None:
    recipe = load(changed("systems.base", {**FULL["systems"]["base"], "epochs": 3.0, "learning_rate": "3e-3"}))
    assert recipe.systems["base"].model_dump(include={"epochs", "learning_rate"}) == {
        "epochs": 3,
        "learning_rate": 3e-3,
    }


def test_clean_needs_no_definition_and_may_have_none() -> None:
    load(changed("experiments.main.treatments", ["clean"]))
    assert "treatments.clean: the name is taken" in problem(
        changed("treatments.clean", {"kind": "flip", "levels": [1]})
    )


def test_families_may_share_a_treatment() -> None:
    again = changed("treatments.more", {"kind": "resample", "levels": [20, 40]})
    assert set(plan.treatments(load(again))) == {"clean", "noise-resample-20", "noise-resample-40", "cap-PER-5"}


def test_a_file_from_the_network_is_pinned() -> None:
    line = problem(changed("datasets.tweets.source.sha256", ...))
    assert "datasets.tweets.source: all has no sha256; a file fetched by URL must be pinned" in line
    blob = {"kind": "url", "files": {"all": "http://localhost/a"}, "git_blob": {"all": COMMIT}}
    load(changed("datasets.tweets.source", blob))
    wheel = {"kind": "pypi", "package": "a==1", "files": {"all": "a"}, "sha256": {}}
    assert "must be pinned" in problem(changed("datasets.tweets.source", wheel))
    unpinned = {"kind": "pypi", "package": "a", "files": {"all": "a"}, "sha256": {"all": HASH}}
    assert "expected a package with its version, such as name==1.0" in problem(
        changed("datasets.tweets.source", unpinned)
    )
    hub = {"kind": "hub", "repo": "owner/data", "files": {"all": "a.parquet"}}
    assert "source.revision: missing" in problem(changed("datasets.tweets.source", hub))
    stray = {"kind": "local", "files": {"all": "a"}, "sha256": {"dev": HASH}}
    assert "sha256 names dev, which is not among the files" in problem(changed("datasets.tweets.source", stray))


def test_a_checkpoint_may_wait_for_its_revision() -> None:
    study = load(changed("checkpoints.base.revision", ...))
    assert plan.checkpoint_spec(study, "base") == {"kind": "hub", "repo": "owner/base"}


@pytest.mark.parametrize(
    "edit",
    [
        lambda values: values["systems"]["base"].update(epochs=0, batch_sise=3),
        lambda values: values["experiments"]["main"].update(datasets=["x"], systems=["y"]),
        lambda values: values["experiments"]["main"].update(datasets=[], systems=[]),
        lambda values: values["treatments"]["noise"].update(levels=[120, 130]),
    ],
    ids=["values and keys", "names", "empty lists", "items of a list"],
)
def test_every_problem_has_a_line_of_its_own(edit: Callable[[dict[str, Any]], None]) -> None:
    values = copy.deepcopy(FULL)
    edit(values)
    with pytest.raises(BadInput) as caught:
        load(values, "config.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith("config.yaml: ") for line in lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: [", "not YAML"),
        ("study: \xff".encode("latin-1"), "not YAML"),
        ("", "expected a mapping with the keys study, datasets"),
        ("- study", "expected a mapping"),
    ],
    ids=["broken", "not UTF-8", "empty", "a list"],
)
def test_what_is_not_a_mapping_in_yaml_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("written", "known"),
    [
        *(("BIO", "iob2"), ("bio2", "iob2"), ("IOB2", "iob2"), ("IOB1", "iob1"), ("BILOU", "bioes")),
        *(("IOBES", "bioes"), ("Bmes", "bmes"), ("BMESO", "bmes"), ("IO", "io")),
    ],
)
def test_a_scheme_may_have_its_other_names_in_any_case(written: str, known: str) -> None:
    study = load(changed("datasets.tweets.scheme", written))
    assert study.datasets["tweets"].scheme == known
    assert study == load(changed("datasets.tweets.scheme", known))


def test_a_share_that_is_not_given_is_the_default_one() -> None:
    split = load(changed("datasets.tweets.split", {"test": 0})).datasets["tweets"].split
    assert split == {"dev": 0.1, "test": 0.0}
    assert load(changed("datasets.tweets.split", {"dev": 0.2})).datasets["tweets"].split == {"dev": 0.2, "test": 0.1}


def test_a_part_may_be_several_files_each_with_its_hash() -> None:
    source = {"kind": "local", "files": {"train": ["a", "b"], "test": "c"}, "sha256": {"train": ["1" * 64, "2" * 64]}}
    read_source = load(changed("datasets.tweets.source", source)).datasets["tweets"].source
    shards = read_source.shards()
    assert [(shard.label, shard.name) for shard in shards] == [("train.0", "a"), ("train.1", "b"), ("test", "c")]
    assert [read_source.declared("sha256", shard) for shard in shards] == ["1" * 64, "2" * 64, None]


def test_a_checked_study_never_changes() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(FULL).study = "other"


def test_the_defaults_that_specs_leave_out_are_those_released() -> None:
    """A spec leaves defaults out, so a changed one would rerun nothing: never change one, add an option instead."""
    fields = {**EncoderRecipe.model_fields, **Dataset.model_fields}
    assert {name: field.default for name, field in fields.items() if not field.is_required()} == {
        "batch_size": 64,
        "learning_rate": 1e-4,
        "weight_decay": 0.01,
        "warmup": 0.1,
        "schedule": "linear",
        "clip": 1.0,
        "max_length": 128,
        "views": ("minibatch", "epoch-end"),
        "test_epochs": "each",
        "resources": Resources(),
        "precision": "float32",
        "compile": False,
        "pretrained": True,
        "layers": None,
        "long_sentences": "windows",
        "task": "ner",
        "image_column": "img",
        "label_column": "label",
        "format": None,
        "encoding": "utf-8",
        "comment": None,
        "columns": ["token", "tag"],
        "token_column": "tokens",
        "tag_column": "ner_tags",
        "sentence_column": None,
        "tag_names": None,
        "scheme": "iob2",
        "outside": None,
        "entity_type": None,
        "repair": False,
        "drop_empty_tokens": False,
        "drop_repeats": False,
        "drop_overlap": False,
        "split": {"dev": 0.1, "test": 0.1},
        "subset": {},
        "licence": "not stated",
    }


@pytest.mark.parametrize(
    ("kind", "defaults"),
    [
        (
            ProtobertRecipe,
            {
                "centroids": "full",
                "alpha": 0.1,
                "dimension": 300,
                "support_minority": 10,
                "support_others": 100,
                "query_minority": 15,
                "query_ratio": 2,
                "episodes": None,
                "views": ("epoch-end",),
            },
        ),
        (
            BilstmCrfRecipe,
            {
                "checkpoint": None,
                "layers": 10,
                "hidden_size": 300,
                "word_size": 300,
                "character_size": 50,
                "dropout": 0.1,
            },
        ),
        (
            ImageRecipe,
            {
                "precision": "float32",
                "compile": False,
                "batch_size": 64,
                "checkpoint": None,
                "pretrained": True,
                "block": "bottleneck",
                "depths": (3, 4, 6, 3),
                "widths": (256, 512, 1024, 2048),
                "image_size": 32,
            },
        ),
    ],
)
def test_the_defaults_of_the_other_systems_are_those_released(kind: type[Recipe], defaults: dict[str, Any]) -> None:
    base = TransformerRecipe if kind is ProtobertRecipe else Recipe
    fields = {name: field.default for name, field in kind.model_fields.items() if not field.is_required()}
    assert {name: value for name, value in fields.items() if name in defaults or name not in base.model_fields} == (
        defaults
    )


def numbers_without_a_guard(model: type[BaseModel], seen: set[type]) -> Iterator[str]:
    """Yield the number fields of a model, and of all models in it, that would take true for 1."""

    def walk(annotation: Any, metadata: list[Any], where: str) -> Iterator[str]:
        if get_origin(annotation) is Annotated:
            inner, *more = get_args(annotation)
            yield from walk(inner, [*metadata, *more], where)
        elif annotation in (int, float):
            if NUMBER not in metadata:
                yield where
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from numbers_without_a_guard(annotation, seen)
        else:
            union = get_origin(annotation) in (Union, UnionType)
            for inner in get_args(annotation):
                yield from walk(inner, metadata if union else [], where)

    if model not in seen:
        seen.add(model)
        for name, field in model.model_fields.items():
            yield from walk(field.annotation, list(field.metadata), f"{model.__name__}.{name}")


def test_no_number_of_a_configuration_takes_true_for_1() -> None:
    assert list(numbers_without_a_guard(Study, set())) == []
