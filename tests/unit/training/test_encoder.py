"""The encoder sees every word once, and no speed-up of it changes what it says."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification

from settling.data.split import Split
from settling.errors import BadInput
from settling.systems import loading
from settling.systems.encoder import EncoderRecipe
from settling.systems.encoder_model import System, load
from settling.systems.windows import LOST, cut_windows, truncated_window
from settling.validation import check

CPU = torch.device("cpu")


def recipe(**options: object) -> EncoderRecipe:
    made: EncoderRecipe = check(
        EncoderRecipe, {"kind": "encoder", "checkpoint": "tiny", "epochs": 1, **options}, "recipe"
    )
    return made


def predictions(system: System, split: str, order: np.ndarray, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return, by word, what the system predicts and the loss, in evaluation mode."""
    system.module.eval()
    predicted, losses = {}, {}
    with torch.inference_mode():
        for batch in system.prepared[split].batches(order, batch_size):
            for micro_batch in batch:
                output = system.output(micro_batch)
                for word, tag, loss in zip(*(part.tolist() for part in output[:3]), strict=True):
                    assert word not in predicted
                    predicted[word], losses[word] = tag, loss
    words = sorted(predicted)
    return np.array([predicted[word] for word in words]), np.array([losses[word] for word in words])


def test_every_word_is_seen_once_whatever_the_window_and_the_batch(
    splits: dict[str, Split], tiny_checkpoint: Path
) -> None:
    for max_length in (6, 64):
        system = System(recipe(max_length=max_length), tiny_checkpoint, splits, CPU)
        order = np.random.default_rng(0).permutation(splits["train"].num_sentences)
        predicted, _ = predictions(system, "train", order, 7)
        assert len(predicted) == len(splits["train"].true_label)


def test_a_sentence_is_cut_between_words_and_the_first_piece_carries_the_word() -> None:
    windows = cut_windows([[1], [2, 3], [4], [5, 6, 7]], start=10, room=3, before=[101], after=[102])
    assert [window.ids.tolist() for window in windows] == [[101, 1, 2, 3, 102], [101, 4, 102], [101, 5, 6, 7, 102]]
    assert [window.first_subwords.tolist() for window in windows] == [[1, 2], [1], [1]]
    assert [window.words.tolist() for window in windows] == [[10, 11], [12], [13]]


def test_a_truncated_sentence_is_read_where_the_authors_reader_reads_it() -> None:
    # 40 words of 2 pieces, 50 with [CLS] and [SEP]: 24 words have a vector of their own, the 25th has that of [SEP].
    (window,) = truncated_window([[2 * word, 2 * word + 1] for word in range(40)], 7, 48, [101], [102])
    assert window.ids.tolist() == [101, *range(48), 102]
    assert window.words.tolist() == list(range(7, 47))
    assert window.first_subwords.tolist() == [*range(1, 49, 2), 49, *[LOST] * 15]


@pytest.mark.parametrize(
    ("sizes", "first_subwords", "ids"),
    [
        ([1, 2, 1], [1, 2, 4], [101, 0, 1, 1, 2, 102]),
        # The last word loses its second piece, not its first.
        ([2, 1, 2], [1, 3, 4], [101, 0, 0, 1, 2, 102]),
        # The third word begins beyond the cut, in the middle of the second.
        ([3, 4, 1, 1], [1, 4, 5, LOST], [101, 0, 0, 0, 1, 102]),
    ],
    ids=["just fits", "cut in a word", "cut before others"],
)
def test_truncation_worked_by_hand(sizes: list[int], first_subwords: list[int], ids: list[int]) -> None:
    (window,) = truncated_window([[word] * size for word, size in enumerate(sizes)], 0, 4, [101], [102])
    assert window.first_subwords.tolist() == first_subwords
    assert window.ids.tolist() == ids


