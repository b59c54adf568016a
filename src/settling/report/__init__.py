"""The report: one page made of a study's tables, figures and cards, which needs no network."""
