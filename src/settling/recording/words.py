"""The words that somebody's training sees, numbered once."""

import contextlib
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import index

import numpy as np
from numpy.typing import NDArray

from settling.data.sentences import MAX_WORDS
from settling.data.split import Split
from settling.errors import BadInput, check_text, shown

# The id, and the label, of a position that stands for no word: what PyTorch's losses ignore.
NO_WORD = -100


class Words:
    """The training split of a training that is not ours.

    `sentences` are lists of words. `given` are as many lists of the labels trained on, as indices into `tags`; so is
    `true`, where the true labels are known. `tags` are O, B-TYPE and I-TYPE, in the order of the model's outputs. An
    example with a single label is a sentence of one word with the label B-CLASS.

    A word's id is its number from 0 on, through all sentences. `split` is all of this as the package reads it; without
    true labels its true ones are the given ones.

    Raises BadInput where a tag is none of these, or the lists do not fit each other.
    """

    def __init__(
        self,
        sentences: Iterable[Sequence[str]],
        given: Iterable[Sequence[int]],
        tags: Iterable[str],
        true: Iterable[Sequence[int]] | None = None,
    ) -> None:
        sentences, tags = [list(sentence) for sentence in sentences], tuple(tags)
        for tag in tags:
            if not isinstance(tag, str) or (tag != "O" and (tag[:2] not in ("B-", "I-") or not tag[2:])):
                raise BadInput(f"tags: found {shown(tag)}, expected O, B-TYPE or I-TYPE (a class is B-CLASS)")
        lengths = [len(sentence) for sentence in sentences]
        if not sum(lengths) or max(lengths) > MAX_WORDS:
            raise BadInput(
                f"sentences: found {sum(lengths)} words, {max(lengths, default=0)} in a sentence; expected words, "
                f"at most {MAX_WORDS} in a sentence"
            )
        for number, word in enumerate(tokens := list(chain.from_iterable(sentences))):
            if not isinstance(word, str) or check_text(word):
                raise BadInput(f"sentences: word {number} is {shown(word)}, expected a text without control characters")
        given_label = _labels("given", given, lengths, len(tags))
        self.has_true = true is not None
        true_label = given_label if true is None else _labels("true", true, lengths, len(tags))
        starts = np.cumsum([0, *lengths], dtype=np.int64)
        self.split = Split(tokens, starts, true_label, given_label, tags)

    def __len__(self) -> int:
        return len(self.split.tokens)

    @property
    def position(self) -> NDArray[np.int64]:
        """The position (words,) of each word in its sentence, from 0."""
        return np.arange(len(self)) - self.split.starts[self.split.sentence]

    def at_first_pieces(self, sentence: int, word_of_piece: Sequence[int | None]) -> tuple[list[int], list[int]]:
        """Return the ids and the given labels of a sentence's pieces: NO_WORD but at the first piece of each word.

        `word_of_piece` has the number in its sentence of the word that each piece is of, None for a special piece: what
        `word_ids()` of a fast tokenizer's encoding returns.
        """
        start, before = int(self.split.starts[sentence]), None
        ids, labels = [], []
        for word in word_of_piece:
            is_first = word is not None and word != before
            ids.append(start + word if word is not None and is_first else NO_WORD)
            labels.append(int(self.split.given_label[ids[-1]]) if is_first else NO_WORD)
            before = word
        return ids, labels

    def check(self, seen: NDArray[np.integer], where: str, whole: bool) -> None:
        """Raise BadInput, `where` first, where a word is more than once among the ids `seen`, or an id is of no word.

        With `whole` it is raised too where a word is not among them. Negative ids are passed over.
        """
        if (stray := seen[seen >= len(self)]).size:
            raise BadInput(f"{where}: found the word id {stray[0]}, expected ids below {len(self)}")
        times = np.bincount(seen[seen >= 0], minlength=len(self))
        if (twice := np.flatnonzero(times > 1)).size:
            raise BadInput(f"{where}: found {self.named(int(twice[0]))} {times[twice[0]]} times, expected it once")
        if whole and (missing := np.flatnonzero(times == 0)).size:
            more = f" and of {missing.size - 1} more words" if missing.size > 1 else ""
            raise BadInput(
                f"{where}: found no id of {self.named(int(missing[0]))}{more}, expected each word once; leave out of "
                "the sentences what is cut off or has no piece"
            )

    def named(self, word: int) -> str:
        """Return what a message calls a word."""
        sentence = int(self.split.sentence[word])
        place = word - int(self.split.starts[sentence])
        return f"word {word} ({shown(self.split.tokens[word])}, sentence {sentence}, position {place})"


def _labels(name: str, labels: Iterable[Sequence[int]], lengths: list[int], num_tags: int) -> NDArray[np.uint16]:
    """Return lists of labels as one array (words,); raise BadInput where they do not fit the sentences or the tags."""
    labels = [list(of_sentence) for of_sentence in labels]
    if (found := list(map(len, labels))) != lengths:
        place = next((n for n, (a, b) in enumerate(zip(found, lengths, strict=False)) if a != b), None)
        fault = f"{len(found)} sentences, expected {len(lengths)}"
        if place is not None:
            fault = f"{found[place]} labels in sentence {place}, expected {lengths[place]}"
        raise BadInput(f"{name}: found {fault}")
    for number, label in enumerate(flat := list(chain.from_iterable(labels))):
        with contextlib.suppress(TypeError):
            if 0 <= index(label) < num_tags:
                continue
        raise BadInput(f"{name}: word {number} has the label {shown(label)}, expected a number below {num_tags}")
    return np.array(flat, dtype=np.uint16)
