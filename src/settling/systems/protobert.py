"""ProtoBERT: a transformer whose words are compared with one centroid a tag.

Sources: paper section 5; proto_train.py:20-27,260-265,563-565 of the authors' repository.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from settling.model import NUMBER, Sentences, Size, Updates
from settling.systems.kind import WEIGHTS, Kind
from settling.training.recipe import TransformerRecipe


class ProtobertRecipe(TransformerRecipe):
    """A transformer whose words are compared with one centroid a tag, in episodes of support and query."""

    kind: Annotated[
        Literal["protobert"], Field(description="A transformer whose words are compared with one centroid a tag.")
    ]
    dimension: Size = Field(300, description="Dimension of the space of the centroids.")
    support_minority: Sentences = Field(10, description="Sentences of the support that hold the minority class.")
    support_others: Sentences = Field(100, description="Sentences of the support that do not hold it.")
    query_minority: Sentences = Field(15, description="At most so many sentences of the query hold it.")
    query_ratio: Sentences = Field(
        2, description="For each sentence of the support that holds it, so many of the query do not."
    )
    episodes: Updates | None = Field(
        None,
        description="Updates of the whole run. By default as many sentences pass, support and query alike, as pass an "
        "encoder in so many `epochs`. The authors' run has 756.",
    )
    centroids: Literal["full", "running"] = Field(
        "full",
        description="The centroids that dev, test and the training words are compared with: those of the whole "
        "training split, which cost a pass over it, or running ones.",
    )
    alpha: Annotated[float, Field(gt=0, le=1), NUMBER] = Field(
        0.1, description="The weight of a support's centroid in the running one."
    )
    views: Annotated[tuple[Literal["epoch-end"], ...], Field(min_length=1)] = Field(
        ("epoch-end",), description="Predictions for training words are recorded after an epoch alone."
    )

    @model_validator(mode="after")
    def _episodes_are_the_batches(self) -> "ProtobertRecipe":
        if self.batch_size != type(self).model_fields["batch_size"].default:
            raise ValueError(
                "batch_size is set, but an update takes an episode; set the sizes of its support and query"
            )
        return self


KIND = Kind(
    recipe=ProtobertRecipe,
    model="settling.systems.protobert_model",
    examples="words",
    checkpoints=WEIGHTS,
    figures=frozenset({"noise", "few-shot", "clean words"}),
)
