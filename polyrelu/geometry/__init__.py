"""Polyhedra and their faces; knows no networks.

A polyhedron is an `HRep` (A x <= b) or a `VRep` (vertices, rays, lines). `incidence` hands either
one over to combinatorics, and `f_vector` and its neighbours count faces from there.
"""

from polyrelu.geometry import library
from polyrelu.geometry._cdd import facet_rows, hrep, incidence, vrep
from polyrelu.geometry.faces import f_vector, face_lattice, h_vector, is_simple
from polyrelu.geometry.polyhedron import HRep, Incidence, VRep

__all__ = [
    "HRep",
    "Incidence",
    "VRep",
    "f_vector",
    "face_lattice",
    "facet_rows",
    "h_vector",
    "hrep",
    "incidence",
    "is_simple",
    "library",
    "vrep",
]
