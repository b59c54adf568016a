"""How every checkpoint is opened, from this machine alone, without code of its own or pickled weights, and run."""

from typing import Any

import torch
from transformers import PreTrainedModel

from settling.config import AcceleratedSystem

SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
# For `from_pretrained` of a model, which then says which weights the checkpoint lacked.
WEIGHTS: dict[str, Any] = {
    **SAFELY,
    "use_safetensors": True,
    "dtype": torch.float32,
    "output_loading_info": True,
}
# What `compile` hands the model to.
COMPILER = "inductor"


def accelerate(model: PreTrainedModel, recipe: AcceleratedSystem, device: torch.device) -> torch.nn.Module:
    """Move the model to `device` and make it run as the recipe says; in bfloat16 its weights stay float32."""
    module: torch.nn.Module = model
    module.to(device)
    torch.set_float32_matmul_precision("high" if recipe.precision == "tf32" else "highest")
    if recipe.precision == "bfloat16":
        module.forward = torch.autocast(device.type, torch.bfloat16)(module.forward)
    if recipe.compile:
        # Batches differ in shape.
        module.compile(backend=COMPILER, dynamic=True)
    return module
