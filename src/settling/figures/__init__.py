"""The figures: one line each in FIGURES, each drawn by a file beside this one.

The workflow reads FIGURES while it parses, so nothing here imports a plotting library. A figure's module has one
function, `chart(tables, figure)`, from the rows that the figure shows (pandas, by table) and the figure's name to an
Altair chart. Figures of one form share a module, and differ in the runs they need.
"""

from typing import NamedTuple

from settling.figures.needs import Needs


class Figure(NamedTuple):
    """Where a figure is drawn, the tables it reads, the runs it is about, its title and the question it answers."""

    module: str
    tables: tuple[str, ...]
    needs: Needs
    title: str
    question: str


def _form(module: str, *tables: str, **titled: tuple[str, str, Needs]) -> dict[str, Figure]:
    """Return the figures that one module draws, by name."""
    # `systems` says which systems' rows are shown.
    return {
        name: Figure(f"settling.figures.{module}", (*tables, "systems"), needs, title, question)
        for name, (title, question, needs) in titled.items()
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
        "phases",
        fig1_noise_f1=(
            "F1 under label noise",
            "Does a pretrained model stay near its best while labels are wrong, and when does it begin to memorise?",
            _PRETRAINED,
        ),
        appC_without_pretraining=(
            "F1 under label noise, without pretraining",
            "Does a model settle that was not pretrained?",
            _UNTRAINED,
        ),
        appI_other_encoders=(
            "F1 under label noise: RoBERTa and DeBERTa",
            "Do other pretrained encoders go through the same phases?",
            _PRETRAINED._replace(checkpoints=("roberta", "deberta")),
        ),
    ),
    **_form(
        "fig2_noisy_accuracy",
        "curves",
        "phases",
        fig2_noisy_accuracy=(
            "What the model says of wrongly labelled words",
            "When does a pretrained model begin to give the wrong labels it was trained on?",
            _PRETRAINED,
        ),
        appC_noisy_accuracy=(
            "What the model says of wrongly labelled words, without pretraining",
            "When does a model that was not pretrained begin to give the wrong labels it was trained on?",
            _UNTRAINED,
        ),
    ),
    **_form(
        "f1_and_noisy_accuracy",
        "curves",
        "treatments",
        "phases",
        appA_image_noise=(
            "Label noise on images",
            "Do image classifiers settle too?",
            Needs("noise", kinds=("image",)),
        ),
        appB_jnlpba_noise=(
            "Label noise on JNLPBA",
            "Are the phases the same on biomedical text?",
            _PRETRAINED._replace(datasets=_JNLPBA),
        ),
    ),
    **_form(
        "fig3_first_learned",
        "first_learned",
        fig3_first_learned=(
            "When words are first learned",
            "Are wrong labels learned later than right ones, with a gap between?",
            Needs("noise"),
        ),
        appF_jnlpba_first_learned=(
            "When words are first learned: JNLPBA",
            "Are wrong labels learned later than right ones on biomedical text too?",
            Needs("noise", datasets=_JNLPBA),
        ),
    ),
    **_form(
        "fig4_capped_f1",
        "curves",
        fig4_capped_f1=(
            "F1 of the capped class over the epochs",
            "Does a model fit the few examples of a class without generalising from them?",
            Needs("cap"),
        ),
        appJ_misc_f1=(
            "F1 of the capped class over the epochs: MISC",
            "Does a model fit the few examples of MISC without generalising from them?",
            Needs("cap", classes=("MISC",)),
        ),
    ),
    **_form(
        "fig5_capped_first_learned",
        "first_learned",
        fig5_capped_first_learned=(
            "When words of the capped class are first learned",
            "Are the words of a class learned earlier, the fewer there are?",
            Needs("cap"),
        ),
        appJ_misc_first_learned=(
            "When words of the capped class are first learned: MISC",
            "Are the words of MISC learned earlier, the fewer there are?",
            Needs("cap", classes=("MISC",)),
        ),
    ),
    **_form(
        "fig6_class_caps",
        "summary",
        "caps",
        fig6_class_caps=(
            "F1 when a class is scarce",
            "From how many sentences on is a class predicted at all, and when are more of no more use?",
            Needs("cap"),
        ),
        fig7_class_caps=(
            "F1 when a class is scarce: JNLPBA",
            "From how many sentences on is a class of JNLPBA predicted at all?",
            Needs("cap", datasets=_JNLPBA),
        ),
    ),
    **_form(
        "fig9_few_shot_class",
        "summary",
        "contrasts",
        fig9_few_shot_class=(
            "Few-shot: F1 of the capped class",
            "Is ProtoBERT better than the encoder it starts from where a class is scarce?",
            _FEW_SHOT,
        ),
        fig11_few_shot_jnlpba=(
            "Few-shot: F1 of the capped class on JNLPBA",
            "Is ProtoBERT better where a class of JNLPBA is scarce?",
            _FEW_SHOT._replace(datasets=_JNLPBA),
        ),
    ),
    **_form(
        "fig10_few_shot_all",
        "summary",
        "contrasts",
        fig10_few_shot_all=(
            "Few-shot: F1 of all classes",
            "What does ProtoBERT cost or gain over all classes where one is scarce?",
            _FEW_SHOT,
        ),
        appH_few_shot_jnlpba_all=(
            "Few-shot: F1 of all classes on JNLPBA",
            "What does ProtoBERT cost or gain over all classes of JNLPBA where one is scarce?",
            _FEW_SHOT._replace(datasets=_JNLPBA),
        ),
    ),
    **_form(
        "tab1_forgetting",
        "forgetting",
        tab1_forgetting=("Words forgotten", "Which systems forget least of what they have learned?", Needs("clean")),
    ),
    **_form(
        "tab2_full_data",
        "summary",
        tab2_full_data=(
            "Test F1 when trained on all of the study's training sentences, clean labels",
            "How well does each system do without noise or scarcity?",
            _WORDS,
        ),
    ),
    **_form(
        "precision_recall",
        "summary",
        appG_precision_recall=(
            "Test precision and recall when trained on all of the study's training sentences, clean labels",
            "Does a system find too few entities, or too many?",
            _WORDS,
        ),
    ),
    **_form(
        "forgotten_words",
        "words",
        "quotes",
        appD_forgotten_words=("The words most often forgotten", "Which words will not stay learned?", _WORDS),
    ),
    **_form(
        "noise_detectors",
        "detection",
        appE_noise_detectors=(
            "How well wrong labels are found",
            "Can the wrong labels be found from one training run alone?",
            Needs("noise"),
        ),
    ),
    **_form(
        "loss_histograms",
        "loss_histogram",
        appE_loss_histograms=(
            "The loss of wrongly and of cleanly labelled words",
            "Are wrong labels apart from right ones by their loss alone, and until when?",
            Needs("noise"),
        ),
    ),
    **_form(
        "phases",
        "phases",
        phases=(
            "How long models settle",
            "How long does settling last, and does more noise shorten it?",
            Needs("noise"),
        ),
    ),
}
