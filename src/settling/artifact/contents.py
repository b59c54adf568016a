"""Which files of a study go into its artifact. The workflow asks while it parses, so nothing here imports a library."""

from settling import study as plan
from settling.config import Study
from settling.figures import FIGURES
from settling.figures.skipped import skipped


def datasets_of(study: Study) -> list[str]:
    """Return the data sets that the study's runs are on."""
    return sorted({run.dataset for run in plan.runs(study)})


# What an artifact holds beside the files of a study's folder.
BESIDE = ("README.md", "Snakefile", "claims.json", "config.json", "requirements.lock", "ro-crate-metadata.json")


def withheld(study: Study) -> list[str]:
    """Return the data sets whose text is not passed on, sorted."""
    return sorted(set(study.datasets) - set(study.publish.text_of))


def names_of(study: Study) -> list[str]:
    """Return the files of a study's folder that go into its artifact, by their names there and in it, sorted.

    The table of quotes, and figures that show some, go in without the text that may not be passed on.
    """
    dynamics = [str(run.dynamics) for run in plan.runs(study) if study.publish.dynamics]
    figures = [
        f"figures/{name}.{kind}"
        for name in FIGURES.keys() - skipped(study)
        for kind in FIGURES[name].files
        if kind in ("json", "svg")
    ]
    tables = [f"tables/{name}.parquet" for name in plan.TABLES]
    claims = ["claims/claims.parquet", "claims/claims.txt", "findings.txt", "figures/not_drawn.txt"]
    return sorted({*plan.recorded(study), *dynamics, *figures, *tables, *claims})
