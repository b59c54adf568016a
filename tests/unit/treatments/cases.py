"""Training splits of IOB2 labels, and noise applied to them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from settling.data.tags import Tagging, to_iob2
from settling.scoring import Entity, EntityScorer
from settling.treatments import kind_of
from settling.treatments.corpus import Corpus, Treated

TAGS = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")


def corpus(*sentences: str, tags: tuple[str, ...] = TAGS) -> Corpus:
    """Return a corpus from the tags of sentences, `O PER per` for O, B-PER, I-PER."""
    words = [[tag_of(word) for word in sentence.split()] for sentence in sentences]
    labels = np.array([tags.index(tag) for sentence in words for tag in sentence], dtype=np.uint16)
    return Corpus(np.repeat(np.arange(len(words), dtype=np.int32), [len(sentence) for sentence in words]), labels, tags)


def tag_of(word: str) -> str:
    return word if word == "O" else f"{'B' if word.isupper() else 'I'}-{word.upper()}"


def spelt(to: Corpus, given_label: NDArray[np.integer[Any]]) -> list[str]:
    """Return labels, sentence by sentence, as `corpus` takes them."""
    words = [to.tags[label] for label in given_label]
    short = [tag if tag == "O" else tag[2:] if tag[0] == "B" else tag[2:].lower() for tag in words]
    return [" ".join(np.array(short)[to.sentence == number]) for number in range(to.num_sentences)]


def apply(kind: str, to: Corpus, percent: int, noise_seed: int = 0, **spec: Any) -> Treated:
    found = kind_of(kind)
    values = {"kind": kind, "percent": percent, "noise_seed": noise_seed, **spec}
    return found.treat(to, found.treatment.model_validate(values))


def entities(to: Corpus, labels: NDArray[np.integer[Any]]) -> set[Entity]:
    return EntityScorer(to.tags, to.sentence).entities(labels)


def is_legal(to: Corpus, labels: NDArray[np.integer[Any]]) -> bool:
    """Return whether the labels of each sentence are IOB2 to the letter."""
    by_sentence = [[to.tags[label] for label in labels[to.sentence == number]] for number in range(to.num_sentences)]
    return not any(to_iob2(tags, Tagging("iob2"))[1] for tags in by_sentence)


segments = st.one_of(
    st.just("O"), st.tuples(st.sampled_from(["LOC", "ORG", "PER"]), st.integers(0, 2)).map(lambda s: segment(*s))
)
corpora = st.lists(st.lists(segments, min_size=1, max_size=7).map(" ".join), min_size=1, max_size=6).map(
    lambda sentences: corpus(*sentences)
)
noise_seeds = st.integers(0, 50)
levels = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted)


def segment(name: str, more: int) -> str:
    return " ".join([name, *[name.lower()] * more])


def random_corpus(num_sentences: int) -> Corpus:
    """Return a corpus in which one word in about five is in a mention."""
    draw = np.random.default_rng(0)
    names = ["O"] * 9 + ["LOC", "ORG org", "PER per"]
    return corpus(*(" ".join(draw.choice(names, 10)) for _ in range(num_sentences)))


LARGE = random_corpus(2000)
