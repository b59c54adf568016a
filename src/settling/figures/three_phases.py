"""The study in one picture: how one system fits, settles and memorises, a panel for each level of noise."""

import itertools
import math

import altair as alt
import pandas as pd

from settling.analysis.rows import defined, holding, one_view
from settling.figures import selection, settling_bars, style
from settling.figures.needs import kinds_in
from settling.figures.selection import Tables

TITLE = "Fitting, settling, memorisation"
QUESTION = "Does the model learn the task first, and the wrong labels only later?"
READING = (
    "The figure is of the system of whose noisy runs the most settle. A panel is a level of label noise. The blue line "
    "is F1 on the training words against the labels given, wrong ones included; the black line is F1 on dev; the red "
    "line is the share of the wrongly labelled training words to which the model gives their wrong label. The dashed "
    "line is the train F1 of a model that still gives every word its true label: while the blue line lies on it, the "
    f"model has settled. Shades are the phases, whose ends are means over the runs that settle. {settling_bars.RULE}"
)

TRAIN, DEV, WRONG = "train F1, given labels", "dev F1", "wrong labels given"
COLOURS = {TRAIN: "#0072b2", DEV: "#222222", WRONG: "#d55e00"}
SHADES = {"fitting": "#eef3f8", "settling": "#fdf0cf", "memorisation": "#f0e9f4"}
# Pixels of the height of panels, by whether they are in one row.
ONE_ROW, MORE_ROWS, MOST_COLUMNS = 240, 170, 4


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw the three curves of each level over its phases; raise NothingToShowError where no run has them."""
    curves = selection.needed(of_one_system(tables), "train or dev F1 under noise")
    levels = sorted(set(curves["percent"]))
    shades = phases_of(bars_of(tables, curves), curves)
    plateaus = plateaus_of(tables, curves)
    panel = alt.Facet("level:O", sort=[level_name(level) for level in levels], title=None)
    num_rows = math.ceil(len(levels) / MOST_COLUMNS)
    columns = math.ceil(len(levels) / num_rows)
    colour = alt.Color("scored:N", title=None, sort=None).scale(domain=[*COLOURS], range=[*COLOURS.values()])
    base = alt.Chart()
    x = alt.X("epoch:Q", title="Epoch").scale(nice=False, padding=0).axis(tickMinStep=1, grid=False)
    curve = style.interval_text(base.transform_filter("isValid(datum.mean)")).encode(
        x=x,
        color=colour.legend(symbolType="stroke", symbolSize=200, symbolOpacity=1),
        tooltip=style.tooltip(alt.Tooltip("scored:N", title="curve"), alt.Tooltip("epoch:Q")),
    )
    # Vega warns of a layer without rows.
    layers = [
        base.transform_filter(alt.datum.phase == phase)
        .mark_rect(clip=True, color=shade)
        .encode(x=alt.X("from:Q"), x2="to:Q")
        for phase, shade in SHADES.items()
        if (shades["phase"] == phase).any()
    ]
    if len(shades):
        named = base.transform_filter("isValid(datum.to)").mark_text(
            baseline="top", dy=4, fontSize=style.SMALLEST, fontStyle="italic", color=style.MUTED
        )
        layers.append(named.encode(x=alt.X("middle:Q"), y=alt.value(0), text="phase:N"))
    if plateaus["plateau"].notna().any():
        dashes = base.transform_filter("isValid(datum.plateau)").mark_rule(
            strokeDash=[5, 3], strokeWidth=1.3, color=COLOURS[TRAIN]
        )
        layers.append(dashes.encode(y="plateau:Q"))
    layers += [
        curve.mark_area(clip=True, opacity=0.18).encode(y=style.share("low", "F1; share"), y2="high:Q"),
        curve.mark_line(clip=True, strokeWidth=2, point={"size": 18}).encode(y="mean:Q"),
    ]
    data = pd.concat([part for part in (curves, shades, plateaus) if len(part)])
    data = data.assign(level=data["percent"].map(level_name))
    drawn = ["level", "scored", "epoch", "mean", "low", "high", "n", "phase", "from", "to", "middle", "plateau"]
    layered = alt.layer(*layers, data=data.reindex(columns=drawn))
    layered = layered.properties(width=style.panel_width(columns), height=ONE_ROW if num_rows == 1 else MORE_ROWS)
    settled = f"Shades: the phases, of the runs that settle. {settling_counts(tables, curves)}"
    dashed = "Dashes: train F1 of a model that still gives every word its true label."
    faceted = layered.facet(facet=panel, columns=columns, spacing=style.SPACING)
    return faceted, [style.over_runs(curves), dashed, settled]


def level_name(percent: int) -> str:
    """Return a level of noise in words."""
    return f"{percent} % noise" if percent else "clean labels"


def of_one_system(tables: Tables) -> pd.DataFrame:
    """Return the curves by epoch of the panel to speak of, `scored` saying which curve a row is of.

    It is the panel of whose noisy runs the greatest share settles. Of equals it is that of a pretrained encoder, else
    of another pretrained system; then the one with the most levels of noise, with the most runs, and the first by name.
    """
    f1 = holding(tables["curves"], metric="f1", klass="all")
    wrong = holding(tables["curves"], metric="noisy_accuracy", split="train", reference="given")
    parts = {TRAIN: holding(f1, split="train", reference="given"), DEV: holding(f1, split="dev"), WRONG: wrong}
    rows = selection.by_noise(pd.concat([one_view(part).assign(scored=name) for name, part in parts.items()]))
    if rows.empty:
        return rows
    systems = tables["systems"]
    pretrained = set(systems.loc[systems["pretrained"].astype(bool), "system"])
    encoders = set(systems.loc[systems["kind"].isin(kinds_in("noise")), "system"])
    settles = defined(holding(selection.by_noise(one_view(tables["phases"])), quantity="settles"))
    shares = settles[settles["percent"] > 0].groupby("panel")["mean"].mean().to_dict()
    ranks = {
        str(panel): (
            -shares.get(str(panel), 0.0),
            not pretrained & encoders & set(of_panel["system"]),
            not pretrained & set(of_panel["system"]),
            -of_panel["percent"].nunique(),
            -int(defined(of_panel)["n"].max() if len(defined(of_panel)) else 0),
            str(panel),
        )
        for panel, of_panel in rows.groupby("panel")
    }
    return holding(rows, panel=min(ranks, key=lambda panel: ranks[panel]))


def bars_of(tables: Tables, curves: pd.DataFrame) -> pd.DataFrame:
    """Return the `first` and `last` epoch of settling at each level of which a run settles."""
    return settling_bars.settling_rows(tables["phases"], curves)


def phases_of(bars: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Return the phases at each level of `bars`: `phase`, and where it begins, ends and has its middle."""
    rows = []
    for bar in bars.to_dict("records"):
        end = float(holding(curves, percent=bar["percent"])["epoch"].max()) + 0.5
        marks = [-0.5, bar["first"] - 0.5, bar["last"] + 0.5, end]
        rows += [
            {"percent": bar["percent"], "phase": phase, "from": start, "to": stop, "middle": (start + stop) / 2}
            for phase, (start, stop) in zip(SHADES, itertools.pairwise(marks), strict=True)
            if stop > start
        ]
    return pd.DataFrame(rows, columns=["percent", "phase", "from", "to", "middle"])


