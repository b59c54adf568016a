"""Recording a training that is not ours, in the files that a run of ours leaves."""
