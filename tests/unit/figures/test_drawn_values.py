"""The numbers that figures draw are those of their tables, and no others."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from settling.detectors import DETECTORS, detector_of
from settling.figures import first_events
from settling.figures.fig1_noise_f1 import taken
from settling.figures.forms import form_of
from settling.figures.plot import specification, vector
from tests.unit.figures.synthetic import (
    CALLING,
    CARDS,
    EDGES,
    RANKING,
    SENTENCES,
    SETTLED,
    Row,
    drawn_rows,
    fit,
    reach,
    rows_of,
    tables,
)

# Decoys: other views, selected epochs, classes, metrics or systems than those shown.
WRONG = {0.111, 0.222, 0.333, 0.444, 0.555}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tables(tmp_path_factory.mktemp("tables"))


def drawn(study: Path, name: str) -> list[Row]:
    """Return the rows that a figure holds."""
    rows = drawn_rows(study, name)
    assert {row.get("mean") for row in rows}.isdisjoint(WRONG)
    return rows


def only(rows: list[Row], **wanted: Any) -> Row:
    (row,) = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    return row


def lines(study: Path, name: str) -> list[str]:
    """Return the lines of a figure that is a table, its titles first, its cells divided by bars."""
    table = json.loads(specification(name, study))
    lines = [" | ".join(cells) for cells in (table["columns"], *table["rows"])]
    assert not any(str(wrong) in line for wrong in WRONG for line in lines)
    return lines


@pytest.mark.parametrize(
    ("name", "panels"),
    [
        ("fig1_noise_f1", {"tweets\nbert", "tweets\nroberta", "jnlpba\nbert"}),
        ("appC_without_pretraining", {"tweets\nbert-scratch", "tweets\nbilstm-crf"}),
        ("appI_other_encoders", {"tweets\nroberta"}),
        ("appA_image_noise", {"digits\nresnet", "digits\nresnet-scratch"}),
        ("appB_jnlpba_noise", {"jnlpba\nbert"}),
    ],
)
def test_f1_bands_and_plateaus_of_the_systems_asked_for(study: Path, name: str, panels: set[str]) -> None:
    rows = [row for row in drawn(study, name) if "scored" in row]
    assert {row["panel"] for row in rows} == panels
    panel = min(panels)
    start = 9 - 30 / 12 if CARDS[panel.split("\n")[1]][2] else 1
    shown = only(rows, panel=panel, scored="train, against the given labels", percent=30, epoch=7)
    assert shown["mean"] == pytest.approx(SETTLED[30] * fit(7) + (0.95 - SETTLED[30]) * 0.6 * fit(7, start), abs=1e-5)
    assert shown["low"] == pytest.approx(shown["mean"] - 0.025)
    for level, f1 in SETTLED.items():
        plateaus = [row["settled"] for row in rows if row["percent"] == level and row.get("settled") is not None]
        assert plateaus == pytest.approx([f1] * len(panels))


def test_two_kinds_of_noise_share_clean(tmp_path: Path) -> None:
    rows = drawn_rows(tables(tmp_path, kinds=("resample", "flip")), "appI_other_encoders")
    clean = {row["panel"] for row in rows if row["percent"] == 0}
    assert clean == {f"tweets\nroberta\n{kind} noise" for kind in ("resample", "flip")}


@pytest.mark.parametrize("name", ["fig2_noisy_accuracy", "appC_noisy_accuracy", "appA_image_noise"])
def test_noisy_accuracy_against_both_labels(study: Path, name: str) -> None:
    rows = [row for row in drawn(study, name) if "says" in row]
    assert {row["percent"] for row in rows} == {10, 30, 50}
    panel = rows[0]["panel"]
    parts = [
        only(rows, panel=panel, percent=50, epoch=9, says=says)["mean"]
        for says in ("the wrong label it was given", "the true label")
    ]
    memory = 0.6 * fit(9, 9 - 50 / 12 if CARDS[panel.split("\n")[1]][2] else 1)
    assert parts == pytest.approx([memory, (1 - memory) * fit(9)], abs=1e-5)


def test_what_is_learned_by_each_epoch_adds_up_to_all_but_what_never_was(study: Path) -> None:
    rows = drawn(study, "fig3_first_learned")
    assert {row["percent"] for row in rows if row["words"] == "wrongly labelled"} == {10, 30, 50}
    line = {"panel": "tweets\nbert", "words": "wrongly labelled", "percent": 30}
    late = 0.0015 * 30
    shares = [0.1 * 0.3**epoch + (late if epoch > 8 - 30 / 12 else 0) for epoch in range(12)]
    learned = [only(rows, **line, epoch=epoch)["learned"] for epoch in range(12)]
    assert learned == pytest.approx([sum(shares[: epoch + 1]) for epoch in range(12)], abs=1e-4)
    never, end = 1 - sum(shares), only(rows, **line, epoch=11)
    # The interval of what is learned by the end is that of what never is, turned round; none other is known.
    assert [end["learned_low"], end["learned_high"]] == pytest.approx([1 - never * 9 / 8, 1 - never * 7 / 8], abs=1e-4)
    assert only(rows, **line, epoch=10)["learned_low"] is None


def test_a_panel_has_the_epochs_of_its_own_system() -> None:
    shares = pd.DataFrame(
        [("short", epoch, "minibatch", mean, None, None, 1) for epoch, mean in ((0, 0.5), (1, 0.25), (-1, 0.25))]
        + [("long", epoch, "minibatch", 0.2, None, None, 1) for epoch in range(5)],
        columns=["panel", *first_events.FIELDS],
    )
    curves = first_events.learned(shares)
    assert curves.groupby("panel")["epoch"].max().to_dict() == {"short": 1, "long": 4}
    assert curves.groupby("panel")["learned"].last().to_dict() == pytest.approx({"short": 0.75, "long": 1.0})
    assert curves["learned_low"].isna().all()


@pytest.mark.parametrize("name", ["fig3_first_learned", "fig5_capped_first_learned"])
def test_panels_of_learned_words_share_no_axis_of_epochs(study: Path, name: str) -> None:
    assert json.loads(specification(name, study))["resolve"] == {"scale": {"x": "independent"}}


@pytest.mark.parametrize(("name", "klass"), [("fig4_capped_f1", "LOC"), ("appJ_misc_f1", "MISC")])
def test_curves_of_the_capped_class(study: Path, name: str, klass: str) -> None:
    rows = drawn(study, name)
    assert {row["panel"].partition("capped: ")[2] for row in rows} == (
        {"LOC", "MISC", "protein"} if klass == "LOC" else {klass}
    )
    place = {"panel": f"tweets\nbert\ncapped: {klass}", "epoch": 4}
    for number in SENTENCES:
        shown = only(rows, **place, scored="dev", kept=str(number))
        assert shown["mean"] == pytest.approx(reach("bert", "cap", number) * fit(4, 1), abs=1e-5)
        assert only(rows, **place, scored="train, the sentences kept", kept=str(number))["mean"] == pytest.approx(
            0.97 * fit(4, 1), abs=1e-5
        )
    assert only(rows, **place, scored="dev", kept="all")["mean"] > shown["mean"]


@pytest.mark.parametrize(("name", "klass"), [("fig5_capped_first_learned", "LOC"), ("appJ_misc_first_learned", "MISC")])
def test_first_learning_of_the_capped_class(study: Path, name: str, klass: str) -> None:
    rows = [row for row in drawn(study, name) if row["panel"] == f"tweets\nbert\ncapped: {klass}"]
    assert {row["kept"] for row in rows} == {*map(str, SENTENCES[1:]), "all"}
    # Not the shares of all words, which begin at 0.9 over their sum.
    assert only(rows, kept="25", epoch=0)["mean"] == pytest.approx(0.5 + 0.4 / 26, abs=1e-5)


def test_caps_with_controls_and_clean(study: Path) -> None:
    rows = drawn(study, "fig6_class_caps")
    place = {
        "panel": "tweets\ncapped: LOC",
        "system": "bert",
        "cap_sentences": 100,
        "arm": "cap: other sentences removed",
    }
    assert only(rows, **place, scored="F1 of the capped class")["mean"] == pytest.approx(0.85 * 100 / 120, abs=1e-5)
    assert only(rows, **place, scored="F1 of all classes")["mean"] == pytest.approx(0.6 + 0.25 * 0.85 / 1.2, abs=1e-5)
    arms = {row["arm"] for row in rows if row["arm"] and row["at"] is None}
    assert arms == {
        "cap: other sentences removed",
        "cap-relabel: other mentions set to O",
        "drop: sentences without the class removed",
    }
    clean = [row for row in rows if row["cap_sentences"] is None and row["mean"] is not None]
    # Six pairs of capped class and system, two scores.
    assert len(clean) == 12
    assert {row["panel"] for row in drawn(study, "fig7_class_caps")} == {"jnlpba\ncapped: protein"}


def test_caps_mark_where_a_class_starts_and_levels(study: Path) -> None:
    marks = [row for row in drawn(study, "fig6_class_caps") if row["at"] is not None]
    start, level = "below 0: the class starts to be learned", "below 0: the class levels off"
    place = {"panel": "tweets\ncapped: LOC", "scored": "F1 of the capped class", "system": "bert"}
    starts, levels = only(marks, **place, arm=start), only(marks, **place, arm=level)
    assert [starts[key] for key in ("at", "first", "last", "who")] == [21, 17, 25, "4 of 4"]
    assert levels["at"] == 110
    # None hides another, though a class can start and level at one number.
    heights = {(row["system"], row["arm"]): row["height"] for row in marks}
    assert len(set(heights.values())) == len(heights) == 5
    # One that no run reaches has no mark.
    assert [row["arm"] for row in marks if row["system"] == "protobert-running"] == [start]
    assert {start, level} < set(shape_scale(study)["domain"])


def shape_scale(study: Path) -> Row:
    """Return the scale of the legend that explains the marks of figure 6."""
    layers = json.loads(specification("fig6_class_caps", study))["spec"]["layer"]
    (scale, *others) = [layer["encoding"]["shape"]["scale"] for layer in layers if "shape" in layer["encoding"]]
    assert others
    assert all(other == scale for other in others)
    return dict(scale)


@pytest.mark.parametrize(
    ("name", "share"), [("fig9_few_shot_class", 1.0), ("fig10_few_shot_all", 0.25), ("fig11_few_shot_jnlpba", 1.0)]
)
def test_prototypes_beside_the_encoder_and_the_difference(study: Path, name: str, share: float) -> None:
    rows = drawn(study, name)
    panel = "jnlpba\ncapped: protein" if "jnlpba" in name else "tweets\ncapped: LOC"
    # MISC was capped for the encoder alone.
    assert {row["panel"] for row in rows} == {panel, "jnlpba\ncapped: protein"}
    at = {"panel": panel, "cap_sentences": 15}
    scores = [only(rows, **at, system=system, baseline_system=None)["mean"] for system in ("bert", "protobert")]
    expected = [share * reach(system, "cap", 15) + 0.6 * (share < 1) for system in ("bert", "protobert")]
    assert scores == pytest.approx(expected, abs=1e-5)
    difference = only(rows, **at, system="protobert", baseline_system="bert")
    assert difference["mean"] == pytest.approx(scores[1] - scores[0], abs=1e-4)
    assert {row["baseline_system"] for row in rows} == {None, "bert"}
    dotted = [row for row in rows if row["panel"] == panel and row["cap_sentences"] is None]
    assert len(dotted) == (2 if "jnlpba" in name else 3)


def test_forgetting_with_the_authors_counting_and_the_difference(study: Path) -> None:
    head, *rows = lines(study, "tab1_forgetting")
    assert head == "Data set | System | View | Counted | Forgettable | Unforgettable | Learned | Ratio, %"
    assert [row for row in rows if row.startswith("tweets | bert | epoch-end | ")] == [
        f"tweets | bert | epoch-end | {cells}"
        for cells in (
            "real words | 1,000 [880, 1,120] | 18,500 [18,380, 18,620] | 20,000 [19,880, 20,120] | 5.0 [4.6, 5.4]",
            "authors' grid | 1,000 [880, 1,120] | 88,500 [88,380, 88,620] | 21,800 [21,680, 21,920] | 4.6 [4.2, 5.0]",
            "difference | +0 | +70,000 | +1,800 | −0.4",
        )
    ]
    assert len(rows) == 3 * 2 * (4 + 2)


def test_full_data_has_systems_by_data_sets(study: Path) -> None:
    assert lines(study, "tab2_full_data") == [
        "System | jnlpba | tweets",
        "bert | 0.90 [0.89, 0.91] | 0.90 [0.89, 0.91]",
        "bert-scratch | – | 0.85 [0.84, 0.86]",
        "bilstm-crf | 0.85 [0.84, 0.86] | 0.80 [0.79, 0.81]",
        "protobert | – | 0.75 [0.74, 0.76]",
    ]


def test_precision_and_recall_on_test(study: Path) -> None:
    found = lines(study, "appG_precision_recall")
    assert found[:2] == [
        "Data set | System | Precision | Recall | F1",
        "jnlpba | bert | 0.92 [0.91, 0.93] | 0.88 [0.87, 0.89] | 0.90 [0.89, 0.91]",
    ]
    assert len(found) == 1 + 6


def test_forgotten_words_stand_in_their_sentence(study: Path) -> None:
    found = lines(study, "appD_forgotten_words")
    after = "said on Thursday it would not raise rates before the election in May this year"
    assert found[4] == f"jnlpba | bert | minibatch | 4 | 4 | The Bank of | England | {after} | O | 8.2"
    assert len(found) == 1 + 6 * 10


def test_each_detector_selected_epoch_and_level(study: Path) -> None:
    rows = [row for row in drawn(study, "appE_noise_detectors") if row["panel"].startswith("tweets\n")]
    rows = [row for row in rows if row["system"] == "bert"]
    assert {row["detector"] for row in rows} == set(DETECTORS)
    assert {row["percent"] for row in rows} == {10, 30, 50}
    place = {"detector": "loss-mean", "when": "at the end of settling", "percent": 10}
    assert only(rows, **place, scored="Average precision")["mean"] == pytest.approx(0.98 - 0.05 - 0.06 - 0.01)
    assert only(rows, **place, scored="F1 at the known rate")["low"] == pytest.approx(0.85)
    own = {"scored": "F1 at estimated or own rate", "percent": 30}
    assert only(rows, **own, detector="class-means")["when"] == "after 4 epochs"
    assert only(rows, **own, detector="kmeans", when="at the end")["mean"] == pytest.approx(0.6)
    called = sum(1 if detector_of(name).only_after else 4 for name in CALLING)
    assert len(rows) == 3 * (len(RANKING) * 4 * 4 + called)


def test_detectors_stand_from_the_best_to_the_worst_and_are_spoken_of_as_they_say_of_themselves(study: Path) -> None:
    spec = json.loads(specification("appE_noise_detectors", study))
    encodings = [layer["encoding"] for part in spec["vconcat"] for layer in part["spec"]["layer"]]
    (order, *others) = [encoding["y"]["sort"] for encoding in encodings if "y" in encoding]
    assert others
    assert all(other == order for other in others)
    rows = [row for row in rows_of(spec) if row["scored"].startswith("F1") and row["detector"] != "entity-label"]
    means = pd.DataFrame(rows).groupby("detector")["mean"].mean()
    assert order == means.sort_values(ascending=False).index.tolist()
    reading = form_of("appE_noise_detectors").READING
    assert [name for name in DETECTORS if f" {name} {detector_of(name).phrase}" not in reading] == []
    # A part for each data set, with lanes for the systems of that data set alone.
    panels = [{row["panel"] for row in spec["datasets"][part["data"]["name"]]} for part in spec["vconcat"]]
    levels = (10, 30, 50)
    assert panels == [{f"{name}\n{level} % noise" for level in levels} for name in ("digits", "jnlpba", "tweets")]


def test_the_baseline_without_a_model_is_a_line_to_beat_and_no_row(study: Path) -> None:
    spec = json.loads(specification("appE_noise_detectors", study))
    assert {row["detector"] for row in rows_of(spec) if row["baseline"]} == {"entity-label"}
    for part in spec["vconcat"]:
        filters = [
            [step["filter"] for step in layer["transform"] if "filter" in step] for layer in part["spec"]["layer"]
        ]
        assert len(filters) == 3
        (line,) = [index for index, of_layer in enumerate(filters) if "!datum.baseline" not in of_layer]
        assert part["spec"]["layer"][line]["mark"]["type"] == "rule"
        assert "y" not in part["spec"]["layer"][line]["encoding"]
        (shown,) = filters[line]
        rows = spec["datasets"][part["data"]["name"]]
        # The same test in Python: a line for each score, system and level.
        kept = [row for row in rows if row["baseline"] and row["rate"] != "estimated" and row["when"] in shown]
        keys = [(row["scored"], row["system"], row["percent"]) for row in kept]
        assert len(keys) == len(set(keys)) == 4 * 3 * len({row["system"] for row in rows})


@pytest.mark.parametrize("name", ["appE_noise_detectors", "appE_loss_histograms"])
def test_one_level_of_noise_is_shown_at_a_time_and_any_can_be_chosen(study: Path, name: str) -> None:
    spec = json.loads(specification(name, study))
    (level,) = [param for param in spec["params"] if param["name"] == "level"]
    assert level["bind"]["options"] == ["the highest", 10, 30, 50]
    assert level["value"] == "the highest"
    assert {row["percent"] for row in rows_of(spec) if row["highest"]} == {50}
    # What is cut into panels is filtered, or other levels would leave empty panels.
    for part in spec.get("vconcat", [spec]):
        assert any("level ==" in str(step.get("filter")) for step in part["transform"])
    svg = vector(json.dumps(spec))
    assert "50 % noise" in svg
    assert "30 % noise" not in svg


def test_when_train_f1_is_taken_is_said() -> None:
    train = pd.DataFrame({"view": ["epoch-end", "minibatch", "minibatch"], "system": ["c", "b", "a"]})
    assert taken(train[:1]) == "Train F1 is taken after each epoch (epoch-end)."
    expected = "Train F1 is taken after each epoch (epoch-end) for c, as its batches pass (minibatch) for a, b."
    assert taken(train) == expected


def test_losses_of_noisy_and_clean_words_apart(study: Path) -> None:
    rows = drawn(study, "appE_loss_histograms")
    assert {row["when"] for row in rows} == {"after 4 epochs", "at the end of settling", "at the end"}
    panel = [row for row in rows if row["panel"] == "tweets\nbert\n30 % noise" and row["when"] == "after 4 epochs"]
    assert len(panel) == 2 * (len(EDGES) - 1)
    for words, peak in (("wrongly labelled", 22), ("cleanly labelled", 6)):
        shares = [row for row in panel if row["words"] == words]
        assert sum(row["mean"] for row in shares) == pytest.approx(1, abs=1e-3)
        assert max(shares, key=lambda row: float(row["mean"]))["low_edge"] == EDGES[peak]


def test_settling_in_epochs_and_updates_and_how_often(study: Path) -> None:
    rows = drawn(study, "phases")
    assert {row["quantity"] for row in rows} == {"settling_epochs", "settling_steps", "settles"}
    place = {"panel": "tweets", "system": "bert", "level": "30"}
    found = {quantity: only(rows, **place, quantity=quantity)["mean"] for quantity in {row["quantity"] for row in rows}}
    assert found == pytest.approx({"settling_epochs": 4, "settling_steps": 452, "settles": 1})
    assert {(row["quantity"], row["level"]) for row in rows if row["longer"]} == {
        ("settling_epochs", "clean"),
        ("settling_steps", "clean"),
    }
    assert {row["level"] for row in rows} == {"clean", "10", "30", "50"}


def test_no_line_joins_clean_runs_to_noisy_ones(study: Path) -> None:
    parts = json.loads(specification("phases", study))["hconcat"]
    lines = [layer for part in parts for layer in part["spec"]["layer"] if layer["mark"]["type"] == "line"]
    assert len(lines) == 3
    assert all({"filter": "(datum.level !== 'clean')"} in layer["transform"] for layer in lines)
