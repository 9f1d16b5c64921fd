"""What tests of counting share: censuses to compare, and tasks small enough to be many."""

import json

from polyrelu.regions import execution, stream_regions
from polyrelu.shapes import Census


def record(census):
    """All that a census tells, as JSON has it, but the time it took."""
    kept = census.to_dict()
    del kept["seconds"]
    return json.loads(json.dumps(kept, allow_nan=False))


def streamed(network, domain):
    """The record of a census without a driver."""
    return record(Census.from_batches(stream_regions(network, domain)))


def make_tasks_small(monkeypatch, batch_size):
    """A batch of a few regions is a task: also in processes that are forked."""
    monkeypatch.setattr(execution, "BATCH_SIZE", batch_size)
    monkeypatch.setattr(execution, "FIRST_SLICE", 0.0)
    monkeypatch.setattr(execution, "FAR_SLICE", 0.0)
    monkeypatch.setattr(execution, "LONGEST_SLICE", 0.0)
