import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from settling.data.checkpoints import download_checkpoint
from settling.data.vectors import VECTORS, read_vectors
from settling.errors import BadInput
from settling.provenance import sha256

KEPT = {"config.json", "model.safetensors", "tokenizer.json", "vocab.txt"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"weight": np.arange(1000, dtype=np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "vocab.txt").write_text("a\n")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling.py").write_text("raise SystemExit")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "config.json").write_text("{}")
    return folder


def spec(folder: Path) -> dict[str, Any]:
    return {"kind": "folder", "path": str(folder)}


def refusal(values: dict[str, Any], output: Path) -> str:
    before = sorted(output.parent.rglob("*"))
    with pytest.raises(BadInput) as error:
        download_checkpoint(values, output)
    assert sorted(output.parent.rglob("*")) == before
    assert "\n" not in str(error.value)
    return str(error.value)


def test_only_safe_files_are_copied_and_each_is_on_the_card(tmp_path: Path, model: Path) -> None:
    output = tmp_path / "out"
    download_checkpoint(spec(model), output)
    assert {path.name for path in output.iterdir()} == KEPT | {"card.json"}
    card = json.loads((output / "card.json").read_text())
    assert card["inputs"] == {name: sha256(model / name) for name in KEPT}
    assert card["spec"] == spec(model)
    assert load_file(output / "model.safetensors")["weight"][999] == 999


def test_a_link_is_copied_as_the_file_it_points_to(tmp_path: Path, model: Path) -> None:
    (model / "model.safetensors").rename(tmp_path / "blob")
    (model / "model.safetensors").symlink_to(tmp_path / "blob")
    download_checkpoint(spec(model), tmp_path / "out")
    assert not (tmp_path / "out" / "model.safetensors").is_symlink()


def test_doing_it_again_gives_the_same_bytes_and_leaves_no_old_file(tmp_path: Path, model: Path) -> None:
    output = tmp_path / "out"
    download_checkpoint(spec(model), output)
    before = {path.name: sha256(path) for path in output.iterdir()}
    (output / "old.json").write_text("{}")
    download_checkpoint(spec(model), output)
    assert {path.name: sha256(path) for path in output.iterdir()} == before


def test_a_folder_that_settling_did_not_make_is_never_replaced(tmp_path: Path, model: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years")
    assert "a folder that settling did not make" in refusal(spec(model), tmp_path / "out")


def test_pickled_weights_alone_are_refused(tmp_path: Path, model: Path) -> None:
    (model / "model.safetensors").unlink()
    message = refusal(spec(model), tmp_path / "out")
    assert message.startswith(f"{model}: found only pytorch_model.bin, which may run code when opened")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (["config.json"], "no config.json"),
        (["model.safetensors", "pytorch_model.bin"], "no .safetensors file"),
        (["vocab.txt", "tokenizer.json"], "no tokenizer"),
    ],
)
def test_a_folder_without_a_needed_file_is_refused(tmp_path: Path, model: Path, missing: list[str], words: str) -> None:
    for name in missing:
        (model / name).unlink()
    assert words in refusal(spec(model), tmp_path / "out")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_its_own_is_refused(tmp_path: Path, model: Path, name: str) -> None:
    (model / name).write_text('{"auto_map": {"AutoModel": "modeling.Model"}}')
    assert f"{name} names code of its own (auto_map)" in refusal(spec(model), tmp_path / "out")


@pytest.mark.parametrize(("content", "words"), [("{", "not JSON"), ("[]", "found list, expected an object")])
def test_a_broken_configuration_is_refused(tmp_path: Path, model: Path, content: str, words: str) -> None:
    (model / "config.json").write_text(content)
    assert f"{model}: config.json: {words}" in refusal(spec(model), tmp_path / "out")


SHARD = "model-00001-of-00001.safetensors"
INDEX = "model.safetensors.index.json"


def test_weights_in_files_that_an_index_names_are_copied(tmp_path: Path, model: Path) -> None:
    (model / "model.safetensors").rename(model / SHARD)
    (model / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": {"weight": SHARD}}))
    # The index of weights that are left out says nothing of those that are not.
    (model / "pytorch_model.bin.index.json").write_text('{"weight_map": {"weight": "pytorch_model-00001.bin"}}')
    download_checkpoint(spec(model), tmp_path / "out")
    assert {SHARD, INDEX} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"weight_map": {"weight": "../secret.safetensors"}}, "found '../secret.safetensors' as the file of 'weight'"),
        ({"weight_map": {"weight": "/secret.safetensors"}}, "found '/secret.safetensors' as the file of 'weight'"),
        ({"weight_map": {"weight": "config.json"}}, "found 'config.json' as the file of 'weight'"),
        ({"weight_map": {"weight": "deeper/a.safetensors"}}, "found 'deeper/a.safetensors' as the file of 'weight'"),
        (
            {"weight_map": {"a": SHARD, "b": "gone.safetensors"}},
            f"'gone.safetensors' as the file of 'b', expected one of {SHARD}",
        ),
        ({"weight_map": {"weight": ["a", "b"]}}, "found ['a', 'b'] as the file of 'weight'"),
        ({"weight_map": [SHARD]}, "found no table weight_map"),
        ({}, "found no table weight_map"),
        ([SHARD], "found list, expected an object"),
    ],
)
def test_an_index_that_names_another_file_than_one_beside_it_is_refused(
    tmp_path: Path, model: Path, index: Any, words: str
) -> None:
    (model / "model.safetensors").rename(model / SHARD)
    shutil.copyfile(model / SHARD, tmp_path / "secret.safetensors")
    shutil.copyfile(model / SHARD, model / "deeper" / "a.safetensors")
    (model / INDEX).write_text(json.dumps(index))
    message = refusal(spec(model), tmp_path / "out")
    assert message.startswith(f"{model}: {INDEX}")
    assert words in message


