"""The treat stage: one training split in, the same split as a system is to see it out."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from settling.data.tasks import task_of
from settling.errors import BadInput
from settling.model import any_of
from settling.provenance import provenance
from settling.scoring import EntityScorer
from settling.tables import indices_of, metadata_of, read_table, to_numpy, write_table
from settling.treatments import KINDS, kind_of
from settling.treatments.corpus import Corpus
from settling.treatments.kind import Treatment
from settling.validation import check


def treat(spec: dict[str, Any], train: Path, output: Path) -> None:
    """Treat the split at `train` as `spec` says and write it to `output`.

    The metadata tells the nominal rate, null for noise without a level; the effective rate (the share of kept words
    whose given label is not the true one); `effective_mention_rate`, the share of true mentions that are not given with
    the same words and type, null where there is none; and `settled_f1`, the entity F1 of the true labels against the
    given ones: what a model scores on its training labels as long as it has memorised none of the noise; null where no
    given label is an entity's, as it is undefined there.

    Raises BadInput for an unknown kind or class, where the split cannot be treated so, and where no words are left.
    """
    treatment: Treatment = check(any_of([kind_of(name).treatment for name in KINDS]), spec, "spec")
    spec = treatment.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    table = read_table(train, "data")
    made = metadata_of(table.schema)
    tags, task = tuple(made["tags"]), task_of(made["task"])
    true_label = indices_of(table["label"], tags)
    corpus = Corpus(to_numpy(table["sentence"]), true_label, tags, table["token"].to_pylist())
    kind = kind_of(treatment.kind)
    if misfit := kind.misfit(task):
        raise BadInput(f"{treatment.kind}: {misfit}")
    kept, given_label = kind.treat(corpus, treatment)
    if not kept.any():
        raise BadInput(f"{train}: the treatment {spec['kind']} leaves no {task.group} to train on")
    table, true_label, given_label = table.filter(pa.array(kept)), true_label[kept], given_label[kept]
    sentence = np.unique(to_numpy(table["sentence"]), return_inverse=True)[1]
    scorer = EntityScorer(tags, sentence)
    given, true = scorer.entities(given_label), scorer.entities(true_label)
    settled = scorer.score(given, true)["all"]
    names = pa.array(tags)
    write_table(
        output,
        "treated",
        {
            "sentence": table["sentence"],
            "position": table["position"],
            "true_label": table["label"],
            "word": np.arange(len(true_label), dtype=np.uint32),
            "given_label": pa.DictionaryArray.from_arrays(pa.array(given_label.astype(np.int32)), names),
            "noisy": given_label != true_label,
        },
        provenance(
            "treat",
            spec,
            {"train": train, **{role: Path(path) for role, path in treatment.files().items()}},
            task=made["task"],
            tags=tags,
            sentences=int(sentence[-1]) + 1,
            nominal_rate=None if kind.family == "noise" and "percent" not in spec else spec.get("percent", 0) / 100,
            effective_rate=float((given_label != true_label).mean()),
            effective_mention_rate=len(true - given) / len(true) if true else None,
            settled_f1=settled.f1 if settled.support else None,
        ),
    )
