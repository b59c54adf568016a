"""What goes into an artifact, and what may not."""

import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settling.artifact.archive import write
from settling.artifact.build import hash_of, key_of
from settling.artifact.contents import names_of
from settling.artifact.stage import config_of, unpack_study
from settling.config import Study
from settling.errors import BadInput
from settling.files import read_table, sha256, write_table
from settling.study import recorded, runs, study_spec
from tests.conftest import PEOPLE, PLACES
from tests.study import grid
from tests.unit.artifact.conftest import built, study_of

# They show words of the data set.
QUOTING = ("tables/quotes.parquet", "figures/appD_forgotten_words.json")


def test_the_same_study_gives_the_same_bytes(study: Study, results: Path, artifact: Path, tmp_path: Path) -> None:
    assert built(study, results, tmp_path / "again.zip").read_bytes() == artifact.read_bytes()


def test_it_holds_the_study_and_its_configuration_whole(study: Study, results: Path, artifact: Path) -> None:
    assert config_of(artifact) == study
    with zipfile.ZipFile(artifact) as archive:
        names = set(archive.namelist())
        files = json.loads(archive.read("manifest.json"))["files"]
    others = {"config.json", "claims.json", "requirements.lock", "Snakefile", "README.md", "ro-crate-metadata.json"}
    assert files.keys() == names - {"manifest.json"} == {*names_of(study), *others}
    assert len([name for name in names if name.endswith("dynamics.parquet")]) == 4
    for name in set(names_of(study)) - set(QUOTING):
        assert files[name] == sha256(results / name), name


def texts_in(path: Path) -> str:
    """Return all text in an artifact: that of its text files, and of the columns of its tables."""
    texts = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".parquet"):
                table = pq.read_table(io.BytesIO(content))
                kinds = [
                    field.type.value_type if pa.types.is_dictionary(field.type) else field.type
                    for field in table.schema
                ]
                columns = [column for column, kind in zip(table.columns, kinds, strict=True) if kind == pa.string()]
                texts += [str(value) for column in columns for value in column.unique().to_pylist()]
            else:
                texts.append(content.decode())
    return "\n".join(texts)


def test_no_word_of_a_data_set_is_passed_on_unless_the_study_says_so(
    corpus: Path, tiny_checkpoint: Path, results: Path, artifact: Path, tmp_path: Path
) -> None:
    open_study = study_of(corpus, tiny_checkpoint, publish={"text_of": ["toy"]})
    text = texts_in(built(open_study, results, tmp_path / "open.zip"))
    quoted = read_table(results / "tables" / "quotes.parquet", "quotes").to_pylist()
    words = sorted({*PEOPLE, *PLACES} & {quote["token"] for quote in quoted})
    assert len(words) > 3
    assert all(word in text for word in words)
    withheld = texts_in(artifact)
    for word in {*PEOPLE, *PLACES}:
        assert word not in withheld, word
    key = key_of(results / "data" / "toy" / "train.parquet")
    assert all(hash_of(word, key) in withheld for word in words)


def test_quotes_keep_their_places_and_alike_words_look_alike(results: Path, artifact: Path, tmp_path: Path) -> None:
    unpack_study(artifact, tmp_path)
    hidden = read_table(tmp_path / "tables" / "quotes.parquet", "quotes").to_pylist()
    quotes = read_table(results / "tables" / "quotes.parquet", "quotes").to_pylist()
    key = key_of(results / "data" / "toy" / "train.parquet")
    assert hidden == [{**row, "before": "", "token": hash_of(row["token"], key), "after": ""} for row in quotes]
    assert len({row["token"] for row in hidden}) == len({row["token"] for row in quotes}) > 5


def test_a_word_is_hashed_with_a_key_that_takes_the_whole_text(results: Path, tmp_path: Path) -> None:
    train = results / "data" / "toy" / "train.parquet"
    table = read_table(train, "data").to_pydict()
    write_table(tmp_path / "other.parquet", "data", {**table, "token": [*table["token"][:-1], "more"]}, {})
    assert hash_of("lagos", key_of(train)) != hash_of("lagos", key_of(tmp_path / "other.parquet"))


def test_dynamics_are_left_out_where_the_study_says_so(
    corpus: Path, tiny_checkpoint: Path, results: Path, tmp_path: Path
) -> None:
    lean = study_of(corpus, tiny_checkpoint, publish={"dynamics": False})
    with zipfile.ZipFile(built(lean, results, tmp_path / "lean.zip")) as archive:
        assert not [name for name in archive.namelist() if "dynamics" in name]
        cards = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith("run.json")]
    hashes = {sha256(path) for path in results.rglob("dynamics.parquet")}
    assert {card["outputs"]["dynamics.parquet"] for card in cards} == hashes


def test_a_study_that_is_not_finished_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no such file; the artifact is of a finished study"):
        built(study, tmp_path / "nothing", tmp_path / "artifact.zip")
    assert not (tmp_path / "artifact.zip").exists()


def test_what_a_study_is_drawn_from_comes_out_as_it_went_in(
    study: Study, results: Path, artifact: Path, tmp_path: Path
) -> None:
    unpack_study(artifact, tmp_path / "out")
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {*recorded(study), "claims.json"}
    for name in found - {*QUOTING, "claims.json"}:
        assert (tmp_path / "out" / name).read_bytes() == (results / name).read_bytes(), name


def test_experiments_that_share_runs_and_a_clean_split_without_draws_are_read(
    corpus: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    experiment = grid("toy", "clean", "tiny", noise_seeds=list(range(50)))
    study = study_of(
        corpus, tiny_checkpoint, experiments={"one": experiment, "other": {**experiment, "noise_seeds": [7]}}
    )
    files: dict[str, Path | bytes] = {str(run.card): b"{}" for run in runs(study)}
    write(tmp_path / "artifact.zip", {**files, "config.json": study_spec(study).encode()}, {})
    assert config_of(tmp_path / "artifact.zip") == study
