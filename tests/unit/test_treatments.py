import importlib
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities

from settling.data.dataset import download_dataset
from settling.errors import BadInput
from settling.provenance import sha256
from settling.tables import metadata_of, read_table
from settling.treatments import KINDS, kind_of
from settling.treatments.corpus import Corpus, Treated
from settling.treatments.kind import Family
from settling.treatments.treat import treat

TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
OUT, LOC, IN_LOC, PER, IN_PER = range(5)


def corpus(*sentences: list[int]) -> Corpus:
    """Return a corpus of sentences of labels."""
    sizes = [len(sentence) for sentence in sentences]
    labels = np.array([label for sentence in sentences for label in sentence], dtype=np.uint8)
    return Corpus(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes), labels, TAGS)


def apply(kind: str, to: Corpus, noise_seed: int = 0, **spec: Any) -> Treated:
    found = kind_of(kind)
    return found.treat(to, found.treatment.model_validate({"kind": kind, "noise_seed": noise_seed, **spec}))


def cap(kind: str, to: Corpus, number: int, noise_seed: int = 0) -> Treated:
    return apply(kind, to, noise_seed, **{"class": "LOC", "sentences": number})


def lost_sentences(to: Corpus, treated: Treated) -> set[int]:
    """Return the sentences that are gone; none may be gone in part."""
    lost, left = set(to.sentence[~treated.kept].tolist()), set(to.sentence[treated.kept].tolist())
    assert not lost & left
    return lost


BY_HAND = corpus([OUT, LOC, IN_LOC], [OUT, OUT], [PER, OUT, LOC], [PER], [LOC], [OUT])
WITH_LOC, WITHOUT_LOC = {0, 2, 4}, {1, 3, 5}
LARGE = corpus(*np.random.default_rng(0).integers(0, 5, (2000, 10)).tolist())

label_lists = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=6), min_size=1, max_size=12)
corpora = label_lists.map(lambda sentences: corpus(*sentences))
# A class that no sentence has cannot be capped.
corpora_with_loc = label_lists.map(lambda sentences: corpus(*sentences, [LOC]))
noise_seeds = st.integers(0, 50)
percents = st.integers(0, 100)


def test_clean_changes_nothing() -> None:
    treated = apply("clean", BY_HAND)
    assert treated.kept.all()
    assert (treated.given_label == BY_HAND.label).all()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # Drawn over all five tags: 0.0 is the first, 0.5 the third, 0.99 the last.
        ("resample", [LOC, OUT, IN_LOC, LOC, IN_PER]),
        # One to four tags on, in a circle: 0.0 one, 0.5 three, 0.99 four.
        ("flip", [LOC, IN_LOC, IN_PER, LOC, IN_LOC]),
    ],
)
def test_noise_worked_by_hand(kind: str, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    to = corpus([LOC, LOC, LOC], [LOC, PER])
    uniforms = np.array([0.9, 0.1, 0.1, 0.3, 0.29]), np.array([0.0, 0.0, 0.5, 0.99, 0.99])
    monkeypatch.setattr(importlib.import_module(KINDS[kind]), "noise_uniforms", lambda *_: uniforms)
    treated = apply(kind, to, percent=30)
    assert treated.kept.all()
    assert treated.given_label.tolist() == expected


@pytest.mark.parametrize("kind", ["resample", "flip"])
@given(to=corpora, noise_seed=noise_seeds, levels=st.tuples(percents, percents).map(sorted))
def test_the_words_noisy_at_a_level_are_so_at_each_higher_one(
    kind: str, to: Corpus, noise_seed: int, levels: list[int]
) -> None:
    low, high = (apply(kind, to, noise_seed, percent=level) for level in levels)
    noisy = low.given_label != to.label
    assert (high.given_label[noisy] == low.given_label[noisy]).all()
    assert low.kept.all()
    assert low.given_label.max() < len(TAGS)


@pytest.mark.parametrize("kind", ["resample", "flip"])
def test_no_noise_at_0_percent(kind: str) -> None:
    assert (apply(kind, LARGE, percent=0).given_label == LARGE.label).all()


@given(to=corpora, noise_seed=noise_seeds)
def test_flip_never_gives_the_same_label(to: Corpus, noise_seed: int) -> None:
    assert (apply("flip", to, noise_seed, percent=100).given_label != to.label).all()


@pytest.mark.parametrize(("kind", "effective"), [("resample", 4 / 5), ("flip", 1)])
@pytest.mark.parametrize("percent", [10, 50, 100])
def test_the_share_of_changed_labels_is_the_nominal_one_times_what_the_kind_changes(
    kind: str, effective: float, percent: int
) -> None:
    noisy = apply(kind, LARGE, percent=percent).given_label != LARGE.label
    assert noisy.mean() == pytest.approx(percent / 100 * effective, abs=0.012)


@pytest.mark.parametrize(("kind", "choices"), [("resample", 5), ("flip", 4)])
def test_noise_is_uniform_over_the_tags_it_may_give(kind: str, choices: int) -> None:
    given_labels = apply(kind, LARGE, percent=100).given_label
    for true in range(5):
        counts = np.bincount(given_labels[LARGE.label == true], minlength=5)
        shares = counts[counts > 0] / counts.sum()
        assert len(shares) == choices
        assert shares == pytest.approx(np.full(choices, 1 / choices), abs=0.03)


@pytest.mark.parametrize("kind", ["resample", "flip"])
def test_noise_differs_over_draws_and_repeats_within_one(kind: str) -> None:
    first, again, other = (apply(kind, LARGE, noise_seed, percent=50).given_label for noise_seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).mean() > 0.3


@given(to=corpora, noise_seed=noise_seeds)
def test_both_kinds_of_noise_pick_the_same_words(to: Corpus, noise_seed: int) -> None:
    resampled, flipped = (
        apply(kind, to, noise_seed, percent=40).given_label != to.label for kind in ("resample", "flip")
    )
    assert not (resampled & ~flipped).any()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7])
