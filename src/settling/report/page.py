r"""Write the report of a study: one HTML page, made of files that another lab can be given.

    settling report --spec "$(cat spec.json)" --results results/demo --output results/demo/report.html

It reads tables, claims, findings, the figures' JSON, the cards of data sets and runs, and the configuration, which is
the spec. The same files give the same bytes. The page loads nothing. Text of data sets is never markup in it: the
template escapes every value, and data lies in script elements that no browser runs. An invisible character that turns
or breaks a line is shown as its escape (`\u202e`).
"""

import base64
import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import vl_convert
from markupsafe import Markup

from settling.claims import text as claims_text
from settling.config import load
from settling.errors import BadInput, all_visible
from settling.figures import FIGURES, HEADLINE, Figure, settling_bars
from settling.figures.forms import texts_of
from settling.figures.plot import VEGALITE
from settling.figures.skipped import skipped
from settling.files import read_json, write_text
from settling.frames import read_frame
from settling.layout import TABLES
from settling.report import explorer, methods, words
from settling.report.claims import claims_in_order, sourced
from settling.study import readable_name

# The sections of figures, in the order of the page, by the treatment of the figures' runs.
EXPERIMENTS = {"noise": "Label noise", "cap": "Scarce classes", "clean": "Clean data"}
ASSETS = ("page.html", "page.css", "page.js")


def write_report(spec: dict[str, Any], results: Path, output: Path) -> None:
    """Write the page of the study whose configuration is `spec` and whose folder is `results` to `output`.

    Raises BadInput for a bad configuration and for a missing or foreign file.
    """
    study = load(spec)
    tables = {
        name: readable_treatments(read_frame(results / "tables" / f"{name}.parquet", name))
        for name in (*TABLES, "quotes")
    }
    claims = read_frame(results / "claims" / "claims.parquet", "claims")
    asset = {name: resources.files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ASSETS}
    library = vl_convert.javascript_bundle(vl_version=VEGALITE)  # type: ignore[call-arg]
    drawn = {name: figure for name, figure in FIGURES.items() if name not in skipped(study)}
    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(asset["page.html"])
    asked, not_asked = claims_in_order(claims, tables["datasets"])
    content = {
        "study": study.study,
        "scale": claims_text.scale(tables),
        "tally": claims_text.tally(claims),
        "findings": read_lines(results / "findings.txt"),
        "claims": asked,
        "not_asked": not_asked,
        "symbols": {"reproduced": "✓", "not reproduced": "✗", "undecided": "?", "not run": "–"},
        "headline": shown_figure(HEADLINE, drawn[HEADLINE], tables, results) if HEADLINE in drawn else None,
        "experiments": experiment_sections(drawn, tables, results),
        "not_drawn": read_lines(results / "figures" / "not_drawn.txt"),
        "rule": settling_bars.RULE,
        "explorer": inert(explorer.content(tables)),
        "words": inert(words.content(tables)),
        "methods": methods.content(study, tables, results),
        "style": Markup(asset["page.css"]),
        "library": Markup(library),
        "script": Markup(asset["page.js"]),
        "allowed": [integrity(library), integrity(asset["page.js"])],
    }
    write_text(output, template.render(all_visible(content)))


def readable_treatments(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which readable names of treatments replace those with a hash in them."""
    columns = ["treatment", "kind", "cap_class", "cap_sentences"]
    if not set(columns) <= set(table):
        return table
    of = {
        name: readable_name(name, kind, cap_class, int(sentences))
        for name, kind, cap_class, sentences in table[columns].drop_duplicates().itertuples(index=False)
        if "~" in name
    }
    return table.assign(treatment=table["treatment"].astype(object).replace(of)) if of else table


def shown_figure(name: str, figure: Figure, tables: dict[str, Any], results: Path) -> dict[str, Any]:
    """Return a figure with its texts and its chart or table."""
    content = read_json(results / "figures" / f"{name}.json")
    return {
        "name": name,
        **texts_of(name, tables),
        "paper": sourced(figure.paper),
        "notes": content["notes"] if figure.is_table else content["title"]["subtitle"],
        "content": content if figure.is_table else inert(content),
        "is_table": figure.is_table,
    }


def experiment_sections(drawn: dict[str, Figure], tables: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """Return the sections of figures, the headline figure left out, as it stands before them."""
    sections = []
    for treatment, title in EXPERIMENTS.items():
        figures = [
            shown_figure(name, figure, tables, results)
            for name, figure in drawn.items()
            if figure.needs.treatment == treatment and name != HEADLINE
        ]
        if figures:
            sections.append({"id": treatment, "title": title, "figures": figures})
    return sections


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file; raise BadInput where there is none."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None


def inert(value: Any) -> Markup:
    """Return plain data as JSON for a script element; `<` is escaped, so that no text can end the element."""
    text = json.dumps(all_visible(value), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def integrity(script: str) -> str:
    """Return the hash of a script, by which the page's content policy allows it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
