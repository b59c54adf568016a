"""A transformer encoder with a linear layer over tags: a pretrained checkpoint, or its random twin.

The first word-piece carries a word's label (paper section 3; model_utils.py:155-188). [CLS], [SEP] and padding
are neither in the loss nor in the output space.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from settling.data.split import Split
from settling.data.tokens import load_tokenizer
from settling.errors import BadInput, one_line_errors
from settling.systems.encoder import EncoderRecipe
from settling.systems.loading import SAFELY, accelerate, load_backbone
from settling.systems.windows import LOST, Rows, Windows, flat, windows_of
from settling.training import interface
from settling.training.interface import Output, output_of
from settling.training.recipe import TransformerRecipe

# The types of models that take positions and attention masks of ours, so that several windows share a row, each with
# the module of its last layer from which on no piece sees another: from there, only first sub-words go on.
PACKED = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "electra"), "encoder.layer.{}.attention.output"),
    "distilbert": "transformer.layer.{}.sa_layer_norm",
}


class System(interface.System):
    """The model and the splits made ready for it, on `device`.

    Weights that the checkpoint lacks come from torch's global generator, which the caller seeds.
    Raises BadInput for a checkpoint that transformers cannot load or that has too few layers.
    """

    module: PreTrainedModel

    def __init__(
        self, recipe: EncoderRecipe, checkpoint: Path, splits: Mapping[str, Split], device: torch.device
    ) -> None:
        super().__init__(recipe, splits)
        self.module, self.prepared = prepare(recipe, checkpoint, splits, len(splits["train"].tags), device)
        self.truncate = recipe.long_sentences == "truncate"

    def output(self, micro_batch: Rows) -> Output:
        """Run the model over a micro-batch."""
        return output_of(
            micro_batch.words, at_first_subwords(self.module, micro_batch, self.truncate), micro_batch.given_label
        )


def prepare(
    recipe: TransformerRecipe, checkpoint: Path, splits: Mapping[str, Split], num_outputs: int, device: torch.device
) -> tuple[PreTrainedModel, dict[str, Windows]]:
    """Return the model, with so many outputs a word, and the splits cut into windows for it, on `device`.

    Raises BadInput for a checkpoint that transformers cannot load or that has too few layers.
    """
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    truncate = recipe.long_sentences == "truncate"
    with one_line_errors(f"{checkpoint}: not a checkpoint that transformers can load"):
        model, tokenizer = load(recipe, checkpoint, num_outputs)
        pad_id = padding_of(tokenizer, model)
        max_length = min(recipe.max_length, num_positions(model))
        cut = {name: flat(windows_of(tokenizer, split, max_length, truncate)) for name, split in splits.items()}
        trim_vocabulary(model, [windows.ids for windows in cut.values()], pad_id)
    accelerate(model, recipe, device)
    first = first_position(model) if model.config.model_type in PACKED else None
    return model, {
        name: Windows(cut[name], split.given_label, pad_id, first, num_positions(model), device)
        for name, split in splits.items()
    }


def at_first_subwords(model: PreTrainedModel, micro_batch: Rows, truncate: bool) -> torch.Tensor:
    """Return the model's output [W, C] at the first sub-word of each word.

    With `truncate`, a word that is LOST gets the output of a zero vector."""
    positions = {} if micro_batch.positions is None else {"position_ids": micro_batch.positions}
    with first_subwords_alone(model, micro_batch):
        outputs: torch.Tensor = model(input_ids=micro_batch.ids, attention_mask=micro_batch.mask, **positions).logits
    if micro_batch.positions is None:
        outputs_WC = outputs[micro_batch.rows, micro_batch.first_subwords].float()
    else:
        outputs_WC = outputs[0].float()
    if not truncate:
        return outputs_WC
    # A linear layer makes its bias of zeros.
    bias_C = cast(torch.nn.Linear, model.classifier).bias
    return torch.where((micro_batch.first_subwords == LOST)[:, None], bias_C, outputs_WC)


@contextlib.contextmanager
def first_subwords_alone(model: PreTrainedModel, micro_batch: Rows) -> Iterator[None]:
    """Have the last layer of a packed model go on, after its attention, with the W first sub-words alone.

    Nobody reads the other pieces there. The model's output is [1, W, C] then.
    """
    if micro_batch.positions is None:
        yield
        return

    def select(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return tuple(states_RTH[micro_batch.rows, micro_batch.first_subwords][None] for states_RTH in inputs)

    name = PACKED[model.config.model_type].format(model.config.num_hidden_layers - 1)
    hook = model.base_model.get_submodule(name).register_forward_pre_hook(select)
    try:
        yield
    finally:
        hook.remove()


def load(recipe: TransformerRecipe, checkpoint: Path, num_tags: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return the model that the recipe asks for, with a fresh output layer, and its tokenizer."""
    config = AutoConfig.from_pretrained(checkpoint, num_labels=num_tags, **SAFELY)
    if recipe.layers:
        if recipe.layers > config.num_hidden_layers:
            raise BadInput(f"{checkpoint}: layers is {recipe.layers}, expected at most {config.num_hidden_layers}")
        config.num_hidden_layers = recipe.layers
    model = AutoModelForTokenClassification.from_config(config, dtype=torch.float32)
    if recipe.pretrained:
        load_backbone(model, checkpoint)
    return model, load_tokenizer(checkpoint)


def num_positions(model: PreTrainedModel) -> int:
    """Return how many pieces the model has positions for."""
    return int(getattr(model.config, "max_position_embeddings", 2**31)) - first_position(model)


def first_position(model: PreTrainedModel) -> int:
    """Return the position of a window's first piece: RoBERTa and its kind count from the one after the padding id."""
    tables = [module for name, module in model.named_modules() if name.endswith("position_embeddings")]
    padding = [table.padding_idx for table in tables if getattr(table, "padding_idx", None) is not None]
    return max((index + 1 for index in padding), default=0)


def padding_of(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> int:
    """Return the piece that fills rows, which masks hide: the tokenizer's, or 0 where it has none the model embeds."""
    num_embeddings = cast(torch.nn.Embedding, model.get_input_embeddings()).num_embeddings
    pad_id = tokenizer.pad_token_id
    return pad_id if pad_id is not None and pad_id < num_embeddings else 0


def trim_vocabulary(model: PreTrainedModel, splits: Sequence[NDArray[np.integer]], pad_id: int) -> None:
    """Keep only the embeddings that the pieces of the splits use, and renumber the pieces.

    No prediction changes: the rows left out would get no gradient. Ids up to `pad_id` stay, as some models
    find positions by it. Raises ValueError where the tokenizer has pieces that the model lacks.
    """
    old = cast(torch.nn.Embedding, model.get_input_embeddings())
    special = np.arange(max(pad_id, old.padding_idx or 0) + 1)
    used = np.unique(np.concatenate([special, *splits]))
    if used[-1] >= old.num_embeddings:
        raise ValueError(f"the tokenizer has a piece {used[-1]}, but the model embeds {old.num_embeddings} alone")
    new = torch.nn.Embedding(len(used), old.embedding_dim, padding_idx=old.padding_idx)
    with torch.no_grad():
        new.weight.copy_(old.weight[torch.from_numpy(used)])
    model.set_input_embeddings(new)
    for ids in splits:
        ids[:] = np.searchsorted(used, ids)
