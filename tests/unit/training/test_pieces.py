"""A word has the pieces that it has within a text, whatever the family of its tokenizer.

The vocabularies are small and trained here; normalisers, pre-tokenizers and post-processors are those in the files
of checkpoints on the hub, or those that transformers' own classes make.
"""

import functools
import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import sentencepiece
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    AlbertTokenizer,
    BertTokenizer,
    DebertaV2Tokenizer,
    GemmaTokenizer,
    GPT2Config,
    GPT2ForTokenClassification,
    LlamaConfig,
    LlamaForTokenClassification,
    LlamaTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForTokenClassification,
    RobertaConfig,
    RobertaTokenizer,
    T5Tokenizer,
    XLMRobertaTokenizer,
)
from transformers.convert_slow_tokenizer import import_protobuf

from settling.data.split import Split
from settling.data.tokens import before_words, load_tokenizer, pieces_of, tokenise
from settling.errors import BadInput
from settling.systems.encoder_model import System
from settling.systems.windows import windows_of
from tests.conftest import corpus_text
from tests.unit.training.test_encoder import CPU, predictions, recipe

TEXTS = [" ".join(line.split("\t")[0] for line in part.splitlines()) for part in corpus_text(200, 0).split("\n\n")]
TEXTS += ["New York ( 1999 ) , Anna 's caf\u00e9"] * 20
SENTENCES = [
    *(text.split() for text in TEXTS[:20]),
    ["anna", "New York", "visits", "old\u00a0town", "."],
    ["1999", "(", "Zürich", ")", "'s", "n't", "``", "中国", "ж", "\U0001f600", "e\u0301", "\ufb01n"],
    ["anna"],
]


@functools.cache
def sentencepiece_pairs() -> str:
    """Return the model of Llama 1 and 2, Mistral, Gemma: byte pairs with a mark in place of spaces."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=420, special_tokens=specials, show_progress=False)
    )
    made = json.loads(tokenizer.to_str())["model"]
    return json.dumps({**made, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True})


@functools.cache
def byte_pairs() -> str:
    """Return the model of GPT-2 and all that came of it: byte pairs of bytes, without an unknown token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return json.dumps(json.loads(tokenizer.to_str())["model"])


