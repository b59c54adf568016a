"""Real label noise: the labels of a file, such as those of a crowd, beside the true ones."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from settling.data.keys import Reading
from settling.data.sources.source import FileName
from settling.errors import BadInput
from settling.treatments.corpus import Corpus, Treated, relabelled
from settling.treatments.kind import Keys, Kind, Member, Treatment
from settling.treatments.label_files import code_of, labels_in

Name = Annotated[Literal["from-file"], Field(description="Each word gets the label that a file gives it.")]
LabelsFile = Annotated[
    FileName,
    Field(description="The file of the given labels, on this machine. It holds each training sentence, and may more."),
]


class FromFileKeys(Keys, Reading):
    """The labels of a file, and how it is read."""

    kind: Name
    file: LabelsFile

    def members(self, key: str, blocks: Mapping[str, Keys]) -> list[Member]:
        """Return the one treatment, named after the block's key."""
        return [(f"noise-{self.kind}-{key}", self.model_dump(mode="json", exclude_defaults=True))]


class FromFileTreatment(Treatment, Reading):
    """The labels of a file."""

    kind: Name
    file: LabelsFile

    def files(self) -> dict[str, str]:
        """Return the file of labels."""
        return {"file": self.file}

    def code(self) -> list[str]:
        """Return the module of the file's format."""
        return code_of(self.file, self)


def treat(corpus: Corpus, treatment: FromFileTreatment) -> Treated:
    """Give each word the label that it has in the file.

    Raises BadInput where the file is not of the same sentences, or labels them as the data set does.
    """
    given_label = labels_in(treatment.file, treatment, corpus)
    if (given_label == corpus.label).all():
        raise BadInput(f"{treatment.file}: found the label of the data set at each word, expected some other labels")
    return relabelled(given_label)


KIND = Kind(
    family="noise",
    phrase="labels of a file",
    random=False,
    keys=FromFileKeys,
    treatment=FromFileTreatment,
    treat=treat,
    needs_words=True,
)
