"""What is analysed: a checkpoint becomes a Network. Knows no polyhedra."""

from polyrelu.network.formats import load, save
from polyrelu.network.network import Layer, Network

__all__ = ["Layer", "Network", "load", "save"]