def test_words_cut_off_get_the_logits_of_the_sep_and_of_zeros_in_loss_and_gradient(tiny_checkpoint: Path) -> None:
    # "xy" is two pieces; 4 words fit max_length 10, and a short sentence beside pads nothing into the long one.
    words, short = ["xy"] * 40, ["anna", "left"]
    num_words = len(words) + len(short)
    labels = np.arange(num_words, dtype=np.uint8) % 3
    split = Split([*words, *short], np.array([0, 40, num_words]), labels, labels, ("O", "B-PER", "I-PER"))
    torch.manual_seed(0)
    options = recipe(max_length=10, long_sentences="truncate")
    system = System(options, tiny_checkpoint, {"train": split}, CPU)
    torch.nn.init.normal_(system.module.classifier.bias)
    torch.manual_seed(0)
    whole, tokenizer = load(options, tiny_checkpoint, 3)
    whole.classifier.load_state_dict(system.module.classifier.state_dict())
    system.module.eval()
    whole.eval()
    long = tokenizer("xy " * 4, return_tensors="pt")
    assert long["input_ids"].shape == (1, 10)
    logits = whole(**long).logits[0]
    beside = whole(**tokenizer("anna left", return_tensors="pt")).logits[0, 1:3]
    zeros = whole.classifier(torch.zeros(35, whole.config.hidden_size))
    expected = torch.cat([logits[[1, 3, 5, 7, 9]], zeros, beside])

    ((micro_batch,),) = system.prepared["train"].batches(np.arange(2), 2)
    output = system.output(micro_batch)
    order = output.words.argsort()
    assert output.words[order].tolist() == list(range(num_words))
    losses = torch.nn.functional.cross_entropy(expected, torch.from_numpy(labels.astype(np.int64)), reduction="none")
    torch.testing.assert_close(output.losses[order], losses, rtol=1e-4, atol=1e-5)
    output.objective.backward()
    losses.sum().backward()
    torch.testing.assert_close(system.module.classifier.bias.grad, whole.classifier.bias.grad, rtol=1e-4, atol=1e-5)


def test_a_sentence_that_fits_is_the_same_truncated_or_in_windows(
    splits: dict[str, Split], tiny_checkpoint: Path
) -> None:
    losses = []
    for long_sentences in ("windows", "truncate"):
        torch.manual_seed(0)
        system = System(recipe(max_length=64, long_sentences=long_sentences), tiny_checkpoint, splits, CPU)
        losses.append(predictions(system, "dev", np.arange(20), 20)[1])
    assert losses[0].tolist() == losses[1].tolist()


def test_the_trimmed_vocabulary_changes_no_prediction(splits: dict[str, Split], tiny_checkpoint: Path) -> None:
    torch.manual_seed(0)
    system = System(recipe(), tiny_checkpoint, splits, CPU)
    torch.manual_seed(0)
    whole, tokenizer = load(recipe(), tiny_checkpoint, len(splits["dev"].tags))
    assert system.module.get_input_embeddings().num_embeddings < whole.get_input_embeddings().num_embeddings
    order = np.arange(splits["dev"].num_sentences)
    predicted, _ = predictions(system, "dev", order, 20)
    whole.eval()
    expected = []
    with torch.inference_mode():
        for sentence in splits["dev"].sentences():
            encoded = tokenizer(sentence, is_split_into_words=True, return_tensors="pt")
            tags = whole(**encoded).logits[0].argmax(-1).tolist()
            firsts = [encoded.word_ids().index(word) for word in range(len(sentence))]
            expected += [tags[first] for first in firsts]
    assert predicted.tolist() == expected


def test_padding_changes_no_prediction(splits: dict[str, Split], tiny_checkpoint: Path) -> None:
    torch.manual_seed(0)
    system = System(recipe(), tiny_checkpoint, splits, CPU)
    order = np.arange(splits["dev"].num_sentences)
    together, together_loss = predictions(system, "dev", order, 20)
    alone, alone_loss = predictions(system, "dev", order, 1)
    assert together.tolist() == alone.tolist()
    np.testing.assert_allclose(together_loss, alone_loss, rtol=1e-4, atol=1e-5)


def test_a_word_that_the_tokenizer_drops_is_still_a_word(tiny_checkpoint: Path, tmp_path: Path) -> None:
    split = Split(
        ["anna", "\u200d", "left"], np.array([0, 3]), *(np.zeros(3, dtype=np.uint8),) * 2, ("O", "B-PER", "I-PER")
    )
    system = System(recipe(), tiny_checkpoint, {"train": split}, CPU)
    assert len(predictions(system, "train", np.arange(1), 1)[0]) == 3


