"""What the report says of each form of figure, on tables small enough to work out on paper."""

from typing import Any

import pandas as pd
import pytest

from settling.figures.forms import NOTHING, texts_of

Row = dict[str, Any]
CLEAN = {"treatment": "clean", "family": "clean", "kind": "clean", "percent": None, "cap_class": None}
CLEAN |= {"cap_sentences": None}
NOISE = {**CLEAN, "treatment": "noise-flip-40", "family": "noise", "kind": "flip", "percent": 40}
PLACE = {"dataset": "news", "system": "bert"}
DATASETS = pd.DataFrame([{"dataset": "news", "task": "ner", "unit": "word", "group": "sentence"}])
CARDS = pd.DataFrame(
    {
        "system": ["bert", "proto", "scratch"],
        "kind": ["encoder", "protobert", "encoder"],
        "checkpoint": ["bert", "bert", "bert"],
        "pretrained": [True, True, False],
    }
)


def capped(number: int) -> Row:
    cap = {"treatment": f"cap-LOC-{number}", "family": "cap", "kind": "cap", "cap_class": "LOC"}
    return {**CLEAN, **cap, "cap_sentences": number}


def estimate(mean: float, n: int = 3, spread: float = 0.1) -> Row:
    ends = {"low": mean - spread, "high": mean + spread} if n > 1 else {"low": None, "high": None}
    return {"mean": mean, **ends, "n": n}


def score(split: str, reference: str, metric: str, klass: str = "all") -> Row:
    return {"split": split, "view": "epoch-end", "reference": reference, "class": klass, "metric": metric}


def curve(treatment: Row, means: list[float], n: int = 3, **columns: Any) -> list[Row]:
    return [{**PLACE, **treatment, **columns, "epoch": epoch, **estimate(mean, n)} for epoch, mean in enumerate(means)]


def said(figure: str, **tables: list[Row]) -> list[str]:
    empty = {"phases": pd.DataFrame()}
    given = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return list(texts_of(figure, {"systems": CARDS, "datasets": DATASETS, **empty, **given})["sentences"])


def noisy_curves(n: int = 3) -> list[Row]:
    dev, train = score("dev", "true", "f1"), score("train", "given", "f1")
    return [
        *curve(NOISE, [0.2, 0.6, 0.5], n, **dev),
        *curve(NOISE, [0.3, 0.4, 0.9], n, **train),
        *curve(CLEAN, [0.3, 0.6, 0.7], n, **dev),
        *curve(CLEAN, [0.3, 0.6, 0.9], n, **train),
    ]


SETTLED = [{"dataset": "news", **NOISE, "settled_f1": f1} for f1 in (0.24, 0.26)]


def test_noise_where_dev_f1_is_best_and_ends_and_what_train_f1_comes_to() -> None:
    assert said("fig1_noise_f1", curves=noisy_curves(), treatments=SETTLED) == [
        "bert on news (flip) at 40 % noise: dev F1 is highest at epoch 1, 0.60 [0.50, 0.70] (n=3), and ends at "
        "0.50 [0.40, 0.60] (n=3); train F1 ends at 0.90 [0.80, 1.00] (n=3), and a model that memorises "
        "no noise has 0.25. With clean labels dev F1 is highest at the last epoch, 2: 0.70 [0.60, 0.80] (n=3)."
    ]


@pytest.mark.parametrize("n", [1, 2])
def test_a_figure_does_not_repeat_that_runs_are_few(n: int) -> None:
    (sentence,) = said("fig1_noise_f1", curves=noisy_curves(n), treatments=SETTLED)
    assert f"(n={n})" in sentence
    assert ("[" in sentence) == (n > 1)


def test_clean_runs_alone_leave_nothing_to_say_of_noise() -> None:
    rows = curve(CLEAN, [0.3, 0.6], **score("dev", "true", "f1"))
    assert said("fig1_noise_f1", curves=rows, treatments=SETTLED) == [NOTHING]


