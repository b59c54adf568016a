"""The figures: one line each in FIGURES, each drawn by a file beside this one.

The workflow reads FIGURES while it parses, so nothing here imports a plotting library. A figure's module has one
function, `chart(tables, figure)`, from the rows that the figure shows (pandas, by table) and the figure's name to an
Altair chart. Figures of one form share a module, and differ in the runs they need.
"""

from typing import NamedTuple

from settling.figures.needs import Needs


class Figure(NamedTuple):
    """Where a figure is drawn, the tables it reads, the runs it is about, and its title."""

    module: str
    tables: tuple[str, ...]
    needs: Needs
    title: str


def _form(module: str, *tables: str, **titled: tuple[str, Needs]) -> dict[str, Figure]:
    """Return the figures that one module draws, by name."""
    # `systems` says which systems' rows are shown.
    return {
        name: Figure(f"settling.figures.{module}", (*tables, "systems"), needs, title)
        for name, (title, needs) in titled.items()
    }


_PRETRAINED = Needs("noise", kinds=("encoder", "protobert"), pretrained=True)
_UNTRAINED = Needs("noise", kinds=("encoder", "bilstm-crf"), pretrained=False)
_FEW_SHOT = Needs("cap", kinds=("protobert",), pretrained=True, beside=("encoder",))
_JNLPBA = ("jnlpba",)
_WORDS = Needs("clean", kinds=("encoder", "protobert", "bilstm-crf"))

FIGURES: dict[str, Figure] = {
    **_form(
        "fig1_noise_f1",
        "curves",
        "treatments",
        fig1_noise_f1=("F1 under label noise", _PRETRAINED),
        appC_without_pretraining=("F1 under label noise, without pretraining", _UNTRAINED),
        appI_other_encoders=(
            "F1 under label noise: RoBERTa and DeBERTa",
            _PRETRAINED._replace(checkpoints=("roberta", "deberta")),
        ),
    ),
    **_form(
        "fig2_noisy_accuracy",
        "curves",
        fig2_noisy_accuracy=("What the model says of wrongly labelled words", _PRETRAINED),
        appC_noisy_accuracy=("What the model says of wrongly labelled words, without pretraining", _UNTRAINED),
    ),
    **_form(
        "f1_and_noisy_accuracy",
        "curves",
        "treatments",
        appA_image_noise=("Label noise on images", Needs("noise", kinds=("image",))),
        appB_jnlpba_noise=("Label noise on JNLPBA", _PRETRAINED._replace(datasets=_JNLPBA)),
    ),
    **_form(
        "fig3_first_learned",
        "first_learned",
        fig3_first_learned=("When words are first learned", Needs("noise")),
        appF_jnlpba_first_learned=("When words are first learned: JNLPBA", Needs("noise", datasets=_JNLPBA)),
    ),
    **_form(
        "fig4_capped_f1",
        "curves",
        fig4_capped_f1=("F1 of the capped class over the epochs", Needs("cap")),
        appJ_misc_f1=("F1 of the capped class over the epochs: MISC", Needs("cap", classes=("MISC",))),
    ),
    **_form(
        "fig5_capped_first_learned",
        "first_learned",
        fig5_capped_first_learned=("When words of the capped class are first learned", Needs("cap")),
        appJ_misc_first_learned=(
            "When words of the capped class are first learned: MISC",
            Needs("cap", classes=("MISC",)),
        ),
    ),
    **_form(
        "fig6_class_caps",
        "summary",
        "caps",
        fig6_class_caps=("F1 when a class is scarce", Needs("cap")),
        fig7_class_caps=("F1 when a class is scarce: JNLPBA", Needs("cap", datasets=_JNLPBA)),
    ),
    **_form(
        "fig9_few_shot_class",
        "summary",
        "contrasts",
        fig9_few_shot_class=("Few-shot: F1 of the capped class", _FEW_SHOT),
        fig11_few_shot_jnlpba=("Few-shot: F1 of the capped class on JNLPBA", _FEW_SHOT._replace(datasets=_JNLPBA)),
    ),
    **_form(
        "fig10_few_shot_all",
        "summary",
        "contrasts",
        fig10_few_shot_all=("Few-shot: F1 of all classes", _FEW_SHOT),
        appH_few_shot_jnlpba_all=("Few-shot: F1 of all classes on JNLPBA", _FEW_SHOT._replace(datasets=_JNLPBA)),
    ),
    **_form("tab1_forgetting", "forgetting", tab1_forgetting=("Words forgotten", Needs("clean"))),
    **_form(
        "tab2_full_data",
        "summary",
        tab2_full_data=("Test F1 when trained on all of the study's training sentences, clean labels", _WORDS),
    ),
    **_form(
        "precision_recall",
        "summary",
        appG_precision_recall=(
            "Test precision and recall when trained on all of the study's training sentences, clean labels",
            _WORDS,
        ),
    ),
    **_form("forgotten_words", "words", "quotes", appD_forgotten_words=("The words most often forgotten", _WORDS)),
    **_form("noise_detectors", "detection", appE_noise_detectors=("How well wrong labels are found", Needs("noise"))),
    **_form(
        "loss_histograms",
        "loss_histogram",
        appE_loss_histograms=("The loss of wrongly and of cleanly labelled words", Needs("noise")),
    ),
    **_form("phases", "phases", phases=("How long models settle", Needs("noise"))),
}
