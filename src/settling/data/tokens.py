"""The tokenise stage: the word-pieces of every word of a data set, made once for all runs from a checkpoint."""

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from settling.data.messages import one_line_errors
from settling.files import checkpoint_hash, provenance, read_table, starts_of, write_table
from settling.schemas import SPLITS


def tokenise(data: Path, checkpoint: Path, output: Path) -> None:
    """Write the pieces of each word of the data set in the folder `data` to `output`, a row a word.

    Raises BadInput for a folder that is not a data set, and for a checkpoint whose tokenizer cannot be loaded.
    """
    paths = {split: data / f"{split}.parquet" for split in SPLITS}
    tables = {split: read_table(path, "data") for split, path in paths.items()}
    with one_line_errors(f"{checkpoint}: holds no tokenizer that transformers can load"):
        tokenizer = load_tokenizer(checkpoint)
        pieces = [
            piece
            for table in tables.values()
            for piece in pieces_of(tokenizer, table["token"].to_pylist(), starts_of(table))
        ]
    made = provenance("tokenise", None, paths)
    made["inputs"]["checkpoint"] = checkpoint_hash(checkpoint)
    columns = {
        "split": np.repeat(SPLITS, [len(table) for table in tables.values()]),
        "sentence": np.concatenate([table["sentence"].to_numpy() for table in tables.values()]),
        "pieces": pieces,
    }
    write_table(output, "tokens", columns, made)


def load_tokenizer(checkpoint: Path) -> PreTrainedTokenizerBase:
    """Return a checkpoint's tokenizer, from this machine alone, without code of its own."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
        checkpoint, local_files_only=True, trust_remote_code=False
    )
    return tokenizer


def pieces_of(tokenizer: PreTrainedTokenizerBase, words: list[str], starts: NDArray[np.int64]) -> list[list[int]]:
    """Return the pieces of each word, one at least, within its sentence; `starts` (sentences + 1,) are word offsets."""
    # With a space before it, a word is the same to every tokenizer that it is within a text.
    spaced = [[f" {word}" for word in words[start:end]] for start, end in itertools.pairwise(starts)]
    encoded = tokenizer(spaced, is_split_into_words=True, add_special_tokens=False)
    pieces: list[list[int]] = [[] for _ in words]
    for sentence, start in enumerate(starts[:-1]):
        for piece, word in zip(encoded["input_ids"][sentence], encoded.word_ids(sentence), strict=True):
            pieces[start + word].append(piece)
    # A word the tokenizer drops (a lone control character, say) is still a word: it is unknown.
    return [found or [tokenizer.unk_token_id] for found in pieces]
