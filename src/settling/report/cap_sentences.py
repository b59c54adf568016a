"""What the figures of scarce classes show, in sentences; see `sentences`."""

import pandas as pd

from settling.analysis.rows import defined, ends, holding, one_view
from settling.analysis.wording import in_words, listed
from settling.figures import fig6_class_caps, selection
from settling.report.wording import half_learned

Tables = dict[str, pd.DataFrame]


def capped_f1(tables: Tables) -> list[str]:
    """Say where train and dev F1 of the capped class end, with fewest, most and all of its sentences."""
    curves = holding(tables["curves"], metric="f1")
    train = one_view(holding(curves, split="train", reference="given"))
    dev = one_view(holding(curves, split="dev", reference="true"))
    frame = selection.of_capped_class(selection.by_cap(pd.concat([train, dev]), "cap"))
    frame = frame[frame["epoch"] == frame.groupby(["dataset", "system", "treatment"])["epoch"].transform("max")]
    found = []
    for (dataset, system, capped), rows in frame.groupby(["dataset", "system", "capped"]):
        parts = []
        for kept in few_many_all(rows):
            of_train, of_dev = (holding(rows, kept=kept, split=split) for split in ("train", "dev"))
            if len(of_train) and len(of_dev):
                parts.append(f"with {kept}, {in_words(of_train.iloc[0])} and {in_words(of_dev.iloc[0])}")
        if parts:
            found.append(
                f"{system} on {dataset}: F1 of {capped} on train and on dev at the last epoch is, by sentences kept, "
                f"{'; '.join(parts)}."
            )
    return found


def capped_first_learned(tables: Tables) -> list[str]:
    """Say by which epoch half of the words of the capped class have been right, with fewest, most and all sentences."""
    shares = one_view(defined(holding(tables["first_learned"], noisy=False)))
    frame = selection.of_capped_class(selection.by_cap(shares, "cap"))
    found = []
    for (dataset, system, capped), rows in frame.groupby(["dataset", "system", "capped"]):
        parts = []
        for kept in few_many_all(rows):
            of_kept = holding(rows, kept=kept)
            parts.append(f"{half_learned(of_kept)} with {kept} (n={int(of_kept['n'].max())})")
        found.append(
            f"{system} on {dataset}: half of the words of {capped} have been right once, by sentences kept, "
            f"{listed(parts)}."
        )
    return found


def few_many_all(rows: pd.DataFrame) -> list[str]:
    """Return the fewest and the most sentences kept of a class, and `all`, as far as there are rows of them."""
    numbers = ends(rows[rows["cap_sentences"].notna()], "cap_sentences")
    every = [selection.ALL_SENTENCES] if rows["cap_sentences"].isna().any() else []
    return [str(row["kept"]) for row in numbers] + every


def class_caps(tables: Tables) -> list[str]:
    """Say what dev F1 of the class is with fewest, most and all sentences, and where it starts and levels off."""
    dev_f1 = holding(tables["summary"], moment="best", split="dev", reference="true", metric="f1")
    scores = selection.by_cap(one_view(dev_f1), "cap")
    scores = selection.of_capped_class(scores)
    caps = holding(tables["caps"], family="cap")
    found = []
    for (dataset, system, capped), rows in scores.groupby(["dataset", "system", "capped"]):
        if rows["mean"].isna().all():
            found.append(f"{system} on {dataset}: dev F1 of {capped} is {in_words(rows.iloc[0])}.")
            continue
        parts = [f"{in_words(holding(rows, kept=kept).iloc[0])} with {kept}" for kept in few_many_all(rows)]
        text = f"{system} on {dataset}: dev F1 of {capped}, by sentences kept, is {listed(parts)}"
        knees = holding(caps, dataset=dataset, system=system, cap_class=capped)
        for quantity, words in zip(fig6_class_caps.KNEES, ("starts to be learned", "levels off"), strict=True):
            for _, knee in holding(knees, quantity=quantity).iterrows():
                where = f"at {knee['mean']:.0f} sentences" if knee["n"] else "at none of these numbers"
                text += f"; it {words} {where} ({int(knee['n'])} of {int(knee['runs'])} runs)"
        found.append(f"{text}.")
    return found
