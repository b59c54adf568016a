"""Getting data sets and checkpoints: fetch, check, read, and write in canonical form."""