def test_a_cap_keeps_so_many_sentences_of_the_class_and_all_others(number: int) -> None:
    treated = cap("cap", BY_HAND, number)
    lost = lost_sentences(BY_HAND, treated)
    assert lost <= WITH_LOC
    assert len(WITH_LOC - lost) == min(number, 3)
    assert (treated.given_label == BY_HAND.label).all()


@given(to=corpora_with_loc, noise_seed=noise_seeds, numbers=st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted))
def test_caps_and_drops_of_one_draw_are_nested(to: Corpus, noise_seed: int, numbers: list[int]) -> None:
    scarce, common = (lost_sentences(to, cap("cap", to, number, noise_seed)) for number in numbers)
    assert common <= scarce
    with_class = set(to.sentence[to.of_class("LOC")].tolist())
    if len(with_class) <= to.num_sentences / 2:
        scarce, common = (lost_sentences(to, cap("drop", to, number, noise_seed)) for number in numbers)
        assert common <= scarce


def test_caps_of_different_draws_keep_different_sentences() -> None:
    kept = {frozenset(lost_sentences(LARGE, cap("cap", LARGE, 5, noise_seed))) for noise_seed in range(5)}
    assert len(kept) == 5


@given(to=corpora_with_loc, noise_seed=noise_seeds, number=st.integers(0, 8))
def test_the_relabelled_control_loses_the_mentions_of_the_cap_and_no_sentence(
    to: Corpus, noise_seed: int, number: int
) -> None:
    treated = cap("cap-relabel", to, number, noise_seed)
    assert treated.kept.all()
    surplus = ~cap("cap", to, number, noise_seed).kept & np.isin(to.label, [LOC, IN_LOC])
    assert (treated.given_label == np.where(surplus, OUT, to.label)).all()


@given(to=corpora_with_loc, noise_seed=noise_seeds, number=st.integers(0, 8))
def test_the_dropped_control_loses_as_many_sentences_and_none_of_the_class(
    to: Corpus, noise_seed: int, number: int
) -> None:
    number_lost = len(lost_sentences(to, cap("cap", to, number, noise_seed)))
    with_class = set(to.sentence[np.isin(to.label, [LOC, IN_LOC])].tolist())
    if number_lost > to.num_sentences - len(with_class):
        with pytest.raises(BadInput, match=f"drop: {number_lost} sentences without LOC should be lost"):
            cap("drop", to, number, noise_seed)
        return
    treated = cap("drop", to, number, noise_seed)
    lost = lost_sentences(to, treated)
    assert len(lost) == number_lost
    assert not lost & with_class
    assert (treated.given_label == to.label).all()


