"""An image classifier: a pretrained checkpoint, its random twin, or a random ResNet (He et al. 2016)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import AutoConfig, AutoModelForImageClassification, PreTrainedModel, ResNetConfig
from transformers.utils import logging

from settling.data.messages import one_line_errors
from settling.data.split import Split
from settling.errors import BadInput
from settling.files import read_json
from settling.systems.image import ImageRecipe
from settling.systems.loading import SAFELY, accelerate, load_backbone
from settling.training import interface
from settling.training.interface import Output, output_of

NO_PROCESSOR = {"image_mean": [0.5], "image_std": [0.5]}


@dataclass(frozen=True)
class Images:
    """A split on its device: `pixels` [N, C, H, W] uint8, and `given_label` [N], the label given to each image."""

    pixels: torch.Tensor
    given_label: torch.Tensor

    def batches(self, order: NDArray[np.integer], batch_size: int) -> list[list["Batch"]]:
        """Cut the images, in `order`, into batches of one piece each, as batch norm must see all of a batch.

        An image left alone joins the batch before, as batch norm has nothing to say of one.
        """
        ends = np.arange(batch_size, len(order) - 1, batch_size)
        return [
            [Batch(torch.from_numpy(words).to(self.given_label.device, torch.int64), self)]
            for words in np.split(order, ends)
        ]


@dataclass(frozen=True)
class Batch:
    """Some images of a split, by their positions `words` [W] in it."""

    words: torch.Tensor
    images: Images


class System(interface.System):
    """The model and the splits made ready for it, on `device`.

    Weights that the checkpoint lacks come from torch's global generator, which the caller seeds.
    Raises BadInput for a checkpoint that transformers cannot load or that does not take such images.
    """

    def __init__(
        self, recipe: ImageRecipe, checkpoint: Path | None, splits: Mapping[str, Split], device: torch.device
    ) -> None:
        super().__init__(recipe, splits)
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        if self.num_sentences < 2:
            raise BadInput("found one image to train on, expected at least two")
        self.image_size = recipe.image_size
        prepared = {
            name: Images(
                torch.from_numpy(np.asarray(split.images).transpose(0, 3, 1, 2).copy()).to(device),
                torch.from_numpy(split.given_label.astype(np.int64)).to(device),
            )
            for name, split in splits.items()
        }
        self.prepared = prepared
        self.batches_per_epoch = len(prepared["train"].batches(np.arange(self.num_sentences), recipe.batch_size))
        what = checkpoint or f"a ResNet of depths {recipe.depths}"
        with one_line_errors(f"{what}: cannot be loaded for images of {recipe.image_size} x {recipe.image_size}"):
            model = load(recipe, checkpoint, len(splits["train"].tags), prepared["train"].pixels.shape[1])
            self.module = accelerate(model, recipe, device).eval()
            self.channels = getattr(model.config, "num_channels", 3)
            self.mean, self.std = (part.to(device) for part in normalisation(checkpoint, self.channels))
            with torch.no_grad():
                for images in (images for images in prepared.values() if len(images.given_label)):
                    self.output(Batch(torch.zeros(1, dtype=torch.int64, device=device), images))

    @property
    def total_steps(self) -> int:
        """How many updates a whole run takes."""
        return self.recipe.epochs * self.batches_per_epoch

    def output(self, micro_batch: Batch) -> Output:
        """Resize and normalise a batch of images, and run the model over it."""
        pixels_BCHW = micro_batch.images.pixels[micro_batch.words].float() / 255
        size = (self.image_size, self.image_size)
        pixels_BCHW = functional.interpolate(pixels_BCHW, size, mode="bilinear", antialias=True)
        if pixels_BCHW.shape[1] == 1:
            pixels_BCHW = pixels_BCHW.expand(-1, self.channels, -1, -1)
        logits_BK = self.module((pixels_BCHW - self.mean) / self.std).logits
        return output_of(micro_batch.words, logits_BK, micro_batch.images.given_label[micro_batch.words])


def load(recipe: ImageRecipe, checkpoint: Path | None, num_classes: int, channels: int) -> PreTrainedModel:
    """Return the model that the recipe asks for, with a fresh output layer; `channels` are those of the images."""
    if checkpoint is None:
        config = ResNetConfig(
            num_channels=channels,
            # As in ResNet-18 and ResNet-50: as wide as the first stage's convolutions of 3 x 3.
            embedding_size=recipe.widths[0] // (4 if recipe.block == "bottleneck" else 1),
            hidden_sizes=list(recipe.widths),
            depths=list(recipe.depths),
            layer_type=recipe.block,
        )
    else:
        config = AutoConfig.from_pretrained(checkpoint, **SAFELY)
    config.num_labels = num_classes
    model: PreTrainedModel = AutoModelForImageClassification.from_config(config, dtype=torch.float32)
    if checkpoint and recipe.pretrained:
        load_backbone(model, checkpoint)
    return model


def normalisation(checkpoint: Path | None, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean and the standard deviation [channels, 1, 1] of the pixels, in 0 to 1, that a model expects.

    They are in the checkpoint's preprocessor_config.json; without one, both are 0.5. Raises BadInput where they are
    not numbers, or not as many as channels.
    """
    path = checkpoint / "preprocessor_config.json" if checkpoint else None
    values = {**NO_PROCESSOR, **(read_json(path) if path and path.exists() else {})}
    mean, std = (torch.tensor(_numbers(values[name], channels, f"{path}: {name}")) for name in NO_PROCESSOR)
    if not ((std > 0) & std.isfinite()).all():
        raise BadInput(f"{path}: image_std: found {values['image_std']}, expected numbers above 0")
    return mean.expand(channels)[:, None, None], std.expand(channels)[:, None, None]


def _numbers(found: Any, channels: int, where: str) -> list[float]:
    """Check that a list holds one number, or one for each channel."""
    if not isinstance(found, list) or not all(isinstance(value, float | int) for value in found):
        raise BadInput(f"{where}: found {found!r}, expected numbers")
    if len(found) not in (1, channels):
        raise BadInput(f"{where}: found {len(found)} numbers, expected {channels}, one a channel")
    return [float(value) for value in found]
