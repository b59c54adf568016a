"""Each figure from synthetic tables whose values are known, drawn by the one public function."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from settling.errors import BadInput
from settling.figures import FIGURES
from settling.figures.plot import page, plot
from settling.files import write_table
from settling.schemas import SCHEMAS

EPOCHS = range(12)
LEVELS = (0, 10, 30, 50)
SETTLED = {10: 0.65431, 30: 0.33218, 50: 0.18209}
SYSTEMS = ("bert", "bert-scratch")
SENTENCES = (0, 5, 15, 25, 50, 100, 200)
HOSTILE = "a<b></script><img src=x onerror=alert(1)>"
Row = dict[str, Any]


def write(path: Path, name: str, rows: list[Row]) -> None:
    columns = {column: [row[column] for row in rows] for column in SCHEMAS[name].names}
    write_table(path / f"{name}.parquet", name, columns, {})


def estimate(mean: float, n: int = 4) -> Row:
    mean = round(mean, 5)
    if n == 1:
        return {"mean": mean, "sd": None, "low": None, "high": None, "n": 1}
    low, high = round(max(0, mean - 0.03), 5), round(min(1, mean + 0.02), 5)
    return {"mean": mean, "sd": 0.02, "low": low, "high": high, "n": n}


def treatment(kind: str, level: int = 0, cap_class: str = "LOC") -> Row:
    base: Row = {"dataset": "tweets", "percent": None, "cap_class": None, "cap_sentences": None}
    if kind == "clean" or (kind in ("resample", "flip") and level == 0):
        return {**base, "treatment": "clean", "kind": "clean"}
    if kind in ("resample", "flip"):
        return {**base, "treatment": f"noise-{kind}-{level}", "kind": kind, "percent": level}
    name = f"{kind}-{cap_class}-{level}"
    return {**base, "treatment": name, "kind": kind, "cap_class": cap_class, "cap_sentences": level}


def score(split: str, reference: str, metric: str, view: str = "epoch-end", klass: str = "all") -> Row:
    return {"split": split, "view": view, "reference": reference, "class": klass, "metric": metric}


def fit(epoch: int, start: float = 0.0) -> float:
    """A curve that rises to 1 with a delay."""
    return max(0.0, 1 - 0.4 ** max(0.0, epoch - start))


def curves(kind: str, n: int) -> list[Row]:
    rows = []
    for level, system, epoch in itertools.product(LEVELS, SYSTEMS, EPOCHS):
        memory = level and fit(epoch, 9 - level / 12 if system == "bert" else 1) * 0.6
        plateau = SETTLED.get(level, 0.96)
        train = plateau * fit(epoch) + (0.95 - plateau) * memory
        dev = 0.85 * fit(epoch) - 0.4 * memory * level / 50
        where = {**treatment(kind, level), "system": system, "epoch": epoch}
        rows += [
            {**where, **score("train", "given", "f1"), **estimate(train, n)},
            {**where, **score("train", "given", "f1", view="minibatch"), **estimate(0.111, n)},
            {**where, **score("dev", "true", "f1"), **estimate(dev, n)},
            {**where, **score("dev", "true", "f1", klass=HOSTILE), **estimate(0.222, n)},
        ]
        if level:
            rows += [
                {**where, **score("train", "given", "noisy_accuracy"), **estimate(memory, n)},
                {
                    **where,
                    **score("train", "true", "noisy_accuracy"),
                    **estimate((1 - memory) * fit(epoch), n),
                },
            ]
    return rows


def first_learned(kind: str, n: int) -> list[Row]:
    rows = []
    for level, system, noisy in itertools.product(LEVELS, SYSTEMS, (True, False)):
        if noisy and not level:
            continue
        early, late = (0.1, 0.0015 * level) if noisy else (0.7 - level / 500, 0)
        shares = {epoch: early * 0.3**epoch + (late if epoch > 8 - level / 12 else 0) for epoch in EPOCHS}
        shares[-1] = 1 - sum(shares.values())
        for epoch, share in shares.items():
            where = {**treatment(kind, level), "system": system, "view": "minibatch", "noisy": noisy}
            rows.append({**where, "epoch": epoch, **estimate(share, n)})
    return rows


def summary(cap_class: str, n: int) -> list[Row]:
    rows = []
    arms = itertools.product(("cap", "cap-relabel", "drop"), SENTENCES)
    for (kind, number), system in itertools.product([*arms, ("clean", 1000)], SYSTEMS):
        reach = number / (number + (20 if system == "bert" else 60))
        of_class = 0.8 if kind == "drop" else (0.85 if kind == "cap" else 0.7) * reach
        for klass, value in ((cap_class, of_class), ("all", 0.6 + 0.25 * of_class), ("PER", 0.333)):
            where = {**treatment(kind, number, cap_class), "system": system, "moment": "final"}
            rows.append({**where, **score("dev", "true", "f1", klass=klass), **estimate(value, n)})
            rows.append({**rows[-1], "moment": "best", **estimate(0.444, n)})
    return rows


def tables(path: Path, kinds: tuple[str, ...] = ("resample",), cap_class: str = "LOC", n: int = 4) -> Path:
    """Write all tables that the figures read."""
    settled = [
        {**treatment(kind, level), "draw": draw, "sentences": 900, "words": 9000, "nominal_rate": level / 100}
        | {"effective_rate": level / 110, "settled_f1": SETTLED.get(level, 1.0) + (-1) ** draw * 0.01}
        for kind in kinds
        for level in LEVELS
        for draw in (0, 1)
    ]
    once: dict[str, Row] = {}
    for row in (row for kind in kinds for row in curves(kind, n)):
        once.setdefault(str([value for value in row.values() if not isinstance(value, float)]), row)
    write(path, "treatments", settled)
    write(path, "curves", [*once.values()])
    write(path, "first_learned", [row for kind in kinds for row in first_learned(kind, n)])
    write(path, "summary", summary(cap_class, n))
    return path


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every figure drawn from the default tables."""
    folder = tmp_path_factory.mktemp("study")
    tables(folder / "tables")
    for name in FIGURES:
        plot(name, folder / "tables", folder / "figures" / name)
    return folder


