"""The frames for a notebook hold what the stages write, of our runs and of another's records."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import settling
from settling.analysis.events import find_events
from settling.canonical import generator
from settling.detectors.detect import detect
from settling.errors import BadInput
from settling.frames import read_frame
from settling.recording.recorder import Recorder
from settling.recording.words import Words


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a record of 40 words in 20 sentences over four epochs in two views, without true labels."""
    folder = tmp_path_factory.mktemp("record") / "theirs"
    words = Words([[f"w{n}", "."] for n in range(20)], [[n % 3, 0] for n in range(20)], ["O", "B-PER", "B-LOC"])
    chance = generator("logits")
    with Recorder(folder, words) as recorder:
        for epoch in range(4):
            for view in ("minibatch", "epoch-end"):
                recorder.log(epoch, np.arange(40), torch.from_numpy(chance.normal(size=(40, 3))), view=view)
    return folder


def test_dynamics_name_tags_and_words(tiny_run: Path, tiny_treated: Path) -> None:
    frame = settling.read_dynamics(tiny_run, tiny_treated)
    table = read_frame(tiny_run / "dynamics.parquet", "dynamics")
    split = read_frame(tiny_treated, "treated")
    assert len(frame) == len(table) > len(split)
    for column in ("epoch", "word", "loss", "margin"):
        assert frame[column].tolist() == table[column].tolist()
    assert frame["view"].tolist() == table["view"].tolist()
    assert frame["predicted"].cat.codes.tolist() == table["predicted"].tolist()
    for column in ("given_label", "true_label", "noisy", "sentence", "position"):
        assert frame[column].tolist() == split[column].tolist() * (len(table) // len(split))


@pytest.mark.parametrize("of_frame", [False, True])
def test_events_are_those_of_the_stage(
    of_frame: bool, tiny_run: Path, tiny_treated: Path, record: Path, tmp_path: Path
) -> None:
    for run, treated in ((tiny_run, tiny_treated), (record, record / "treated.parquet")):
        find_events(run / "dynamics.parquet", treated, tmp_path / "events.parquet")
        expected = read_frame(tmp_path / "events.parquet", "events")
        given = settling.read_dynamics(run, treated).sample(frac=1, random_state=0) if of_frame else run
        found = settling.events(given, treated)
        assert len(found) == len(expected) > 0
        for column in expected:
            one, other = (frame[column].astype(object) for frame in (found, expected))
            assert one.where(one.notna(), None).tolist() == other.where(other.notna(), None).tolist(), column


def test_rankings_are_those_of_the_stage(record: Path, tmp_path: Path) -> None:
    detect(*(record / f"{name}.parquet" for name in ("dynamics", "treated", "scores")), tmp_path)
    expected = read_frame(tmp_path / "rankings.parquet", "rankings")
    found = settling.rankings(record)
    assert {"class-means", "entity-label"} < set(found["detector"])
    for column in expected:
        assert found[column].tolist() == expected[column].tolist(), column


def test_the_most_suspect_words_are_named_by_their_text(record: Path) -> None:
    ranked = settling.rankings(record).query("view == 'epoch-end' and detector == 'loss-mean'")
    losses = settling.events(record).query("view == 'epoch-end'")
    assert ranked.nlargest(1, "score")["token"].tolist() == losses.nlargest(1, "loss_mean")["token"].tolist()


def test_some_words_may_be_looked_at_alone(record: Path) -> None:
    frame = settling.read_dynamics(record)
    some = settling.events(frame[frame["given_label"] == "B-LOC"])
    every = settling.events(frame)
    pd.testing.assert_frame_equal(some, every[every["given_label"] == "B-LOC"].reset_index(drop=True))
    assert 0 < len(some) < len(every)


def test_epochs_that_are_left_out_or_have_other_words_are_refused(record: Path) -> None:
    frame = settling.read_dynamics(record)
    with pytest.raises(BadInput, match="view minibatch has no epoch 0, expected all epochs from 0 on"):
        settling.events(frame[frame["epoch"] > 0])
    with pytest.raises(BadInput, match="epoch 2 of view minibatch has other words than epoch 0"):
        settling.rankings(frame[(frame["epoch"] != 2) | (frame["word"] > 3)])
    with pytest.raises(BadInput, match="found no rows"):
        settling.events(frame[:0])


def test_the_dynamics_of_another_run_are_refused(record: Path, tiny_treated: Path) -> None:
    with pytest.raises(BadInput, match="of a run on another training split"):
        settling.read_dynamics(record, tiny_treated)


def test_the_package_is_quick_to_import_and_has_its_public_names() -> None:
    program = (
        "import sys, settling\n"
        "heavy = {'torch', 'pandas', 'numpy', 'pyarrow', 'transformers'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
        "assert set(settling.PUBLIC) <= set(dir(settling))\n"
        "assert all(callable(getattr(settling, name)) for name in settling.PUBLIC)\n"
        "assert not hasattr(settling, 'nothing')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
