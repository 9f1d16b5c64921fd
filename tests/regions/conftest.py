"""The catalogue, enumerated by polyrelu and by the reference, once for all tests of this folder."""

from dataclasses import dataclass
from functools import cached_property

import pytest
import reference
from catalogue import CASES

from polyrelu.network import Network
from polyrelu.regions import Box, RegionComplex, enumerate_regions


@dataclass
class Case:
    """A network in a box, enumerated two ways when first asked for."""

    name: str
    network: Network
    box: Box

    @cached_property
    def regions(self) -> RegionComplex:
        return enumerate_regions(self.network, self.box)

    @cached_property
    def expected(self) -> dict[tuple[bool, ...], reference.Region]:
        return {region.pattern: region for region in reference.regions(self.network, self.box)}

    @cached_property
    def pairs(self) -> list:
        """Our regions, each with the one that the reference has for its pattern."""
        return [(region, self.expected[tuple(region.pattern.tolist())]) for region in self.regions]


@pytest.fixture(scope="session", params=CASES)
def case(request):
    """Every network of the catalogue."""
    return Case(request.param, *CASES[request.param])


@pytest.fixture
def make_case():
    """A case of one's own."""
    return lambda network, box: Case("", network, box)
