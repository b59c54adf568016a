"""What an artifact says of itself to machines."""

import json
import zipfile
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from settling.artifact.crate import PROFILES


@pytest.fixture
def crate(artifact: Path, tmp_path: Path) -> ROCrate:
    """Return the artifact, unzipped, as the reference library opens it."""
    with zipfile.ZipFile(artifact) as archive:
        archive.extractall(tmp_path)
    return ROCrate(tmp_path)


def test_every_file_is_described_and_there(crate: ROCrate, artifact: Path) -> None:
    with zipfile.ZipFile(artifact) as archive:
        names = set(archive.namelist()) - {"manifest.json", "ro-crate-metadata.json"}
    described = {entity.id for entity in crate.data_entities}
    assert described == names
    assert all((Path(crate.source) / name).is_file() for name in described)


def test_the_study_is_one_action_of_the_workflow_from_what_was_given_to_all_else(
    crate: ROCrate, artifact: Path
) -> None:
    assert {entity.id for entity in crate.root_dataset["conformsTo"]} == set(PROFILES)
    assert crate.mainEntity.id == "Snakefile"
    (action,) = [entity for entity in crate.contextual_entities if entity.type == "CreateAction"]
    assert action["instrument"] == crate.mainEntity
    given, made = ({entity.id for entity in action[of]} for of in ("object", "result"))
    assert given == {"config.json", "claims.json", "requirements.lock", "#data-toy"}
    assert given | made | {"Snakefile"} == {entity.id for entity in crate.data_entities} | {"#data-toy"}
    # When the last run ended, never when the zip was made.
    with zipfile.ZipFile(artifact) as archive:
        ended = [json.loads(archive.read(name))["ended"] for name in archive.namelist() if name.endswith("run.json")]
    assert action["endTime"] == max(ended) == crate.root_dataset["datePublished"]


def test_a_data_set_is_named_with_its_licence_and_hashes(crate: ROCrate, results: Path) -> None:
    card = json.loads((results / "data" / "toy" / "card.json").read_text())
    found = crate.dereference("#data-toy")
    assert found["license"] == card["licence"] == "not stated"
    assert found["identifier"] == f"sha256 {card['inputs']['all']}"
