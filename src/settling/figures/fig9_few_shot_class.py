"""Few-shot F1 of the capped class, ProtoBERT beside the encoder (the paper's figures 9 and 11)."""

from settling.figures import few_shot, style
from settling.figures.selection import Tables

TITLE = "Few-shot: F1 of the capped class"
QUESTION = "Is ProtoBERT better than the encoder it starts from where a class is scarce?"
READING = f"On the left is dev F1 of the capped class, {few_shot.FEW_SHOT_READING}"


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw F1 of the capped class and the paired difference."""
    return few_shot.drawn(tables, of="class")


def sentences(tables: Tables) -> list[str]:
    """Say by how much ProtoBERT differs from its encoder in F1 of the capped class."""
    return few_shot.gap_sentences(tables, of="class")
