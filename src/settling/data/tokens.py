"""The tokenise stage: the word-pieces of every word of a data set, made once for all runs from a checkpoint."""

import itertools
import operator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from settling.errors import BadInput, one_line_errors
from settling.provenance import checkpoint_hash, provenance
from settling.schemas import SPLITS
from settling.tables import read_table, starts_of, to_numpy, write_table

# Texts of two words to try a tokenizer on, in several scripts, as one may know the letters of a single one.
PROBES = ("a b", "1 2", "λ ψ", "ж я", "ب ج", "क ख", "中 国", "한 국")


def tokenise(data: Path, checkpoint: Path, output: Path) -> None:
    """Write the pieces of each word of the data set in the folder `data` to `output`, a row a word.

    Raises BadInput for a folder that is not a data set, for a checkpoint without a fast tokenizer, and for a word that
    the tokenizer has no piece for.
    """
    paths = {split: data / f"{split}.parquet" for split in SPLITS}
    tables = {split: read_table(path, "data") for split, path in paths.items()}
    tokenizer = load_tokenizer(checkpoint)
    with one_line_errors(f"{checkpoint}: its tokenizer fails"):
        pieces = [
            piece
            for table in tables.values()
            for piece in pieces_of(tokenizer, table["token"].to_pylist(), starts_of(table))
        ]
    made = provenance("tokenise", None, paths)
    made["inputs"]["checkpoint"] = checkpoint_hash(checkpoint)
    columns = {
        "split": np.repeat(SPLITS, [len(table) for table in tables.values()]),
        "sentence": np.concatenate([to_numpy(table["sentence"]) for table in tables.values()]),
        "pieces": pieces,
    }
    write_table(output, "tokens", columns, made)


def load_tokenizer(checkpoint: Path) -> PreTrainedTokenizerBase:
    """Return a checkpoint's tokenizer, from this machine alone, without code of its own.

    Raises BadInput where transformers cannot load it, or has it in Python alone, which does not say of which word a
    piece is.
    """
    expected = (
        "expected a fast tokenizer (tokenizer.json; where there is one, set tokenizer_class in tokenizer_config.json "
        "to PreTrainedTokenizerFast)"
    )
    with one_line_errors(f"{checkpoint}: holds no tokenizer that transformers can load, {expected}"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            checkpoint, local_files_only=True, trust_remote_code=False
        )
    if not tokenizer.is_fast:
        raise BadInput(f"{checkpoint}: found {type(tokenizer).__name__}, which is in Python alone, {expected}")
    return tokenizer


def pieces_of(tokenizer: PreTrainedTokenizerBase, words: list[str], starts: NDArray[np.int64]) -> list[list[int]]:
    """Return the pieces of each word, one at least, within its sentence; `starts` (sentences + 1,) are word offsets.

    Raises BadInput for a word that the tokenizer drops, where it has no unknown token to stand for the word.
    """
    before = before_words(tokenizer)
    texts = [[f"{before}{word}" for word in words[start:end]] for start, end in itertools.pairwise(starts)]
    encoded = tokenizer(texts, is_split_into_words=True, add_special_tokens=False)
    pieces: list[list[int]] = [[] for _ in words]
    for sentence, start in enumerate(starts[:-1]):
        for piece, word in zip(encoded["input_ids"][sentence], encoded.word_ids(sentence), strict=True):
            pieces[start + word].append(piece)
    # A word that the tokenizer drops (a lone control character, say) is still a word: it is unknown.
    unknown = tokenizer.unk_token_id
    if unknown is None and [] in pieces:
        dropped = pieces.index([])
        sentence = int(np.searchsorted(starts, dropped, side="right")) - 1
        text = " ".join(words[starts[sentence] : starts[sentence + 1]])
        raise BadInput(
            f"{tokenizer.name_or_path}: the tokenizer drops the word {words[dropped][:50]!r} of the sentence "
            f"{text[:200]!r}, and has no unknown token (unk_token) to stand for it"
        )
    return [found or [unknown] for found in pieces]


def before_words(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return what goes before each word, so that it has the pieces that it has within a text: a space, or nothing.

    Byte-pair tokenizers tell a word by the space before it. Some put a mark before each text themselves, and a space
    would give each word a second one. So both are tried, and a space is taken unless words without it fit better.
    """

    def fitting(before: str) -> int:
        texts = [before + text for text in PROBES]
        apart = [[before + word for word in text.split()] for text in PROBES]
        whole = tokenizer(texts, add_special_tokens=False)["input_ids"]
        joined = tokenizer(apart, is_split_into_words=True, add_special_tokens=False)["input_ids"]
        return sum(map(operator.eq, whole, joined))

    return max((" ", ""), key=fitting)
