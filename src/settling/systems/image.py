"""An image classifier: a checkpoint, its random twin, or a random ResNet.

The defaults of `block`, `depths` and `widths` are ResNet-50's (He et al. 2016, table 1).
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from settling.model import MAX_PIXELS, MAX_SENTENCES, MAX_SIZE, NUMBER, Layers
from settling.systems.kind import WEIGHTS, Kind
from settling.training.recipe import AcceleratedRecipe, bound_parameters
from settling.validation import Name

# Each stage halves the side of an image, of which the largest has MAX_PIXELS pixels.
Stages = Field(min_length=1, max_length=12)
Width = Annotated[int, Field(ge=4, le=MAX_SIZE), NUMBER]


class ImageRecipe(AcceleratedRecipe):
    """An image classifier: a checkpoint, its random twin, or a random ResNet."""

    kind: Annotated[
        Literal["image"],
        Field(description="An image classifier: any `AutoModelForImageClassification` checkpoint, or a random ResNet."),
    ]
    checkpoint: Name | None = Field(
        None, description="A name under `checkpoints`. Without one, the model is a random ResNet."
    )
    pretrained: bool = Field(True, description="`false`: a model of the checkpoint's shape with random weights.")
    block: Literal["basic", "bottleneck"] = Field("bottleneck", description="The blocks of the random ResNet.")
    depths: Annotated[tuple[Layers, ...], Stages] = Field(
        (3, 4, 6, 3), description="Blocks of each stage of the random ResNet. ResNet-18: `basic`, `[2, 2, 2, 2]`."
    )
    widths: Annotated[tuple[Width, ...], Stages] = Field(
        (256, 512, 1024, 2048), description="Channels of each stage. ResNet-18: `[64, 128, 256, 512]`."
    )
    image_size: Annotated[int, Field(ge=8, le=MAX_PIXELS), NUMBER] = Field(
        32, description="Images are resized to so many pixels a side. Grey ones go to every channel of the model."
    )
    batch_size: Annotated[int, Field(ge=2, le=MAX_SENTENCES), NUMBER] = Field(
        64, description="Images a batch: at least two, as batch norm has nothing to learn from one."
    )

    @model_validator(mode="after")
    def _one_shape(self) -> "ImageRecipe":
        if len(self.depths) != len(self.widths):
            raise ValueError(f"depths are {self.depths} and widths {self.widths}; expected as many of each")
        for name in ("block", "depths", "widths") if self.checkpoint else ():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} is set, but the shape is the checkpoint's; drop one of the two")
        # Two filters of 3 x 3 a block; a bottleneck is narrower within, by a factor of 4.
        squares = sum(depth * width**2 for depth, width in zip(self.depths, self.widths, strict=True))
        bound_parameters(18 * squares if self.block == "basic" else squares, "depths, widths")
        return self


KIND = Kind(
    recipe=ImageRecipe,
    model="settling.systems.image_model",
    examples="images",
    checkpoints=WEIGHTS,
    figures=frozenset({"image noise"}),
)
