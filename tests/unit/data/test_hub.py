"""Downloads from a hub: a loopback server that speaks the few endpoints used, in a process of its own.

huggingface_hub reads HF_ENDPOINT when it is imported, so each download runs in a fresh interpreter.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from loopback_hub import REPO, REVISION, Hub
from PIL import Image
from safetensors.numpy import save_file

from settling.files import read_json, read_table

TAGS = ["O", "B-PER", "I-PER"]
CLIENT = """
import json, sys
from pathlib import Path
from settling.data.{module} import {function}
from settling.errors import BadInput
try:
    {function}(json.loads(sys.argv[1]), Path(sys.argv[2]))
except BadInput as error:
    sys.exit(f"BadInput: {{error}}")
"""


@pytest.fixture
def download(tmp_path: Path, serve: Any) -> Callable[..., tuple[str, float]]:
    """Return a function that downloads in a new process; it returns standard error's last line and seconds."""

    def run(hub: Hub, what: str, spec: dict[str, Any]) -> tuple[str, float]:
        code = CLIENT.format(module=f"{what}s" if what == "checkpoint" else what, function=f"download_{what}")
        # A home of its own: no token and no cache of this machine's user is seen.
        environment = {
            **os.environ,
            "HF_ENDPOINT": serve(hub.handler()),
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_OFFLINE": "0",
        }
        command = [sys.executable, "-c", code, json.dumps(spec), str(tmp_path / "results" / "out")]
        start = time.monotonic()
        process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        lines = process.stderr.strip().splitlines() or [""]
        assert process.returncode == (1 if lines[-1].startswith("BadInput: ") else 0), process.stderr
        return lines[-1] if process.returncode else "", time.monotonic() - start

    return run


def nothing_left(tmp_path: Path) -> bool:
    return not list((tmp_path / "results").iterdir())


def parquet(path: Path, tags: list[list[int]]) -> Path:
    names = datasets.List(datasets.ClassLabel(names=TAGS))
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": names})
    rows = {"tokens": [[f"w{row}" for row in range(len(found))] for found in tags], "ner_tags": tags}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    return path


@pytest.fixture
def data_hub(tmp_path: Path) -> Hub:
    rows = [[0, 1, 2], [], [1, 0]]
    content = parquet(tmp_path / "made.parquet", rows).read_bytes()
    return Hub({f"ner/{split}.parquet": content for split in ("train", "dev", "test")})


@pytest.fixture
def model_hub(tmp_path: Path) -> Hub:
    save_file({"weight": np.zeros(100, np.float32)}, tmp_path / "made.safetensors")
    weights = (tmp_path / "made.safetensors").read_bytes()
    small = {"config.json": b"{}", "tokenizer.json": b"{}", "pytorch_model.bin": b"x", "onnx/config.json": b"{}"}
    git_ids = {name: hashlib.sha1(content).hexdigest() for name, content in small.items()}
    return Hub({**small, "model.safetensors": weights}, git_ids)


def data_spec(**source: Any) -> dict[str, Any]:
    files = {split: f"ner/{split}.parquet" for split in ("train", "dev", "test")}
    return {"source": {"kind": "hub", "repo": REPO, "revision": REVISION, "files": files, **source}}


def model_spec(**values: Any) -> dict[str, Any]:
    return {"kind": "hub", "repo": REPO, "revision": REVISION, **values}


def test_a_parquet_data_set_is_read_with_its_tag_names(tmp_path: Path, download: Any, data_hub: Hub) -> None:
    assert download(data_hub, "dataset", data_spec())[0] == ""
    table = read_table(tmp_path / "results" / "out" / "train.parquet", "data").to_pydict()
    assert table["label"] == ["O", "B-PER", "I-PER", "B-PER", "O"]
    assert table["sentence"] == [0, 0, 0, 1, 1]
    card = read_json(tmp_path / "results" / "out" / "card.json")
    counts = dict.fromkeys(("tags_converted", "tags_repaired", "empty_tokens_dropped"), 0)
    assert card["reading"]["train"] == {"format": "parquet", **counts, "empty_sentences_dropped": 1}
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["out"]


