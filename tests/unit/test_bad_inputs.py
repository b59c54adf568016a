"""Wrong input through the real command line: one line that says where, what was found and what was expected."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from settling.cli import main
from settling.data.dataset import download_dataset
from settling.treatments.treat import treat
from settling.validation import read_yaml
from tests import warm
from tests.conftest import ROOT, TINY_SPEC, corpus_text, train_command

GOOD_HASH, OTHER_HASH = "a" * 64, "b" * 64


@dataclass(frozen=True)
class Place:
    """An empty folder to work in, and good files to spoil copies of."""

    tmp: Path
    data: Path
    treated: Path
    run: Path
    checkpoint: Path

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.tmp / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def spoiled(self, change: Callable[[Path], object]) -> Path:
        """Return a copy of the checkpoint that `change` was applied to."""
        folder = self.tmp / "checkpoint"
        shutil.copytree(self.checkpoint, folder)
        change(folder)
        return folder


@pytest.fixture
def place(tmp_path: Path, tiny_data: Path, tiny_treated: Path, tiny_run: Path, tiny_checkpoint: Path) -> Place:
    return Place(tmp_path, tiny_data, tiny_treated, tiny_run, tiny_checkpoint)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Return the address of a server of one CoNLL text."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(corpus_text(5, 0).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/all.txt"
        running.shutdown()


def files_below(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the files and folders below a folder, but for where a run that failed tells why (progress.json)."""
    telling = {path for told in folder.rglob("progress.json") for path in (told, told.parent)}
    found = {path: path.stat() for path in folder.rglob("*") if path not in telling}
    return {path: (stat.st_mtime_ns, stat.st_size if path.is_file() else 0) for path, stat in found.items()}


def settling(*arguments: object) -> list[str]:
    return [str(warm.programs() / "settling"), *map(str, arguments)]


def check(said: str, folder: Path, before: dict[Path, tuple[int, int]], fragments: tuple[str, ...]) -> None:
    """Check that one line was said, that it holds `fragments`, and that `folder` is as it was before."""
    assert "Traceback" not in said, said
    (line,) = said.splitlines()
    assert line.startswith("settling: ")
    assert [fragment for fragment in fragments if fragment not in line] == [], line
    assert files_below(folder) == before


