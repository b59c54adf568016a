"""The figures that a study has no runs for."""

from settling import study as plan
from settling.config import Study
from settling.figures import FIGURES
from settling.figures.needs import Needs


def list_skipped(study: Study) -> str:
    """Return a line for each of those figures, with the reason."""
    return "".join(f"{figure}: {reason}\n" for figure, reason in skipped(study).items()) or "every figure is drawn\n"


def skipped(study: Study) -> dict[str, str]:
    """Return the figures that the study has no runs for, each with the reason in words."""
    treatments, systems = plan.treatments(study), plan.system_cards(study)
    # Seeds and noise seeds make no difference here.
    trained = {(run.dataset, run.treatment, run.system) for run in plan.runs(study)}

    def has(needs: Needs) -> bool:
        return any(
            needs.fits_dataset(dataset)
            and needs.fits_treatment(treatments[treatment])
            and needs.fits_system(systems[system])
            for dataset, treatment, system in trained
        )

    return {name: figure.needs.missing() for name, figure in FIGURES.items() if not has(figure.needs)}
