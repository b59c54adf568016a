"""The claims of the paper: what each says, and whether the tables of a study support it."""