def refused(command: list[str], folder: Path, *fragments: str) -> None:
    """Run a command, in a process of its own, that must fail and leave `folder` as it was."""
    before = files_below(folder)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "no_proxy": "127.0.0.1"}
    # `y` is there for a library that would ask whether it may run code.
    done = subprocess.run(command, capture_output=True, text=True, input="y\n" * 9, cwd=folder, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    check(done.stderr, folder, before, fragments)


Refused = Callable[..., None]


@pytest.fixture
def refused_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Return `refused` for commands whose imports take seconds: the command line runs in this process."""

    def run(command: list[str], folder: Path, *fragments: str) -> None:
        before = files_below(folder)
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "TOKENIZERS_PARALLELISM"):
            monkeypatch.setenv(name, "1")
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["settling", *command[1:]])
        with pytest.raises(SystemExit) as end:
            main()
        # A text is what Python prints before it ends with status 1.
        assert isinstance(end.value.code, str)
        check(capfd.readouterr().err + end.value.code, folder, before, fragments)

    return run


CONFIG = """\
study: small
datasets:
  news:
    source: {kind: local, files: {all: news.txt}}
checkpoints:
  mini: {kind: folder, path: mini}
systems:
  base: {kind: encoder, checkpoint: mini, epochs: 3}
treatments:
  noise: {kind: resample, levels: [0, 20]}
experiments:
  main: {datasets: [news], treatments: [noise], systems: [base]}
"""


@pytest.mark.parametrize(
    ("old", "new", "fragments"),
    [
        ("epochs: 3", "epochs: 3, batch_sise: 8", ["systems.base.batch_sise: unknown key", "mean 'batch_size'?"]),
        ("study: small\n", "", ["study: missing"]),
        ("epochs: 3", "epochs: three", ["systems.base.epochs: found 'three'", "integer"]),
        ("checkpoint: mini", "checkpoint: mimi", ["systems.base.checkpoint: 'mimi'", "did you mean 'mini'?"]),
        ("treatments: [noise]", "treatments: [nose]", ["experiments.main.treatments: 'nose'", "mean 'noise'?"]),
        ("levels: [0, 20]", "levels: [0, 200]", ["treatments.noise.levels.1: found 200", "100"]),
        ("kind: resample", "kind: resampel", ["treatments.noise.kind: found 'resampel'", "mean 'resample'?"]),
        ("all: news.txt}", "all: news.txt}, sha256: {all: 12ab}", ["sha256.all: found '12ab'", "64 hexadecimal"]),
        ("kind: local", "kind: url", ["datasets.news.source: all has no sha256", "pinned"]),
        ("all: news", "dev: news", ["datasets.news.source: files are dev", "train, dev and test"]),
        ("study: small", "study: [small", ["not YAML"]),
        ("study: small", "study: ../small", ["study: found '../small'", "name of letters"]),
        ("study: small", "study: small\nstudy: small", [":2: found the key 'study' again", "(first in line 1)"]),
        ("epochs: 3", "epochs: 3, epochs: 3", [":8: found the key 'epochs' again"]),
        ("study: small", f"study: {'[' * 5000}", ["not YAML (nested too deeply)"]),
        ("study: small", "study: 2020-13-45", ["not YAML (found '2020-13-45', no valid timestamp", "line 1"]),
        ("study: small", f"study: {'9' * 5000}", ["not YAML (found '9999", "no valid int", "line 1"]),
        ("study: small", f"study: 0x{'f' * 5000}", ["study: YAML reads 0xffff", "as a number; write "]),
        ("study: small", "study: !!bool small", ["not YAML (found 'small', no valid bool"]),
        ("study: small", "study: from-artifact", ["study: found 'from-artifact', expected another name"]),
        ("study: small", "study: checkpoints", ["study: found 'checkpoints', expected another name"]),
        ("study: small", f"study: {'a' * 101}", ["study: found 101 characters, expected at most 100"]),
        ("study: small", 'study: small\n"\\e[2J": 1', ["\\x1b[2J: unknown key"]),
        ("study: small", 'study: small\n"two\\nlines": 1', ["two\\nlines: unknown key"]),
        (CONFIG, "- 1\n", ["expected a mapping with the keys study"]),
        (CONFIG, "", ["expected a mapping"]),
    ],
    ids=[
        *("mistyped key", "missing key", "wrong type", "unknown checkpoint", "unknown treatment", "level too high"),
        *("mistyped kind", "bad hash", "unpinned url", "missing split", "not YAML", "bad name"),
        *("repeated key", "repeated inner key", "too deep", "no date", "long number", "long hexadecimal", "no truth"),
        *(
            "reserved name",
            "shared folder's name",
            "long name",
            "control characters in a key",
            "newline in a key",
            "a list",
            "empty",
        ),
    ],
)
def test_a_bad_configuration(tmp_path: Path, refused_here: Refused, old: str, new: str, fragments: list[str]) -> None:
    assert old in CONFIG
    path = tmp_path / "study.yaml"
    path.write_text(CONFIG.replace(old, new, 1))
    refused_here(settling("config", path), tmp_path, str(path), *fragments)


BOMB = "x: &a0 [1, 1]\n" + "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
MAPPINGS = BOMB.replace("[1, 1]", "{a: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB + "study: *a9\n", "with its aliases written out it has more than 20000 keys and values"),
        (MAPPINGS + "study: *a9\n", "with its aliases written out it has more than 20000 keys and values"),
        ("study: &a [*a]\n", "with its aliases written out it has more than 20000 keys and values"),
        ("study: &a {<<: *a}\n", "with its aliases written out it has more than 20000 keys and values"),
        (f"seeds: [{'1, ' * 30_000}]", "found more than 20000 keys and values"),
        (f"study: {'a' * 2**20}", "found more than 1048576 bytes"),
    ],
    ids=["lists", "merged mappings", "a list in itself", "a mapping in itself", "values", "bytes"],
)
def test_a_small_file_that_holds_a_huge_one_ends_in_a_line(
    tmp_path: Path, refused_here: Refused, text: str, said: str
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    refused_here(settling("config", path), tmp_path, f"{path}: {said}")
    claims = settling("claims", "--claims", path, "--tables", tmp_path, "--output", "out")
    refused_here(claims, tmp_path, f"{path}: {said}")


def test_a_study_of_billions_of_runs_is_refused_before_they_are_listed(tmp_path: Path, refused_here: Refused) -> None:
    path = tmp_path / "study.yaml"
    numbers = str([*range(4000)])
    path.write_text(f"{CONFIG}seeds: {numbers}\nnoise_seeds: {numbers}\n")
    refused_here(
        settling("config", path), tmp_path, f"{path}: experiments: ask for 16004000 runs, expected at most 1000000"
    )


def test_config_refuses_a_hub_checkpoint_without_a_revision(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(CONFIG.replace("{kind: folder, path: mini}", "{kind: hub, repo: owner/mini}"))
    done = subprocess.run(settling("config", path), capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert not done.stdout
    expected = "missing; expected the id of a commit of its repository (40 hexadecimal digits)"
    assert done.stderr == f"settling: {path}: checkpoints.mini.revision: {expected}\n"


def test_two_treatments_of_one_name_are_refused_by_config(tmp_path: Path, refused_here: Refused) -> None:
    path = tmp_path / "study.yaml"
    one, two = "{kind: cap, class: relabel-PER, sentences: [5]}", "{kind: cap-relabel, class: PER, sentences: [5]}"
    path.write_text(CONFIG.replace("treatments:\n", f"treatments:\n  one: {one}\n  two: {two}\n", 1))
    refused_here(settling("config", path), tmp_path, "two different treatments are both called cap-relabel-PER-5")


def test_keys_of_merged_mappings_may_be_given_anew(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text("a: &a {x: 1, y: 1}\nb: {c: &c {<<: *a, x: 2}}\nd: {<<: *c, x: 3}\n")
    assert read_yaml(path)["d"] == {"x": 3, "y": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONFIG + "study: other\n", ":13: found the key 'study' again, expected it once (first in line 1)"),
        (BOMB + "study: *a9\n", ": with its aliases written out it has more than 20000 keys and values"),
    ],
    ids=["a key twice", "many aliases"],
)
def test_snakemake_is_not_given_a_file_that_config_refuses(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    command = settling("why", "--snakefile", ROOT / "Snakefile", "--directory", tmp_path, "--configfile", path)
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"{path}{said}" in line


def test_snakemake_says_how_yaml_read_a_word_too(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(CONFIG.replace("all: news.txt", "all: off"))
    command = settling("why", "--snakefile", ROOT / "Snakefile", "--directory", tmp_path, "--configfile", path)
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert 'config: datasets.news.source.files.all: YAML reads off as false; write "off"' in done.stderr


def test_a_study_that_is_not_there_is_named_by_why(tmp_path: Path) -> None:
    command = settling("why", "--snakefile", ROOT / "Snakefile", "--configfile", "none.yaml")
    refused(command, tmp_path, "No such file", "none.yaml")


def test_a_file_name_with_control_characters_is_escaped(tmp_path: Path, refused_here: Refused) -> None:
    refused_here(settling("config", "\x1b[2J.yaml"), tmp_path, "\\x1b[2J.yaml: no such file")
    (tmp_path / "\x1b[2J").mkdir()
    refused_here(settling("config", "\x1b[2J"), tmp_path, "\\x1b[2J: Is a directory")


def test_a_file_that_is_not_there_yet_is_named_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(CONFIG)
    done = subprocess.run(settling("config", path), capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"{path}: datasets.news: news.txt: no such file yet",
        f"{path}: checkpoints.mini: mini: no such file yet",
        f"{path}: a study of 2 runs",
    ]


def test_a_study_that_is_not_given_as_to_snakemake_is_told_how(tmp_path: Path) -> None:
    refused(
        settling("why", "mine.yaml"), tmp_path, "mine.yaml: a study is given as to snakemake: --configfile mine.yaml"
    )


def test_two_faults_of_a_configuration_are_two_lines(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(CONFIG.replace("[0, 20]", "[-1, 101]"))
    done = subprocess.run(settling("config", tmp_path / "study.yaml"), capture_output=True, text=True)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.split(": ")[2] for line in lines] == ["treatments.noise.levels.0", "treatments.noise.levels.1"]
    assert all(line.startswith("settling: ") for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "fragments"),
    [
        ("absent.yaml", None, ["absent.yaml", "no such file"]),
        (".", None, ["irectory"]),
        ("study.yaml", b"study: \xff\xfe", ["study.yaml", "not YAML"]),
    ],
    ids=["missing", "a folder", "not UTF-8"],
)
def test_a_configuration_that_is_no_text(
    tmp_path: Path, name: str, content: bytes | None, fragments: list[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(settling("config", tmp_path / name), tmp_path, *fragments)


def download(source: dict[str, Any], **options: Any) -> list[str]:
    spec = json.dumps({"source": source, **options})
    return settling("download", "dataset", "--spec", spec, "--output", "out")


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        ("Paris\tB-LOC\nis\n", [":2: found 1 tab-separated columns, expected 2 (token, tag)"]),
        ("Paris B-LOC\nis O O\n", [":2: found 3 space-separated columns, expected 2"]),
        ("Paris\tB-LOC\nis\tX-LOC\n", [":2: 'X-LOC' is not a tag", "expected O, B-TYPE, I-TYPE"]),
        ("is\tO\n\nParis\tI-LOC\n", [":3: 'I-LOC' at the start of a sentence continues", "set scheme: iob1, or"]),
        ("Paris\tB-LOC\nHilton\tI-PER\n", [":2: 'I-PER' after 'B-LOC' continues no", "set repair: true"]),
        (b"is\tO\nPar\xefs\tB-LOC\n", [":2: found byte 0xef, expected UTF-8"]),
        ("", ["no sentences", "2 columns: token, tag"]),
        ("\n \n-DOCSTART-\tO\n", ["no sentences"]),
        ("Paris\tB-LOC\n\tO\n", [":2: found an empty token"]),
        (b"PAR1\0\0", [":1: found a NUL byte"]),
    ],
    ids=[
        *("ragged tabs", "ragged spaces", "bad tag", "illegal start", "illegal type", "not UTF-8", "empty"),
        *("only boundaries", "empty token", "binary"),
    ],
)
def test_a_bad_data_file(tmp_path: Path, content: str | bytes, fragments: list[str]) -> None:
    path = tmp_path / "all.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(download({"kind": "local", "files": {"all": str(path)}}), tmp_path, str(path), *fragments)


def test_a_missing_data_file(tmp_path: Path) -> None:
    refused(download({"kind": "local", "files": {"all": "absent.txt"}}), tmp_path, "absent.txt: no such file")


def test_a_subset_larger_than_the_data(tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text(corpus_text(50, 0))
    command = download({"kind": "local", "files": {"all": "all.txt"}}, subset={"train": 999})
    refused(command, tmp_path, "subset.train", "999 sentences asked for, only ")


def test_a_local_file_that_is_not_the_one_declared(tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text(corpus_text(50, 0))
    source = {"kind": "local", "files": {"all": "all.txt"}, "sha256": {"all": GOOD_HASH}}
    refused(download(source), tmp_path, "all.txt: found sha256 ", f"expected {GOOD_HASH}")


@pytest.mark.parametrize("kind", ["sha256", "git_blob"])
def test_a_fetched_file_that_is_not_the_one_declared(tmp_path: Path, server: str, kind: str) -> None:
    digest = OTHER_HASH if kind == "sha256" else OTHER_HASH[:40]
    source = {"kind": "url", "files": {"all": server}, kind: {"all": digest}}
    refused(download(source), tmp_path, f"{server}: found {kind} ", f"expected {digest}")


def test_a_url_that_answers_nothing(tmp_path: Path) -> None:
    source = {"kind": "url", "files": {"all": "http://127.0.0.1:9/all.txt"}, "sha256": {"all": OTHER_HASH}}
    refused(download(source), tmp_path, "http://127.0.0.1:9/all.txt: download failed")


def edit_json(name: str, **values: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def only_pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def no_model(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bart-or-so"}')


def names_code(folder: Path) -> None:
    """Make the checkpoint ask for code of its own, which leaves a file behind where it is run."""
    edit_json(
        "config.json",
        model_type="own",
        auto_map={"AutoConfig": "own.OwnConfig", "AutoModelForTokenClassification": "own.OwnModel"},
    )(folder)
    (folder / "own.py").write_text(
        "from pathlib import Path\nfrom transformers import BertConfig, BertForTokenClassification as OwnModel\n"
        f"Path({str(folder / 'ran')!r}).touch()\n"
        "class OwnConfig(BertConfig):\n    model_type = 'own'\nOwnModel.config_class = OwnConfig\n"
    )


def removed(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (only_pickled, ["pytorch_model.bin", "expected model.safetensors"]),
        (cut_short, ["model.safetensors is damaged or cut short"]),
        (names_code, ["config.json names code of its own (auto_map)"]),
        (removed("config.json"), ["no config.json; found "]),
        (lambda folder: (folder / "config.json").write_text("{"), ["config.json is not JSON"]),
        (shutil.rmtree, ["no such folder"]),
    ],
    ids=["only pickled", "cut short", "code of its own", "no config", "broken config", "missing"],
)
def test_a_bad_checkpoint_to_download(place: Place, change: Callable[[Path], object], fragments: list[str]) -> None:
    folder = place.spoiled(change)
    spec = json.dumps({"kind": "folder", "path": str(folder)})
    refused(settling("download", "checkpoint", "--spec", spec, "--output", "out"), place.tmp, str(folder), *fragments)


def test_a_hub_checkpoint_without_a_revision(tmp_path: Path) -> None:
    spec = '{"kind": "hub", "repo": "owner/name"}'
    command = settling("download", "checkpoint", "--spec", spec, "--output", "out")
    refused(command, tmp_path, "owner/name: no revision", "commit id")


def training(place: Place, spec: dict[str, Any], **paths: Path) -> list[str]:
    treated, data, checkpoint = (
        paths.get(name, good)
        for name, good in (("treated", place.treated), ("data", place.data), ("checkpoint", place.checkpoint))
    )
    return train_command(spec, treated, data, checkpoint, place.tmp / "out")


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (only_pickled, ["not a checkpoint that transformers can load", "safetensors"]),
        (cut_short, ["not a checkpoint that transformers can load", "incomplete metadata"]),
        (no_model, ["not a checkpoint that transformers can load", "bart-or-so"]),
        (shutil.rmtree, ["no such checkpoint folder"]),
    ],
    ids=["only pickled", "cut short", "no model", "missing"],
)
def test_a_bad_checkpoint_to_train(
    place: Place, refused_here: Refused, change: Callable[[Path], object], fragments: list[str]
) -> None:
    folder = place.spoiled(change)
    refused_here(training(place, TINY_SPEC, checkpoint=folder), place.tmp, str(folder), *fragments)


def test_the_code_of_a_checkpoint_is_never_run_even_where_someone_would_say_yes(place: Place) -> None:
    folder = place.spoiled(names_code)
    refused(training(place, TINY_SPEC, checkpoint=folder), place.tmp, str(folder), "not a checkpoint")


@pytest.mark.parametrize(
    ("spec", "fragments"),
    [
        ({**TINY_SPEC, "layers": 9}, ["layers is 9, expected at most"]),
        ({**TINY_SPEC, "epoch": 3}, ["spec: epoch: unknown key; did you mean 'epochs'?"]),
        ({**TINY_SPEC, "seed": 3}, ["spec: seed: unknown key"]),
    ],
    ids=["too many layers", "mistyped key", "no seed"],
)
def test_a_bad_recipe(place: Place, refused_here: Refused, spec: dict[str, Any], fragments: list[str]) -> None:
    refused_here(training(place, spec), place.tmp, *fragments)


def test_a_recipe_that_diverges(
    place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines of progress come before, so here the last line counts."""
    command = training(place, {**TINY_SPEC, "learning_rate": 1e30})
    monkeypatch.setattr(sys, "argv", ["settling", *command[1:]])
    with pytest.raises(SystemExit, match=r"out: epoch \d: a weight is not finite any more; expected a lower"):
        main()
    assert "Traceback" not in capfd.readouterr().err
    assert not (place.tmp / "out").exists()


def test_weights_that_are_not_finite_are_named_before_training(place: Place, refused_here: Refused) -> None:
    def spoil(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        weights["bert.encoder.layer.0.output.dense.weight"][0, 0] = float("nan")
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    folder = place.spoiled(spoil)
    command = [str(folder) if part == str(place.checkpoint) else part for part in training(place, TINY_SPEC)]
    fragment = f"{folder}: the weights encoder.layer.0.output.dense.weight hold nan, expected finite numbers"
    refused_here(command, place.tmp, fragment)


def test_an_unknown_device(place: Place, refused_here: Refused) -> None:
    command = [*training(place, TINY_SPEC), "--device", "gpu"]
    refused_here(command, place.tmp, "--device: 'gpu' is not available here", "cpu")


@pytest.fixture(scope="module")
def other_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set whose one class is not among those of the tiny one."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "a.txt").write_text("genes\tB-DNA\nmatter\tO\n")
    files = dict.fromkeys(("train", "dev", "test"), str(folder / "a.txt"))
    download_dataset({"source": {"kind": "local", "files": files}}, folder / "data")
    return folder / "data"


def test_splits_of_another_data_set_to_train(place: Place, refused_here: Refused, other_data: Path) -> None:
    """Their tags are other tags, so scores against them would mean nothing."""
    mixed = shutil.copytree(other_data, place.tmp / "mixed")
    shutil.copy(place.data / "train.parquet", mixed)
    refused_here(training(place, TINY_SPEC, data=mixed), place.tmp, str(mixed / "dev.parquet"), "tags")


def treating(spec: str, train: Path) -> list[str]:
    return settling("treat", "--spec", spec, "--train", train, "--output", "out")


@pytest.mark.parametrize(
    ("spec", "fragments"),
    [
        ("{kind: clean}", ["--spec: not JSON"]),
        ('["clean"]', ["--spec: found", "expected a JSON object"]),
        (f'["{"a" * 10_000}"]', ["--spec: found '[\"aaa", "...', expected a JSON object"]),
        ("@absent.json", ["--spec: absent.json: No such file"]),
        (f"{{'a': {'[' * 5000}".replace("'", '"'), ["--spec: not JSON (nested too deeply)"]),
        (f'{{"kind": {"9" * 5000}}}', ["--spec: not JSON (Exceeds the limit"]),
        ('{"kind": "resampl", "percent": 10, "noise_seed": 0}', ["kind: ", "'resampl'", "did you mean 'resample'?"]),
        ('{"kind": "cap", "class": "LOK", "sentences": 1, "noise_seed": 0}', ["'LOK'", "did you mean 'LOC'?"]),
        ('{"kind": "flip", "percent": 10, "noise_seed": 99999999999}', ["noise_seed: found 99999999999", "2147483648"]),
        ('{"kind": "drop", "class": "PER", "sentences": 1, "noise_seed": 0}', ["59 sentences without PER", "only 0"]),
        ('{"percent": 10, "noise_seed": 0}', ["kind"]),
        ('{"kind": "resample", "percent": 10}', ["noise_seed"]),
        ('{"kind": "resample", "noise_seed": 0}', ["percent"]),
        ('{"kind": "resample", "percent": "ten", "noise_seed": 0}', ["percent"]),
        ('{"kind": "flip", "percent": 10, "persent": 10, "noise_seed": 0}', ["persent"]),
    ],
    ids=[
        *(
            "not JSON",
            "a list",
            "a long list",
            "missing file",
            "too deep",
            "long number",
            "unknown kind",
            "unknown class",
            "noise seed too large",
            "impossible drop",
            "no kind",
        ),
        *("no noise seed", "no percent", "text for a number", "unknown key"),
    ],
)
def test_a_bad_treatment(place: Place, refused_here: Refused, spec: str, fragments: list[str]) -> None:
    refused_here(treating(spec, place.data / "train.parquet"), place.tmp, *fragments)


CLEAN = '{"kind": "clean", "noise_seed": 0}'


def test_a_spec_that_is_no_text(place: Place, refused_here: Refused) -> None:
    path = place.write("spec.bin", b"{\xff}")
    command = treating(f"@{path}", place.data / "train.parquet")
    refused_here(command, place.tmp, f"--spec: {path}: found byte 0xff, expected UTF-8")


def test_a_seed_of_too_many_digits(place: Place, refused_here: Refused) -> None:
    command = training(place, TINY_SPEC)
    command[command.index("--run") + 1] = "1" * 5000
    refused_here(command, place.tmp, "--run: found a seed of 5000 digits, expected at most 18")


def test_a_wrong_or_missing_table_to_treat(place: Place, refused_here: Refused) -> None:
    refused(treating(CLEAN, place.treated), place.tmp, str(place.treated), "not a data table: expected ['sentence'")
    refused_here(treating(CLEAN, place.tmp / "absent"), place.tmp, "absent: no such file")
    text = place.write("train.parquet", "Paris B-LOC\n")
    refused_here(treating(CLEAN, text), place.tmp, f"{text}: not a Parquet file")
    cut = place.write("cut.parquet", (place.data / "train.parquet").read_bytes()[:-50])
    refused_here(treating(CLEAN, cut), place.tmp, f"{cut}: not a Parquet file")


def test_a_damaged_table_to_treat(place: Place, refused_here: Refused) -> None:
    """The columns of a file can be in order and its pages not."""
    content = bytearray((place.data / "train.parquet").read_bytes())
    content[40:400] = bytes(360)
    path = place.write("train.parquet", bytes(content))
    refused_here(treating(CLEAN, path), place.tmp, str(path))


def test_a_table_that_settling_did_not_write(place: Place, refused_here: Refused) -> None:
    """The right columns without the metadata that lists the tags."""
    import pyarrow.parquet as pq

    table = pq.read_table(place.data / "train.parquet").replace_schema_metadata(None)
    pq.write_table(table, place.tmp / "train.parquet", store_schema=True)
    refused_here(treating(CLEAN, place.tmp / "train.parquet"), place.tmp, "train.parquet")


def finding(dynamics: Path, treated: Path) -> list[str]:
    return settling("events", "--dynamics", dynamics, "--treated", treated, "--output", "out")


def test_other_tables_than_those_of_the_run(place: Place, refused_here: Refused, other_data: Path) -> None:
    dynamics, wrong = place.run / "dynamics.parquet", place.run / "scores.parquet"
    refused(finding(wrong, place.treated), place.tmp, str(wrong), "not a dynamics table")
    refused_here(finding(dynamics, place.data / "train.parquet"), place.tmp, "train.parquet", "not a treated table")
    treat({"kind": "clean", "noise_seed": 0}, other_data / "train.parquet", place.tmp / "other.parquet")
    other = place.tmp / "other.parquet"
    refused_here(finding(dynamics, other), place.tmp, str(dynamics), str(other))


def test_dynamics_of_another_draw(place: Place, refused_here: Refused) -> None:
    """It has as many words, so only its hash tells that the labels are not those the run was given."""
    treat(
        {"kind": "resample", "percent": 30, "noise_seed": 1},
        place.data / "train.parquet",
        place.tmp / "noise-seed1.parquet",
    )
    refused_here(
        finding(place.run / "dynamics.parquet", place.tmp / "noise-seed1.parquet"),
        place.tmp,
        "dynamics.parquet",
        "noise-seed1.parquet",
    )


def test_a_bad_study_to_aggregate(place: Place, refused_here: Refused) -> None:
    grid = {"datasets": ["tiny"], "treatments": ["clean"], "systems": ["tiny"], "seeds": [0], "noise_seeds": [0]}
    systems = {"tiny": {"kind": "encoder", "pretrained": True}}
    spec = json.dumps({"experiments": [grid], "treatments": {"clean": {"kind": "clean"}}, "systems": systems})
    command = settling("aggregate", "--spec", spec, "--results", place.tmp, "--output", "out")
    scores = place.tmp / "runs" / "tiny" / "clean" / "noise-seed0" / "tiny" / "seed0" / "scores.parquet"
    refused(command, place.tmp, f"{scores.with_name('run.json')}: no such file")
    scores.parent.mkdir(parents=True)
    shutil.copy(place.run / "run.json", scores.with_name("run.json"))
    refused_here(command, place.tmp, f"{scores}: No such file")
    shutil.copy(place.run / "scores.parquet", scores)
    treated = place.tmp / "treated" / "tiny" / "clean" / "noise-seed0.parquet"
    refused_here(command, place.tmp, f"{treated}: No such file")
    treated.parent.mkdir(parents=True)
    shutil.copy(place.treated, treated)
    events = place.tmp / "events" / "tiny" / "clean" / "noise-seed0" / "tiny" / "seed0.parquet"
    refused_here(command, place.tmp, f"{events}: no such file")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{}", "spec: experiments, treatments, systems: missing; expected the keys experiments, treatments, systems"),
        ('{"experiments": 1}', "spec: treatments, systems: missing; expected the keys experiments"),
        ("[]", "--spec: found '[]', expected a JSON object"),
        ("[{}]", "--spec: found '[{}]', expected a JSON object"),
    ],
)
def test_an_aggregation_of_nothing(tmp_path: Path, refused_here: Refused, spec: str, said: str) -> None:
    refused_here(settling("aggregate", "--spec", spec, "--results", tmp_path, "--output", "out"), tmp_path, said)


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        (1, "spec: experiments: found 1, expected a list"),
        ([], "spec: experiments: found [], expected at least 1"),
        (["main"], "spec: experiments.0: found 'main', expected "),
        (
            [{"datasets": ["a"], "treatments": ["a"], "systems": ["a"], "seeds": [0]}],
            "experiments.0.noise_seeds: missing",
        ),
    ],
    ids=["a number", "none", "text", "no noise seeds"],
)
def test_an_aggregation_of_what_are_no_experiments(
    tmp_path: Path, refused_here: Refused, experiments: object, said: str
) -> None:
    spec = json.dumps({"experiments": experiments, "treatments": {}, "systems": {}})
    refused_here(settling("aggregate", "--spec", spec, "--results", tmp_path, "--output", "out"), tmp_path, said)