@functools.cache
def sentencepiece_unigrams(*specials: str) -> tuple[list[tuple[str, float]], bytes]:
    """Return pieces with their scores, and the map of characters that sentencepiece puts into its models."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=written,
        vocab_size=80,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    made = import_protobuf().ModelProto.FromString(written.getvalue())
    pieces = [(piece.piece, piece.score) for piece in made.pieces if piece.type == 1]
    return [*((special, 0.0) for special in specials), *pieces], made.normalizer_spec.precompiled_charsmap


def of_file(model: str, normalizer: Any = None, pre_tokenizer: Any = None, **names: str) -> PreTrainedTokenizerFast:
    """Return the tokenizer that a tokenizer.json with these entries describes."""
    parts = {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None}
    entries = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], **parts}
    tokenizer = Tokenizer.from_str(json.dumps({**entries, "model": json.loads(model)}))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def sequence(kind: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", kind: list(parts)}


def byte_level(add_prefix_space: bool = False, use_regex: bool = True) -> dict[str, Any]:
    options = {"add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}
    return {"type": "ByteLevel", **options}


def split(regex: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def metaspace(scheme: str, **more: Any) -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, **more}


SPACES_TO_MARKS = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
MARK_FIRST = sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, SPACES_TO_MARKS)
OLD_METASPACE = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}
AT_SPACES = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def pairs_of(model: str) -> dict[str, Any]:
    made = json.loads(model)
    return {"vocab": made["vocab"], "merges": [tuple(pair) for pair in made["merges"]]}


def of_bert(lower: bool) -> PreTrainedTokenizerBase:
    letters = sorted({letter for text in TEXTS for letter in text if letter != " "})
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*specials, "anna", *letters, *(f"##{letter}" for letter in letters)]
    return BertTokenizer(vocab={piece: index for index, piece in enumerate(pieces)}, do_lower_case=lower)


def of_unigrams(made: type[Any], *specials: str, mapped: bool = True) -> PreTrainedTokenizerBase:
    pieces, characters = sentencepiece_unigrams(*specials)
    tokenizer: PreTrainedTokenizerBase = made(
        vocab=pieces, **({"_spm_precompiled_charsmap": characters} if mapped else {})
    )
    return tokenizer


def of_xlm_roberta_file() -> PreTrainedTokenizerFast:
    own = of_unigrams(XLMRobertaTokenizer, "<s>", "<pad>", "</s>", "<unk>")
    parts = json.loads(own.backend_tokenizer.to_str())
    normalizer = sequence("normalizers", parts["normalizer"], {**SPACES_TO_MARKS, "pattern": {"Regex": " {2,}"}})
    pre_tokenizer = sequence("pretokenizers", {"type": "WhitespaceSplit"}, OLD_METASPACE)
    return of_file(json.dumps(parts["model"]), normalizer, pre_tokenizer, unk_token="<unk>")


def of_deberta_v3_file() -> PreTrainedTokenizerFast:
    own = of_unigrams(XLMRobertaTokenizer, "[PAD]", "[CLS]", "[SEP]", "[UNK]")
    parts = json.loads(own.backend_tokenizer.to_str())
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    normalizer = sequence("normalizers", strip, parts["normalizer"], spaces)
    pre_tokenizer = sequence("pretokenizers", OLD_METASPACE)
    return of_file(json.dumps(parts["model"]), normalizer, pre_tokenizer, unk_token="[UNK]")


class Family(NamedTuple):
    """How a tokenizer is made, what it tells a word's beginning by, and whether it marks a text's first word itself."""

    make: Callable[[], PreTrainedTokenizerBase]
    mark: str
    marks_the_first: bool


FAMILIES = {
    "bert, cased": Family(lambda: of_bert(False), "", True),
    "bert, uncased": Family(lambda: of_bert(True), "", True),
    "gpt-2": Family(lambda: of_file(byte_pairs(), None, byte_level()), "Ġ", False),
    "gpt-2, prefix space": Family(lambda: of_file(byte_pairs(), None, byte_level(True)), "Ġ", True),
    "roberta": Family(lambda: RobertaTokenizer(**pairs_of(byte_pairs())), "Ġ", False),
    "roberta, prefix space": Family(
        lambda: RobertaTokenizer(**pairs_of(byte_pairs()), add_prefix_space=True), "Ġ", True
    ),
    "modernbert": Family(lambda: of_file(byte_pairs(), {"type": "NFC"}, byte_level()), "Ġ", False),
    "llama 3": Family(
        lambda: of_file(byte_pairs(), None, sequence("pretokenizers", split(LLAMA_3), byte_level(use_regex=False))),
        "Ġ",
        False,
    ),
    "qwen": Family(lambda: Qwen2Tokenizer(**pairs_of(byte_pairs())), "Ġ", False),
    "llama 2, mistral": Family(lambda: of_file(sentencepiece_pairs(), MARK_FIRST, unk_token="<unk>"), "▁", True),
    "llama 2, legacy class": Family(lambda: LlamaTokenizer(**pairs_of(sentencepiece_pairs()), legacy=True), "▁", True),
    "llama 2, later class": Family(lambda: LlamaTokenizer(**pairs_of(sentencepiece_pairs()), legacy=False), "▁", True),
    "llama 2, no prefix space": Family(
        lambda: LlamaTokenizer(**pairs_of(sentencepiece_pairs()), add_prefix_space=False), "▁", False
    ),
    "mistral 0.3": Family(
        lambda: of_file(sentencepiece_pairs(), None, metaspace("first", split=False), unk_token="<unk>"), "▁", True
    ),
    "helium": Family(
        lambda: of_file(
            sentencepiece_pairs(),
            sequence("normalizers", {"type": "Prepend", "prepend": " "}, SPACES_TO_MARKS),
            unk_token="<unk>",
        ),
        "▁",
        True,
    ),
    "gemma": Family(lambda: of_file(sentencepiece_pairs(), SPACES_TO_MARKS, unk_token="<unk>"), "▁", False),
    "gemma 2": Family(
        lambda: of_file(sentencepiece_pairs(), SPACES_TO_MARKS, AT_SPACES, unk_token="<unk>"), "▁", False
    ),
    "gemma, class": Family(lambda: GemmaTokenizer(**pairs_of(sentencepiece_pairs())), "▁", False),
    "xlm-roberta": Family(lambda: of_unigrams(XLMRobertaTokenizer, "<s>", "<pad>", "</s>", "<unk>"), "▁", True),
    "xlm-roberta, file": Family(of_xlm_roberta_file, "▁", True),
    "t5": Family(lambda: of_unigrams(T5Tokenizer, "<pad>", "</s>", "<unk>"), "▁", True),
    "albert": Family(lambda: of_unigrams(AlbertTokenizer, "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"), "▁", True),
    "deberta-v3": Family(
        lambda: of_unigrams(
            functools.partial(DebertaV2Tokenizer, unk_id=3), "[PAD]", "[CLS]", "[SEP]", "[UNK]", mapped=False
        ),
        "▁",
        True,
    ),
    "deberta-v3, file": Family(of_deberta_v3_file, "▁", True),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def tokenizer(family: Family) -> PreTrainedTokenizerBase:
    return family.make()


def pieces_by_sentence(tokenizer: PreTrainedTokenizerBase, sentences: list[list[str]]) -> list[list[list[int]]]:
    starts = np.cumsum([0, *map(len, sentences)])
    found = pieces_of(tokenizer, [word for sentence in sentences for word in sentence], starts)
    return [found[start:end] for start, end in itertools.pairwise(starts)]


def test_the_pieces_of_a_sentence_s_words_are_those_of_its_text(
    family: Family, tokenizer: PreTrainedTokenizerBase
) -> None:
    for sentence, found in zip(SENTENCES, pieces_by_sentence(tokenizer, SENTENCES), strict=True):
        text = ("" if family.marks_the_first else " ") + " ".join(sentence)
        expected = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert len(found) == len(sentence)
        assert [piece for word in found for piece in word] == expected


def test_a_word_begins_with_one_mark_and_its_letters_follow(family: Family, tokenizer: PreTrainedTokenizerBase) -> None:
    for sentence, found in zip(SENTENCES[:20], pieces_by_sentence(tokenizer, SENTENCES[:20]), strict=True):
        for word, pieces in zip(sentence, found, strict=True):
            spelt = [piece.removeprefix("##") for piece in tokenizer.convert_ids_to_tokens(pieces)]
            assert "".join(spelt) == family.mark + word


def test_a_word_with_a_space_in_it_has_the_pieces_of_both_its_parts(tokenizer: PreTrainedTokenizerBase) -> None:
    (whole, parts) = pieces_by_sentence(tokenizer, [["anna", "New York", "left"], ["anna", "New", "York", "left"]])
    assert whole == [parts[0], parts[1] + parts[2], parts[3]]


@pytest.mark.parametrize(
    "word", ["\u200b", "\u200d", "\ufeff", "\u00ad", "\ufe0f", "\u0301", "\x00", "\x07", "\x85", "\u3000", "\u2028"]
)
def test_a_word_of_nothing_to_be_seen_has_pieces(word: str, tokenizer: PreTrainedTokenizerBase) -> None:
    ((first, found, last),) = pieces_by_sentence(tokenizer, [["anna", word, "left"]])
    assert found
    assert all(isinstance(piece, int) for piece in found)
    assert [first, last] == pieces_by_sentence(tokenizer, [["anna", "left"]])[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_words_go_without_a_space_only_where_it_would_be_a_second_one(name: str) -> None:
    # Elsewhere the pieces are those of earlier studies, whatever the word.
    assert before_words(FAMILIES[name].make()) == ("" if name in ("llama 2, mistral", "helium") else " ")


@pytest.mark.parametrize("letters", ["жя", "中国", "12"])
def test_so_it_is_where_a_tokenizer_knows_few_letters(letters: str) -> None:
    pieces = [[piece, -float(number)] for number, piece in enumerate(["<unk>", *letters, *(f"▁{x}" for x in letters)])]
    model = {"type": "Unigram", "unk_id": 0, "vocab": pieces}
    tokenizer = of_file(json.dumps(model), MARK_FIRST, unk_token="<unk>")
    sentence = list(letters)
    assert pieces_by_sentence(tokenizer, [sentence]) == [[tokenizer.convert_tokens_to_ids([f"▁{x}"]) for x in letters]]


def test_a_file_that_asks_for_truncation_and_padding_changes_no_piece() -> None:
    plain = FAMILIES["gpt-2"].make()
    made = Tokenizer.from_str(plain.backend_tokenizer.to_str())
    made.enable_truncation(3)
    made.enable_padding(length=9)
    found = pieces_by_sentence(PreTrainedTokenizerFast(tokenizer_object=made), SENTENCES)
    assert found == pieces_by_sentence(plain, SENTENCES)


@pytest.mark.parametrize("word", ["\u200d", "\ufe0f", "\u0301", "\x07", "\u3000"])
def test_a_word_that_the_tokenizer_drops_is_unknown(word: str) -> None:
    tokenizer = of_bert(True)
    assert tokenizer(word, add_special_tokens=False)["input_ids"] == []
    assert pieces_by_sentence(tokenizer, [["anna", word]])[0][1] == [tokenizer.unk_token_id]


CYRILLIC = json.dumps({"type": "BPE", "vocab": {"ж": 0, "я": 1, "!": 2}, "merges": []})


def test_a_word_that_is_dropped_and_has_no_unknown_token_to_stand_for_it_is_named(tmp_path: Path) -> None:
    of_file(CYRILLIC).save_pretrained(tmp_path)
    RobertaConfig().save_pretrained(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    with pytest.raises(BadInput) as error:
        pieces_by_sentence(tokenizer, [["ж", "я"], ["я", "\u200b", "ж"], ["я", "q"]])
    assert str(error.value) == (
        f"{tmp_path}: the tokenizer drops the word '\\u200b' of the sentence 'я \\u200b ж', "
        "and has no unknown token (unk_token) to stand for it"
    )


def test_the_tokenise_stage_refuses_such_a_word_and_writes_nothing(tiny_data: Path, tmp_path: Path) -> None:
    of_file(CYRILLIC).save_pretrained(tmp_path)
    RobertaConfig().save_pretrained(tmp_path)
    with pytest.raises(BadInput, match="has no unknown token"):
        tokenise(tiny_data, tmp_path, tmp_path / "tokens.parquet")
    assert not (tmp_path / "tokens.parquet").exists()


SPECIALS: dict[str, tuple[list[int], list[int]]] = {
    "none": ([], []),
    "first": ([7], []),
    "last": ([], [8]),
    "both": ([7], [8]),
    "two first": ([7, 9], [8]),
}


def with_specials(tokenizer: PreTrainedTokenizerFast, before: list[int], after: list[int]) -> PreTrainedTokenizerFast:
    """Return a tokenizer that puts pieces, by id, before and after a text, as llama's and T5's files say it."""
    names = {index: tokenizer.convert_ids_to_tokens(index) for index in (*before, *after)}
    parts = [*(f"{names[index]}" for index in before), "$A", *(names[index] for index in after)]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=" ".join(parts), special_tokens=[(name, index) for index, name in names.items()]
    )
    return tokenizer


def split_of(sentences: list[list[str]]) -> Split:
    words = [word for sentence in sentences for word in sentence]
    label = np.arange(len(words), dtype=np.uint8) % 3
    return Split(words, np.cumsum([0, *map(len, sentences)]), label, label, ("O", "B-PER", "I-PER"))


@pytest.mark.parametrize(("before", "after"), SPECIALS.values(), ids=SPECIALS)
def test_each_window_has_the_special_pieces_of_a_text_and_no_more_pieces_than_fit(
    before: list[int], after: list[int]
) -> None:
    tokenizer = with_specials(of_file(sentencepiece_pairs(), MARK_FIRST, unk_token="<unk>"), before, after)
    sentence = [*SENTENCES[0], "Zürich"] * 6
    (found,) = pieces_by_sentence(tokenizer, [sentence])
    (windows,) = windows_of(tokenizer, split_of([sentence]), 12)
    assert len(windows) > 2
    for window in windows:
        assert len(window.ids) <= 12
        ids = window.ids.tolist()
        assert ids == [*before, *(piece for word in window.words for piece in found[word]), *after]
        assert window.ids[window.first_subwords].tolist() == [found[word][0] for word in window.words]
    assert [word for window in windows for word in window.words] == list(range(len(found)))


@pytest.mark.parametrize(("before", "after"), SPECIALS.values(), ids=SPECIALS)
def test_so_it_is_where_the_tokenizer_knows_no_latin_letter(before: list[int], after: list[int]) -> None:
    vocabulary = {"ж": 0, "я": 1, **{f"<{index}>": index for index in range(2, 10)}}
    model = json.dumps({"type": "BPE", "vocab": vocabulary, "merges": []})
    tokenizer = with_specials(of_file(model, None, {"type": "WhitespaceSplit"}), before, after)
    (windows,) = windows_of(tokenizer, split_of([["ж", "яж"]]), 12)
    assert [window.ids.tolist() for window in windows] == [[*before, 0, 1, 0, *after]]


DECODERS: dict[str, tuple[Any, Any, list[int], list[int]]] = {
    "gpt-2": (GPT2Config, GPT2ForTokenClassification, [], []),
    "llama": (LlamaConfig, LlamaForTokenClassification, [7], []),
    "qwen": (Qwen3Config, Qwen3ForTokenClassification, [], [8]),
}


@pytest.mark.parametrize("name", DECODERS)
def test_without_a_padding_piece_a_batch_says_what_its_sentences_say_alone(name: str, tmp_path: Path) -> None:
    config, model, before, after = DECODERS[name]
    tokenizer = with_specials(of_file(byte_pairs(), None, byte_level()), before, after)
    tokenizer.save_pretrained(tmp_path)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64}
    more = {} if name == "gpt-2" else {"intermediate_size": 32, "num_key_value_heads": 2, "head_dim": 8}
    torch.manual_seed(0)
    model(config(vocab_size=len(tokenizer), pad_token_id=None, **shape, **more)).save_pretrained(tmp_path)
    assert load_tokenizer(tmp_path).pad_token_id is None
    # Piece 0, which is put where there is nothing, is a word of its own here.
    sentences = [["!", "anna", "!"], *(text.split() for text in TEXTS[:9]), ["!!!"]]
    torch.manual_seed(0)
    system = System(recipe(), tmp_path, {"train": split_of(sentences)}, CPU)
    order = np.arange(len(sentences))
    batches = [micro_batch for batch in system.prepared["train"].batches(order, 20) for micro_batch in batch]
    assert any((micro_batch.ids[micro_batch.mask == 1] == 0).any() for micro_batch in batches)
    assert any((micro_batch.ids[micro_batch.mask == 0] == 0).any() for micro_batch in batches)
    together, losses = predictions(system, "train", order, 20)
    alone, alone_losses = predictions(system, "train", order, 1)
    assert together.tolist() == alone.tolist()
    np.testing.assert_allclose(losses, alone_losses, rtol=1e-4, atol=1e-5)


def test_a_padding_piece_that_the_model_does_not_embed_is_not_asked_for(tmp_path: Path) -> None:
    tokenizer = of_file(byte_pairs(), None, byte_level(), pad_token="[PAD]")
    assert tokenizer.pad_token_id == len(tokenizer) - 1
    tokenizer.save_pretrained(tmp_path)
    GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=len(tokenizer) - 1).save_pretrained(tmp_path)
    split = split_of([text.split() for text in TEXTS[:5]])
    system = System(recipe(pretrained=False), tmp_path, {"train": split}, CPU)
    assert np.isfinite(predictions(system, "train", np.arange(5), 5)[1]).all()


def make_python_tokenizer(folder: Path, names: tuple[str, ...]) -> None:
    """Write the files so named of a checkpoint whose class of tokenizer is in Python alone."""
    RobertaConfig(tokenizer_class="BertweetTokenizer").save_pretrained(folder)
    fast = of_file(byte_pairs(), None, byte_level()).backend_tokenizer.to_str()
    texts = {"vocab.txt": "a 1\n", "bpe.codes": "#version: 0.2\na b 1\n", "tokenizer.json": fast}
    for name in names:
        (folder / name).write_text(texts[name])


@pytest.mark.parametrize("names", [("vocab.txt",), ("vocab.txt", "bpe.codes"), ("vocab.txt", "tokenizer.json")])
def test_a_tokenizer_in_python_alone_is_refused(names: tuple[str, ...], tiny_data: Path, tmp_path: Path) -> None:
    make_python_tokenizer(tmp_path, names)
    with pytest.raises(BadInput) as error:
        tokenise(tiny_data, tmp_path, tmp_path / "tokens.parquet")
    assert str(error.value).startswith(f"{tmp_path}: ")
    assert "expected a fast tokenizer (tokenizer.json" in str(error.value)
    # Without its other file the class does not get so far.
    assert ("found BertweetTokenizer, which is in Python alone" in str(error.value)) == ("bpe.codes" in names)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "tokens.parquet").exists()


def test_a_run_without_the_file_of_tokens_refuses_it_too(splits: dict[str, Split], tmp_path: Path) -> None:
    make_python_tokenizer(tmp_path, ("vocab.txt", "bpe.codes"))
    with pytest.raises(BadInput, match="found BertweetTokenizer, which is in Python alone, expected a fast tokenizer"):
        System(recipe(pretrained=False, layers=1), tmp_path, splits, CPU)


def test_what_the_refusal_says_makes_a_tokenizer_fast(tmp_path: Path) -> None:
    make_python_tokenizer(tmp_path, ("vocab.txt", "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.convert_ids_to_tokens(pieces_by_sentence(tokenizer, [["anna"]])[0][0]) == ["Ġanna"]


@pytest.mark.parametrize(
    ("config", "name", "kind"),
    [
        ("xlm-roberta", "sentencepiece.bpe.model", "unigram"),
        ("t5", "spiece.model", "unigram"),
        ("llama", "tokenizer.model", "bpe"),
    ],
)
def test_a_sentencepiece_model_is_made_into_a_fast_tokenizer(config: str, name: str, kind: str, tmp_path: Path) -> None:
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=written, vocab_size=66, model_type=kind, minloglevel=2
    )
    (tmp_path / name).write_bytes(written.getvalue())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": config}))
    tokenizer = load_tokenizer(tmp_path)
    own = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    for sentence, found in zip(SENTENCES[:20], pieces_by_sentence(tokenizer, SENTENCES[:20]), strict=True):
        spelt = tokenizer.convert_ids_to_tokens([piece for word in found for piece in word])
        assert spelt == own.encode(" ".join(sentence), out_type=str)
