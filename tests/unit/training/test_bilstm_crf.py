"""The bi-LSTM-CRF learns, whatever its batches are padded with, and its marginals are those of all paths counted."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchcrf import CRF

from settling import study as plan
from settling.canonical import seed_of
from settling.config import load
from settling.data.split import Split
from settling.errors import BadInput
from settling.files import read_json, read_table
from settling.systems.bilstm_crf import BilstmCrfRecipe
from settling.systems.bilstm_crf_model import UNKNOWN, System, log_marginals, sentences_of, vocabulary_of
from settling.training.loop import Trainer
from settling.training.train import Run, train
from settling.validation import check
from tests import study as small
from tests.conftest import paths_of, run_command, train_command
from tests.study import ENCODER, folder, grid, local

CPU = torch.device("cpu")
SMALL = {
    **{"kind": "bilstm-crf", "layers": 2, "hidden_size": 24, "word_size": 24, "character_size": 8},
    **{"batch_size": 8, "learning_rate": 0.01, "schedule": "constant"},
}


def recipe(**options: Any) -> BilstmCrfRecipe:
    made: BilstmCrfRecipe = check(BilstmCrfRecipe, {**SMALL, "epochs": 1, **options}, "recipe")
    return made


def system(splits: dict[str, Split], checkpoint: Path | None = None, **options: Any) -> System:
    torch.manual_seed(seed_of("weights", 0))
    return System(recipe(**options), checkpoint, splits, CPU)


def clean(splits: dict[str, Split]) -> dict[str, Split]:
    return {name: replace(split, given_label=split.true_label) for name, split in splits.items()}


def split_of(*sentences: str) -> Split:
    """Return sentences of words apart by spaces, all of them O."""
    words = [sentence.split() for sentence in sentences]
    labels = np.zeros(sum(map(len, words)), dtype=np.uint8)
    starts = np.cumsum([0, *map(len, words)])
    return Split([word for sentence in words for word in sentence], starts, labels, labels, ("O", "B-PER", "I-PER"))


def file_of(folder: Path, text: str) -> Path:
    """Return a checkpoint folder with word vectors."""
    folder.mkdir(exist_ok=True)
    (folder / "vectors.txt").write_text(text)
    return folder


# Ten layers that are not added to what they are given do not pass 0.9 (docs/config.md).
@pytest.mark.parametrize(("layers", "epochs"), [(2, 12), (10, 12)])
def test_it_learns_at_any_depth(layers: int, epochs: int, splits: dict[str, Split]) -> None:
    true = clean(splits)
    options = recipe(layers=layers, epochs=epochs, views=["minibatch"])
    torch.manual_seed(0)
    trainer = Trainer(options, 0, System(options, None, true, CPU), true)
    list(trainer.epochs())
    scores = {row[:2] + row[4:6]: row[6] for row in trainer.history.scores}
    majority = np.bincount(true["train"].true_label).max() / len(true["train"].true_label)
    assert majority < 0.8
    assert scores[epochs - 1, "train", "all", "accuracy"] > 0.95
    assert scores[epochs - 1, "dev", "all", "f1"] > 0.8


def test_what_it_makes_of_a_sentence_does_not_depend_on_its_batch(splits: dict[str, Split]) -> None:
    made = system(splits, layers=3)
    made.module.eval()
    # Transitions that matter, so that a mask that is off would be seen.
    torch.nn.init.normal_(made.tagger.crf.transitions)
    number = splits["train"].num_sentences
    orders = {1: np.arange(number), 7: np.arange(number)[::-1], number: np.random.default_rng(0).permutation(number)}
    seen = []
    for batch_size, order in orders.items():
        found = np.full((3, len(splits["train"].tokens)), np.nan)
        objective = 0.0
        with torch.no_grad():
            for batch in made.prepared["train"].batches(order, batch_size):
                for micro_batch in batch:
                    output = made.output(micro_batch)
                    found[:, output.words] = torch.stack([output.predicted, output.losses, output.margins])
                    objective += float(output.objective)
        assert np.isfinite(found).all()
        seen.append((found, objective))
    for found, objective in seen[1:]:
        assert (found[0] == seen[0][0][0]).all()
        np.testing.assert_allclose(found[1:], seen[0][0][1:], rtol=1e-3, atol=1e-5)
        assert objective == pytest.approx(seen[0][1], rel=1e-5)


def test_a_batch_trains_as_its_sentences_one_by_one_do(splits: dict[str, Split]) -> None:
    made = system(splits, dropout=0.0)
    made.module.eval()
    gradients = []
    for batch_size in (1, 20):
        made.module.zero_grad()
        for batch in made.prepared["train"].batches(np.arange(20), batch_size):
            for micro_batch in batch:
                made.output(micro_batch).objective.backward()
        gradients.append({name: weight.grad.clone() for name, weight in made.module.named_parameters()})
    for name, gradient in gradients[0].items():
        assert gradient.abs().max() > 0
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-3, atol=1e-5)


def every_path(crf: CRF, emissions: np.ndarray[Any, Any]) -> dict[tuple[int, ...], float]:
    """Return the probability of each path through emissions [T, K], in double precision."""
    parts = (crf.start_transitions, crf.transitions, crf.end_transitions)
    start, step, end = (part.detach().double().numpy() for part in parts)
    paths = itertools.product(range(emissions.shape[1]), repeat=len(emissions))
    scores = {
        path: start[path[0]]
        + sum(emissions[place, tag] for place, tag in enumerate(path))
        + sum(step[before, after] for before, after in itertools.pairwise(path))
        + end[path[-1]]
        for path in paths
    }
    total = np.logaddexp.reduce(list(scores.values()))
    return {path: float(np.exp(score - total)) for path, score in scores.items()}


@pytest.mark.parametrize("scale", [1.0, 12.0])
def test_marginals_and_predictions_are_those_of_all_paths_counted(scale: float) -> None:
    torch.manual_seed(0)
    num_tags, lengths = 3, [5, 4, 1]
    crf = CRF(num_tags, batch_first=True)
    for weights in crf.parameters():
        torch.nn.init.normal_(weights)
    emissions = torch.randn(len(lengths), max(lengths), num_tags) * scale
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    predicted = [tag for path in crf.decode(emissions, mask) for tag in path]
    with torch.no_grad():
        found = log_marginals(crf, emissions, torch.tensor(predicted), mask).double().numpy()
    expected, best = [], []
    for row, length in enumerate(lengths):
        paths = every_path(crf, emissions[row, :length].double().numpy())
        best += max(paths, key=lambda path: paths[path])
        for place in range(length):
            expected.append([sum(p for path, p in paths.items() if path[place] == tag) for tag in range(num_tags)])
    assert predicted == best
    # Also of what has next to no probability: at this scale, down to e-40.
    np.testing.assert_allclose(found, np.log(expected), rtol=1e-4, atol=1e-5)


def test_losses_stay_finite_where_float32_has_no_number_left() -> None:
    crf = CRF(3, batch_first=True)
    emissions = torch.tensor([[[0.0, 500.0, -500.0], [1e4, -1e4, 0.0]]])
    found = log_marginals(crf, emissions, torch.tensor([1, 0]), torch.ones(1, 2, dtype=torch.bool))
    assert found.isfinite().all()
    assert (found <= 0).all()
    assert found.argmax(-1).tolist() == [1, 0]


def test_loss_margin_and_objective_are_of_the_labels_given(splits: dict[str, Split]) -> None:
    starts = splits["train"].starts
    # The shortest with a noisy word, as every path is counted.
    noisy = np.bincount(splits["train"].sentence, splits["train"].noisy) > 0
    sentence = int(np.where(noisy, np.diff(starts), 1000).argmin())
    assert 3 <= starts[sentence + 1] - starts[sentence] <= 6
    made = system(splits)
    made.module.eval()
    with torch.no_grad():
        ((micro_batch,),) = made.prepared["train"].batches(np.array([sentence]), 1)
        output = made.output(micro_batch)
        emissions = made.tagger(micro_batch)
    words = range(*starts[sentence : sentence + 2])
    given = splits["train"].given_label[words].tolist()
    assert output.words.tolist() == list(words)
    paths = every_path(made.tagger.crf, emissions[0].double().numpy())
    assert float(output.objective) == pytest.approx(-np.log(paths[tuple(given)]), rel=1e-4)
    for place, label in enumerate(given):
        marginals = np.zeros(len(splits["train"].tags))
        for path, probability in paths.items():
            marginals[path[place]] += probability
        assert float(output.losses[place]) == pytest.approx(-np.log(marginals[label]), rel=1e-3)
        margin = np.log(marginals[label]) - np.log(np.delete(marginals, label).max())
        assert float(output.margins[place]) == pytest.approx(margin, rel=1e-3, abs=1e-4)


def test_words_are_looked_up_in_lower_case_and_characters_as_they_are() -> None:
    splits = {"train": split_of("Paris paris rain", "Rain sun"), "dev": split_of("PARIS snow sUn xyz")}
    vocabulary = vocabulary_of(splits, None, 4)
    assert list(vocabulary.words) == ["paris", "rain", "sun"]
    assert vocabulary.rare.tolist() == [False, False, False, True]
    dev = sentences_of(splits["dev"], vocabulary, CPU)
    assert dev.ids.tolist() == [1, UNKNOWN, 3, UNKNOWN]
    first = [vocabulary.characters.get(character, UNKNOWN) for character in "PARIS"]
    assert dev.characters[0].tolist() == first
    assert first[0] != UNKNOWN
    assert first[1:] == [UNKNOWN, vocabulary.characters["R"], UNKNOWN, UNKNOWN]


def test_the_unknown_word_is_trained_in_place_of_words_that_occur_once() -> None:
    splits = {name: split_of("once the the", "the other the") for name in ("train", "dev", "test")}
    made = system(splits, batch_size=2)
    ((micro_batch,),) = made.prepared["train"].batches(np.arange(2), 2)
    trained = dict.fromkeys(("unknown", "once", "other", "the"), 0)
    rows = {"unknown": UNKNOWN, **vocabulary_of(splits, None, 24).words}
    for seed in range(60):
        torch.manual_seed(seed)
        made.module.zero_grad()
        made.output(micro_batch).objective.backward()
        gradient = made.tagger.words.weight.grad
        assert gradient is not None
        for word in trained:
            trained[word] += bool(gradient[rows[word]].any())
    assert trained["the"] == 60
    assert 15 < trained["once"] < 45
    assert 30 < trained["unknown"] < 60
    made.module.eval()
    made.module.zero_grad()
    made.output(micro_batch).objective.backward()
    assert made.tagger.words.weight.grad is not None
    assert not made.tagger.words.weight.grad[UNKNOWN].any()


def test_words_of_the_file_start_from_its_vectors(tmp_path: Path) -> None:
    splits = {"train": split_of("Paris rain", "rain ."), "dev": split_of("Lagos snow"), "test": split_of("lagos")}
    checkpoint = file_of(tmp_path / "glove", "paris 1 2\nlagos 3 4\n. 5 6\nosaka 7 8\n")
    made = system(splits, checkpoint, word_size=2)
    # Of dev's words only the one in the file is known; the file's others are not kept.
    rows = vocabulary_of(splits, checkpoint, 2).words
    assert list(rows) == [".", "paris", "rain", "lagos"]
    weights = made.tagger.words.weight
    assert len(weights) == 5
    for word, vector in {"paris": [1, 2], "lagos": [3, 4], ".": [5, 6]}.items():
        assert weights[rows[word]].tolist() == vector
    random = system(splits, word_size=2)
    assert not torch.equal(random.tagger.words.weight[rows["paris"]], weights[rows["paris"]])


def test_other_weights_start_the_same_whatever_the_vocabulary(splits: dict[str, Split]) -> None:
    fewer = {"train": replace(split_of("anna left"), tags=splits["train"].tags)}
    first, second = (dict(system(these).module.named_parameters()) for these in (splits, fewer))
    assert first.keys() == second.keys()
    for name, weights in first.items():
        assert name in ("words.weight", "characters.weight") or torch.equal(weights, second[name])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("paris 1 2 3\n", ["line 1: found vectors of 3 numbers, expected word_size, 2"]),
        ("9 3\nparis 1 2 3\n", ["line 1: found vectors of 3 numbers, expected word_size, 2"]),
        ("2 2\nlagos 1 2\nparis 1\n", ["line 3: found 1 numbers, expected 2"]),
        ("lagos 1 2\nparis 1\n", ["line 2: found 1 numbers, expected 2"]),
        ("lagos 1 2\nparis 1 x\n", ["line 2: found 1 x ..., expected finite numbers"]),
        (None, ["no such file", "kind vectors"]),
    ],
)
def test_vectors_that_do_not_fit_are_refused(text: str | None, words: list[str], tmp_path: Path) -> None:
    splits = {"train": split_of("Paris")}
    checkpoint = tmp_path if text is None else file_of(tmp_path, text)
    with pytest.raises(BadInput) as error:
        system(splits, checkpoint, word_size=2)
    assert str(error.value).startswith(f"{checkpoint}/vectors.txt: ")
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


SPEC = {**SMALL, "epochs": 3}


def train_here(treated: Path, data: Path, output: Path) -> None:
    runs = [Run(0, treated, output, Path(f"{output}.state"))]
    train(SPEC, paths_of(data), None, runs)


def test_the_command_trains_it_without_a_checkpoint_and_a_resumed_run_gives_the_same_bytes(
    tiny_treated: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_command(train_command(SPEC, tiny_treated, tiny_data, None, tmp_path / "whole"))
    table = read_table(tmp_path / "whole" / "dynamics.parquet", "dynamics")
    assert len(table) == 2 * 3 * len(read_table(tiny_treated, "treated"))
    for column in ("loss", "margin"):
        assert np.isfinite(table[column].to_numpy()).all()
    assert read_json(tmp_path / "whole" / "run.json")["made"]["inputs"]["checkpoint"] is None

    output = System.output
    # Eleven batches an epoch: into the second.
    left = iter(range(15))

    def breaks(self: System, micro_batch: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return output(self, micro_batch)

    with monkeypatch.context() as patch:
        patch.setattr(System, "output", breaks)
        with pytest.raises(KeyboardInterrupt):
            train_here(tiny_treated, tiny_data, tmp_path / "again")
    assert (tmp_path / "again.state").exists()
    train_here(tiny_treated, tiny_data, tmp_path / "again")
    for name in ("dynamics", "scores"):
        whole, again = (tmp_path / run / f"{name}.parquet" for run in ("whole", "again"))
        assert whole.read_bytes() == again.read_bytes()


def study(bilstm: str, encoder: str) -> dict[str, Any]:
    """Return a study of a bi-LSTM-CRF and an encoder, each with the checkpoint that is named for it."""
    return small.study_of(
        datasets={"news": local(all="a")},
        checkpoints={"glove": {"kind": "vectors", "path": "glove.txt"}, "mini": folder("mini")},
        systems={"bilstm": {**small.CRF, "checkpoint": bilstm}, "mini": {**ENCODER, "checkpoint": encoder}},
        experiments={"main": grid("news", "clean", "bilstm mini")},
    )


def test_the_vectors_are_the_input_of_their_download() -> None:
    made = load(study(bilstm="glove", encoder="mini"))
    assert plan.checkpoint_files(made, "glove") == ["glove.txt"]
    assert plan.checkpoint_spec(made, "glove") == '{"kind":"vectors","path":"glove.txt"}'


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            {"bilstm": "mini", "encoder": "mini"},
            "systems.bilstm.checkpoint: 'mini' is of kind folder; "
            "a system of kind bilstm-crf takes one of kind vectors",
        ),
        (
            {"bilstm": "glove", "encoder": "glove"},
            "systems.mini.checkpoint: 'glove' is of kind vectors; "
            "a system of kind encoder takes one of kind folder, pypi or hub",
        ),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused_when_the_study_is_read(named: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput) as error:
        load(study(**named))
    assert str(error.value) == f"config: {message}"
