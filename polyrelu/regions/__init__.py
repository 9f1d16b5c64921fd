"""The enumerator: every activation region of a network in a domain, exactly."""

from polyrelu.regions.complex import Region, RegionComplex
from polyrelu.regions.domain import Box
from polyrelu.regions.subdivision import enumerate_regions, stream_regions

__all__ = ["Box", "Region", "RegionComplex", "enumerate_regions", "stream_regions"]
