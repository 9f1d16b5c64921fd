"""The enumerator: every activation region of a network in a domain, exactly."""

from polyrelu.regions.complex import Region, RegionComplex
from polyrelu.regions.domain import AffineSlice, Box, Domain, Polytope, Space
from polyrelu.regions.subdivision import enumerate_regions, stream_regions

__all__ = [
    "AffineSlice",
    "Box",
    "Domain",
    "Polytope",
    "Region",
    "RegionComplex",
    "Space",
    "enumerate_regions",
    "stream_regions",
]
