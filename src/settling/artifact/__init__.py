"""The artifact: one zip from which another lab redraws and checks a study without training or data."""
