"""The catalogue, enumerated by polyrelu and by the reference, once for all tests of this folder."""

from dataclasses import dataclass
from functools import cached_property

import pytest
import reference
from catalogue import BEYOND_FLOATS, CASES, PERTURBED, POLYTOPES, SPACE

from polyrelu.network import Network
from polyrelu.regions import Domain, Polytope, RegionComplex, Space, enumerate_regions

ELSEWHERE = {
    **{f"{name} (perturbed)": case for name, case in PERTURBED.items()},
    **{f"{name} (beyond floats)": case for name, case in BEYOND_FLOATS.items()},
    **{f"{name} (space)": (network, Space()) for name, network in SPACE.items()},
    **{f"{name} (polytope)": (net, Polytope(A, b)) for name, (net, A, b) in POLYTOPES.items()},
}


@dataclass
class Case:
    """A network in a domain, enumerated two ways when first asked for."""

    name: str
    network: Network
    domain: Domain

    @cached_property
    def regions(self) -> RegionComplex:
        return enumerate_regions(self.network, self.domain)

    @cached_property
    def expected(self) -> dict[tuple[bool, ...], reference.Region]:
        found = reference.regions(self.network, self.domain)
        return {region.pattern: region for region in found}

    @cached_property
    def pairs(self) -> list:
        """Our regions, each with the one that the reference has for its pattern."""
        return [(region, self.expected[tuple(region.pattern.tolist())]) for region in self.regions]


@pytest.fixture(scope="session", params=CASES)
def case(request):
    """Every network of the catalogue in its box."""
    return Case(request.param, *CASES[request.param])


@pytest.fixture(scope="session", params=[*CASES, *ELSEWHERE])
def any_case(request):
    """Every network of the catalogue in every domain that the catalogue has for it."""
    return Case(request.param, *(CASES | ELSEWHERE)[request.param])


@pytest.fixture
def make_case():
    """A case of one's own."""
    return lambda network, domain: Case("", network, domain)