def test_claims_in_json(place: Place, refused_here: Refused) -> None:
    for content, said in (
        (b"[" * 5000, "not JSON (nested too deeply)"),
        (b"claims: []", "not JSON (Expecting value"),
        (b"\xff", "not JSON ("),
        (b" " * (2**20 + 1), "found more than 1048576 bytes"),
        (b"{}", "expected a list of claims"),
    ):
        path = place.write("claims.json", content)
        command = settling("claims", "--claims", path, "--tables", place.tmp, "--output", "out")
        refused_here(command, place.tmp, f"{path}: {said}")
    path = place.tmp / "none.json"
    command = settling("claims", "--claims", path, "--tables", place.tmp, "--output", "out")
    refused_here(command, place.tmp, f"{path}: no such file")


def test_an_unknown_figure_or_missing_table(tmp_path: Path, refused_here: Refused) -> None:
    command = settling("plot", "fig1_noise", "--tables", tmp_path, "--output", "out")
    refused(command, tmp_path, "'fig1_noise'", "did you mean 'fig1_noise_f1'?")
    command = settling("plot", "fig1_noise_f1", "--tables", tmp_path, "--output", "out")
    refused_here(command, tmp_path, f"{tmp_path / 'curves.parquet'}: no such file")
    refused_here(settling("findings", "--tables", tmp_path, "--output", "out"), tmp_path, "no such file")


def test_an_output_that_cannot_be_written(place: Place, refused_here: Refused) -> None:
    place.write("file", "in the way")
    command = [*treating(CLEAN, place.data / "train.parquet")[:-1], str(place.tmp / "file" / "out.parquet")]
    refused_here(command, place.tmp, str(place.tmp / "file"))


def test_a_spec_and_a_checkpoint_that_do_not_belong_together(place: Place) -> None:
    vectors = {"kind": "bilstm-crf", "checkpoint": "glove", "epochs": 1}
    command = training(place, vectors)
    at = command.index("--checkpoint")
    refused([*command[:at], *command[at + 2 :]], place.tmp, "--checkpoint: found none", "that of glove")
    refused(training(place, {"kind": "bilstm-crf", "epochs": 1}), place.tmp, "expects none")
