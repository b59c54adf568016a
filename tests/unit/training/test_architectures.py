"""Every architecture of the paper goes the way that a user's checkpoint goes, and is read as it was made to be.

The checkpoints are small and random, but of the right classes, with the files that those on the hub have.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import ByteLevelBPETokenizer, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    DebertaConfig,
    DebertaForMaskedLM,
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DebertaV2Tokenizer,
    ModernBertConfig,
    ModernBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaTokenizer,
)

from settling.data.checkpoints import download_checkpoint
from settling.data.split import Split
from settling.systems import encoder_model as encoder
from settling.systems import windows
from settling.systems.encoder_model import System
from settling.training.loop import Trainer
from tests.conftest import corpus_text
from tests.unit.training.test_encoder import CPU, predictions, recipe

SHAPE: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
TEXTS = [" ".join(line.split("\t")[0] for line in part.splitlines()) for part in corpus_text(200, 0).split("\n\n")]
POSITIONS = 80


def write_byte_pairs(folder: Path, specials: list[str]) -> int:
    """Write vocab.json and merges.txt; return the size of the vocabulary."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(TEXTS, vocab_size=340, special_tokens=specials, show_progress=False)
    tokenizer.save_model(str(folder))
    return tokenizer.get_vocab_size()


def make_bert(folder: Path, tiny_checkpoint: Path) -> None:
    vocabulary = (tiny_checkpoint / "vocab.txt").read_text()
    (folder / "vocab.txt").write_text(vocabulary)
    config = BertConfig(vocab_size=vocabulary.count("\n"), max_position_embeddings=POSITIONS, **SHAPE)
    BertForMaskedLM(config).save_pretrained(folder)


def make_roberta(folder: Path, _: Path) -> None:
    size = write_byte_pairs(folder, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    RobertaTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt")).save_pretrained(folder)
    # As roberta-base has 514 for texts of 512: positions are numbered from 2.
    config = RobertaConfig(vocab_size=size, max_position_embeddings=POSITIONS + 2, type_vocab_size=1, **SHAPE)
    RobertaForMaskedLM(config).save_pretrained(folder)


def make_deberta(folder: Path, _: Path) -> None:
    size = write_byte_pairs(folder, ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    # Nothing but this is in microsoft/deberta-base's.
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "vocab_type": "gpt2"}')
    relative = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False}
    options = {"max_position_embeddings": POSITIONS, "type_vocab_size": 0, **relative, **SHAPE}
    DebertaForMaskedLM(DebertaConfig(vocab_size=size, **options)).save_pretrained(folder)


def make_deberta_v3(folder: Path, _: Path, **options: Any) -> None:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFC(), pre_tokenizers.Metaspace()
    specials = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    trainer = trainers.UnigramTrainer(vocab_size=100, special_tokens=specials, unk_token="[UNK]", show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    micro_batch = [tuple(piece) for piece in json.loads(tokenizer.to_str())["model"]["vocab"]]
    DebertaV2Tokenizer(vocab=micro_batch, unk_id=3).save_pretrained(folder)
    # What tells v3 from v1: log buckets of positions, shared by key and query; v3 norms the relative embeddings.
    relative = {
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "position_buckets": 8,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
    }
    options = {"max_position_embeddings": POSITIONS, "type_vocab_size": 0, **relative, **SHAPE, **options}
    DebertaV2ForMaskedLM(DebertaV2Config(vocab_size=len(micro_batch), **options)).save_pretrained(folder)


def make_deberta_v2(folder: Path, tiny_checkpoint: Path) -> None:
    # The larger v2 checkpoints have a convolution beside their first layer.
    make_deberta_v3(folder, tiny_checkpoint, conv_kernel_size=3, conv_act="gelu", norm_rel_ebd="none")


def make_modernbert(folder: Path, tiny_checkpoint: Path) -> None:
    """Make what is in no paper of ours: byte pairs of no class of their own, the padding id the last."""
    size = write_byte_pairs(folder, ["<s>", "</s>", "<unk>", "<mask>", "<pad>"])
    RobertaTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt")).save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tokenizer_class": "PreTrainedTokenizerFast"}))
    shape = {name: value for name, value in SHAPE.items() if "dropout" not in name}
    config = ModernBertConfig(vocab_size=size, max_position_embeddings=POSITIONS, pad_token_id=4, **shape)
    ModernBertForMaskedLM(config).save_pretrained(folder)


