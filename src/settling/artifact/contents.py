"""Which files of a study go into its artifact. The workflow asks while it parses, so nothing here imports a library."""

from settling import layout
from settling import study as plan
from settling.config import Study
from settling.figures import FIGURES
from settling.figures.skipped import skipped

# What an artifact holds beside the files of a study's folder.
BESIDE = (layout.README, layout.SNAKEFILE, layout.CLAIMS, layout.CONFIGURATION, layout.LOCK, layout.CRATE)
# What an artifact holds of a study's folder, once each.
TEXTS = (layout.VERDICTS, layout.VERDICTS_AS_TEXT, layout.FINDINGS, layout.NOT_DRAWN)


def datasets_of(study: Study) -> list[str]:
    """Return the data sets that the study's runs are on."""
    return sorted({run.dataset for run in plan.runs(study)})


def withheld(study: Study) -> list[str]:
    """Return the data sets whose text is not passed on, sorted."""
    return sorted(set(study.datasets) - set(study.publish.text_of))


def names_of(study: Study) -> list[str]:
    """Return the files of a study's folder that go into its artifact, by their names there and in it, sorted.

    The table of quotes, and the figures that show quotes, go in without the text that may not be passed on.
    """
    dynamics = [str(run.dynamics) for run in plan.runs(study) if study.publish.dynamics]
    drawn = FIGURES.keys() - skipped(study)
    figures = [layout.FIGURE_SPECIFICATION.format(figure=name) for name in drawn]
    drawings = [layout.FIGURE_DRAWING.format(figure=name) for name in drawn if not FIGURES[name].is_table]
    tables = [layout.TABLE.format(table=name) for name in layout.TABLES]
    return sorted({*plan.recorded(study), *dynamics, *figures, *drawings, *tables, *TEXTS})