@pytest.mark.parametrize(
    ("given", "true", "end"),
    [
        ([0.1, 0.4, 0.9], [0.8, 0.5, 0.1], "; the wrong label is the more frequent from epoch 2 on."),
        ([0.1, 0.2, 0.3], [0.8, 0.8, 0.6], "; the true label is the more frequent to the end."),
        ([0.5, 0.6, 0.7], [0.1, 0.1, 0.1], "; the wrong label is the more frequent from the first epoch on."),
        ([0.5, 0.1, 0.7], [0.1, 0.3, 0.1], "; the wrong label is the more frequent from epoch 2 on."),
    ],
)
def test_noisy_accuracy_from_when_on_the_wrong_label_is_given(given: list[float], true: list[float], end: str) -> None:
    rows = [
        *curve(NOISE, given, **score("train", "given", "noisy_accuracy")),
        *curve(NOISE, true, **score("train", "true", "noisy_accuracy")),
    ]
    (sentence,) = said("fig2_noisy_accuracy", curves=rows)
    assert sentence.startswith(
        f"bert on news (flip) at 40 % noise: the model gives the wrong label to {given[0]:.2f} "
        f"[{given[0] - 0.1:.2f}, {given[0] + 0.1:.2f}] (n=3) of the wrongly labelled words at epoch 0 and to "
        f"{given[2]:.2f} "
    )
    assert sentence.endswith(end)


def test_two_figures_in_one_say_both() -> None:
    rows = [*noisy_curves(), *curve(NOISE, [0.1, 0.2, 0.3], **score("train", "given", "noisy_accuracy"))]
    cards = CARDS.assign(kind="image")
    tables = {
        "phases": pd.DataFrame(),
        "systems": cards,
        "datasets": DATASETS.assign(unit="image", group="image"),
        "curves": pd.DataFrame(rows),
        "treatments": pd.DataFrame(SETTLED),
    }
    first, second = texts_of("appA_image_noise", tables)["sentences"]
    assert "dev F1 is highest at epoch 1" in first
    assert second.endswith("0.30 [0.20, 0.40] (n=3) at the last.")
    assert "the wrongly labelled images" in second


def shares(treatment: Row, noisy: bool, means: dict[int, float], **columns: Any) -> list[Row]:
    where = {**PLACE, **treatment, "view": "epoch-end", "class": "all", "noisy": noisy, **columns}
    return [{**where, "epoch": epoch, **estimate(mean)} for epoch, mean in means.items()]


def test_first_learned_by_which_epoch_half_the_words_have_been_right() -> None:
    rows = [
        *shares(NOISE, False, {-1: 0.1, 0: 0.4, 1: 0.5}),
        *shares(NOISE, True, {-1: 0.6, 0: 0.1, 1: 0.3}),
        *shares(CLEAN, False, {-1: 0.0, 0: 1.0, 1: 0.0}),
    ]
    assert said("fig3_first_learned", first_learned=rows) == [
        "bert on news (flip) at 40 % noise: half of the cleanly labelled words have been right once by epoch 1, and "
        "half of the wrongly labelled words not by the end; 0.60 [0.50, 0.70] (n=3) of the wrongly labelled words "
        "never were."
    ]


def test_capped_f1_at_the_last_epoch_by_sentences_kept() -> None:
    rows: list[Row] = []
    for treatment, train, dev in (
        (capped(5), 0.9, 0.2),
        (capped(15), 0.8, 0.3),
        (capped(25), 0.7, 0.5),
        (CLEAN, 0.95, 0.8),
    ):
        rows += curve(treatment, [0.0, train], **score("train", "given", "f1", "LOC"))
        rows += curve(treatment, [0.0, dev], **score("dev", "true", "f1", "LOC"))
    assert said("fig4_capped_f1", curves=rows) == [
        "bert on news: F1 of LOC on train and on dev at the last epoch is, by sentences kept, "
        "with 5, 0.90 [0.80, 1.00] (n=3) and 0.20 [0.10, 0.30] (n=3); "
        "with 25, 0.70 [0.60, 0.80] (n=3) and 0.50 [0.40, 0.60] (n=3); "
        "with all, 0.95 [0.85, 1.05] (n=3) and 0.80 [0.70, 0.90] (n=3)."
    ]


