"""Every table of the study: the columns of each file, checked whenever one is written or read."""

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
_ESTIMATE_NULLS = ("sd", "low", "high")

SCHEMAS: dict[str, pa.Schema] = {
    # Canonical data: one word a row, IOB2.
    "data": _schema(("sentence", pa.int32()), ("position", pa.int16()), ("token", pa.string()), ("label", _NAME)),
    # The training split after a treatment; `word` is dense and is the key of all later files.
    "treated": _schema(
        ("sentence", pa.int32()),
        ("position", pa.int16()),
        ("token", pa.string()),
        ("word", pa.uint32()),
        ("label", _NAME),
        ("given", _NAME),
        ("noisy", pa.bool_()),
    ),
    # One row group per view and epoch, words in order; `predicted` indexes the metadata's `tags`.
    "dynamics": _schema(
        ("view", _NAME),
        ("epoch", pa.uint16()),
        ("word", pa.uint32()),
        ("predicted", pa.uint8()),
        ("loss", pa.float32()),
    ),
    "scores": _schema(("epoch", pa.uint16()), *_SCORE, ("value", pa.float64())),
    "events": _schema(
        ("view", _NAME),
        ("word", pa.uint32()),
        ("label", _NAME),
        ("given", _NAME),
        ("noisy", pa.bool_()),
        ("first_learned", pa.int16()),
        ("learning", pa.uint16()),
        ("forgetting", pa.uint16()),
        ("loss_mean", pa.float32()),
        ("loss_variance", pa.float32()),
    ),
    # Aggregates over the runs of a study.
    "treatments": _schema(
        *_TREATMENT,
        ("draw", pa.int32()),
        ("sentences", pa.int32()),
        ("words", pa.int32()),
        ("nominal_rate", pa.float64()),
        ("effective_rate", pa.float64()),
        ("settled_f1", pa.float64()),
        nullable=_TREATMENT_NULLS,
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
        ("moment", _NAME),
        *_SCORE,
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "effects": _schema(
        *_TREATMENT,
        ("baseline", _NAME),
        ("system", _NAME),
        ("moment", _NAME),
        *_SCORE,
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "first_learned": _schema(
        *_TREATMENT,
        ("system", _NAME),
        ("view", _NAME),
        ("noisy", pa.bool_()),
        ("epoch", pa.int16()),
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
    "forgetting": _schema(
        *_TREATMENT,
        ("system", _NAME),
        ("view", _NAME),
        ("noisy", pa.bool_()),
        ("metric", _NAME),
        *_ESTIMATE,
        nullable=(*_TREATMENT_NULLS, *_ESTIMATE_NULLS),
    ),
}