def test_a_parquet_data_set_of_images_comes_with_its_class_names(tmp_path: Path, download: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    rows = {"image": [Image.fromarray(image) for image in pixels], "label": [0, 1] * 10}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "made.parquet")
    hub = Hub({f"ner/{split}.parquet": (tmp_path / "made.parquet").read_bytes() for split in ("train", "dev", "test")})
    assert download(hub, "dataset", {**data_spec(), "task": "image", "image_column": "image"})[0] == ""
    table = read_table(tmp_path / "results" / "out" / "train.parquet", "data").to_pydict()
    assert table["label"] == ["B-cat", "B-dog"] * 10
    assert table["image"] == [image.tobytes() for image in pixels]


def test_one_cut_connection_is_resumed(tmp_path: Path, download: Any, data_hub: Hub) -> None:
    data_hub.cuts = 1
    assert download(data_hub, "dataset", data_spec())[0] == ""
    assert (tmp_path / "results" / "out" / "test.parquet").exists()


def test_a_hash_other_than_the_hub_states_is_refused(tmp_path: Path, download: Any, data_hub: Hub) -> None:
    data_hub.etags["ner/dev.parquet"] = "0" * 64
    found = hashlib.sha256(data_hub.files["ner/dev.parquet"]).hexdigest()
    message, _ = download(data_hub, "dataset", data_spec())
    assert f"ner/dev.parquet: found sha256 {found}, expected {'0' * 64}, which the hub states" in message
    assert nothing_left(tmp_path)


def test_a_hash_other_than_declared_is_refused(tmp_path: Path, download: Any, data_hub: Hub) -> None:
    message, _ = download(data_hub, "dataset", data_spec(sha256={"test": "1" * 64}))
    assert "ner/test.parquet: found sha256 " in message
    assert message.endswith(f"expected {'1' * 64}")
    assert nothing_left(tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, download: Any, data_hub: Hub) -> None:
    del data_hub.files["ner/test.parquet"]
    message, _ = download(data_hub, "dataset", data_spec())
    assert message.startswith(f"BadInput: hf://datasets/{REPO}@{REVISION}/ner/test.parquet: ")
    assert "404" in message
    assert nothing_left(tmp_path)


def test_a_revision_that_is_not_there_is_refused(tmp_path: Path, download: Any, data_hub: Hub) -> None:
    message, _ = download(data_hub, "dataset", data_spec(revision="6" * 40))
    assert f"{REPO}@{'6' * 40}" in message
    assert "404" in message
    assert nothing_left(tmp_path)


def test_a_checkpoint_is_fetched_without_pickles(tmp_path: Path, download: Any, model_hub: Hub) -> None:
    assert download(model_hub, "checkpoint", model_spec())[0] == ""
    names = {path.name for path in (tmp_path / "results" / "out").iterdir()}
    assert names == {"config.json", "tokenizer.json", "model.safetensors", "card.json"}
    assert not any(path.is_symlink() for path in (tmp_path / "results" / "out").iterdir())


def test_checkpoint_weights_with_another_hash_are_refused(tmp_path: Path, download: Any, model_hub: Hub) -> None:
    model_hub.etags["model.safetensors"] = "0" * 64
    message, _ = download(model_hub, "checkpoint", model_spec())
    assert "model.safetensors: found sha256 " in message
    assert nothing_left(tmp_path)


def test_a_checkpoint_revision_that_is_not_there_is_refused(tmp_path: Path, download: Any, model_hub: Hub) -> None:
    message, _ = download(model_hub, "checkpoint", model_spec(revision="6" * 40))
    assert message.startswith(f"BadInput: hf://models/{REPO}@{'6' * 40}: ")
    assert "404" in message
    assert nothing_left(tmp_path)


def test_pickled_weights_are_refused_before_any_download(tmp_path: Path, download: Any, model_hub: Hub) -> None:
    del model_hub.files["model.safetensors"]
    message, _ = download(model_hub, "checkpoint", model_spec())
    assert "found only pytorch_model.bin" in message
    assert model_hub.downloads == 0
    assert nothing_left(tmp_path)