def test_when_words_of_the_capped_class_are_learned_by_sentences_kept() -> None:
    rows = [
        *shares(capped(5), False, {-1: 0.2, 0: 0.1, 1: 0.7}, **{"class": "LOC"}),
        *shares(CLEAN, False, {-1: 0.0, 0: 0.6, 1: 0.4}, **{"class": "LOC"}),
    ]
    assert said("fig5_capped_first_learned", first_learned=rows) == [
        "bert on news: half of the words of LOC have been right once, by sentences kept, by epoch 1 with 5 (n=3) and "
        "by epoch 0 with all (n=3)."
    ]


def test_class_caps_f1_and_where_the_class_starts_and_levels_off() -> None:
    best = {"selected_epoch": "best", **score("dev", "true", "f1", "LOC")}
    rows = [
        {**PLACE, **treatment, **best, **estimate(mean)}
        for treatment, mean in ((capped(5), 0.1), (capped(25), 0.5), (CLEAN, 0.8))
    ]
    where = {"dataset": "news", "system": "bert", "family": "cap", "kind": "cap", "cap_class": "LOC", "runs": 3}
    caps = [
        {**where, "quantity": "starts", "mean": 12.4, "low": 9.0, "high": 15.0, "n": 2},
        {**where, "quantity": "levels", "mean": None, "low": None, "high": None, "n": 0},
    ]
    assert said("fig6_class_caps", summary=rows, caps=caps) == [
        "bert on news: dev F1 of LOC, by sentences kept, is 0.10 [0.00, 0.20] (n=3) with 5, "
        "0.50 [0.40, 0.60] (n=3) with 25 and 0.80 [0.70, 0.90] (n=3) with all; "
        "it starts to be learned at 12 sentences (2 of 3 runs); it levels off at none of these numbers (0 of 3 runs)."
    ]


@pytest.mark.parametrize(("figure", "klass"), [("fig9_few_shot_class", "LOC"), ("fig10_few_shot_all", "all")])
def test_few_shot_differences_and_where_their_intervals_lie(figure: str, klass: str) -> None:
    where = {"dataset": "news", "selected_epoch": "best", **score("dev", "true", "f1", klass)}
    pair = {"system": "proto", "baseline_system": "bert"}
    other = {**pair, "baseline_system": "scratch"}
    rows = [
        {**where, **pair, **capped(5), **estimate(0.3)},
        {**where, **pair, **capped(15), **estimate(-0.3)},
        {**where, **pair, **capped(25), **estimate(-0.05)},
        {**where, **other, **capped(5), **estimate(0.9)},
    ]
    assert said(figure, contrasts=rows, summary=[{**where, **PLACE, **CLEAN, **estimate(0.8)}]) == [
        "proto less bert on news: F1 +0.30 [+0.20, +0.40] (n=3) with 5 sentences of LOC, an interval above 0; "
        "-0.05 [-0.15, +0.05] (n=3) with 25 sentences of LOC, an interval that holds 0."
    ]


def test_forgetting_who_forgets_least_and_most() -> None:
    where = {**CLEAN, "dataset": "news", "view": "minibatch", "counting": "words", "noisy": False, "metric": "ratio"}
    rows = [
        {**where, "system": system, **estimate(mean, spread=0.01)}
        for system, mean in (("bert", 0.1), ("scratch", 0.4), ("proto", 0.2))
    ]
    assert said("tab1_forgetting", forgetting=rows) == [
        "news: of the words that were right at least once, bert forgets 0.10 [0.09, 0.11] (n=3), the least, and "
        "scratch forgets 0.40 [0.39, 0.41] (n=3), the most."
    ]
    assert said("tab1_forgetting", forgetting=rows[:1]) == [
        "news: bert forgets 0.10 [0.09, 0.11] (n=3) of the words that were right at least once."
    ]


@pytest.mark.parametrize(("second", "judged"), [(0.75, "overlap"), (0.5, "are apart")])
def test_full_data_who_is_highest_and_whether_the_next_is_apart(second: float, judged: str) -> None:
    where = {**CLEAN, "dataset": "news", "selected_epoch": "best", **score("test", "true", "f1")}
    rows = [{**where, "system": system, **estimate(mean)} for system, mean in (("scratch", second), ("bert", 0.8))]
    (sentence,) = said("tab2_full_data", summary=rows)
    assert sentence.startswith("news: the highest test F1 is that of bert, 0.80 [0.70, 0.90] (n=3); next is scratch, ")
    assert sentence.endswith(f"and their intervals {judged}.")


