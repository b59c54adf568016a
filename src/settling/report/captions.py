"""What is written in advance under a figure: how to read it, and what the paper shows. What it shows here is computed.

Tags in brackets say where an account of the paper comes from; docs/claims.md lists them.
"""

from typing import NamedTuple

from settling.figures import FIGURES

_NOISE_F1 = (
    "Micro F1 of entities by epoch, one colour for each nominal level of label noise, darker for more: on the left "
    "over the training words against the labels given (the wrong ones included), on the right over dev against the "
    "true labels. Each dashed line is the train F1 of a model that still gives every word its true label: while a "
    "train curve lies flat on its dashes the model has settled, and where it rises above them it memorises. Bars "
    "below 0 show from when to when the runs that settle do so, by the rule of docs/phases.md."
)
_NOISY_ACCURACY = (
    "The wrongly labelled training words alone: the share to which the model gives the wrong label it was trained on "
    "(solid) and the share to which it gives the true one (dashed). While a model settles, the dashed lines are high "
    "and the solid ones near 0; memorisation is where they cross. Bars below 0 show from when to when the runs that "
    "settle do so."
)
_FIRST_LEARNED = (
    "Diamonds at the right are the words never right. The vertical scale is a square root, so that small late shares "
    "stay visible."
)
_CAPPED = (
    "one line for each number of training sentences that still hold it, darker for more; grey is the same system "
    "trained on all sentences"
)
_FEW_SHOT = (
    "of ProtoBERT, with centroids over the whole training set or running ones, and of the encoder that starts from "
    "the same checkpoint, on dev at each run's epoch of best dev F1, against the number of sentences that hold the "
    "capped class; dotted lines are the same systems on all sentences, over all their clean runs. On the right the "
    "difference between ProtoBERT and the encoder, of runs of the same draw and seed. Whether a difference holds is "
    "for the claims to say."
)
# By the module that draws the figure.
READING = {
    "fig1_noise_f1": _NOISE_F1,
    "fig2_noisy_accuracy": _NOISY_ACCURACY,
    "f1_and_noisy_accuracy": f"Above: {_NOISE_F1} Below: {_NOISY_ACCURACY}",
    "fig3_first_learned": (
        "The share of the training words whose first learning event (the first epoch at which the label given is "
        f"predicted) falls on each epoch, wrongly and cleanly labelled words apart. {_FIRST_LEARNED} Two separate "
        "groups of epochs, with nothing between them, mean that fitting and memorisation are apart."
    ),
    "fig4_capped_f1": (
        f"F1 of a class by epoch, {_CAPPED}: on the left over the training words that are left, on the right over dev. "
        "Where the lines lie together on the left and apart on the right, the model fits the few examples that it has, "
        "and does not generalise from them."
    ),
    "fig5_capped_first_learned": (
        "The share of the training words of a class whose first learning event falls on each epoch, "
        f"{_CAPPED}. {_FIRST_LEARNED} With fewer sentences in all an epoch is fewer updates, and a word passes as "
        "often: read it with that in mind."
    ),
    "fig6_class_caps": (
        "F1 on dev, at each run's epoch of best dev F1, against the number of training sentences kept that hold a "
        "class: on the left of that class, on the right of all classes; dotted lines are the same system on all "
        "sentences, over all its clean runs. Below zero, for each system, the number of sentences at which the class "
        "starts to be learned (10 % of its F1 on clean data, from there on) and at which it levels off (90 %), over "
        "the runs that get there; a mark is missing where none does. Removing sentences also removes other entities; "
        "where the study has the control arms (the other sentences kept with the class set to O, or as many "
        "sentences without the class removed), the gap between them and the cap tells scarcity of the class from "
        "loss of data."
    ),
    "fig9_few_shot_class": f"F1 of the capped class {_FEW_SHOT}",
    "fig10_few_shot_all": (
        f"F1 of all classes {_FEW_SHOT} A cap removes sentences, and with them entities of other classes."
    ),
    "tab1_forgetting": (
        "Forgettable words are right at some epoch and wrong at the next at least once, unforgettable ones never "
        "(words never learned are among them), learned ones are right at least once; the ratio is the first over the "
        "third. The view says when a word's prediction is taken: minibatch in training mode as its batch passes, as "
        "in the paper; epoch-end in evaluation mode after each epoch. Real words counts these; authors' grid counts "
        "as the authors' code does, all 50 positions of every sentence, padding and special tokens among them, and "
        "the last line says what that changes."
    ),
    "tab2_full_data": (
        "Micro F1 of entities on test, each run at its epoch of best dev F1; the test split chooses nothing. A dash "
        "means that the study has no such run. The paper's numbers are not set beside ours: the CoNLL-2003 test file "
        "at hand is the corrected one, and sizes differ wherever a study takes a subset."
    ),
    "precision_recall": (
        "Micro precision, recall and F1 of entities on test, each run at its epoch of best dev F1. Precision above "
        "recall means that a system finds too few entities, the reverse that it finds too many."
    ),
    "forgotten_words": (
        "The training words that are forgotten most often on clean data, in the middle of what stands around them, "
        "with their label and their forgetting events in the mean over the runs; ties in corpus order. Here one may "
        "meet annotation errors and unusual uses. The table of words below has more of them, and other lists."
    ),
    "noise_detectors": (
        "A dot for each detector, level of noise (colour) and moment up to which the detector reads the run (shape). "
        "From the left: F1 when as many words are called noisy as there are; F1 when their number is estimated "
        "without knowing the noise, or set by the detector's own threshold (kmeans: the paper's detector as it "
        "describes it; class-means: the same as its code has it; entity-label, the baseline without a model: any word "
        "not labelled O); area under the ROC curve; average precision. "
        "docs/detectors.md says what each detector is."
    ),
    "loss_histograms": (
        "The loss of the label given, in nats on a logarithmic scale, of wrongly and of cleanly labelled training "
        "words, after 4 epochs (the authors' choice), at the end of settling where the run settles, and at the end "
        "of training. Each colour adds up to 1. Two heaps apart mean that a threshold on the loss finds the noise; "
        "once it is memorised they lie on each other."
    ),
    "phases": (
        "The length of settling against the level of noise, in epochs and in updates, and the share of runs that "
        "settle at all, by the rule of docs/phases.md: from the epoch at which train F1 is near its predictable "
        "plateau and dev F1 near its best, to the one at which wrongly labelled words begin to be learned. A run "
        "without such a stretch counts as 0; clean runs stand apart, since nothing is asked of noisy words there; a "
        "triangle marks where some runs still settle in their last epoch, so that the true length is longer."
    ),
}
_PROTOTYPES = (
    "The paper shows ProtoBERT above BERT where examples are very few, and BERT catching up as they become more. [S25]"
)
PAPER = {
    "fig1_noise_f1": (
        "The paper shows BERT on CoNLL03 with 0 to 50 % noise: both scores rise fast, stay flat, and then train F1 "
        "climbs towards 1 while dev F1 falls; more noise shortens the flat phase, and with clean labels further "
        "epochs do not hurt. [B][S3-6][S12]"
    ),
    "appC_without_pretraining": (
        "The paper shows this for a network of BERT's shape that was not pretrained: it does not settle. [B][S30]"
    ),
    "appI_other_encoders": "The paper finds the same tendency in these models as in BERT. [S10]",
    "fig2_noisy_accuracy": (
        "The paper reads from its figure that noisy examples are learned only in the last phase, and are predicted "
        "wrongly with respect to their noisy label before it. [S3][S13]"
    ),
    "appC_noisy_accuracy": "The paper's account of networks without pretraining is that they do not settle. [B][S30]",
    "appA_image_noise": (
        "The paper sets a ResNet on CIFAR10 against BERT, to ask whether settling is there too; accounts of it differ "
        "between a shorter settling and none at all. [S12][S29] What the figure calls a word is an image here."
    ),
    "fig3_first_learned": (
        "The paper shows this for BERT on CoNLL03: clean words are learned first, then nothing new is learned, then "
        "the noise is. [S17]"
    ),
    "fig4_capped_f1": (
        "The paper shows this for LOC on CoNLL03: the train score of the class is much the same at every cap, and "
        "its dev score falls with fewer sentences. [S19]"
    ),
    "fig5_capped_first_learned": (
        "The paper shows this for LOC on CoNLL03: the fewer examples a class has, the earlier they are first "
        "learned. [S19]"
    ),
    "fig6_class_caps": (
        "The paper shows that a class stays unpredicted below a number of examples: on CoNLL03 learning starts at "
        "about 25 sentences and levels off at about 100, on JNLPBA it takes 50 or more. [S20]"
    ),
    "fig7_class_caps": "The paper reads from its figure that on JNLPBA a class needs 50 sentences or more. [S20]",
    "fig9_few_shot_class": _PROTOTYPES,
    "fig10_few_shot_all": "The paper shows that on the whole task BERT catches up as examples become more. [S25]",
    "fig11_few_shot_jnlpba": _PROTOTYPES,
    "tab1_forgetting": "The paper concludes that pretrained BERT forgets much less than other models. [S16]",
    "tab2_full_data": "The paper finds ProtoBERT level with BERT on full data, and better on WNUT17. [A][S25-26]",
    "appD_forgotten_words": "The paper has such a list for CoNLL03. [S31]",
    "appE_noise_detectors": (
        "The paper clusters the losses of a BERT trained for 4 epochs with k-means, and finds that the loss alone "
        "tells noisy from clean words. [S32-33]"
    ),
    "appE_loss_histograms": "The paper shows that in BERT the loss of noisy and clean words is well apart. [S32-33]",
    "phases": (
        "The paper finds settling by eye, long in BERT, shorter with more noise, and absent without pretraining. "
        "[B][S12][S30]"
    ),
}


class Caption(NamedTuple):
    """How to read a figure, and what the paper shows; the latter is empty where no account of it is at hand."""

    reading: str
    paper: str


def caption(figure: str) -> Caption:
    """Return the caption of a figure of the registry."""
    return Caption(READING[FIGURES[figure].module.rpartition(".")[2]], PAPER.get(figure, ""))