def values(folder: Path, name: str) -> list[Row]:
    """The rows that a drawn figure holds."""
    spec = json.loads((folder / "figures" / f"{name}.json").read_text())
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    (rows,) = spec["datasets"].values()
    found: list[Row] = rows
    return found


def only(rows: list[Row], **wanted: Any) -> Row:
    (row,) = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    return row


@pytest.mark.parametrize("name", FIGURES)
def test_four_files(drawn: Path, name: str) -> None:
    stem = drawn / "figures" / name
    assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    svg = stem.with_suffix(".svg").read_text()
    assert svg.startswith("<svg")
    assert FIGURES[name].title in svg
    assert "bootstrap interval over 4 runs" in svg
    assert not list(stem.parent.glob(".*"))


@pytest.mark.parametrize("name", FIGURES)
def test_page_loads_nothing(drawn: Path, name: str) -> None:
    page = (drawn / "figures" / f"{name}.html").read_text()
    assert '<html lang="en">' in page
    assert f"<title>{FIGURES[name].title}</title>" in page
    ours = page[: page.index("<script>") + 8] + page[page.index("<main") :]
    assert not re.search(r"<(link|img|iframe)|\s(src|href)=", ours)
    assert not re.search(r"<script[^>]*\ssrc=", page)


def test_f1_bands_and_plateaus(drawn: Path) -> None:
    rows = values(drawn, "fig1_noise_f1")
    given = next(
        row
        for row in curves("resample", 4)
        if (row["percent"], row["system"], row["epoch"], row["split"]) == (30, "bert", 7, "train")
    )
    shown = only(rows, panel="tweets\nbert", scored="train, against the given labels", percent=30, epoch=7)
    assert [shown[key] for key in ("mean", "low", "high", "n")] == [given[k] for k in ("mean", "low", "high", "n")]
    for level, f1 in SETTLED.items():
        plateaus = [row for row in rows if row["percent"] == level and row.get("settled") is not None]
        assert [row["settled"] for row in plateaus] == pytest.approx([f1, f1])
    assert {row["mean"] for row in rows}.isdisjoint({0.111, 0.222})


