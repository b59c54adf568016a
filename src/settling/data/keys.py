"""The keys of a data set: where it is from, how to read it, how to split and cut it."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from settling.data.formats import FORMATS
from settling.data.sources import SOURCES, source_of
from settling.data.tags import ALIASES, SCHEMES
from settling.data.tasks import TASKS, task_of
from settling.model import NUMBER, Model, Share, any_of

if TYPE_CHECKING:
    from settling.data.sources.source import Source
else:
    # Each kind has its keys in its own file. A checker of types sees what they have in common.
    Source = any_of([source_of(name) for name in SOURCES])

SHARES: dict[Literal["dev", "test"], float] = {"dev": 0.1, "test": 0.1}


def _known_scheme(scheme: Any) -> Any:
    """Return a scheme under the name that it has here."""
    name = scheme.lower() if isinstance(scheme, str) else scheme
    return ALIASES.get(name, name)


def _both_shares(split: Any) -> Any:
    """Return the shares of dev and test, one that is not given at its default."""
    return {**SHARES, **split} if isinstance(split, dict) else split


def _text_encoding(name: str) -> str:
    """Check that Python has an encoding of this name."""
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"found {name!r}, expected an encoding, such as utf-8, latin-1 or windows-1252") from None
    return name


class Origin(Model):
    """Where a data set is from, and what it is for."""

    source: Source = Field(description="Where the files are; see below.")
    task: Literal[*TASKS] = Field(  # type: ignore[valid-type]
        "ner", description="What carries a label: `ner`, a word of a sentence; `image`, an image (docs/data.md)."
    )


class Reading(Model):
    """How files of words and tags are read."""

    format: Literal[*FORMATS] | None = Field(  # type: ignore[valid-type]
        None,
        description="The format of files of words. By default a name that ends in `.parquet`, `.jsonl` or `.csv` says "
        "so, and any other file is `conll`.",
    )
    columns: list[str] = Field(
        ["token", "tag"],
        description="`conll`: every column in order. Columns that are neither `token` nor `tag` are skipped, whatever "
        "they are called: `[token, pos, chunk, tag]`. In one called `id`, lines that are no word in CoNLL-U (`3-4`, "
        "`5.1`) are dropped.",
    )
    comment: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description='`conll`: lines that begin so are dropped, such as `"# "`. By default none is, as tweets may begin '
        "with #.",
    )
    token_column: str = Field("tokens", description="Formats but `conll`: the column, or key, of the words.")
    tag_column: str = Field("ner_tags", description="Formats but `conll`: the column, or key, of the tags.")
    sentence_column: str | None = Field(
        None, description="`csv`, `tsv`: a new value there begins a sentence. Without it an empty row does."
    )
    tag_names: list[str] | None = Field(
        None,
        description="What tags that are numbers stand for, in order: `[O, B-PER, I-PER]`. A Parquet file of the hub "
        "says it itself.",
    )
    encoding: Annotated[str, AfterValidator(_text_encoding)] = Field(
        "utf-8", description="The encoding of a text file, such as `windows-1252`."
    )
    scheme: Annotated[Literal[*SCHEMES], BeforeValidator(_known_scheme)] = Field(  # type: ignore[valid-type]
        "iob2",
        description="How tags are written: `iob2` (or `BIO`), `iob1`, `bioes` (or `BILOU`), `bmes`, or `io` for types "
        "without a letter before them. All become IOB2.",
    )
    outside: str | None = Field(None, description='A tag that stands for O beside O itself, such as `"0"`.')
    entity_type: str | None = Field(None, description="The type of tags that have none: of a bare B or I.")
    repair: bool = Field(
        False,
        description="Read tags that break the scheme as conlleval does: an I that continues no entity begins one. The "
        "card counts them.",
    )
    drop_empty_tokens: bool = Field(False, description="Leave out words without a character. The card counts them.")

    @model_validator(mode="after")
    def _has_words_and_tags(self) -> Self:
        for name in ("token", "tag"):
            if self.columns.count(name) != 1:
                raise ValueError(f"columns are {', '.join(self.columns)}; expected one token and one tag")
        return self


# The keys of the last base come first.
class Dataset(Reading, Origin):
    """A data set: where it is from, how to read it, how to split and cut it."""

    image_column: str = Field("img", description="The column of a Parquet file that holds the images.")
    label_column: str = Field("label", description="The column of a Parquet file that holds their classes.")
    drop_repeats: bool = Field(
        False,
        description="Keep only the first of sentences with the same words, or of images with the same pixels, in each "
        "file.",
    )
    drop_overlap: bool = Field(
        False,
        description="Drop from train what stands in dev or test too. Without it the card counts such repeats, and a "
        "warning names them.",
    )
    split: Annotated[dict[Literal["dev", "test"], Share], BeforeValidator(_both_shares)] = Field(
        SHARES,
        description="Shares of a source with one file `all`, by a hash of the text or pixels. Of one with `train` and "
        "`test`, `dev` is the share of `train` that becomes dev. `test` may be 0.",
    )
    subset: dict[Literal["train", "dev", "test"], Annotated[int, Field(ge=1), NUMBER]] = Field(
        {}, description="Numbers of sentences to keep in a split, chosen by a hash of the text."
    )
    licence: str = Field(
        "not stated",
        description="The data set's licence. It goes into the card and is part of what the data are, so changing it "
        "reruns what follows.",
    )

    @model_validator(mode="after")
    def _readable(self) -> "Dataset":
        if not self.split["dev"] or sum(self.split.values()) >= 1:
            expected = "expected dev above 0, as it chooses the best epoch, and dev and test that leave some train"
            raise ValueError(f"split is {self.split}; {expected}")
        task_of(self.task).check(self)
        return self

    def local_files(self) -> list[str]:
        """Return the paths on this machine that the data set is read from."""
        return [shard.name for shard in self.source.shards()] if self.source.kind == "local" else []

    def formats(self) -> list[str]:
        """Return the formats of the data set's files of words, sorted; none for images."""
        return task_of(self.task).formats(self)