def test_a_drop_that_cannot_be_says_what_could_be() -> None:
    to = corpus([LOC], [LOC], [LOC], [OUT])
    with pytest.raises(BadInput, match="there are only 1; expected sentences of at least 2"):
        cap("drop", to, 1)
    assert len(lost_sentences(to, cap("drop", to, 2))) == 1


@pytest.mark.parametrize("kind", ["cap", "cap-relabel", "drop"])
def test_an_unknown_class_is_answered_with_those_there_are(kind: str) -> None:
    with pytest.raises(BadInput, match=r"'LOK'; did you mean 'LOC'\? \(known: LOC, PER\)"):
        apply(kind, BY_HAND, **{"class": "LOK", "sentences": 1})


@pytest.fixture
def without_places(tmp_path: Path) -> Path:
    """Return a data set whose dev and test splits hold LOC and whose training split does not."""
    (tmp_path / "train.txt").write_text("anna\tB-PER\n\nboris\tB-PER\n\nDNA\tB-GENE\nis\tO\n")
    (tmp_path / "rest.txt").write_text("paris\tB-LOC\n\nanna\tB-PER\n")
    files = {"train": "train.txt", "dev": "rest.txt", "test": "rest.txt"}
    source = {"kind": "local", "files": {split: str(tmp_path / name) for split, name in files.items()}}
    download_dataset({"source": source}, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("kind", ["cap", "cap-relabel", "drop"])
def test_a_class_that_the_training_split_lacks_is_answered_with_those_that_it_has(
    kind: str, without_places: Path, tmp_path: Path
) -> None:
    spec = {"kind": kind, "class": "LOC", "noise_seed": 0}
    said = r"'LOC', expected one of GENE \(in 1 sentences\), PER \(in 2 sentences\)"
    with pytest.raises(BadInput, match=said):
        treat({**spec, "sentences": 1}, without_places / "train.parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
    treat({**spec, "sentences": 0}, without_places / "train.parquet", tmp_path / "out.parquet")
    assert read_table(tmp_path / "out.parquet", "treated").num_rows == 4


@pytest.mark.parametrize("kind", ["cap", "cap-relabel"])
def test_a_split_may_be_left_without_an_entity(kind: str, tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text("anna\tB-PER\nis\tO\n\nhere\tO\n\n")
    source = {"kind": "local", "files": dict.fromkeys(("train", "dev", "test"), str(tmp_path / "all.txt"))}
    download_dataset({"source": source}, tmp_path / "data")
    spec = {"kind": kind, "class": "PER", "sentences": 0, "noise_seed": 0}
    treat(spec, tmp_path / "data" / "train.parquet", tmp_path / "out.parquet")
    assert set(read_table(tmp_path / "out.parquet", "treated")["given_label"].to_pylist()) == {"O"}


def test_a_flip_where_there_is_one_tag_is_refused() -> None:
    only = Corpus(np.array([0, 1], dtype=np.int32), np.zeros(2, dtype=np.uint8), ("B-dog",))
    with pytest.raises(BadInput, match="flip: gives words another tag, but the data set has one, B-dog"):
        apply("flip", only, percent=50)
    assert (apply("resample", only, percent=50).given_label == 0).all()


@pytest.mark.parametrize("name", ["group of people", "Drug/Vaccine", "人名", "café au lait", "a'b\"$x"])
def test_a_class_of_any_name_can_be_capped(name: str, tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text(f"x\tB-{name}\n\ny\tB-{name}\n\nz\tO\n")
    source = {"kind": "local", "files": dict.fromkeys(("train", "dev", "test"), str(tmp_path / "all.txt"))}
    download_dataset({"source": source}, tmp_path / "data")
    spec = {"kind": "cap", "class": name, "sentences": 1, "noise_seed": 0}
    treat(spec, tmp_path / "data" / "train.parquet", tmp_path / "out.parquet")
    assert sorted(read_table(tmp_path / "out.parquet", "treated")["true_label"].to_pylist()) == [f"B-{name}", "O"]


@pytest.mark.parametrize(
    ("words", "left"), [(1, [0, 3, 5, 8, 9, 10]), (2, [0, 1, 3, 4, 5, 6, 8, 9, 10]), (3, range(11))]
)
def test_truncation_leaves_the_first_words_of_each_sentence(words: int, left: list[int]) -> None:
    treated = apply("truncate", BY_HAND, words=words)
    assert np.flatnonzero(treated.kept).tolist() == list(left)
    assert (treated.given_label == BY_HAND.label).all()


@given(to=corpora, words=st.integers(1, 7))
def test_truncation_agrees_with_cutting_sentence_by_sentence(to: Corpus, words: int) -> None:
    treated = apply("truncate", to, words=words)
    for sentence in range(to.num_sentences):
        kept = treated.kept[to.sentence == sentence]
        assert kept.tolist() == [True] * min(words, len(kept)) + [False] * max(len(kept) - words, 0)


def labels_by_sentence(path: Path, column: str) -> list[list[str]]:
    table = read_table(path, "treated").to_pydict()
    found: dict[int, list[str]] = {}
    for sentence, label in zip(table["sentence"], table[column], strict=True):
        found.setdefault(sentence, []).append(label)
    return list(found.values())


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "clean"},
        {"kind": "resample", "percent": 40},
        {"kind": "flip", "percent": 40},
        {"kind": "permute", "percent": 40},
        {"kind": "class-dependent", "percent": 40, "weights": {"LOC": {"O": 1.0}}},
        {"kind": "span", "percent": 40},
        {"kind": "boundary", "percent": 40},
        {"kind": "missing", "percent": 40},
        {"kind": "spurious", "percent": 40},
        {"kind": "cap", "class": "LOC", "sentences": 3},
        {"kind": "cap-relabel", "class": "LOC", "sentences": 3},
        {"kind": "drop", "class": "LOC", "sentences": 20},
        {"kind": "truncate", "words": 4},
    ],
    ids=lambda spec: spec["kind"],
)
def test_the_file_of_a_treatment_says_what_was_done(spec: dict[str, Any], tiny_data: Path, tmp_path: Path) -> None:
    train, output = tiny_data / "train.parquet", tmp_path / "noise-seed1.parquet"
    treat({**spec, "noise_seed": 1}, train, output)
    table, source = read_table(output, "treated"), read_table(train, "data").drop_columns(["token", "image"])
    made_from = metadata_of(source.schema)
    source = source.rename_columns({"label": "true_label"})
    made = metadata_of(table.schema)

    # Every word is one of the source's, in its order and with its true label.
    places = {key: row for row, key in enumerate(zip(*source.to_pydict().values(), strict=True))}
    kept = [places[key] for key in zip(*table.select(source.column_names).to_pydict().values(), strict=True)]
    assert kept == sorted(set(kept))
    assert table["word"].to_pylist() == list(range(len(kept)))
    given_labels, label = table["given_label"].to_pylist(), table["true_label"].to_pylist()
    assert table["noisy"].to_pylist() == [a != b for a, b in zip(given_labels, label, strict=True)]

    assert made["command"] == "treat"
    assert made["spec"] == {**spec, "noise_seed": 1}
    assert made["inputs"] == {"train": sha256(train)}
    assert made["tags"] == made_from["tags"]
    assert made["sentences"] == len(set(table["sentence"].to_pylist()))
    assert made["nominal_rate"] == spec.get("percent", 0) / 100
    assert made["effective_rate"] == pytest.approx(np.mean(table["noisy"].to_numpy()))
    true, given = (set(get_entities(labels_by_sentence(output, column))) for column in ("true_label", "given_label"))
    assert made["effective_mention_rate"] == pytest.approx(1 - len(true & given) / len(true))
    settled = f1_score(labels_by_sentence(output, "given_label"), labels_by_sentence(output, "true_label"))
    assert made["settled_f1"] == pytest.approx(settled)


def test_the_same_treatment_is_the_same_file(tiny_data: Path, tiny_treated: Path, tmp_path: Path) -> None:
    treat({"noise_seed": 0, "percent": 30, "kind": "resample"}, tiny_data / "train.parquet", tmp_path / "a.parquet")
    assert sha256(tmp_path / "a.parquet") == sha256(tiny_treated)


def test_a_treatment_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("paris B-LOC\n\nrome B-LOC\n")
    files = dict.fromkeys(("train", "dev", "test"), str(tmp_path / "a.txt"))
    download_dataset({"source": {"kind": "local", "files": files}}, tmp_path / "data")
    spec = {"kind": "cap", "class": "LOC", "sentences": 0, "noise_seed": 0}
    with pytest.raises(BadInput, match=r"train\.parquet: the treatment cap leaves no sentence"):
        treat(spec, tmp_path / "data" / "train.parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_the_plateau_is_undefined_where_no_given_label_is_an_entity_s(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("paris B-LOC\n\nhello O\n")
    files = dict.fromkeys(("train", "dev", "test"), str(tmp_path / "a.txt"))
    download_dataset({"source": {"kind": "local", "files": files}}, tmp_path / "data")
    spec = {"kind": "cap", "class": "LOC", "sentences": 0, "noise_seed": 0}
    treat(spec, tmp_path / "data" / "train.parquet", tmp_path / "out.parquet")
    assert metadata_of(read_table(tmp_path / "out.parquet", "treated").schema)["settled_f1"] is None


@pytest.mark.parametrize(
    ("percent", "effective_rate", "settled_f1"),
    [(10, 8.9, 65.4), (20, 17.8, 45.8), (30, 26.7, 33.2), (40, 35.6, 24.5), (50, 44.4, 18.2)],
)
def test_noise_on_conll_2003_has_the_rates_and_the_plateau_of_the_paper_s_scheme(
    conll: Path, tmp_path: Path, percent: int, effective_rate: float, settled_f1: float
) -> None:
    treat({"kind": "resample", "percent": percent, "noise_seed": 0}, conll, tmp_path / "a.parquet")
    made = metadata_of(read_table(tmp_path / "a.parquet", "treated").schema)
    assert 100 * made["effective_rate"] == pytest.approx(effective_rate, abs=0.5)
    assert 100 * made["settled_f1"] == pytest.approx(settled_f1, abs=1)


def test_a_cap_of_no_loc_on_conll_2003_leaves_the_sentences_without_it(conll: Path, tmp_path: Path) -> None:
    assert len(set(read_table(conll, "data")["sentence"].to_pylist())) == 14_041
    treat({"kind": "cap", "class": "LOC", "sentences": 0, "noise_seed": 0}, conll, tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet", "treated")
    assert metadata_of(table.schema)["sentences"] == 8_914
    assert len(table) == 119_255


def test_each_kind_says_all_that_the_rest_asks_of_it() -> None:
    families = {kind_of(name).family for name in KINDS}
    assert families == set(get_args(Family))
    for name in KINDS:
        kind = kind_of(name)
        models = [model for model in (kind.keys, kind.treatment) if model is not None]
        assert [get_args(model.model_fields["kind"].annotation) for model in models] == [(name,)] * len(models)
        assert [key for model in models for key, field in model.model_fields.items() if not field.description] == []
        assert kind.phrase
        assert (kind.controls in KINDS) == (kind.family == "control")
        assert kind.controls is None or kind_of(kind.controls).keys is not None


def test_each_treatment_that_a_configuration_asks_for_is_one_that_its_kind_can_read() -> None:
    values = {
        "levels": [20],
        "class": "PER",
        "sentences": [5],
        "words": [4],
        "file": "a",
        "weights": {"PER": {"LOC": 1.0}},
    }
    asked = 0
    for name in KINDS:
        keys = kind_of(name).keys
        if keys is not None:
            own = {field.alias or key for key, field in keys.model_fields.items()} - {"kind"}
            block = keys.model_validate({"kind": name, **{key: values[key] for key in own & values.keys()}})
            for member, treatment in block.members("mine", {"mine": block}):
                assert name in member
                read = kind_of(treatment["kind"]).treatment.model_validate({**treatment, "noise_seed": 0})
                dumped = read.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                assert dumped == {**treatment, "noise_seed": 0}
                asked += 1
    assert asked == len(KINDS) - 1