def test_precision_beside_recall() -> None:
    where = {**PLACE, **CLEAN, "selected_epoch": "best"}
    rows = [
        {**where, **score("test", "true", metric), **estimate(mean)}
        for metric, mean in (("precision", 0.8), ("recall", 0.6))
    ]
    assert said("appG_precision_recall", summary=rows) == [
        "news: test precision of bert 0.80 [0.70, 0.90] (n=3), above its recall of 0.60 [0.50, 0.70] (n=3)."
    ]


def test_the_word_most_often_forgotten_is_quoted() -> None:
    where = {
        **PLACE,
        **CLEAN,
        "list": "most-forgotten",
        "view": "minibatch",
        "sentence": 7,
        "true_label": "B-LOC",
        "n": 3,
    }
    rows = [{**where, "rank": rank, "position": rank, "forgetting": 4.26 - rank} for rank in (1, 2)]
    quotes = [{"dataset": "news", "sentence": 7, "position": rank, "token": f"word{rank}"} for rank in (1, 2)]
    assert said("appD_forgotten_words", words=rows, quotes=quotes) == [
        "bert on news: the word most often forgotten is “word1” (B-LOC), 3.3 times in the mean (n=3)."
    ]


def test_detectors_the_papers_and_the_best_in_hindsight() -> None:
    where = {**PLACE, **NOISE, "view": "epoch-end", "metric": "f1"}
    rows = [
        {**where, "detector": "kmeans", "selected_epoch": "epoch-4", "rate": "own", **estimate(0.7)},
        {**where, "detector": "kmeans", "selected_epoch": "final", "rate": "own", **estimate(0.2)},
        {**where, "detector": "loss", "selected_epoch": "best", "rate": "known", **estimate(0.8)},
        {**where, "detector": "forgetting", "selected_epoch": "final", "rate": "known", **estimate(0.75)},
    ]
    assert said("appE_noise_detectors", detection=rows) == [
        "bert on news (flip) at 40 % noise: the paper's k-means after 4 epochs has F1 0.70 [0.60, 0.80] (n=3); in "
        "hindsight the highest F1 at the known rate is 0.80 [0.70, 0.90] (n=3), of loss at the best dev F1."
    ]


def test_losses_how_much_two_histograms_have_in_common() -> None:
    where = {**PLACE, **NOISE, "view": "epoch-end"}
    rows = [
        {**where, "selected_epoch": selected_epoch, "noisy": noisy, "low_edge": edge, **estimate(mean)}
        for selected_epoch, noisy, means in (
            ("epoch-4", False, (0.9, 0.1)),
            ("epoch-4", True, (0.2, 0.8)),
            ("final", False, (0.9, 0.1)),
            ("final", True, (0.8, 0.2)),
        )
        for edge, mean in enumerate(means)
    ]
    assert said("appE_loss_histograms", loss_histogram=rows) == [
        "bert on news (flip) at 40 % noise: the mean histograms of wrongly and cleanly labelled words share "
        "this much of their area: 0.30 after 4 epochs and 0.90 at the end (n=3)."
    ]


def test_phases_how_many_runs_settle_and_for_how_long() -> None:
    rows: list[Row] = []
    for percent, settles, epochs in ((10, 2 / 3, 4.0), (40, 0.0, 0.0)):
        where = {**PLACE, **NOISE, "treatment": f"noise-flip-{percent}", "percent": percent, "view": "epoch-end"}
        rows.append({**where, "quantity": "settles", **estimate(settles)})
        rows.append({**where, "quantity": "settling_epochs", **estimate(epochs)})
    assert said("phases", phases=rows) == [
        "bert on news (flip): at 10 % noise 2 of 3 runs settle, for a mean over all runs of 4.0 [3.9, 4.1] "
        "(n=3) epochs; at 40 % noise 0 of 3 runs settle."
    ]
