"""How every checkpoint is opened, from this machine alone, without code of its own or pickled weights, and run."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

from settling.errors import BadInput
from settling.training.recipe import AcceleratedRecipe

SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
# What `compile` hands the model to.
COMPILER = "inductor"


def load_backbone(model: PreTrainedModel, checkpoint: Path) -> None:
    """Load a checkpoint's weights into a model's backbone; the output layer keeps its own.

    Raises BadInput where it lacks some of them, or where one holds a number that is not finite.
    """
    weights, lacking = backbone(checkpoint, getattr(model.config, "num_hidden_layers", None))
    own = model.base_model.state_dict().keys()
    if missing := sorted(own & lacking):
        raise BadInput(f"{checkpoint}: the weights lack {len(missing)} of the model's, such as {missing[0]}")
    for name in sorted(own):
        if not weights[name].isfinite().all():
            found = weights[name][~weights[name].isfinite()][0].item()
            raise BadInput(f"{checkpoint}: the weights {name} hold {found}, expected finite numbers")
    model.base_model.load_state_dict({name: weights[name] for name in own})


def backbone(checkpoint: Path, layers: int | None) -> tuple[dict[str, torch.Tensor], set[str]]:
    """Return the weights of a checkpoint's backbone, and the names of those that it lacks.

    `layers` keeps the first ones alone.
    """
    config = AutoConfig.from_pretrained(checkpoint, **SAFELY)
    if layers is not None:
        config.num_hidden_layers = layers
    # What the checkpoint lacks is drawn here and thrown away; a run's own draws are the same wherever it stands.
    with torch.random.fork_rng(devices=[]):
        model, loaded = AutoModel.from_pretrained(
            checkpoint, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **SAFELY
        )
    return model.state_dict(), set(loaded["missing_keys"])


def accelerate(model: PreTrainedModel, recipe: AcceleratedRecipe, device: torch.device) -> torch.nn.Module:
    """Move the model to `device` and make it run as the recipe says; in bfloat16 its weights stay float32."""
    module: torch.nn.Module = model
    module.to(device)
    torch.backends.cudnn.allow_tf32 = recipe.precision == "tf32"
    torch.set_float32_matmul_precision("high" if recipe.precision == "tf32" else "highest")
    if recipe.precision == "bfloat16":
        module.forward = torch.autocast(device.type, torch.bfloat16)(module.forward)
    if recipe.compile:
        # Batches differ in shape.
        module.compile(backend=COMPILER, dynamic=True)
    return module
