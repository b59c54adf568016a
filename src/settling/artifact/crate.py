"""What an artifact is, in words for machines: an RO-Crate of the profile Workflow Run Crate 0.5 (w3id.org/ro/wfrun)."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

import settling
from settling.layout import CLAIMS, CONFIGURATION, LOCK, README, SNAKEFILE

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".lock": "text/plain",
    ".md": "text/markdown",
}
# What went in; all else came out.
GIVEN = (CONFIGURATION, CLAIMS, LOCK)
LICENCE = "https://spdx.org/licenses/MIT"
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
PAPER = "https://aclanthology.org/2022.acl-long.521/"


def describe(
    study: str,
    files: Mapping[str, Path | bytes],
    cards: Mapping[str, Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the crate's metadata as plain data.

    `files` are the artifact's by name, `cards` those of the data sets, `runs` what each run.json holds.
    """
    ended = max(run["ended"] for run in runs)
    crate = ROCrate(version="1.1")
    crate.name = f"Artifact of the study {study}"
    crate.description = (
        f"{len(runs)} trainings on {', '.join(sorted(cards))}: what each model said of every training word at every "
        "epoch, and the events, tables, claims and figures that follow from it."
    )
    crate.datePublished = ended
    crate.license = crate.add(ContextEntity(crate, LICENCE, {"@type": "CreativeWork", "name": "MIT"}))
    profiles = [
        crate.add(ContextEntity(crate, url, {"@type": "CreativeWork", "name": name, "version": version}))
        for url, (name, version) in PROFILES.items()
    ]
    workflow = crate.add_workflow(dest_path=SNAKEFILE, main=True, lang="snakemake", lang_version=release("snakemake"))
    workflow["name"] = f"settling {settling.__version__}"
    workflow["version"] = workflow["softwareVersion"] = settling.__version__
    workflow["encodingFormat"] = "text/plain"
    workflow["conformsTo"] = crate.add(ContextEntity(crate, BIOSCHEMAS, {"@type": "CreativeWork"}))
    crate.root_dataset["conformsTo"] = profiles
    entities = {
        name: crate.add_file(dest_path=name, properties={"name": name, "encodingFormat": FORMATS[Path(name).suffix]})
        for name in sorted(files)
        if name != SNAKEFILE
    }
    entities[README]["about"] = crate.root_dataset
    data = [
        crate.add(
            ContextEntity(
                crate,
                f"#data-{name}",
                {
                    "@type": "Dataset",
                    "name": name,
                    "license": card["licence"],
                    "identifier": ", ".join(f"sha256 {found}" for found in card["inputs"].values()),
                },
            )
        )
        for name, card in sorted(cards.items())
    ]
    machines = sorted({f"{run['machine']['name']}, torch {run['machine']['torch']}" for run in runs})
    run = crate.add_action(
        workflow,
        identifier="#run",
        object=[*(entities[name] for name in GIVEN), *data],
        result=[entity for name, entity in entities.items() if name not in GIVEN],
        properties={
            "name": f"The study {study}",
            "description": f"Trained on: {'; '.join(machines)}.",
            "endTime": ended,
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    crate.root_dataset["mentions"] = run
    crate.root_dataset["citation"] = crate.add(
        ContextEntity(
            crate,
            PAPER,
            {
                "@type": "ScholarlyArticle",
                "name": "Memorisation versus Generalisation in Pre-trained Language Models",
            },
        )
    )
    found: dict[str, Any] = crate.metadata.generate()
    return found


def release(package: str) -> str | None:
    """Return a package's version; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