def test_noisy_accuracy_against_both_labels(drawn: Path) -> None:
    rows = values(drawn, "fig2_noisy_accuracy")
    assert {row["says"] for row in rows} == {"the wrong label it was given", "the true label"}
    assert {row["percent"] for row in rows} == {10, 30, 50}


def test_never_learned_stands_apart(drawn: Path) -> None:
    rows = values(drawn, "fig3_first_learned")
    never = [row for row in rows if row["when"] == "never"]
    assert {row["place"] for row in never} == {13}
    assert {row["percent"] for row in rows if row["words"] == "wrongly labelled words"} == {10, 30, 50}


def test_caps_with_controls_and_clean(drawn: Path) -> None:
    rows = values(drawn, "fig6_class_caps")
    shown = only(
        rows,
        system="bert",
        scored="F1 of the capped class",
        cap_sentences=100,
        arm="cap: removed",
    )
    assert shown["mean"] == pytest.approx(0.85 * 100 / 120, abs=1e-5)
    assert len([row for row in rows if row["cap_sentences"] is None]) == 4
    assert {row["mean"] for row in rows}.isdisjoint({0.333, 0.444})


def test_two_kinds_of_noise_share_clean(tmp_path: Path) -> None:
    plot("fig1_noise_f1", tables(tmp_path, kinds=("resample", "flip")), tmp_path / "figures" / "fig1_noise_f1")
    rows = values(tmp_path, "fig1_noise_f1")
    clean = {row["panel"] for row in rows if row["percent"] == 0}
    assert clean == {f"tweets\n{system}\n{kind} noise" for system in SYSTEMS for kind in ("resample", "flip")}


@pytest.mark.parametrize("name", FIGURES)
def test_one_run_has_a_line_and_no_interval(tmp_path: Path, name: str) -> None:
    plot(name, tables(tmp_path, n=1), tmp_path / "figures" / name)
    assert all(row["low"] is None for row in values(tmp_path, name) if "low" in row)
    assert "one run each, so no interval" in (tmp_path / "figures" / f"{name}.svg").read_text()


def test_same_bytes_from_another_process(drawn: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from settling.figures.plot import plot\n"
        "for name in reversed(sys.argv[3:]): plot(name, Path(sys.argv[1]), Path(sys.argv[2], name))"
    )
    subprocess.run([sys.executable, "-c", code, drawn / "tables", tmp_path, *FIGURES], check=True)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 4 * len(FIGURES)
    for name in names:
        assert (tmp_path / name).read_bytes() == (drawn / "figures" / name).read_bytes(), name


def test_markup_in_a_class_is_inert(tmp_path: Path) -> None:
    plot("fig6_class_caps", tables(tmp_path, cap_class=HOSTILE), tmp_path / "fig6")
    page = tmp_path.joinpath("fig6.html").read_text()
    assert "<img" not in page[page.rindex("<main") :]
    assert page.rstrip().endswith("</script>\n</body>\n</html>")
    assert "<img" not in tmp_path.joinpath("fig6.svg").read_text()


def test_library_does_not_end_its_own_script() -> None:
    assert page("a & b", "{}").count("</script") == 2


def test_unknown_figure() -> None:
    with pytest.raises(BadInput, match="did you mean 'fig1_noise_f1'"):
        plot("fig1_noise", Path(), Path())


@pytest.mark.parametrize("name", FIGURES)
def test_a_table_without_the_rows(tmp_path: Path, name: str) -> None:
    for table in FIGURES[name].tables:
        write(tmp_path, table, [])
    with pytest.raises(BadInput, match=f"table {FIGURES[name].tables[0]}: no rows of"):
        plot(name, tmp_path, tmp_path / name)


def test_registry_imports_no_plotting_library() -> None:
    code = "import sys, settling.figures; sys.exit(bool({'altair', 'pandas', 'pyarrow'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
