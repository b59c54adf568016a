"""ProtoBERT compares words with centroids as defined, its episodes are made as the paper's, and its budget is fair."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from settling.canonical import seed_of
from settling.data.split import Split, read_treated
from settling.errors import BadInput
from settling.systems import encoder_model as encoder
from settling.systems import protobert_model as protobert
from settling.systems.protobert import ProtobertRecipe
from settling.systems.protobert_model import (
    Episode,
    System,
    centroids_of,
    draw_episode,
    episode_sizes,
    prototype_logits,
    split_by_minority,
)
from settling.tables import read_table
from settling.training.loop import Trainer
from settling.treatments.treat import treat
from settling.validation import check
from tests.conftest import run_command, train_command
from tests.unit.training import test_encoder

CPU = torch.device("cpu")
SPEC: dict[str, Any] = {
    **{"kind": "protobert", "checkpoint": "tiny", "layers": 2, "epochs": 4, "learning_rate": 0.003, "dimension": 24},
    **{"support_minority": 4, "support_others": 8, "query_minority": 4, "query_ratio": 2},
}


def recipe(**options: Any) -> ProtobertRecipe:
    made: ProtobertRecipe = check(ProtobertRecipe, {**SPEC, **options}, "recipe")
    return made


def made(checkpoint: Path, splits: dict[str, Split], **options: Any) -> System:
    torch.manual_seed(seed_of("weights", 0))
    return System(recipe(**options), checkpoint, splits, CPU)


def split_of(sentences: Sequence[Sequence[str]], tags: tuple[str, ...]) -> Split:
    """Return a split of sentences given as their tags, each word called w."""
    labels = np.array([tags.index(tag) for sentence in sentences for tag in sentence], dtype=np.uint8)
    starts = np.cumsum([0, *map(len, sentences)])
    return Split(["w"] * len(labels), starts, labels, labels, tags)


def embeddings(system: System, split: str, sentences: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return each word's embedding and given tag, the sentences embedded one at a time."""
    rows, given = [], []
    with torch.no_grad():
        for sentence in sentences:
            for micro_batch in next(system.prepared[split].batches(np.array([sentence]), 1)):
                rows.append(encoder.at_first_subwords(system.module.encoder, micro_batch, False).numpy())
                given.append(micro_batch.given_label.numpy())
    return np.concatenate(rows).astype(np.float64), np.concatenate(given)


def means(embedded: np.ndarray, given: np.ndarray, num_tags: int) -> dict[int, np.ndarray]:
    """Return the mean embedding of each tag that there is, O left out."""
    return {tag: embedded[given == tag].mean(0) for tag in range(1, num_tags) if (given == tag).any()}


def naive_logits(embedded: np.ndarray, centroids: dict[int, np.ndarray], num_tags: int, outside: float) -> np.ndarray:
    """Return the logits of words, tag by tag; O is tag 0."""
    rows = []
    for vector in embedded:
        distances = [((vector - centroids[tag]) ** 2).sum() if tag in centroids else 400 for tag in range(1, num_tags)]
        rows.append([outside, *(-distance for distance in distances)])
    return np.array(rows)


def naive_losses(logits: np.ndarray, given: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    return np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(given)), given]


def by_word(output: Any) -> np.ndarray:
    return output.losses[output.words.argsort()].detach().numpy()


