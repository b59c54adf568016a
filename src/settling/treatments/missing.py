"""Mentions that the labels leave out."""

from typing import Annotated, Literal

from pydantic import Field

from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind
from settling.treatments.mentions import MentionNoiseKeys, MentionNoiseTreatment, mentions_of, words_of

Name = Annotated[Literal["missing"], Field(description="Each picked mention becomes O.")]


class MissingKeys(MentionNoiseKeys):
    """Mentions left out, at several levels."""

    kind: Name


class MissingTreatment(MentionNoiseTreatment):
    """Mentions left out, at one level."""

    kind: Name


def treat(corpus: Corpus, treatment: MissingTreatment) -> Treated:
    """Pick each mention with probability percent/100 and label its words O."""
    mentions = mentions_of(corpus, treatment.noise_seed)
    picked = mentions.picked < treatment.share
    given_label = corpus.label.copy()
    given_label[words_of(mentions.first[picked], mentions.last[picked])] = corpus.tags.index("O")
    return relabelled(given_label)


KIND = Kind(
    family="noise",
    phrase="mentions left out",
    random=True,
    keys=MissingKeys,
    treatment=MissingTreatment,
    treat=treat,
    needs_outside=True,
)
