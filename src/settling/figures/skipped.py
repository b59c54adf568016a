"""The figures of which a study has no runs."""

from settling import study as plan
from settling.config import Study
from settling.figures import FIGURES
from settling.figures.needs import Needs


def listed(study: Study) -> str:
    """Return those figures in words, a line each."""
    return "".join(f"{figure}: {reason}\n" for figure, reason in skipped(study).items()) or "every figure is drawn\n"


def skipped(study: Study) -> dict[str, str]:
    """Return the figures that the study's runs do not suffice for, each with the reason in words."""
    named, cards = plan.treatments(study), plan.system_cards(study)
    # Seeds and noise seeds make no difference here.
    places = {(run.dataset, run.treatment, run.system) for run in plan.runs(study)}

    def has(needs: Needs) -> bool:
        return any(
            needs.fits_dataset(dataset) and needs.fits_treatment(named[treatment]) and needs.fits_system(cards[system])
            for dataset, treatment, system in places
        )

    return {name: figure.needs.missing() for name, figure in FIGURES.items() if not has(figure.needs)}
