"""What is done to a training split. One line a kind: the module that holds its function `treat`."""

KINDS = {
    "clean": "settling.treatments.clean",
    "resample": "settling.treatments.resample",
    "flip": "settling.treatments.flip",
    "cap": "settling.treatments.cap",
    "cap-relabel": "settling.treatments.cap_relabel",
    "drop": "settling.treatments.drop",
    "truncate": "settling.treatments.truncate",
}