def plateaus_of(tables: Tables, curves: pd.DataFrame) -> pd.DataFrame:
    """Return `plateau` for each level: F1 of the true against the given labels, its mean over noise seeds."""
    levels = curves[settling_bars.PLATEAU_KEYS].drop_duplicates()
    levels = levels.merge(settling_bars.plateaus(tables["treatments"]), on=settling_bars.PLATEAU_KEYS)
    return levels[["percent", "settled"]].rename(columns={"settled": "plateau"})


def settling_counts(tables: Tables, curves: pd.DataFrame) -> str:
    """Say at each level how many runs settle."""
    rows = of_panel(tables, curves, "settles")
    parts = [
        f"{round(row['mean'] * row['n'])} of {int(row['n'])} at {level_name(int(row['percent']))}"
        for row in defined(rows).sort_values("percent").to_dict("records")
    ]
    return f"Runs that settle: {', '.join(parts)}." if parts else "Whether runs settle is undefined."


def of_panel(tables: Tables, curves: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the rows of the table `phases` with this quantity that belong to the panel of `curves`."""
    phases = selection.by_noise(one_view(tables["phases"]))
    return holding(phases, panel=curves["panel"].iloc[0], quantity=quantity)


def sentences(tables: Tables) -> list[str]:
    """Say how long one level of noise settles, where its scores lie meanwhile, and what it memorises at the end."""
    curves = defined(of_one_system(tables))
    noisy = curves[curves["percent"] > 0]
    if noisy.empty:
        return []
    percent = level_to_speak_of(tables, noisy)
    of_level = holding(noisy, percent=percent)
    who = f"{of_level['system'].iloc[0]} on {of_level['dataset'].iloc[0]}, {level_name(percent)}"
    train, dev, wrong = (holding(of_level, scored=name).sort_values("epoch") for name in COLOURS)
    bars = holding(bars_of(tables, curves), percent=percent)
    settles = holding(of_panel(tables, curves, "settles"), percent=percent)
    plateaus = holding(plateaus_of(tables, curves), percent=percent)
    return [
        *settling_sentence(defined(settles), bars, who),
        *plateau_sentence(bars, plateaus, train),
        *memorising_sentence(dev, wrong),
    ]


def level_to_speak_of(tables: Tables, noisy: pd.DataFrame) -> int:
    """Return the level at which most of the runs settle; of equals, the lowest."""
    settles = defined(of_panel(tables, noisy, "settles"))
    settles = settles[settles["percent"] > 0].sort_values(["mean", "percent"], ascending=[False, True])
    return int(settles["percent"].iloc[0]) if len(settles) else int(noisy["percent"].min())


def settling_sentence(settles: pd.DataFrame, bars: pd.DataFrame, who: str) -> list[str]:
    """Say how many runs settle, and from which epoch to which."""
    if settles.empty:
        return [f"{who}: whether it settles is undefined."]
    number, num_runs = round(settles["mean"].iloc[0] * settles["n"].iloc[0]), int(settles["n"].iloc[0])
    if bars.empty:
        return [f"{who}: none of {num_runs} run{'s' if num_runs > 1 else ''} settles."]
    first, last = bars["first"].iloc[0], bars["last"].iloc[0]
    return [f"{who}: {number} of {num_runs} runs settle, on average from epoch {first:.1f} to epoch {last:.1f}."]


def plateau_sentence(bars: pd.DataFrame, plateaus: pd.DataFrame, train: pd.DataFrame) -> list[str]:
    """Say what train F1 is while the runs settle, and what a model that has not memorised would have."""
    if bars.empty or plateaus["plateau"].isna().all():
        return []
    settled = train[train["epoch"].between(round(bars["first"].iloc[0]), round(bars["last"].iloc[0]))]["mean"]
    return [
        f"Meanwhile its train F1 is {settled.mean():.2f}; a model that gives every word its true label has "
        f"{plateaus['plateau'].iloc[0]:.2f}."
    ]


def memorising_sentence(dev: pd.DataFrame, wrong: pd.DataFrame) -> list[str]:
    """Say what share of the wrong labels is given at the best epoch and at the last, and what dev F1 is then."""
    if dev.empty or wrong.empty:
        return []
    best = dev.iloc[int(dev["mean"].to_numpy().argmax())]
    at_best, at_last = (holding(wrong, epoch=epoch)["mean"] for epoch in (best["epoch"], dev["epoch"].max()))
    memorised = [f"{100 * share.mean():.0f} % of" for share in (at_best, at_last)]
    return [
        f"At its best dev F1, {best['mean']:.2f} after epoch {int(best['epoch'])}, it gives {memorised[0]} the wrong "
        f"labels; after the last epoch it gives {memorised[1]} them, and dev F1 is {selection.last(dev)['mean']:.2f}."
    ]
