"""What follows from the dynamics and scores of runs: events, tables, findings. No torch here."""
