"""Which figures a study has, which rows each shows, and why the others are skipped."""

import pandas as pd
import pytest

from settling.config import load
from settling.figures import FIGURES
from settling.figures.needs import Needs
from settling.figures.selection import shown_rows
from settling.figures.skipped import skipped
from settling.treatments import family_of
from tests.study import CRF, DIGITS, ENCODER, IMAGE, cap, folder, grid, local, noise, study_of

BERT = {**ENCODER, "checkpoint": "bert"}


def figures_of(*experiments: tuple[str, str, str]) -> dict[str, str]:
    """Return what is skipped where the study trains these data sets, treatments and systems."""
    values = study_of(
        datasets={"tweets": local(all="a.txt"), "jnlpba": local(all="a.txt"), "digits": DIGITS},
        checkpoints={
            "bert": folder("bert"),
            "deberta-v3": folder("deberta-v3"),
            "vectors": {"kind": "vectors", "path": "vectors.txt"},
        },
        systems={
            "bert": BERT,
            "twin": {**BERT, "pretrained": False},
            "deberta": {**BERT, "checkpoint": "deberta-v3"},
            "lstm": {**CRF, "checkpoint": "vectors"},
            "proto": {"kind": "protobert", "checkpoint": "bert", "epochs": 3},
            "resnet": IMAGE,
        },
        treatments={
            **{"noise": noise(0, 20), "level-zero": noise(0)},
            **{"loc": cap("LOC", 5), "misc": cap("MISC", 5), "drop": cap("LOC", 5, kind="drop")},
        },
        experiments={f"number{index}": grid(*names) for index, names in enumerate(experiments)},
    )
    return skipped(load(values))


CLEAN = {"tab1_forgetting", "tab2_full_data", "appD_forgotten_words", "appG_precision_recall"}
NOISE = {"three_phases", "fig3_first_learned", "appE_noise_detectors", "appE_loss_histograms", "phases"}
PRETRAINED = {"fig1_noise_f1", "fig2_noisy_accuracy"}
UNTRAINED = {"appC_without_pretraining", "appC_noisy_accuracy"}
CAPS = {"fig4_capped_f1", "fig5_capped_first_learned", "fig6_class_caps"}
MISC = {"appJ_misc_f1", "appJ_misc_first_learned"}
FEW_SHOT = {"fig9_few_shot_class", "fig10_few_shot_all"}


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [
        (("tweets", "clean", "bert"), CLEAN),
        (("tweets", "level-zero", "bert"), CLEAN),
        (("tweets", "noise", "bert"), CLEAN | NOISE | PRETRAINED),
        (("tweets", "noise", "twin"), CLEAN | NOISE | UNTRAINED),
        (("tweets", "noise", "lstm"), CLEAN | NOISE | UNTRAINED),
        (("tweets", "noise", "deberta"), CLEAN | NOISE | PRETRAINED | {"appI_other_encoders"}),
        (
            ("jnlpba", "noise", "bert"),
            CLEAN | NOISE | PRETRAINED | {"appB_jnlpba_noise", "appF_jnlpba_first_learned"},
        ),
        (("digits", "noise", "resnet"), {"tab1_forgetting", "appA_image_noise"} | NOISE),
        (("tweets", "loc", "bert"), CAPS),
        (("tweets", "drop", "bert"), set()),
        (("tweets", "misc", "bert"), CAPS | MISC),
        (("tweets", "loc", "proto"), CAPS | FEW_SHOT),
        (
            ("jnlpba", "loc", "proto"),
            CAPS | FEW_SHOT | {"fig7_class_caps", "fig11_few_shot_jnlpba", "appH_few_shot_jnlpba_all"},
        ),
    ],
)
def test_a_figure_is_in_the_study_when_some_run_matches(experiment: tuple[str, str, str], expected: set[str]) -> None:
    assert set(FIGURES) - set(figures_of(experiment)) == expected


def test_one_run_must_match_in_all() -> None:
    # Noise on tweets and clean JNLPBA make no noise on JNLPBA.
    assert "appB_jnlpba_noise" in figures_of(("tweets", "noise", "bert"), ("jnlpba", "clean", "bert"))