@dataclass(frozen=True)
class Architecture:
    make: Callable[[Path, Path], None]
    config: str
    pad_id: int
    specials: tuple[str, str]
    space: str


ARCHITECTURES = {
    "bert": Architecture(make_bert, "BertConfig", 0, ("[CLS]", "[SEP]"), ""),
    "roberta": Architecture(make_roberta, "RobertaConfig", 1, ("<s>", "</s>"), "Ġ"),
    "deberta": Architecture(make_deberta, "DebertaConfig", 0, ("[CLS]", "[SEP]"), "Ġ"),
    "deberta-v2": Architecture(make_deberta_v2, "DebertaV2Config", 0, ("[CLS]", "[SEP]"), "▁"),
    "deberta-v3": Architecture(make_deberta_v3, "DebertaV2Config", 0, ("[CLS]", "[SEP]"), "▁"),
}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def architecture(name: str) -> Architecture:
    return ARCHITECTURES[name]


@pytest.fixture(scope="module")
def checkpoint(
    name: str, architecture: Architecture, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder that the download stage leaves of a checkpoint."""
    folder = tmp_path_factory.mktemp(name)
    torch.manual_seed(0)
    architecture.make(folder, tiny_checkpoint)
    download_checkpoint({"kind": "folder", "path": str(folder)}, folder / "downloaded")
    return folder / "downloaded"


@pytest.fixture
def system(checkpoint: Path, splits: dict[str, Split]) -> System:
    torch.manual_seed(0)
    return System(recipe(), checkpoint, splits, CPU)


def whole(checkpoint: Path) -> Any:
    """Return the checkpoint's own tokenizer, to tokenise texts with."""
    return AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)


def test_the_configuration_and_the_model_are_of_the_checkpoint_s_class(
    system: System, architecture: Architecture
) -> None:
    assert type(system.module.config).__name__ == architecture.config
    assert type(system.module).__name__ == architecture.config.replace("Config", "ForTokenClassification")


def test_the_encoder_s_weights_are_the_checkpoint_s(system: System, checkpoint: Path) -> None:
    from safetensors.torch import load_file

    saved = load_file(checkpoint / "model.safetensors")
    prefix = system.module.base_model_prefix
    kept = [key for key in saved if key.startswith(f"{prefix}.") and "word_embeddings" not in key]
    held = system.module.state_dict()
    assert len(kept) > 20
    assert all(torch.equal(held[key], saved[key]) for key in kept)


def test_words_have_the_pieces_that_they_have_within_the_text(
    checkpoint: Path, splits: dict[str, Split], architecture: Architecture
) -> None:
    tokenizer = whole(checkpoint)
    split = splits["dev"]
    cut = windows.windows_of(tokenizer, split, POSITIONS)
    for sentence, (window,) in zip(split.sentences(), cut, strict=True):
        micro_batch = tokenizer.convert_ids_to_tokens(window.ids.tolist())
        text = tokenizer.tokenize(" " + " ".join(sentence))
        assert micro_batch == [architecture.specials[0], *text, architecture.specials[1]]
        first_subwords = [micro_batch[head] for head in window.first_subwords]
        assert all(head.startswith(architecture.space) for head in first_subwords)
        assert len(first_subwords) == len(sentence)
        # From one head to the next lies the word, whole, whatever pieces it came in.
        ends = [*window.first_subwords[1:], len(micro_batch) - 1]
        for word, head, end in zip(sentence, window.first_subwords, ends, strict=True):
            spelt = "".join(piece.removeprefix("##") for piece in micro_batch[head:end])
            assert spelt == architecture.space + word or "[UNK]" in spelt


