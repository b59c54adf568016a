"""What a data set is for: the registry of tasks. One line a task: the module that ends with its TASK."""

import functools
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settling.data.tasks.task import Task

TASKS = {
    "ner": "settling.data.tasks.ner",
    "image": "settling.data.tasks.image",
}


@functools.cache
def task_of(name: str) -> "Task":
    """Return what the task of this name says of itself; raise KeyError for a name that is not in TASKS."""
    task: Task = importlib.import_module(TASKS[name]).TASK
    return task
