"""The training loop and what a run writes down."""
