"""The figures: one line each in FIGURES; a file beside this one draws the figure and describes it.

The workflow reads FIGURES while it parses, so nothing here imports a plotting library. A figure's module is imported
only to draw the figure or to make the report; `forms.Form` describes its content. Figures of one form share a module;
their lines here say how they differ. Title and question in the module are those of the first of them.

Tags in brackets, such as `[S3-6]`, say where an account of the paper comes from; report/claims.py spells them out.
"""

from typing import NamedTuple

from settling.figures.needs import Needs

CHART_FILES = ("json", "html", "svg", "png")
TABLE_FILES = ("json", "html", "csv")


class Figure(NamedTuple):
    """A figure: the module that draws it, the tables it reads, the runs it is about, and its place in the paper."""

    form: str
    """The module, without its package."""
    reads: tuple[str, ...]
    """The tables, without `datasets` and `systems`, which every figure reads to know whose rows it shows."""
    needs: Needs
    number: str = ""
    """What the paper calls it; empty for a figure of ours."""
    paper: str = ""
    """What the paper shows there; empty where no account of it is at hand."""
    title: str = ""
    """Its title where that is not the form's."""
    question: str = ""
    """The question it answers where that is not the form's."""
    is_table: bool = False
    """Whether its module makes a table instead of a chart."""

    @property
    def module(self) -> str:
        """The module's whole name."""
        return f"settling.figures.{self.form}"

    @property
    def files(self) -> tuple[str, ...]:
        """The suffixes of the files it is drawn into, without their dots."""
        return TABLE_FILES if self.is_table else CHART_FILES

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all tables it reads."""
        return (*self.reads, "datasets", "systems")

    @property
    def drawing(self) -> str:
        """The parts of this line that change the drawing, as text: all but `number`, `paper` and `question`."""
        return str(self._replace(number="", paper="", question=""))


_PRETRAINED = Needs("noise", systems="noise", pretrained=True)
_UNTRAINED = Needs("noise", systems="noise without pretraining", pretrained=False)
_FEW_SHOT = Needs("cap", systems="few-shot", pretrained=True, beside="beside few-shot")
_WORDS = Needs("clean", systems="clean words")
_JNLPBA = ("jnlpba",)
_MISC = ("MISC",)
_NOISE_F1 = ("curves", "treatments", "phases")
_PROTOTYPES = "The paper shows ProtoBERT above BERT where examples are very few. With more, BERT catches up. [S25]"

HEADLINE = "three_phases"

FIGURES: dict[str, Figure] = {
    HEADLINE: Figure("three_phases", _NOISE_F1, Needs("noise")),
    "fig1_noise_f1": Figure(
        "fig1_noise_f1",
        _NOISE_F1,
        _PRETRAINED,
        "figure 1",
        "The paper shows BERT on CoNLL03 with 0 to 50 % noise. Both scores rise fast and stay flat. Then train F1 "
        "climbs towards 1, and dev F1 falls. More noise shortens the flat phase. With clean labels, further epochs "
        "do not hurt. [B][S3-6][S12]",
    ),
    "appC_without_pretraining": Figure(
        "fig1_noise_f1",
        _NOISE_F1,
        _UNTRAINED,
        "appendix C",
        "The paper shows this for a network of BERT's shape without pretraining: it does not settle. [B][S30]",
        "F1 under label noise, without pretraining",
        "Does a model without pretraining settle?",
    ),
    "appI_other_encoders": Figure(
        "fig1_noise_f1",
        _NOISE_F1,
        _PRETRAINED._replace(checkpoints=("roberta", "deberta")),
        "appendix I",
        "The paper finds the same tendency in these models as in BERT. [S10]",
        "F1 under label noise: RoBERTa and DeBERTa",
        "Do other pretrained encoders go through the same phases?",
    ),
    "fig2_noisy_accuracy": Figure(
        "fig2_noisy_accuracy",
        ("curves", "phases"),
        _PRETRAINED,
        "figure 2",
        "The paper reads two things from its figure. The model learns noisy examples only in the last phase. Before "
        "that phase its predictions for them differ from their noisy labels. [S3][S13]",
    ),
    "appC_noisy_accuracy": Figure(
        "fig2_noisy_accuracy",
        ("curves", "phases"),
        _UNTRAINED,
        "appendix C",
        "The paper says that networks without pretraining do not settle. [B][S30]",
        "What the model says of wrongly labelled words, without pretraining",
        "When does a model without pretraining begin to give the wrong labels it was trained on?",
    ),
    "appA_image_noise": Figure(
        "f1_and_noisy_accuracy",
        _NOISE_F1,
        Needs("noise", systems="image noise"),
        "appendix A",
        "The paper compares a ResNet on CIFAR10 with BERT, to ask whether the ResNet settles too. Accounts of the "
        "answer differ: it settles for a shorter time, or not at all. [S12][S29]",
    ),
    "appB_jnlpba_noise": Figure(
        "f1_and_noisy_accuracy",
        _NOISE_F1,
        _PRETRAINED._replace(datasets=_JNLPBA),
        "appendix B",
        title="Label noise on JNLPBA",
        question="Are the phases the same on biomedical text?",
    ),
    "fig3_first_learned": Figure(
        "fig3_first_learned",
        ("first_learned",),
        Needs("noise"),
        "figure 3",
        "The paper shows this for BERT on CoNLL03. The model learns clean words first. Then it learns nothing new "
        "for a while. Then it learns the noise. [S17]",
    ),
    "appF_jnlpba_first_learned": Figure(
        "fig3_first_learned",
        ("first_learned",),
        Needs("noise", datasets=_JNLPBA),
        "appendix F",
        title="When words are first learned: JNLPBA",
        question="Are wrong labels learned later than right ones on biomedical text too?",
    ),
    "fig4_capped_f1": Figure(
        "fig4_capped_f1",
        ("curves",),
        Needs("cap"),
        "figure 4",
        "The paper shows this for LOC on CoNLL03. The train score of the class is much the same at every cap. Its dev "
        "score falls with fewer sentences. [S19]",
    ),
    "appJ_misc_f1": Figure(
        "fig4_capped_f1",
        ("curves",),
        Needs("cap", classes=_MISC),
        "appendix J",
        title="F1 of the capped class over the epochs: MISC",
        question="Does a model fit the few examples of MISC without generalising from them?",
    ),
    "fig5_capped_first_learned": Figure(
        "fig5_capped_first_learned",
        ("first_learned",),
        Needs("cap"),
        "figure 5",
        "The paper shows this for LOC on CoNLL03: the fewer examples a class has, the earlier they are first learned. "
        "[S19]",
    ),
    "appJ_misc_first_learned": Figure(
        "fig5_capped_first_learned",
        ("first_learned",),
        Needs("cap", classes=_MISC),
        "appendix J",
        title="When words of the capped class are first learned: MISC",
        question="Are the words of MISC learned earlier when there are fewer of them?",
    ),
    "fig6_class_caps": Figure(
        "fig6_class_caps",
        ("summary", "caps"),
        Needs("cap"),
        "figure 6",
        "The paper shows that a model does not predict a class below a number of examples. On CoNLL03 learning "
        "starts at about 25 sentences and levels off at about 100. On JNLPBA it takes 50 or more. [S20]",
    ),
    "fig7_class_caps": Figure(
        "fig6_class_caps",
        ("summary", "caps"),
        Needs("cap", datasets=_JNLPBA),
        "figure 7",
        "The paper reads from its figure that on JNLPBA a class needs 50 sentences or more. [S20]",
        "F1 when a class is scarce: JNLPBA",
        "How many sentences does a class of JNLPBA need to be predicted at all?",
    ),
    "fig9_few_shot_class": Figure("fig9_few_shot_class", ("summary", "contrasts"), _FEW_SHOT, "figure 9", _PROTOTYPES),
    "fig11_few_shot_jnlpba": Figure(
        "fig9_few_shot_class",
        ("summary", "contrasts"),
        _FEW_SHOT._replace(datasets=_JNLPBA),
        "figure 11",
        _PROTOTYPES,
        "Few-shot: F1 of the capped class on JNLPBA",
        "Is ProtoBERT better where a class of JNLPBA is scarce?",
    ),
    "fig10_few_shot_all": Figure(
        "fig10_few_shot_all",
        ("summary", "contrasts"),
        _FEW_SHOT,
        "figure 10",
        "The paper shows that on the whole task BERT catches up as examples become more. [S25]",
    ),
    "appH_few_shot_jnlpba_all": Figure(
        "fig10_few_shot_all",
        ("summary", "contrasts"),
        _FEW_SHOT._replace(datasets=_JNLPBA),
        "appendix H",
        title="Few-shot: F1 of all classes on JNLPBA",
        question="What does ProtoBERT cost or gain over all classes of JNLPBA where one is scarce?",
    ),
    "tab1_forgetting": Figure(
        "tab1_forgetting",
        ("forgetting",),
        Needs("clean"),
        "table 1",
        "The paper concludes that pretrained BERT forgets much less than other models. [S16]",
        is_table=True,
    ),
    "tab2_full_data": Figure(
        "tab2_full_data",
        ("summary",),
        _WORDS,
        "table 2",
        "The paper finds ProtoBERT level with BERT on full data, and better on WNUT17. [A][S25-26]",
        is_table=True,
    ),
    "appG_precision_recall": Figure("precision_recall", ("summary",), _WORDS, "appendix G", is_table=True),
    "appD_forgotten_words": Figure(
        "forgotten_words",
        ("words", "quotes"),
        _WORDS,
        "appendix D",
        "The paper has such a list for CoNLL03. [S31]",
        is_table=True,
    ),
    "appE_noise_detectors": Figure(
        "noise_detectors",
        ("detection",),
        Needs("noise"),
        "appendix E",
        "The paper trains a BERT for 4 epochs and clusters its losses with k-means. It finds that the loss alone tells "
        "noisy words from clean ones. [S32-33]",
    ),
    "appE_loss_histograms": Figure(
        "loss_histograms",
        ("loss_histogram",),
        Needs("noise"),
        "appendix E",
        "The paper shows that in BERT the losses of noisy words are well apart from those of clean words. [S32-33]",
    ),
    "phases": Figure(
        "phases",
        ("phases",),
        Needs("noise"),
        paper="The paper finds settling by eye. It is long in BERT, shorter with more noise, and absent without "
        "pretraining. [B][S12][S30]",
    ),
}