def test_the_twin_has_the_same_shape_and_other_weights(splits: dict[str, Split], tiny_checkpoint: Path) -> None:
    torch.manual_seed(0)
    pretrained = System(recipe(), tiny_checkpoint, splits, CPU).module.state_dict()
    torch.manual_seed(1)
    twin = System(recipe(pretrained=False), tiny_checkpoint, splits, CPU).module.state_dict()
    assert {name: value.shape for name, value in pretrained.items()} == {n: v.shape for n, v in twin.items()}
    name = next(name for name in twin if name.endswith("query.weight"))
    assert not torch.equal(pretrained[name], twin[name])


def test_layers_keeps_the_first_of_the_checkpoint(splits: dict[str, Split], tiny_checkpoint: Path) -> None:
    whole = System(recipe(), tiny_checkpoint, splits, CPU).module.state_dict()
    cut = System(recipe(layers=1), tiny_checkpoint, splits, CPU).module.state_dict()
    kept = [name for name in cut if "encoder.layer" in name]
    assert kept
    assert all("layer.0." in name for name in kept)
    assert all(torch.equal(cut[name], whole[name]) for name in kept)


def test_a_checkpoint_that_lacks_encoder_weights_is_refused(
    splits: dict[str, Split], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    for path in tiny_checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights[next(name for name in weights if name.endswith("layer.1.attention.self.query.weight"))]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match=r"lack 1 of the model's, such as .*query\.weight"):
        System(recipe(), tmp_path, splits, CPU)


def test_a_head_that_the_checkpoint_brings_is_not_kept(
    splits: dict[str, Split], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    num_tags = len(splits["train"].tags)
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "with_head")
    trained = AutoModelForTokenClassification.from_pretrained(folder, num_labels=num_tags, ignore_mismatched_sizes=True)
    trained.save_pretrained(folder)
    torch.manual_seed(0)
    made = System(recipe(), folder, splits, CPU).module
    assert not torch.equal(made.classifier.weight, trained.classifier.weight)
    torch.testing.assert_close(
        made.bert.encoder.layer[0].output.dense.weight, trained.bert.encoder.layer[0].output.dense.weight
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_hidden_layers": "six"}, "not a checkpoint that transformers can load"),
        ({"num_attention_heads": 0}, "not a checkpoint that transformers can load"),
        ({"pad_token_id": 500}, "not a checkpoint that transformers can load"),
        ({"vocab_size": 20}, "the tokenizer has a piece"),
    ],
)
def test_a_hostile_checkpoint_ends_in_one_line(
    change: dict[str, object], said: str, splits: dict[str, Split], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "hostile")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BadInput, match=said) as error:
        System(recipe(pretrained=False, layers=None), folder, splits, CPU)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [({"precision": "bfloat16"}, 0.05), ({"precision": "tf32"}, 1e-3), ({"compile": True}, 1e-4)],
)
def test_in_less_precision_or_compiled_losses_and_gradients_stay_what_they_are_to_its_digits(
    options: dict[str, object],
    tolerance: float,
    splits: dict[str, Split],
    tiny_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The same tracing as on a GPU, without a compiler on this machine.
    monkeypatch.setattr(loading, "COMPILER", "aot_eager")
    found = []
    for chosen in ({}, options):
        torch.manual_seed(0)
        system = System(recipe(**chosen), tiny_checkpoint, splits, CPU)
        precision = torch.get_float32_matmul_precision()
        system.module.eval()
        ((micro_batch,),) = system.prepared["dev"].batches(np.arange(20), 20)
        output = system.output(micro_batch)
        assert output.losses.dtype == torch.float32
        output.objective.backward()
        gradients = torch.cat([p.grad.flatten() for p in system.module.parameters() if p.grad is not None])
        assert gradients.dtype == torch.float32
        found.append((output.losses.detach(), gradients / gradients.norm(), precision))
    (losses, gradients, _), (others, other_gradients, precision) = found
    torch.testing.assert_close(others, losses, rtol=tolerance, atol=tolerance)
    assert float(gradients @ other_gradients) > 1 - tolerance
    assert precision == ("high" if options.get("precision") == "tf32" else "highest")
    # On a processor, bfloat16 alone rounds.
    assert not torch.equal(losses, others) or options.get("precision") != "bfloat16"
    torch.set_float32_matmul_precision("highest")
