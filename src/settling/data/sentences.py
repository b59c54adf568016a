"""Sentences, and how a list of them loses its repeats, is split and is made smaller. Order is always kept."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from settling.errors import BadInput
from settling.schemas import SPLITS

# The position of a word in its sentence is stored as int16.
MAX_WORDS = 32767


class Sentence(NamedTuple):
    """The words of a sentence and their IOB2 tags, equally many, at least one.

    An image is a sentence of one word, its name, with `image` its pixels (uint8, height x width x channels).
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    image: bytes | None = None


Content = tuple[str, ...] | bytes


def drop_repeats(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Keep the first of the sentences that have the same tokens, or of the images that have the same pixels."""
    first: dict[Content, Sentence] = {}
    for sentence in sentences:
        first.setdefault(content_of(sentence), sentence)
    return list(first.values())


def repeats_of(sentences: Sequence[Sentence], others: Iterable[Sentence]) -> int:
    """Count the sentences whose tokens, or pixels, stand among `others` too."""
    return len(sentences) - len(without(sentences, others))


def without(sentences: Sequence[Sentence], others: Iterable[Sentence]) -> list[Sentence]:
    """Return the sentences whose tokens, or pixels, do not stand among `others`."""
    there = {content_of(sentence) for sentence in others}
    return [sentence for sentence in sentences if content_of(sentence) not in there]


def content_of(sentence: Sentence) -> Content:
    """Return what tells whether two sentences, or images, are the same: tags do not count."""
    return sentence.tokens if sentence.image is None else sentence.image


def split(sentences: Sequence[Sentence], dev: float, test: float) -> dict[str, list[Sentence]]:
    """Send each sentence to train, dev or test by a hash of its text or pixels; `dev` and `test` are shares.

    Equal ones stay together.
    """
    parts: dict[str, list[Sentence]] = {name: [] for name in SPLITS}
    for sentence in sentences:
        # 52 bits: exact as a float in [0, 1).
        place = int(_hash(sentence, "")[:13], 16) / 2**52
        name = "dev" if place < dev else "test" if place < dev + test else "train"
        parts[name].append(sentence)
    return parts


def cut(sentences: Sequence[Sentence], number: int, where: str) -> list[Sentence]:
    """Choose `number` sentences by a second hash of the text or pixels. A choice of 100 is a part of that of 200.

    Raises BadInput, `where` first, when there are fewer.
    """
    if len(sentences) < number:
        raise BadInput(f"{where}: {number} sentences asked for, only {len(sentences)} there")
    ranked = sorted(range(len(sentences)), key=lambda row: (_hash(sentences[row], "subset\x1e"), row))
    return [sentences[row] for row in sorted(ranked[:number])]


def entities(sentences: Sequence[Sentence]) -> dict[str, int]:
    """Count the entities of each type, types sorted."""
    counts = Counter(tag[2:] for sentence in sentences for tag in sentence.tags if tag.startswith("B-"))
    return dict(sorted(counts.items()))


def _hash(sentence: Sentence, salt: str) -> str:
    content = "\x1f".join(sentence.tokens).encode() if sentence.image is None else sentence.image
    return hashlib.sha256(salt.encode() + content).hexdigest()
