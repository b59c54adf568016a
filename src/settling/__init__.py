"""How a pretrained model fits, settles and memorises a labelled data set."""

__version__ = "0.1.0"
