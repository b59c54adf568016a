"""Detectors of wrong labels: the registry. One line a detector: the module that ends with its DETECTOR."""

import functools
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settling.detectors.kind import Detector

DETECTORS = {
    "kmeans": "settling.detectors.kmeans",
    "class-means": "settling.detectors.class_means",
    "loss": "settling.detectors.loss",
    "loss-mean": "settling.detectors.loss_mean",
    "confidence": "settling.detectors.confidence",
    "variability": "settling.detectors.variability",
    "area-under-margin": "settling.detectors.area_under_margin",
    "forgetting": "settling.detectors.forgetting",
    "first-learned": "settling.detectors.first_learned",
    "self-confidence": "settling.detectors.self_confidence",
    "normalized-margin": "settling.detectors.normalized_margin",
    "entity-label": "settling.detectors.entity_label",
}


@functools.cache
def detector_of(name: str) -> "Detector":
    """Return what the detector of this name says of itself; raise KeyError for a name that is not in DETECTORS."""
    detector: Detector = importlib.import_module(DETECTORS[name]).DETECTOR
    return detector
