"""The systems under study. One line a kind: the module that holds its class `System`."""

KINDS = {
    "encoder": "settling.systems.encoder",
    "protobert": "settling.systems.protobert",
    "bilstm-crf": "settling.systems.bilstm_crf",
    "image": "settling.systems.image",
}
