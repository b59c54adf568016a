"""How every checkpoint is opened: from this machine alone, without code of its own or pickled weights."""

from typing import Any

import torch

SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
# For `from_pretrained` of a model, which then says which weights the checkpoint lacked.
WEIGHTS: dict[str, Any] = {
    **SAFELY,
    "use_safetensors": True,
    "dtype": torch.float32,
    "output_loading_info": True,
}