def test_the_reason_says_which_run_is_missing() -> None:
    reasons = figures_of(("tweets", "drop", "bert"))
    assert reasons["fig3_first_learned"] == "no run with label noise"
    assert reasons["appA_image_noise"] == "no run with label noise of an image system"
    assert reasons["fig1_noise_f1"] == "no run with label noise of a pretrained encoder or protobert system"
    assert (
        reasons["appC_noisy_accuracy"]
        == "no run with label noise of an encoder or bilstm-crf system without pretraining"
    )
    assert reasons["appI_other_encoders"] == (
        "no run with label noise of a pretrained encoder or protobert system from a checkpoint roberta or deberta"
    )
    assert reasons["appF_jnlpba_first_learned"] == "no run with label noise on the data set jnlpba"
    assert reasons["appJ_misc_f1"] == "no run with a cap on class MISC"
    assert reasons["fig9_few_shot_class"] == "no run with a capped class of a pretrained protobert system"
    assert Needs("clean", pretrained=False).missing() == "no run on clean data of a system without pretraining"


SYSTEMS = pd.DataFrame(
    [
        ("bert", "encoder", "bert", True),
        ("twin", "encoder", "bert", False),
        ("lstm", "bilstm-crf", None, False),
        ("proto", "protobert", "bert", True),
    ],
    columns=["system", "kind", "checkpoint", "pretrained"],
)


def rows_shown(needs: Needs) -> set[tuple[str, str, str]]:
    frame = pd.DataFrame(
        [
            (dataset, family_of({"kind": kind}), kind, klass, system)
            for dataset in ("tweets", "jnlpba")
            for kind, klass in (("clean", None), ("flip", None), ("cap", "LOC"), ("drop", "LOC"), ("cap", "MISC"))
            for system in SYSTEMS["system"]
        ],
        columns=["dataset", "family", "kind", "cap_class", "system"],
    )
    found = shown_rows({"scores": frame, "systems": SYSTEMS}, needs)
    assert len(found["systems"]) == len(SYSTEMS)
    return {(row.kind, str(row.cap_class or ""), row.system) for row in found["scores"].itertuples()}


def test_rows_of_the_systems_that_fit() -> None:
    assert {system for *_, system in rows_shown(Needs(systems="beside few-shot", pretrained=False))} == {"twin"}
    assert {system for *_, system in rows_shown(Needs(pretrained=False))} == {"twin", "lstm"}
    assert {system for *_, system in rows_shown(Needs(checkpoints=("be",)))} == {"bert", "twin", "proto"}
    few_shot = Needs(systems="few-shot", pretrained=True, beside="beside few-shot")
    assert {system for *_, system in rows_shown(few_shot)} == {"bert", "proto"}


def test_rows_of_the_treatment_with_what_stands_beside_it() -> None:
    assert {kind for kind, *_ in rows_shown(Needs("noise"))} == {"clean", "flip"}
    assert {kind for kind, *_ in rows_shown(Needs("clean"))} == {"clean"}
    assert {kind for kind, *_ in rows_shown(Needs("cap"))} == {"clean", "cap", "drop"}
    assert {klass for _, klass, _ in rows_shown(Needs("cap", classes=("MISC",)))} == {"nan", "MISC"}


def test_rows_of_the_data_sets_and_of_both_systems_compared() -> None:
    contrasts = pd.DataFrame(
        {
            "dataset": ["jnlpba", "jnlpba", "tweets"],
            "system": ["proto", "proto", "proto"],
            "baseline_system": ["bert", "twin", "bert"],
        }
    )
    needs = Needs(systems="few-shot", pretrained=True, beside="beside few-shot", datasets=("jnlpba",))
    assert list(shown_rows({"contrasts": contrasts, "systems": SYSTEMS}, needs)["contrasts"].index) == [0]


def test_every_figure_reads_the_data_sets_and_the_systems_and_names_a_module_that_is_there() -> None:
    for figure in FIGURES.values():
        assert figure.tables[-2:] == ("datasets", "systems")
        __import__(figure.module)
