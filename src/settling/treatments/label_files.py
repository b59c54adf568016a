"""Files of labels beside a data set's own: how they are read, and which of their sentences are those of a split."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from settling.data.formats import FORMATS, format_of, reader_of
from settling.data.keys import Dataset, Reading
from settling.errors import BadInput
from settling.treatments.corpus import Corpus

if TYPE_CHECKING:
    from settling.data.reading import Raw


class Labelled(NamedTuple):
    """A sentence of a file, with the places of its words, and its IOB2 tags."""

    raw: "Raw"
    tags: tuple[str, ...]


def code_of(file: str, reading: Reading) -> list[str]:
    """Return the modules that read such a file and that nothing imports."""
    return [FORMATS[format_of(file, reading.format)]]


def read_labels(file: str, reading: Reading) -> list[Labelled]:
    """Return the sentences of a file; raise BadInput where it is not there, or cannot be read as it stands."""
    # The workflow reads the kinds of treatments while it parses, and this would import pyarrow.
    from settling.data.reading import sentences_of, without_empty

    keys = {name: getattr(reading, name) for name in Reading.model_fields}
    dataset = Dataset.model_validate({"source": {"kind": "local", "files": {"all": file}}, **keys})
    (shard,) = dataset.source.shards()
    path = dataset.source.fetch(shard, Path())
    raws, _ = reader_of(format_of(file, dataset.format))(path, dataset, file)
    sentences, _ = sentences_of(raws, dataset, file)
    kept = [raw for raw in (without_empty(raw, dataset, file) for raw in raws) if raw.tokens]
    return [Labelled(raw, sentence.tags) for raw, sentence in zip(kept, sentences, strict=True)]


def labels_in(file: str, reading: Reading, corpus: Corpus) -> NDArray[np.uint16]:
    """Return the label (words,) that a file gives each word of a corpus.

    A sentence of the corpus is the one of the file with the same words; of several, the first of the one is the first
    of the other. The file may hold more. Raises BadInput, with the line, where a sentence is not in the file, or a tag
    is not of the data set.
    """
    number = {tag: place for place, tag in enumerate(corpus.tags)}
    labels = []
    for sentence in aligned(corpus.sentences(), read_labels(file, reading), file):
        for position, tag in enumerate(sentence.tags):
            if tag not in number:
                expected = f"expected one of {', '.join(corpus.tags)}, the tags of the data set"
                raise BadInput(f"{file}{sentence.raw.place(position)}: found the tag {tag!r}, {expected}")
            labels.append(number[tag])
    return np.array(labels, dtype=np.uint16)


def aligned(wanted: Sequence[Sequence[str]], found: Sequence[Labelled], file: str) -> list[Labelled]:
    """Return for each of the sentences `wanted` that of a file with the same words; each is used once, in order."""
    by_words: dict[tuple[str, ...], list[Labelled]] = defaultdict(list)
    for sentence in reversed(found):
        by_words[tuple(sentence.raw.tokens)].append(sentence)
    matches = [by_words[tuple(words)].pop() if by_words.get(tuple(words)) else None for words in wanted]
    if lost := [place for place, match in enumerate(matches) if match is None]:
        left = [sentence for sentence in found if sentence in by_words[tuple(sentence.raw.tokens)]]
        more = f", nor are {len(lost) - 1} others of the {len(wanted)}" if len(lost) > 1 else ""
        where = f"sentence {lost[0]} of the training split, from 0, is not in the file{more}"
        raise BadInput(f"{file}{_difference(list(wanted[lost[0]]), found, left)}; {where}")
    return [match for match in matches if match is not None]


def _difference(wanted: list[str], found: Sequence[Labelled], left: Sequence[Labelled]) -> str:
    """Say where a sentence that a file lacks departs from the one of the file that begins most alike.

    `found` are all sentences of the file, `left` those that are not of the split.
    """
    if times := [sentence.raw for sentence in found if list(sentence.raw.tokens) == wanted]:
        return f"{times[0].place(0)}: found the sentence that begins here {len(times)} times, expected more"
    raw = max((left or found), key=lambda sentence: _num_alike(sentence.raw.tokens, wanted)).raw
    position = _num_alike(raw.tokens, wanted)
    have, expected = (
        f"the word {words[position]!r}" if position < len(words) else "the end of the sentence"
        for words in (raw.tokens, wanted)
    )
    return f"{raw.place(min(position, len(raw.tokens) - 1))}: found {have}, expected {expected}"


def _num_alike(one: Sequence[str], other: Sequence[str]) -> int:
    """Return with how many words in common two sentences begin."""
    differs = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differs, min(len(one), len(other)))
