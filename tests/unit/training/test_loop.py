"""The loop follows the paper's recipe, and what it records is what happened."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import get_constant_schedule_with_warmup, get_linear_schedule_with_warmup

from settling.canonical import seed_of
from settling.data.split import Split
from settling.errors import BadInput
from settling.systems.encoder import EncoderRecipe
from settling.systems.encoder_model import System
from settling.tables import metadata_of, open_table, read_table
from settling.training.interface import margins_of
from settling.training.loop import Trainer, optimizer_of
from settling.training.progress import Progress
from settling.training.records import write_dynamics
from settling.validation import check
from tests.conftest import TINY_SPEC

DEV_F1 = ("dev", "all", "f1")


def recipe(**options: object) -> EncoderRecipe:
    values = {**TINY_SPEC, **options}
    made: EncoderRecipe = check(EncoderRecipe, values, "recipe")
    return made


def trainer(checkpoint: Path, splits: dict[str, Split], **options: object) -> Trainer:
    torch.manual_seed(seed_of("weights", 0))
    made = recipe(**options)
    return Trainer(made, 0, System(made, checkpoint, splits, torch.device("cpu")), splits)


@pytest.mark.parametrize("schedule", ["linear", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.25])
def test_the_learning_rate_is_that_of_transformers_schedules(
    schedule: str, warmup: float, tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    ours = trainer(tiny_checkpoint, splits, schedule=schedule, warmup=warmup)
    total = ours.system.total_steps
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=ours.recipe.learning_rate)
    if schedule == "linear":
        theirs = get_linear_schedule_with_warmup(optimizer, int(warmup * total), total)
    else:
        theirs = get_constant_schedule_with_warmup(optimizer, int(warmup * total))
    for step in range(total):
        assert ours.learning_rate(step) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_weight_decay_spares_biases_and_layer_norms(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    module = trainer(tiny_checkpoint, splits).system.module
    decayed, spared = optimizer_of(module, recipe()).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.01, 0.0)
    spared_ids = {id(parameter) for parameter in spared["params"]}
    named = {name for name, parameter in module.named_parameters() if id(parameter) in spared_ids}
    expected = {name for name, _ in module.named_parameters() if name.endswith("bias") or "LayerNorm" in name}
    assert named == expected


def test_a_minibatch_observation_is_taken_before_its_update(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    made = trainer(tiny_checkpoint, splits, batch_size=1000, epochs=2, warmup=0.0)
    for module in made.system.module.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    made.system.module.config.attention_probs_dropout_prob = 0.0
    for layer in made.system.module.bert.encoder.layer:  # type: ignore[union-attr,operator]
        layer.attention.self.dropout_prob = 0.0
    before = made.observe("train")
    seen = made.train(0)
    after = made.observe("train")
    np.testing.assert_allclose(seen.loss, before.loss, rtol=1e-3, atol=1e-4)
    assert np.abs(after.loss - before.loss).max() > 1e-2


def test_the_run_learns(tiny_run: Path) -> None:
    scores = read_table(tiny_run / "scores.parquet", "scores").to_pylist()
    dev = [row["value"] for row in scores if (row["split"], row["class"], row["metric"]) == ("dev", "all", "f1")]
    assert len(dev) == TINY_SPEC["epochs"]
    assert max(dev) > dev[0] + 0.2


def test_the_dynamics_hold_every_word_at_every_epoch_in_both_views(tiny_run: Path, tiny_treated: Path) -> None:
    num_words = read_table(tiny_treated, "treated").num_rows
    with open_table(tiny_run / "dynamics.parquet", "dynamics") as file:
        tags = metadata_of(file.schema_arrow)["tags"]
        places = []
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            places.append((rows["view"][0].as_py(), rows["epoch"][0].as_py()))
            assert rows["word"].to_pylist() == list(range(num_words))
            assert max(rows["predicted"].to_pylist()) < len(tags)
            assert np.isfinite(rows["loss"].to_numpy()).all()
    assert places == [(view, epoch) for view in ("minibatch", "epoch-end") for epoch in range(6)]


def test_the_scores_are_those_of_the_dynamics(tiny_run: Path, tiny_treated: Path) -> None:
    treated = read_table(tiny_treated, "treated")
    given, label = (np.array(treated[name].to_pylist()) for name in ("given_label", "true_label"))
    noisy = treated["noisy"].to_numpy()
    scores = {
        (row["view"], row["epoch"], row["reference"], row["metric"]): row["value"]
        for row in read_table(tiny_run / "scores.parquet", "scores").to_pylist()
        if row["split"] == "train" and row["class"] == "all"
    }
    with open_table(tiny_run / "dynamics.parquet", "dynamics") as file:
        tags = np.array(metadata_of(file.schema_arrow)["tags"])
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            place = rows["view"][0].as_py(), rows["epoch"][0].as_py()
            predicted = tags[rows["predicted"].to_numpy()]
            for reference, labels in (("given", given), ("true", label)):
                right = predicted == labels
                assert scores[(*place, reference, "accuracy")] == pytest.approx(right.mean())
                assert scores[(*place, reference, "noisy_accuracy")] == pytest.approx(right[noisy].mean())
            assert scores[(*place, "given", "loss")] == pytest.approx(rows["loss"].to_numpy().mean(), rel=1e-5)


def test_only_the_views_asked_for_are_recorded(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    made = trainer(tiny_checkpoint, splits, views=["minibatch"], epochs=1)
    assert list(made.epochs()) == [0]
    assert set(made.history.views) == {"minibatch"}
    assert {row[2] for row in made.history.scores if row[1] == "train"} == {"minibatch"}


def test_another_seed_sees_another_order(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    first, second = trainer(tiny_checkpoint, splits), trainer(tiny_checkpoint, splits)
    second.seed = 1
    assert not np.array_equal(first.train(0).loss, second.train(0).loss)


def test_a_run_that_diverges_says_so(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    made = trainer(tiny_checkpoint, splits)
    with torch.no_grad():
        next(made.system.module.parameters()).fill_(float("inf"))
    with pytest.raises(BadInput, match="epoch 0: a weight is not finite any more"):
        list(made.epochs())


def test_progress_is_told_whatever_the_number_of_entity_types(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    more = tuple(f"{prefix}-type{number}" for number in range(60) for prefix in "BI")
    many = {name: replace(split, tags=split.tags + more) for name, split in splits.items()}
    made = trainer(tiny_checkpoint, many, epochs=2)
    for _ in made.epochs():
        line = made.progress().line()
    assert line.startswith("epoch 2/2  loss ")


def test_a_score_that_is_undefined_is_none_in_the_progress_and_called_so_in_the_log(
    tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    made = trainer(tiny_checkpoint, splits, epochs=2)
    assert made.progress() == Progress("going", 0, 2)
    next(made.epochs())
    assert made.progress().dev_f1 is not None
    made.history.scores = [
        (*row[:-1], math.nan) if (row[1], row[5]) == ("dev", "f1") else row for row in made.history.scores
    ]
    assert made.progress().dev_f1 is None
    assert "  dev F1 undefined  " in made.progress().line()


def test_margins_are_the_given_logit_less_the_greatest_other() -> None:
    logits = torch.tensor([[2.0, 0.5, -1.0], [2.0, 0.5, -1.0], [0.0, 0.0, -3.0]])
    torch.testing.assert_close(margins_of(logits, torch.tensor([0, 2, 1])), torch.tensor([1.5, -3.0, 0.0]))


def test_the_margin_of_each_word_is_recorded(tiny_checkpoint: Path, splits: dict[str, Split], tmp_path: Path) -> None:
    made = trainer(tiny_checkpoint, splits, epochs=1)
    list(made.epochs())
    (seen,) = made.history.views["minibatch"]
    path = tmp_path / "dynamics.parquet"
    write_dynamics(path, made.history.views, splits["train"].tags, {})
    recorded = read_table(path, "dynamics")["margin"].to_pylist()
    assert recorded[: len(seen.margin)] == seen.margin.tolist()
    # The given label is predicted where its margin is positive, and its probability bounds the margin.
    right = seen.predicted == splits["train"].given_label
    assert np.array_equal(right[seen.margin != 0], (seen.margin > 0)[seen.margin != 0])
    probability = np.exp(-seen.loss.astype(float))
    assert (seen.margin >= np.log(probability / (1 - probability + 1e-12)) - 1e-3).all()


def test_the_test_split_is_scored_after_the_epochs_asked_for_and_the_best_is_among_them(
    tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    found = {}
    for asked in ("each", "best-and-last"):
        made = trainer(tiny_checkpoint, splits, views=["minibatch"], test_epochs=asked)
        list(made.epochs())
        found[asked] = made.history.scores
    dev_f1 = [value for _, split, _, _, name, metric, value in found["each"] if (split, name, metric) == DEV_F1]
    best_so_far = [epoch for epoch, value in enumerate(dev_f1) if all(value > before for before in dev_f1[:epoch])]
    expected = {*best_so_far, len(dev_f1) - 1}
    assert 1 < len(expected) < len(dev_f1)
    assert {epoch for epoch, split, *_ in found["best-and-last"] if split == "test"} == expected
    kept = [row for row in found["each"] if row[1] != "test" or row[0] in expected]
    assert repr(found["best-and-last"]) == repr(kept)
