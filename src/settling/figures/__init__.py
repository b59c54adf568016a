"""The figures: one file each beside this one, one line each in FIGURES.

The workflow reads FIGURES while it parses, so nothing here imports a plotting library. A figure's module
has one function, `chart(tables)`, from tables (pandas, by name) to an Altair chart.
"""

from dataclasses import dataclass
from typing import Literal

Needs = Literal["noise", "cap"]


@dataclass(frozen=True)
class Figure:
    """Where a figure is drawn, the tables it reads, the kind of treatment it needs, and its title."""

    module: str
    tables: tuple[str, ...]
    needs: Needs
    title: str


def _figure(name: str, tables: tuple[str, ...], needs: Needs, title: str) -> dict[str, Figure]:
    return {name: Figure(f"settling.figures.{name}", tables, needs, title)}


FIGURES: dict[str, Figure] = {
    **_figure("fig1_noise_f1", ("curves", "treatments"), "noise", "Entity F1 under label noise"),
    **_figure("fig2_noisy_accuracy", ("curves",), "noise", "What the model says of wrongly labelled words"),
    **_figure("fig3_first_learned", ("first_learned",), "noise", "When words are first learned"),
    **_figure("fig6_class_caps", ("summary",), "cap", "Entity F1 when a class is scarce"),
}
