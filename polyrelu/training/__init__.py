"""Training: settings become data, data become networks, and snapshots keep them by epoch."""

from polyrelu.training.datasets import Dataset, dataset
from polyrelu.training.settings import Settings
from polyrelu.training.snapshots import Snapshot, Snapshots
from polyrelu.training.trainer import train

__all__ = ["Dataset", "Settings", "Snapshot", "Snapshots", "dataset", "train"]
