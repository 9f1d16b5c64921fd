"""The explorer: partitions of a network, or of its snapshots, as one page to look around in."""

from polyrelu.explorer.exploration import Explorer, explore

__all__ = ["Explorer", "explore"]