def test_padding_has_the_checkpoint_s_own_id(
    checkpoint: Path, splits: dict[str, Split], architecture: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "PACKED", {})
    system = System(recipe(), checkpoint, splits, CPU)
    order = np.arange(20)
    padded = [micro_batch for batch in system.prepared["dev"].batches(order, 20) for micro_batch in batch]
    assert any((micro_batch.mask == 0).any() for micro_batch in padded)
    for micro_batch in padded:
        assert (micro_batch.ids[micro_batch.mask == 0] == architecture.pad_id).all()
        assert not (micro_batch.ids[micro_batch.mask == 1] == architecture.pad_id).any()


LAYOUTS: dict[str, tuple[dict[str, Any], int]] = {
    "packed": ({}, 1),
    "packed, in pieces": ({"PACKED_PIECES": 100}, 2),
    "padded": ({"PACKED": {}, "PADDED_ROWS": 1000}, 1),
    "padded, in pieces": ({"PACKED": {}, "PADDED_ROWS": 2}, 10),
}


def test_packed_or_padded_in_pieces_or_whole_a_batch_has_one_loss_and_one_gradient(
    name: str, checkpoint: Path, splits: dict[str, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for layout, (constants, least) in LAYOUTS.items():
        with monkeypatch.context() as patch:
            for constant, value in constants.items():
                patch.setattr(encoder if constant == "PACKED" else windows, constant, value)
            torch.manual_seed(0)
            system = System(recipe(), checkpoint, splits, CPU)
            (batch,) = system.prepared["dev"].batches(np.random.default_rng(0).permutation(20), 20)
        packed = layout.startswith("packed") and name in encoder.PACKED
        assert all((micro_batch.positions is not None) == packed for micro_batch in batch)
        assert len(batch) >= least or not (packed or layout.startswith("padded"))
        # Dropout is 0 in these checkpoints, so training computes the same too.
        system.module.train()
        losses = torch.zeros(len(splits["dev"].tokens))
        for micro_batch in batch:
            output = system.output(micro_batch)
            output.objective.backward()
            losses[output.words] = output.losses.detach()
        gradients = {key: p.grad for key, p in system.module.named_parameters() if p.grad is not None}
        found[layout] = {"losses": losses, **gradients}
    for layout, values in found.items():
        assert values.keys() == found["packed"].keys()
        for key, value in values.items():
            torch.testing.assert_close(value, found["packed"][key], rtol=1e-4, atol=2e-5, msg=f"{layout} {key}")


def long_split(split: Split) -> Split:
    """Return a split with all words in one sentence."""
    return Split(split.tokens, np.array([0, len(split.tokens)]), split.true_label, split.given_label, split.tags)


def test_a_sentence_longer_than_the_positions_is_cut_to_them_and_every_word_seen_once(
    checkpoint: Path, splits: dict[str, Split]
) -> None:
    split = long_split(splits["dev"])
    system = System(recipe(max_length=4096), checkpoint, {"train": split}, CPU)
    sizes = [len(window.ids) for window in system.prepared["train"].cut.windows(0)]
    assert len(sizes) > 3
    # All are as full as the next word, of at most 13 pieces, allows.
    assert encoder.num_positions(system.module) == POSITIONS
    assert max(sizes) <= POSITIONS
    assert min(sizes[:-1]) > POSITIONS - 13
    predicted, losses = predictions(system, "train", np.arange(1), 1)
    assert len(predicted) == len(split.tokens)
    assert np.isfinite(losses).all()


def test_batches_padding_and_the_trimmed_vocabulary_change_no_result(
    checkpoint: Path, splits: dict[str, Split]
) -> None:
    torch.manual_seed(0)
    system = System(recipe(), checkpoint, splits, CPU)
    order = np.random.default_rng(0).permutation(20)
    together, together_loss = predictions(system, "dev", order, 20)
    alone, alone_loss = predictions(system, "dev", order, 1)
    np.testing.assert_allclose(together_loss, alone_loss, rtol=1e-4, atol=1e-5)

    # The same by transformers alone, one text at a time, the vocabulary whole.
    torch.manual_seed(0)
    model, tokenizer = encoder.load(recipe(), checkpoint, len(splits["dev"].tags))
    model.eval()
    split, expected = splits["dev"], []
    with torch.inference_mode():
        for number, sentence in enumerate(split.sentences()):
            encoded = tokenizer(" " + " ".join(sentence), return_tensors="pt")
            logits = model(**encoded).logits[0]
            sizes = [len(tokenizer.tokenize(f" {word}")) for word in sentence]
            assert sum(sizes) == len(logits) - 2
            firsts = 1 + np.cumsum([0, *sizes[:-1]])
            given = torch.from_numpy(
                split.given_label[split.starts[number] : split.starts[number + 1]].astype(np.int64)
            )
            expected += torch.nn.functional.cross_entropy(logits[firsts], given, reduction="none").tolist()
    np.testing.assert_allclose(alone_loss, expected, rtol=1e-4, atol=1e-5)
    assert together.tolist() == alone.tolist()


def test_the_twin_has_the_same_shape_and_other_weights(
    system: System, checkpoint: Path, splits: dict[str, Split]
) -> None:
    torch.manual_seed(1)
    twin = System(recipe(pretrained=False), checkpoint, splits, CPU).module
    pretrained, fresh = system.module.state_dict(), twin.state_dict()
    assert {key: value.shape for key, value in pretrained.items()} == {k: v.shape for k, v in fresh.items()}
    # Biases and norms begin at 0 and 1 in both.
    matrices = [key for key, value in fresh.items() if value.ndim == 2]
    assert len(matrices) > 5
    assert not any(torch.equal(pretrained[key], fresh[key]) for key in matrices)


def test_it_learns(checkpoint: Path, splits: dict[str, Split]) -> None:
    options = recipe(epochs=4, batch_size=8, learning_rate=0.01, views=["epoch-end"])
    torch.manual_seed(0)
    # What is to be learned is the truth, without the noise.
    train = splits["train"]
    train = Split(train.tokens, train.starts, train.true_label, train.true_label, train.tags)
    trainer = Trainer(
        options, 0, System(options, checkpoint, {**splits, "train": train}, CPU), {**splits, "train": train}
    )
    list(trainer.epochs())
    losses = [float(seen.loss.mean()) for seen in trainer.history.views["epoch-end"]]
    assert losses[-1] < 0.5 * np.log(len(train.tags))
    assert losses[-1] < losses[0]


def test_byte_pairs_of_no_class_of_their_own_get_their_space_and_their_padding_bounds_no_position(
    splits: dict[str, Split], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    make_modernbert(tmp_path, tiny_checkpoint)
    download_checkpoint({"kind": "folder", "path": str(tmp_path)}, tmp_path / "downloaded")
    tokenizer = whole(tmp_path / "downloaded")
    split = long_split(splits["dev"])
    (cut,) = windows.windows_of(tokenizer, split, 4096)
    assert all(
        tokenizer.convert_ids_to_tokens(int(window.ids[head])).startswith("Ġ")
        for window in cut
        for head in window.first_subwords
    )
    system = System(recipe(max_length=4096), tmp_path / "downloaded", {"train": split}, CPU)
    assert POSITIONS - 13 < max(len(window.ids) for window in system.prepared["train"].cut.windows(0)) <= POSITIONS
    assert len(predictions(system, "train", np.arange(1), 1)[0]) == len(split.tokens)
