"""A recorder leaves what a run of ours leaves, or nothing and one line that says why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from settling.analysis.events import find_events
from settling.analysis.phases import phases_of
from settling.canonical import generator
from settling.errors import BadInput
from settling.frames import read_frame
from settling.recording.recorder import Recorder
from settling.recording.words import Words
from settling.tables import metadata_of, read_table
from settling.training.loop import optimizer_of
from tests import warm
from tests.conftest import run_command
from tests.unit.recording.loops import Ours, assert_same_dynamics, log_all, padded

TAGS = ["O", "B-PER", "I-PER"]
FILES = ["dynamics.parquet", "run.json", "scores.parquet", "train.parquet", "treated.parquet"]


def small(true: Any = None) -> Words:
    """Return two sentences of three words in all."""
    return Words([["anna", "left"], ["."]], [[1, 0], [0]], TAGS, true)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def train(ours: Ours, items: list[dict[str, Any]], recorder: Recorder, batch_size: int) -> None:
    """Train the model of a run of ours as it was trained, in a loop that knows nothing of ours."""
    model, recipe = ours.model, ours.recipe
    optimizer = optimizer_of(model, recipe)
    for epoch in range(recipe.epochs):
        model.train()
        order = generator("order", 0, epoch).permutation(len(items))
        for start in range(0, len(items), batch_size):
            batch = padded([items[number] for number in order[start : start + batch_size]])
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            recorder.log(epoch, batch["word_ids"], logits, batch["labels"])
            torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten()).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            batch = padded(items)
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        recorder.log(epoch, batch["word_ids"], logits, view="epoch-end")


def test_a_plain_loop_on_the_same_batches_is_recorded_as_a_run_of_ours(
    ours: Callable[[int], Ours], items: list[dict[str, Any]], words: Words, tiny_treated: Path, tmp_path: Path
) -> None:
    expected = ours(8)
    scores = read_frame(expected.folder / "scores.parquet", "scores")
    dev = scores[(scores["split"] == "dev") & (scores["metric"] == "f1") & (scores["class"] == "all")]
    with Recorder(tmp_path / "theirs", words) as recorder:
        train(expected, items, recorder, 8)
        for epoch, f1 in zip(dev["epoch"].tolist(), dev["value"].tolist(), strict=True):
            recorder.log_dev_f1(epoch, f1)
    theirs = tmp_path / "theirs"
    assert names(theirs) == FILES
    assert_same_dynamics(theirs / "dynamics.parquet", expected.folder / "dynamics.parquet", ["minibatch", "epoch-end"])
    tags = len(words.split.tags)
    found = [
        phases_of(read_frame(folder / "scores.parquet", "scores"), view, made["settled_f1"], tags)
        for view in ("minibatch", "epoch-end")
        for folder, made in (
            (theirs, metadata_of(read_table(theirs / "treated.parquet", "treated").schema)),
            (expected.folder, metadata_of(read_table(tiny_treated, "treated").schema)),
        )
    ]
    assert None not in found
    assert (found[0], found[2]) == (found[1], found[3])


def test_the_split_of_a_record_is_the_one_that_was_trained_on(words: Words, tiny_treated: Path, tmp_path: Path) -> None:
    with Recorder(tmp_path / "theirs", words) as recorder:
        log_all(recorder, 0)
    found, expected = (read_frame(path, "treated") for path in (tmp_path / "theirs" / "treated.parquet", tiny_treated))
    columns = ["word", "position", "true_label", "given_label", "noisy"]
    assert found[columns].equals(expected[columns])
    made, theirs = (
        metadata_of(read_table(path, "treated").schema) for path in (tiny_treated, tmp_path / "theirs/treated.parquet")
    )
    assert {made[key] == theirs[key] for key in ("tags", "sentences", "effective_rate", "settled_f1", "task")} == {True}


def command(name: str, folder: Path, output: Path) -> str:
    """Run a command over the files of a record; return what it prints."""
    files = {"--dynamics": "dynamics.parquet", "--treated": "treated.parquet", "--run": "run.json"}
    files |= {"--scores": "scores.parquet"} if name == "detect" else {}
    options = [part for option, file in files.items() for part in (option, str(folder / file))]
    return run_command([str(warm.programs() / "settling"), name, *options, "--output", str(output)]).stdout


def test_events_and_detectors_are_found_in_a_record(words: Words, tmp_path: Path) -> None:
    chance = generator("logits")
    with Recorder(tmp_path / "theirs", words) as recorder:
        for epoch in range(4):
            log_all(recorder, epoch, torch.from_numpy(chance.normal(size=(len(words), 5))))
            recorder.log_dev_f1(epoch, 0.1 * epoch)
    command("events", tmp_path / "theirs", tmp_path / "events.parquet")
    command("detect", tmp_path / "theirs", tmp_path / "detectors")
    events = read_frame(tmp_path / "events.parquet", "events")
    assert events["noisy"].tolist() == words.split.noisy.tolist()
    detectors = read_frame(tmp_path / "detectors" / "detectors.parquet", "detectors")
    assert set(detectors["selected_epoch"]) == {"epoch-4", "best", "final"}
    assert names(tmp_path / "detectors") == ["detectors.parquet", "losses.parquet"]


def test_without_true_labels_what_needs_them_is_undefined_and_words_are_ranked(tmp_path: Path) -> None:
    with Recorder(tmp_path / "theirs", small()) as recorder:
        for epoch in range(2):
            log_all(recorder, epoch, torch.tensor([[0.0, 9, 0], [4, 0, 0], [0, 2, 0]]))
    treated = read_table(tmp_path / "theirs" / "treated.parquet", "treated")
    made = metadata_of(treated.schema)
    assert [made[key] for key in ("nominal_rate", "effective_rate", "settled_f1")] == [None, None, None]
    scores = read_frame(tmp_path / "theirs" / "scores.parquet", "scores")
    assert set(scores["reference"][scores["split"] == "train"]) == {"given"}
    assert "noisy_accuracy" not in set(scores["metric"])
    assert scores["value"][scores["split"] == "dev"].isna().tolist() == [True, True]
    command("events", tmp_path / "theirs", tmp_path / "events.parquet")
    events = read_frame(tmp_path / "events.parquet", "events")
    for table in (treated.to_pandas(), events):
        assert table[["true_label", "noisy"]].isna().all(axis=None)
    assert events["first_learned"].tolist() == [0, 0, -1]
    printed = command("detect", tmp_path / "theirs", tmp_path / "detectors")
    assert "its true labels are not known" in printed
    for table in ("detectors", "losses"):
        assert read_frame(tmp_path / "detectors" / f"{table}.parquet", table).empty
    ranked = read_frame(tmp_path / "detectors" / "rankings.parquet", "rankings")
    scores_of = {name: rows["score"].tolist() for name, rows in ranked.groupby("detector")}
    assert np.argsort(scores_of["area-under-margin"]).tolist() == [0, 1, 2]
    assert scores_of["kmeans"] == [0, 0, 1]
    assert scores_of["entity-label"] == [1, 0, 0]
    assert "class-means" not in scores_of


@pytest.mark.parametrize("true", [[[0]] * 40, None])
def test_after_four_epochs_the_detector_of_the_papers_code_is_there_too(true: Any, tmp_path: Path) -> None:
    chance = generator("logits")
    with Recorder(tmp_path / "theirs", Words([["anna"]] * 40, [[n % 2] for n in range(40)], TAGS, true)) as recorder:
        for epoch in range(4):
            log_all(recorder, epoch, torch.from_numpy(chance.normal(size=(40, 3))))
    command("detect", tmp_path / "theirs", tmp_path / "detectors")
    table = "detectors" if true else "rankings"
    assert "class-means" in set(read_frame(tmp_path / "detectors" / f"{table}.parquet", table)["detector"])


def test_where_no_word_is_may_be_told_by_none_or_a_negative_number_and_any_shape_will_do(tmp_path: Path) -> None:
    logits = torch.arange(12.0).sin().reshape(4, 3)
    for name, batches in {
        "one": [([[None, 0, 1, -100]], logits[None]), ([[2]], logits[:1, None])],
        "two": [(torch.tensor([0, 1]), logits[1:3]), (np.array([2]), logits[:1])],
    }.items():
        with Recorder(tmp_path / name, small()) as recorder:
            for ids, of_batch in batches:
                recorder.log(0, ids, of_batch)
    one, other = (read_frame(tmp_path / name / "dynamics.parquet", "dynamics") for name in ("one", "two"))
    assert len(one) == 3
    assert one.equals(other)


def test_no_graph_is_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "theirs", small())
    logits = torch.zeros(3, 3, requires_grad=True) * 2
    log_all(recorder, 0, logits)
    assert not any(column.requires_grad for column in recorder.views["minibatch"].gather.columns())


BATCHES: dict[str, tuple[dict[str, Any], str]] = {
    "an id of no word": ({"word_ids": [0, 1, 3]}, "found the word id 3, expected ids below 3"),
    "a word twice in a batch": ({"word_ids": [0, 1, 1]}, "found word 1 ('left', sentence 0, position 1) 2 times"),
    "ids that are no numbers": ({"word_ids": ["anna", "left", "."]}, "found ['anna', 'left', '.'], expected whole"),
    "ids of another shape": ({"word_ids": [[0, 1, 2]]}, "expected logits of shape (1, 3, 3)"),
    "too few tags": ({"logits": torch.zeros(3, 2)}, "logits of shape (3, 2); expected logits of shape (3, 3)"),
    "another label": ({"labels": [1, 0, 2]}, "word 2 ('.', sentence 1, position 0) has the label 2, expected"),
    "labels of another shape": ({"labels": [1, 0]}, "found labels of shape (2,), expected that of the word ids: (3,)"),
    "an unknown view": ({"view": "dev"}, "found the view 'dev', expected one of minibatch, epoch-end"),
    "a later epoch": ({"epoch": 1}, "found epoch 1 in view minibatch, expected 0, as epochs count from 0"),
}


@pytest.mark.parametrize("case", BATCHES)
def test_a_batch_that_cannot_be_right_is_refused_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    changes, message = BATCHES[case]
    batch = {"epoch": 0, "word_ids": [0, 1, 2], "logits": torch.zeros(3, 3), "labels": [1, 0, 0], **changes}
    with pytest.raises(BadInput) as raised, Recorder(tmp_path / "theirs", small()) as recorder:
        recorder.log(**batch)
    assert str(raised.value).startswith(str(tmp_path / "theirs"))
    assert message in str(raised.value)
    assert names(tmp_path) == []


def test_a_word_that_comes_again_in_an_epoch_is_refused(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "theirs", small())
    recorder.log(0, [0, 1], torch.zeros(2, 3))
    with pytest.raises(BadInput, match=r"epoch 0, minibatch: found word 1 \('left', sentence 0, position 1\) 2 times"):
        recorder.log(0, [1, 2], torch.zeros(2, 3))


def test_a_word_that_is_missed_is_named_when_the_next_epoch_begins(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "theirs", small())
    recorder.log(0, [0], torch.zeros(1, 3))
    with pytest.raises(BadInput, match=r"epoch 0, minibatch: found no id of word 1 .*and of 1 more words"):
        recorder.log(1, [0], torch.zeros(1, 3))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "theirs", small())
    log_all(recorder, 0, torch.tensor([[0, 0, 0], [0, value, 0], [0, 0, 0]]))
    with pytest.raises(BadInput, match=r"epoch 0, minibatch: word 1 .*, expected finite logits"):
        recorder.close()
    assert names(tmp_path) == []


def test_an_epoch_in_which_the_training_stopped_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "theirs", small())
    for epoch in range(2):
        log_all(recorder, epoch)
        log_all(recorder, epoch, view="epoch-end")
    recorder.log(2, [0], torch.zeros(1, 3))
    with pytest.warns(UserWarning, match=r"epoch 2, minibatch: 1 of 3 words .*; left out"):
        recorder.close()
    dynamics = read_frame(tmp_path / "theirs" / "dynamics.parquet", "dynamics")
    assert dynamics[["view", "epoch"]].drop_duplicates().values.tolist() == [
        ["minibatch", 0],
        ["minibatch", 1],
        ["epoch-end", 0],
        ["epoch-end", 1],
    ]


def test_a_record_has_as_many_epochs_in_each_view(tmp_path: Path) -> None:
    with Recorder(tmp_path / "theirs", small()) as recorder:
        for epoch in range(2):
            log_all(recorder, epoch)
        log_all(recorder, 0, view="epoch-end")
    find_events(*(tmp_path / "theirs" / name for name in ("dynamics.parquet", "treated.parquet")), tmp_path / "events")
    dynamics = read_frame(tmp_path / "theirs" / "dynamics.parquet", "dynamics")
    assert len(dynamics) == 6


@pytest.mark.parametrize("ending", ["nothing was logged", "half an epoch", "an exception"])
def test_without_a_whole_epoch_nothing_is_written(ending: str, tmp_path: Path) -> None:
    def loop() -> None:
        with Recorder(tmp_path / "theirs", small()) as recorder:
            if ending == "half an epoch":
                recorder.log(0, [0], torch.zeros(1, 3))
            if ending == "an exception":
                log_all(recorder, 0)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt if ending == "an exception" else BadInput):
        loop()
    assert names(tmp_path) == []


def test_where_the_disk_fills_up_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("settling.recording.recorder.write_scores", full)
    with pytest.raises(OSError, match="No space left"), Recorder(tmp_path / "theirs", small()) as recorder:
        log_all(recorder, 0)
    assert names(tmp_path) == []


def test_a_folder_with_something_in_it_is_refused_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    Recorder(tmp_path / "theirs", small())
    (tmp_path / "theirs" / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="expected a new or empty folder"):
        Recorder(tmp_path / "theirs", small())


def test_a_dev_f1_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="found a dev F1 of 81, expected 0 to 1"):
        Recorder(tmp_path / "theirs", small()).log_dev_f1(0, 81)


WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "a tag of no scheme": ({"tags": ["O", "NOUN", "I-PER"]}, "tags: found 'NOUN', expected O, B-TYPE or I-TYPE"),
    "a label too great": ({"given": [[1, 0], [3]]}, "given: word 2 has the label 3, expected a number below 3"),
    "a label by name": ({"given": [["B-PER", "O"], ["O"]]}, "given: word 0 has the label 'B-PER', expected a number"),
    "a sentence short of a label": ({"given": [[1], [0]]}, "given: found 1 labels in sentence 0, expected 2"),
    "a sentence short": ({"true": [[1, 0]]}, "true: found 1 sentences, expected 2"),
    "no words": ({"sentences": [], "given": []}, "sentences: found 0 words"),
    "a control character": ({"sentences": [["anna", "\x1b"], ["."]]}, "sentences: word 1 is '\\x1b', expected a text"),
    "no word at all": ({"sentences": [["anna", None], ["."]]}, "sentences: word 1 is None, expected a text"),
}


@pytest.mark.parametrize("case", WORDS)
def test_words_that_do_not_fit_are_refused(case: str) -> None:
    changes, message = WORDS[case]
    values = {"sentences": [["anna", "left"], ["."]], "given": [[1, 0], [0]], "tags": TAGS, **changes}
    with pytest.raises(BadInput) as raised:
        Words(**values)
    assert str(raised.value).startswith(message)


def test_the_first_piece_of_each_word_has_its_id_and_label() -> None:
    assert small().at_first_pieces(0, [None, 0, 0, 1, None]) == ([-100, 0, -100, 1, -100], [-100, 1, -100, 0, -100])
    assert small().at_first_pieces(1, [None, 0, None]) == ([-100, 2, -100], [-100, 0, -100])
