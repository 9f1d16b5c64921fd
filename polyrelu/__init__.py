"""Exact polytope geometry of ReLU networks.

A checkpoint becomes a ``Network``, the network cuts a domain into activation regions, every
region is a polytope whose faces are counted, and the counts become histograms.

>>> import polyrelu as pr
>>> network = pr.Network.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])
>>> regions = pr.enumerate_regions(network, pr.Box(-1, 1))
>>> regions.n_regions
6
>>> pr.face_histogram(regions).to_dict()
{'3': 4, '4': 2}
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from polyrelu._version import __version__

if TYPE_CHECKING:
    from polyrelu import errors
    from polyrelu.errors import InvalidInputError, PolyreluError
    from polyrelu.geometry import HRep, Incidence, VRep, f_vector
    from polyrelu.network import Layer, Network, load, save
    from polyrelu.regions import (
        AffineSlice,
        Box,
        Polytope,
        Region,
        RegionComplex,
        Space,
        enumerate_regions,
        stream_regions,
    )
    from polyrelu.shapes import Census, FaceHistogram, count_faces, face_histogram

# Every public name and the module it lives in; loaded when first asked for, so that
# ``import polyrelu`` costs nothing.
_HOME = {
    "AffineSlice": "regions",
    "Box": "regions",
    "Census": "shapes",
    "FaceHistogram": "shapes",
    "HRep": "geometry",
    "Incidence": "geometry",
    "InvalidInputError": "errors",
    "Layer": "network",
    "Network": "network",
    "PolyreluError": "errors",
    "Polytope": "regions",
    "Region": "regions",
    "RegionComplex": "regions",
    "Space": "regions",
    "VRep": "geometry",
    "count_faces": "shapes",
    "enumerate_regions": "regions",
    "f_vector": "geometry",
    "face_histogram": "shapes",
    "load": "network",
    "save": "network",
    "stream_regions": "regions",
}

__all__ = [
    "AffineSlice",
    "Box",
    "Census",
    "FaceHistogram",
    "HRep",
    "Incidence",
    "InvalidInputError",
    "Layer",
    "Network",
    "PolyreluError",
    "Polytope",
    "Region",
    "RegionComplex",
    "Space",
    "VRep",
    "__version__",
    "count_faces",
    "enumerate_regions",
    "errors",
    "f_vector",
    "face_histogram",
    "load",
    "save",
    "stream_regions",
]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("polyrelu.errors")
    if name not in _HOME:
        raise AttributeError(f"module 'polyrelu' has no attribute {name!r}")
    return getattr(import_module(f"polyrelu.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
