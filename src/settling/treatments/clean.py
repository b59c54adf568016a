"""No treatment."""

from typing import Annotated, Literal

from pydantic import Field

from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Kind, Treatment


class CleanTreatment(Treatment):
    """No treatment."""

    kind: Annotated[Literal["clean"], Field(description="Every word keeps its label.")]


def treat(corpus: Corpus, treatment: CleanTreatment) -> Treated:
    """Keep every word and its label."""
    return relabelled(corpus.label)


KIND = Kind(
    family="clean",
    phrase="nothing is changed",
    random=False,
    keys=None,
    treatment=CleanTreatment,
    treat=treat,
)
