"""Recording what the Hugging Face Trainer trains: a callback, and a data collator that keeps the ids of the words.

The callback hooks the model's own call, by PyTorch's hooks, and reads nothing of the Trainer but its callbacks'
arguments: these are what every version of transformers has.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from settling.errors import BadInput
from settling.recording.recorder import Recorder
from settling.recording.words import NO_WORD

WORD_IDS = "word_ids"


class RecordingCollator:
    """A data collator that keeps the column `word_ids`, padded as the collator within pads the labels."""

    def __init__(self, collator: Callable[[list[dict[str, Any]]], Any]) -> None:
        self.collator = collator

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        """Return the batch of some items, with `word_ids` where all of them have it."""
        batch = self.collator([{name: of[name] for name in of if name != WORD_IDS} for of in features])
        if all(WORD_IDS in of for of in features):
            width = batch["input_ids"].shape[1]
            is_right = getattr(getattr(self.collator, "tokenizer", None), "padding_side", "right") == "right"
            rows = []
            for of in features:
                ids = list(of[WORD_IDS])
                padding = [NO_WORD] * (width - len(ids))
                rows.append(ids + padding if is_right else padding + ids)
            batch[WORD_IDS] = torch.tensor(rows)
        return batch


class RecorderCallback(TrainerCallback):
    """Has a recorder log each batch with word ids: in training as `minibatch`, in evaluation as `epoch-end`.

    So training items that are evaluated after each epoch, as one of the Trainer's `eval_dataset`, give the second view.
    `dev_f1` names the metric of an evaluation that is entity F1 on clean dev data. The recorder is not closed here.

    Raises BadInput, before the first step, for arguments under which a batch would be missed, and where the training
    items do not hold each word once.
    """

    def __init__(self, recorder: Recorder, dev_f1: str = "eval_f1") -> None:
        self.recorder, self.dev_f1 = recorder, dev_f1
        self.epoch: int | None = None
        self.word_ids: torch.Tensor | None = None
        self.hooks: list[torch.utils.hooks.RemovableHandle] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Check the arguments and the training items, and hook the model."""
        if args.remove_unused_columns:
            raise BadInput(f"remove_unused_columns: found True, expected False, so that {WORD_IDS} is kept")
        if (processes := args.world_size * max(1, args.n_gpu)) > 1:
            raise BadInput(f"found {processes} processes or GPUs, expected one, which sees every word")
        items: Any = kwargs["train_dataloader"].dataset
        if hasattr(items, "__len__"):
            ids = [np.asarray(items[number].get(WORD_IDS, []), dtype=np.int64) for number in range(len(items))]
            self.recorder.words.check(np.concatenate(ids), "the training items", whole=True)
        self._unhook()
        model = kwargs["model"]
        self.hooks = [
            model.register_forward_pre_hook(self._before, with_kwargs=True),
            model.register_forward_hook(self._after, with_kwargs=True),
        ]

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note the epoch."""
        self.epoch = round(state.epoch or 0)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record dev F1, where the evaluation has it."""
        if self.epoch is not None and metrics and self.dev_f1 in metrics:
            self.recorder.log_dev_f1(self.epoch, metrics[self.dev_f1])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave the model as it was."""
        self._unhook()

    def _unhook(self) -> None:
        for hook in self.hooks:
            hook.remove()
        self.hooks, self.epoch = [], None

    def _before(self, model: torch.nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Take the word ids, which the model does not know, out of its arguments."""
        self.word_ids = kwargs.get(WORD_IDS)
        return args, {name: value for name, value in kwargs.items() if name != WORD_IDS}

    def _after(self, model: torch.nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        """Log what the model returned."""
        if self.epoch is not None and self.word_ids is not None:
            view = "minibatch" if model.training else "epoch-end"
            self.recorder.log(self.epoch, self.word_ids, output.logits, kwargs.get("labels"), view)