@pytest.mark.parametrize("size", [0, 4, 50, 2000])
def test_weights_cut_short_are_refused(tmp_path: Path, model: Path, size: int) -> None:
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    message = refusal(spec(model), tmp_path / "out")
    assert message.startswith(f"{model}: model.safetensors is damaged or cut short")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(spec(tmp_path / "none"), tmp_path / "out") == f"{tmp_path / 'none'}: no such folder"


def test_a_hub_checkpoint_without_revision_says_what_to_set(tmp_path: Path) -> None:
    message = refusal({"kind": "hub", "repo": "owner/name"}, tmp_path / "out")
    assert message.startswith("owner/name: no revision; set checkpoints.<name>.revision to a commit id")
    assert "40 hexadecimal digits" in message


def test_a_folder_of_a_wheel_is_unpacked(tmp_path: Path, model: Path, make_wheel: Any) -> None:
    files = {f"tiny/model/{path.name}": path.read_bytes() for path in model.iterdir() if path.is_file()}
    wheel = make_wheel({**files, "tiny/model/deeper/extra.json": b"{}", "tiny/model/../evil.json": b"{}"})
    values = {"kind": "pypi", "package": "tiny==1.0", "folder": "tiny/model/", "wheel_sha256": sha256(wheel)}
    download_checkpoint(values, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == KEPT | {"card.json"}
    assert not list(tmp_path.rglob("evil.json"))


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, make_wheel: Any) -> None:
    wheel = make_wheel({"tiny/model/config.json": b"{}"})
    values = {"kind": "pypi", "package": "tiny==1.0", "folder": "tiny/model", "wheel_sha256": "0" * 64}
    message = refusal(values, tmp_path / "out")
    assert message == f"tiny==1.0: {wheel.name} has sha256 {sha256(wheel)}, expected {'0' * 64}"


def test_a_folder_that_is_not_in_the_wheel_is_refused(tmp_path: Path, make_wheel: Any) -> None:
    wheel = make_wheel({"tiny/model/config.json": b"{}"})
    values = {"kind": "pypi", "package": "tiny==1.0", "folder": "tiny/modle", "wheel_sha256": sha256(wheel)}
    assert refusal(values, tmp_path / "out") == "tiny==1.0/tiny/modle: no config.json; found no files"


GLOVE = "the 1 2 -3.5\nparis 4e-1 5 6\n. . 7 8 9\n"
FAST_TEXT = "3 3\nthe 1 2 -3.5 \nparis 4e-1 5 6 \ncaf\u00e9\u00a0au 7 8 9 \n"


def vectors_spec(path: Path, **more: str) -> dict[str, Any]:
    return {"kind": "vectors", "path": str(path), **more}


@pytest.mark.parametrize("text", [GLOVE, FAST_TEXT], ids=["glove", "fasttext"])
def test_word_vectors_are_copied_and_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.vec"
    path.write_text(text)
    values = vectors_spec(path, sha256=sha256(path))
    download_checkpoint(values, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {VECTORS, "card.json"}
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["inputs"] == {VECTORS: sha256(path)}
    assert card["spec"] == values
    found = read_vectors(tmp_path / "out" / VECTORS, {"paris", "the", ".", "3", "lagos"}, 3)
    assert {word: vector.tolist() for word, vector in found.items()} == {
        "the": [1, 2, -3.5],
        "paris": [pytest.approx(0.4), 5, 6],
    }


def test_only_the_lines_of_wanted_words_are_parsed_and_the_first_of_each_counts(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("the 1 2\nbroken x y\nthe 3 4\n")
    assert read_vectors(tmp_path / "v", {"the"}, 2)["the"].tolist() == [1, 2]
    with pytest.raises(BadInput, match=r"v: line 2: found x y \.\.\., expected finite numbers"):
        read_vectors(tmp_path / "v", {"broken"}, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the 1 2\nparis 4\n", "line 2: found 1 numbers, expected 2"),
        ("2 2\nthe 1 2\nparis 4\n", "line 3: found 1 numbers, expected 2"),
        ("the 1 2\n\n", "line 2: found 0 numbers, expected 2"),
        ("3 2\nthe 1 2\nparis 4 5\n", "found 2 words, expected 3, as its first line says"),
        ("the quick fox\n", "line 1: found quick fox ..., expected finite numbers"),
        ("the 1 nan\n", "line 1: found 1 nan ..., expected finite numbers"),
        ("{}\n", "line 1: found '{}', expected word vectors"),
        ("", "line 1: found '', expected word vectors"),
        (None, "no such file"),
    ],
)
def test_broken_word_vectors_are_refused(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "glove.txt"
    if text is not None:
        path.write_text(text)
    assert refusal(vectors_spec(path), tmp_path / "out") == f"{path}: {words}"


def test_word_vectors_with_another_hash_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text(GLOVE)
    message = refusal(vectors_spec(path, sha256="0" * 64), tmp_path / "out")
    assert message == f"{path}: found sha256 {sha256(path)}, expected {'0' * 64}"
