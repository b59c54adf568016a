"""Every table of the study: the columns of each file, checked whenever one is written or read."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

SPLITS = ("train", "dev", "test")
VIEWS = ("minibatch", "epoch-end")
METRICS = ("f1", "precision", "recall", "support", "accuracy", "noisy_accuracy", "loss")

_NAME = pa.dictionary(pa.int32(), pa.string())


def _schema(*columns: tuple[str, pa.DataType], nullable: tuple[str, ...] = ()) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=name in nullable) for name, kind in columns])


_TREATMENT = (
    ("dataset", _NAME),
    ("treatment", _NAME),
    ("family", _NAME),
    ("kind", _NAME),
    ("percent", pa.int16()),
    ("cap_class", _NAME),
    ("cap_sentences", pa.int32()),
)
_TREATMENT_NULLS = ("percent", "cap_class", "cap_sentences")
_SCORE = (
    ("split", _NAME),
    ("view", _NAME),
    ("reference", _NAME),
    ("class", _NAME),
    ("metric", _NAME),
)
_ESTIMATE = (
    ("mean", pa.float64()),
    ("sd", pa.float64()),
    ("low", pa.float64()),
    ("high", pa.float64()),
    ("n", pa.int32()),
)
# A mean is null where no run has the value.
_ESTIMATE_NULLS = ("mean", "sd", "low", "high")
_RUN = (("noise_seed", pa.int32()), ("system", _NAME), ("seed", pa.int32()))
# `selected_epoch`: the last epoch that a detector read; `rate`: how many words it called noisy.
_DETECTOR = (("view", _NAME), ("detector", _NAME), ("selected_epoch", _NAME), ("rate", _NAME), ("metric", _NAME))
_HISTOGRAM = (
    ("view", _NAME),
    ("selected_epoch", _NAME),
    ("noisy", pa.bool_()),
    ("low_edge", pa.float64()),
    ("high_edge", pa.float64()),
)

# A predicted tag is stored in one byte where there are at most so many tags, and else in two.
NARROW_TAGS = 256

SCHEMAS: dict[str, pa.Schema] = {
    # Canonical data: one word a row, IOB2; or one image a row, with its pixels, whose shape is in the metadata.
    "data": _schema(
        ("sentence", pa.int32()),
        ("position", pa.int16()),
        ("token", pa.string()),
        ("label", _NAME),
        ("image", pa.binary()),
        nullable=("image",),
    ),
    # The word-pieces of the words of train, dev and test, in their order, as a checkpoint's tokenizer gives them.
    "tokens": _schema(("split", _NAME), ("sentence", pa.int32()), ("pieces", pa.list_(pa.int32()))),
    # The training split after a treatment; `word` is dense and is the key of all later files. Its text stays in `data`.
    "treated": _schema(
        ("sentence", pa.int32()),
        ("position", pa.int16()),
        ("word", pa.uint32()),
        ("true_label", _NAME),
        ("given_label", _NAME),
        ("noisy", pa.bool_()),
    ),
    # One row group per view and epoch, words in order; `predicted` indexes the metadata's `tags`.
    "dynamics": _schema(
        ("view", _NAME),
        ("epoch", pa.uint16()),
        ("word", pa.uint32()),
        # Two bytes where there are more than NARROW_TAGS tags.
        ("predicted", pa.uint8()),
        ("loss", pa.float32()),
        ("margin", pa.float32()),
    ),
    # A score is null where it is undefined: of a class without a mention in the reference.
    "scores": _schema(("epoch", pa.uint16()), *_SCORE, ("value", pa.float64()), nullable=("value",)),
    "events": _schema(
        ("view", _NAME),
        ("word", pa.uint32()),
        ("true_label", _NAME),
        ("given_label", _NAME),
        ("noisy", pa.bool_()),
        # -1 or an epoch.
        ("first_learned", pa.int32()),
        ("learning", pa.uint16()),
        ("forgetting", pa.uint16()),
        ("loss_mean", pa.float32()),
        ("loss_variance", pa.float32()),
        ("mistaken_for", _NAME),
        nullable=("mistaken_for",),
    ),
    # How well each detector finds the noisy words of a run, and how the losses of noisy and clean words lie.
    "detectors": _schema(*_DETECTOR, ("value", pa.float64())),
    "losses": _schema(*_HISTOGRAM, ("share", pa.float64())),
    # How suspect each word of a run is, where one cannot say how well that finds the noisy ones.
    "rankings": _schema(("view", _NAME), ("detector", _NAME), ("word", pa.uint32()), ("score", pa.float64())),
    # Over the runs of a study: first what holds for one run a row, then estimates.
    # `unit` carries a label; a `group` of units is what is shuffled, split and capped as a whole. `own` data came from
    # the user's files.
    "datasets": _schema(("dataset", _NAME), ("task", _NAME), ("unit", _NAME), ("group", _NAME), ("own", pa.bool_())),
    "systems": _schema(
        ("system", _NAME),
        ("kind", _NAME),
        ("checkpoint", _NAME),
        ("pretrained", pa.bool_()),
        ("centroids", _NAME),
        ("epochs", pa.int32()),
        ("schedule", _NAME),
        ("batch_size", pa.int32()),
        ("max_length", pa.int32()),
        ("long_sentences", _NAME),
        nullable=("checkpoint", "centroids", "batch_size", "max_length", "long_sentences"),
    ),
    "measures": _schema(
        *_TREATMENT,
        *_RUN,
        ("selected_epoch", _NAME),
        *_SCORE,
        ("value", pa.float64()),
        nullable=(*_TREATMENT_NULLS, "value"),
    ),
    "detection_runs": _schema(*_TREATMENT, *_RUN, *_DETECTOR, ("value", pa.float64()), nullable=_TREATMENT_NULLS),
    "treatments": _schema(
        *_TREATMENT,
        ("noise_seed", pa.int32()),
        ("sentences", pa.int32()),
        ("words", pa.int32()),
        ("nominal_rate", pa.float64()),
        ("effective_rate", pa.float64()),
        ("effective_mention_rate", pa.float64()),
        ("settled_f1", pa.float64()),
        nullable=(*_TREATMENT_NULLS, "nominal_rate", "effective_mention_rate", "settled_f1"),
    ),
    # One run's curves, of all classes together and of the capped one.
    "run_curves": _schema(
        *_TREATMENT,
        *_RUN,
        ("epoch", pa.uint16()),
        *_SCORE,
        ("value", pa.float64()),
        nullable=(*_TREATMENT_NULLS, "value"),
    ),
    "curves": _schema(
        *_TREATMENT,
        ("system", _NAME),
        ("epoch", pa.uint16()),
        *_SCORE,
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "summary": _schema(
        *_TREATMENT,
        ("system", _NAME),
        ("selected_epoch", _NAME),
        *_SCORE,
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "effects": _schema(
        *_TREATMENT,
        ("baseline", _NAME),
        ("system", _NAME),
        ("selected_epoch", _NAME),
        *_SCORE,
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "contrasts": _schema(
        *_TREATMENT,
        ("baseline_system", _NAME),
        ("system", _NAME),
        ("selected_epoch", _NAME),
        *_SCORE,
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "phases": _schema(
        *_TREATMENT,
        ("system", _NAME),
        ("view", _NAME),
        ("quantity", _NAME),
        ("unit", _NAME),
        *_ESTIMATE,
        ("runs", pa.int32()),
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "caps": _schema(
        ("dataset", _NAME),
        ("family", _NAME),
        ("kind", _NAME),
        ("cap_class", _NAME),
        ("system", _NAME),
        ("quantity", _NAME),
        *_ESTIMATE,
        ("runs", pa.int32()),
        nullable=_ESTIMATE_NULLS,
    ),
    "detection": _schema(
        *_TREATMENT, ("system", _NAME), *_DETECTOR, *_ESTIMATE, nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS)
    ),
    "loss_histogram": _schema(
        *_TREATMENT, ("system", _NAME), *_HISTOGRAM, *_ESTIMATE, nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS)
    ),
    # The words of a treated split that stand out in the runs of a system on it, without their text.
    "words": _schema(
        *_TREATMENT,
        ("noise_seed", pa.int32()),
        ("system", _NAME),
        ("view", _NAME),
        ("list", _NAME),
        ("rank", pa.int16()),
        ("word", pa.uint32()),
        ("sentence", pa.int32()),
        ("position", pa.int16()),
        ("true_label", _NAME),
        ("given_label", _NAME),
        ("noisy", pa.bool_()),
        ("mistaken_for", _NAME),
        ("forgetting", pa.float64()),
        ("first_learned", pa.float64()),
        ("loss", pa.float64()),
        ("n", pa.int32()),
        nullable=(*_TREATMENT_NULLS, "mistaken_for"),
    ),
    # The text of those words, each in its sentence: what only those may see who may see the data set.
    "quotes": _schema(
        ("dataset", _NAME),
        ("sentence", pa.int32()),
        ("position", pa.int16()),
        ("before", pa.string()),
        ("token", pa.string()),
        ("after", pa.string()),
    ),
    # A row is of a claim in a setting (data set, system, level); estimate and margin are in the claim's own units.
    "claims": _schema(
        ("claim", _NAME),
        ("text", pa.string()),
        ("source", pa.string()),
        ("published", pa.float64()),
        ("overall", _NAME),
        ("verdict", _NAME),
        ("reason", pa.string()),
        ("dataset", _NAME),
        ("system", _NAME),
        ("against", _NAME),
        ("setting", pa.string()),
        ("effect", pa.string()),
        ("unit", _NAME),
        ("statistic", _NAME),
        ("direction", _NAME),
        ("margin", pa.float64()),
        *_ESTIMATE,
        nullable=("published", "reason", "dataset", "system", "against", "setting", "unit", *_ESTIMATE_NULLS),
    ),
    "first_learned": _schema(
        *_TREATMENT,
        ("system", _NAME),
        ("view", _NAME),
        ("class", _NAME),
        ("noisy", pa.bool_()),
        ("epoch", pa.int32()),
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "forgetting": _schema(
        *_TREATMENT,
        ("system", _NAME),
        ("view", _NAME),
        ("counting", _NAME),
        ("noisy", pa.bool_()),
        ("metric", _NAME),
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
}


def schema_of(name: str, metadata: Mapping[str, Any]) -> pa.Schema:
    """Return the schema of a file: its `tags` say how wide they are, `true_labels_known` whether they may be null."""
    schema = SCHEMAS[name]
    changed = []
    if name == "dynamics" and len(metadata.get("tags", ())) > NARROW_TAGS:
        changed.append(schema.field("predicted").with_type(pa.uint16()))
    if not metadata.get("true_labels_known", True):
        changed += [schema.field(name).with_nullable(True) for name in ("true_label", "noisy") if name in schema.names]
    for field in changed:
        schema = schema.set(schema.get_field_index(field.name), field)
    return schema
