"""Few-shot F1 of all classes, ProtoBERT beside the encoder (the paper's figure 10 and appendix H)."""

from settling.figures import few_shot, style
from settling.figures.selection import Tables

TITLE = "Few-shot: F1 of all classes"
QUESTION = "What does ProtoBERT cost or gain over all classes where one is scarce?"
READING = (
    f"On the left is dev F1 of all classes, {few_shot.FEW_SHOT_READING} "
    "A cap removes sentences, and with them entities of other classes."
)


def chart(tables: Tables) -> tuple[style.Chart, list[str]]:
    """Draw F1 of all classes and the paired difference."""
    return few_shot.drawn(tables, of="all")


def sentences(tables: Tables) -> list[str]:
    """Say by how much ProtoBERT differs from its encoder in F1 of all classes."""
    return few_shot.gap_sentences(tables, of="all")