def drawn(system: System, epoch: int, number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = protobert.generator("episode", seed, epoch, number)
    return draw_episode(system.minority, system.others, system.sizes, rng)


def test_centroids_and_logits_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    support, given = rng.normal(size=(40, 6)), rng.integers(0, 4, 40)
    sums = np.stack([support[given == tag].sum(0) for tag in range(5)])
    counts = np.bincount(given, minlength=5)
    centroids, present = centroids_of(torch.from_numpy(sums), torch.from_numpy(counts))
    expected = means(support, given, 5)
    assert present.tolist() == [True, True, True, True, False]
    for tag, mean in expected.items():
        np.testing.assert_allclose(centroids[tag], mean)
    query = rng.normal(size=(7, 6))
    logits = prototype_logits(torch.from_numpy(query), centroids, present)
    np.testing.assert_allclose(logits[:, 1:], naive_logits(query, expected, 5, 0)[:, 1:])
    assert (logits[:, 4] == -400).all()


def test_distances_are_right_far_from_the_origin() -> None:
    rng = np.random.default_rng(0)
    words, centroids = 1000 + rng.normal(size=(50, 300)), 1000 + rng.normal(size=(9, 300))
    words[0] = centroids[0]
    exact = -((words[:, None] - centroids[None]) ** 2).sum(-1)
    single = (torch.from_numpy(part.astype(np.float32)) for part in (words, centroids))
    logits = prototype_logits(*single, torch.ones(9, dtype=torch.bool))
    np.testing.assert_allclose(logits, exact, rtol=1e-3, atol=0.05)


def test_the_outcome_of_an_episode_is_that_of_a_loop_over_its_sentences(
    tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    system = made(tiny_checkpoint, splits)
    system.module.eval()
    num_tags = len(splits["train"].tags)
    support, query = drawn(system, 1, system.total_steps // 4)
    ((episode,), *_) = system.batches(1, 0)
    output = system.output(episode)
    centroids = means(*embeddings(system, "train", support), num_tags)
    words, given = embeddings(system, "train", np.sort(query))
    logits = naive_logits(words, centroids, num_tags, -4)
    np.testing.assert_allclose(by_word(output), naive_losses(logits, given), rtol=1e-3, atol=1e-3)
    assert output.predicted[output.words.argsort()].tolist() == logits.argmax(1).tolist()
    assert output.objective.item() == pytest.approx(output.losses.sum().item())
    assert sorted(episode.words.tolist()) == sorted(output.words.tolist())


def test_evaluation_compares_with_the_whole_training_split(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    system = made(tiny_checkpoint, splits)
    num_tags = len(splits["train"].tags)
    system.module.eval()
    with torch.no_grad():
        system.before_evaluation()
    centroids = means(*embeddings(system, "train", range(splits["train"].num_sentences)), num_tags)
    words, given = embeddings(system, "dev", range(20))
    (batch,) = system.prepared["dev"].batches(np.arange(20), 20)
    losses = np.full(len(given), np.nan)
    for micro_batch in batch:
        output = system.output(micro_batch)
        losses[output.words.numpy()] = output.losses.detach().numpy()
    np.testing.assert_allclose(
        losses, naive_losses(naive_logits(words, centroids, num_tags, -4), given), rtol=1e-3, atol=1e-3
    )


def test_centroids_are_of_the_labels_given(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    noisy = splits["train"]
    assert noisy.noisy.any()
    centroids = []
    for split in (noisy, replace(noisy, true_label=noisy.given_label), replace(noisy, given_label=noisy.true_label)):
        system = made(tiny_checkpoint, {**splits, "train": split})
        system.module.eval()
        with torch.no_grad():
            system.before_evaluation()
        centroids.append(system.module.centroids)
    assert torch.equal(centroids[0], centroids[1])
    assert not torch.allclose(centroids[0], centroids[2])


@pytest.mark.parametrize(
    ("minority", "others", "sizes"),
    [
        # Twice the support's ten and more: the paper's sizes.
        (200, 1000, (10, 100, 15, 20)),
        (20, 1000, (10, 100, 10, 20)),
        # Fewer: half of them.
        (19, 1000, (9, 100, 10, 18)),
        (5, 1000, (2, 100, 3, 4)),
        (3, 1000, (1, 100, 2, 2)),
        (2, 1000, (1, 100, 1, 2)),
        # One sentence makes the centroid; the query is of others alone.
        (1, 1000, (1, 100, 0, 2)),
        # Few others: the query has at most half of them.
        (200, 120, (10, 100, 15, 20)),
        (200, 50, (10, 30, 15, 20)),
        (200, 15, (10, 7, 15, 8)),
        (5, 0, (2, 0, 3, 0)),
        (1, 1, (1, 0, 0, 1)),
    ],
)
def test_the_sizes_of_an_episode_worked_by_hand(minority: int, others: int, sizes: tuple[int, ...]) -> None:
    paper: ProtobertRecipe = check(ProtobertRecipe, {"kind": "protobert", "checkpoint": "bert", "epochs": 1}, "recipe")
    found = episode_sizes(paper, minority, others)
    assert found == sizes
    rng = np.random.default_rng(0)
    first, rest = np.arange(minority), 1000 + np.arange(others)
    support, query = draw_episode(first, rest, found, rng)
    assert not set(support) & set(query)
    assert len(set(query)) == len(query) > 0
    assert (np.isin(support, first).sum(), np.isin(support, rest).sum()) == sizes[:2]
    assert (np.isin(query, first).sum(), np.isin(query, rest).sum()) == sizes[2:]


def test_no_sentence_of_a_class_is_left_out_for_good() -> None:
    sizes = episode_sizes(recipe(), 7, 25)
    minority, others = np.arange(7), 7 + np.arange(25)
    episodes = [draw_episode(minority, others, sizes, np.random.default_rng(seed)) for seed in range(60)]
    for part in (0, 1):
        assert set(np.concatenate([episode[part] for episode in episodes])) == set(range(32))


TAGS = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")


def test_the_minority_class_is_that_of_the_fewest_sentences() -> None:
    # PER is in no sentence, ORG in three of one mention each, LOC in two of many.
    sentences = [["B-LOC", "B-LOC", "B-ORG"], ["O", "B-ORG"], ["O", "O"], ["B-LOC", "I-LOC", "O"], ["I-ORG"]]
    minority, others = split_by_minority(split_of(sentences, TAGS))
    assert minority.tolist() == [0, 3]
    assert others.tolist() == [1, 2, 4]


def test_of_two_classes_as_scarce_the_first_by_name_is_taken() -> None:
    minority, _ = split_by_minority(split_of([["B-PER"], ["B-ORG"], ["O"]], TAGS))
    assert minority.tolist() == [1]


def test_the_minority_class_is_found_by_the_labels_given() -> None:
    split = split_of([["B-LOC"], ["B-PER"], ["B-PER"]], TAGS)
    given = np.array([TAGS.index("B-PER"), TAGS.index("B-PER"), TAGS.index("I-LOC")], dtype=np.uint8)
    assert split_by_minority(replace(split, given_label=given))[0].tolist() == [2]


@pytest.mark.parametrize("epochs", [1, 7, 40])
@pytest.mark.parametrize("sizes", [{}, {"support_others": 3, "query_minority": 1}, {"support_others": 100}])
def test_as_many_sentences_pass_as_the_encoder_sees_to_one_episode(
    epochs: int, sizes: dict[str, int], tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    system = made(tiny_checkpoint, splits, epochs=epochs, **sizes)
    sentence = splits["train"].sentence
    episodes = [
        sum(len(np.unique(sentence[rows.words])) for part in (episode.support, episode.query) for rows in part)
        for epoch in range(epochs)
        for (episode,) in system.batches(epoch, 0)
    ]
    assert len(episodes) == system.total_steps
    assert set(episodes) == {sum(system.sizes)}
    assert abs(sum(episodes) - epochs * splits["train"].num_sentences) <= episodes[0]


def test_the_number_of_episodes_can_be_set_and_is_spread_over_the_epochs(
    tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    system = made(tiny_checkpoint, splits, epochs=4, episodes=7)
    assert system.total_steps == 7
    assert [len(list(system.batches(epoch, 0))) for epoch in range(4)] == [1, 2, 2, 2]
    # An epoch may well have none.
    few = made(tiny_checkpoint, splits, epochs=4, episodes=1)
    trainer = Trainer(few.recipe, 0, few, splits)
    assert list(trainer.epochs()) == [0, 1, 2, 3]


def test_episodes_follow_from_the_seed(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    system = made(tiny_checkpoint, splits)

    def words(epoch: int, seed: int) -> list[list[int]]:
        return [episode.words.tolist() for (episode,) in system.batches(epoch, seed)]

    assert words(0, 0) == words(0, 0)
    assert words(0, 0) != words(0, 1)
    assert words(0, 0) != words(1, 0)


@pytest.mark.parametrize("through", ["support", "query"])
def test_gradients_flow_through_support_and_query_to_every_weight(
    through: str, tiny_checkpoint: Path, splits: dict[str, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = made(tiny_checkpoint, splits)
    ((episode,), *_) = system.batches(0, 0)
    embedded, free = system._embedded, {id(micro_batch) for micro_batch in getattr(episode, through)}
    monkeypatch.setattr(
        system,
        "_embedded",
        lambda micro_batch: embedded(micro_batch) if id(micro_batch) in free else embedded(micro_batch).detach(),
    )
    system.output(episode).objective.backward()
    gradients = {name: parameter.grad for name, parameter in system.module.named_parameters()}
    assert {"outside_logit", "encoder.classifier.weight"} <= gradients.keys()
    for name, gradient in gradients.items():
        # Attention is blind to a shift of all keys.
        if not name.endswith("key.bias"):
            assert gradient is not None, name
            assert gradient.abs().max() > 1e-5, name


def test_running_centroids_follow_their_formula(tiny_checkpoint: Path, splits: dict[str, Split]) -> None:
    num_tags = len(splits["train"].tags)
    system = made(tiny_checkpoint, splits, centroids="running", alpha=0.3, support_minority=1, support_others=1)
    system.module.eval()
    expected: dict[int, np.ndarray] = {}
    news = []
    for number in range(6):
        support, _ = drawn(system, 0, number)
        system.output(system._episode(0, 0, number))
        new = means(*embeddings(system, "train", support), num_tags)
        news.append(set(new))
        for tag, centroid in new.items():
            expected[tag] = 0.3 * centroid + 0.7 * expected[tag] if tag in expected else centroid
        present = system.module.present.nonzero()[:, 0].tolist()
        assert [tag for tag in present if tag] == sorted(expected)
        for tag, centroid in expected.items():
            np.testing.assert_allclose(system.module.centroids[tag], centroid, rtol=1e-4, atol=1e-5)
    assert not all(set(expected) == new for new in news), "no tag was ever absent"
    before = system.module.centroids.clone()
    system.before_evaluation()
    assert torch.equal(system.module.centroids, before)
    assert not before.requires_grad


def trained(
    checkpoint: Path, splits: dict[str, Split], stop: int, state: dict[str, Any] | None, **options: Any
) -> Trainer:
    system = made(checkpoint, splits, **options)
    trainer = Trainer(system.recipe, 0, system, splits)
    if state:
        trainer.restore(state)
    for epoch in trainer.epochs():
        if epoch + 1 == stop:
            break
    return trainer


@pytest.mark.parametrize("centroids", ["full", "running"])
def test_a_resumed_run_is_the_undisturbed_one(
    centroids: str, tiny_checkpoint: Path, splits: dict[str, Split], tmp_path: Path
) -> None:
    options = {"epochs": 3, "centroids": centroids, "support_others": 3}
    whole = trained(tiny_checkpoint, splits, 3, None, **options)
    torch.save(trained(tiny_checkpoint, splits, 1, None, **options).state(), tmp_path / "state")
    resumed = trained(tiny_checkpoint, splits, 3, torch.load(tmp_path / "state", weights_only=True), **options)
    for (name, value), other in zip(
        whole.system.module.state_dict().items(), resumed.system.module.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name
    assert whole.history.scores == resumed.history.scores
    for first, second in zip(whole.history.views["epoch-end"], resumed.history.views["epoch-end"], strict=True):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


def test_it_learns_from_the_command_line(tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    cap = {"kind": "cap", "class": "LOC", "sentences": 15, "noise_seed": 0}
    treat(cap, tiny_data / "train.parquet", tmp_path / "treated")
    spec = {**SPEC, "learning_rate": 0.01, "epochs": 2, "episodes": 50}
    run_command(train_command(spec, tmp_path / "treated", tiny_data, tiny_checkpoint, tmp_path / "run"))
    scores = read_table(tmp_path / "run" / "scores.parquet", "scores").to_pylist()
    f1 = {
        row["class"]: row["value"] for row in scores if (row["split"], row["metric"], row["epoch"]) == ("dev", "f1", 1)
    }
    assert f1["PER"] > 0.8
    assert f1["LOC"] > 0.6
    dynamics = read_table(tmp_path / "run" / "dynamics.parquet", "dynamics")
    assert dynamics.num_rows == 2 * read_table(tmp_path / "treated", "treated").num_rows
    assert np.isfinite(dynamics["loss"].to_numpy()).all()
    assert set(dynamics["view"].to_pylist()) == {"epoch-end"}


def test_a_long_sentence_in_windows_or_truncated_gives_every_word_an_outcome(
    tiny_checkpoint: Path, splits: dict[str, Split]
) -> None:
    for long_sentences in ("windows", "truncate"):
        system = made(tiny_checkpoint, splits, max_length=6, long_sentences=long_sentences)
        system.module.eval()
        with torch.no_grad():
            system.before_evaluation()
        order = np.arange(splits["dev"].num_sentences)
        predicted, losses = test_encoder.predictions(system, "dev", order, 7)  # type: ignore[arg-type]
        assert len(predicted) == len(splits["dev"].true_label)
        assert np.isfinite(losses).all()
        ((episode,), *_) = system.batches(0, 0)
        assert isinstance(episode, Episode)
        assert system.output(episode).objective.isfinite()


@pytest.mark.parametrize(
    ("sentences", "tags", "message"),
    [
        ([["B-cat"], ["B-dog"]], ("B-cat", "B-dog"), "found the tags B-cat, B-dog; .* expects O among them"),
        ([["O", "B-LOC"]], TAGS, "found one sentence to train on; .* expects at least two"),
        ([["O"], ["O", "O"]], TAGS, "found no entity to train on; .* expects some to make centroids of"),
    ],
)
def test_a_training_split_that_makes_no_episode_is_refused(
    sentences: list[list[str]], tags: tuple[str, ...], message: str, tiny_checkpoint: Path
) -> None:
    with pytest.raises(BadInput, match=message):
        made(tiny_checkpoint, {"train": split_of(sentences, tags)})


def test_a_batch_size_which_would_change_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="batch_size is set, but an update takes an episode"):
        recipe(batch_size=32)


def test_the_minority_class_is_the_capped_one_however_many_sentences_hold_it() -> None:
    sentences = [["B-PER"], ["B-PER"], ["B-ORG"], ["O"]]
    split = split_of(sentences, TAGS)
    assert split_by_minority(split)[0].tolist() == [2]
    assert split_by_minority(replace(split, scarce="PER"))[0].tolist() == [0, 1]
    # Nothing is left of LOC, so the rarest class stands in.
    assert split_by_minority(replace(split, scarce="LOC"))[0].tolist() == [2]


def test_a_treated_split_names_the_class_that_it_makes_scarce(tiny_data: Path, tmp_path: Path) -> None:
    for kind, options in (("cap", {"class": "PER", "sentences": 20}), ("clean", {})):
        path = tmp_path / f"{kind}.parquet"
        treat({"kind": kind, "noise_seed": 0, **options}, tiny_data / "train.parquet", path)
        assert read_treated(path, tiny_data / "train.parquet").scarce == options.get("class")
