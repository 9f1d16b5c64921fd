"""Censuses made by hand, of polygons that tile a square: every sum can be added up in the head."""

from polyrelu.regions import Box
from polyrelu.shapes import Census, FaceHistogram

SQUARE = Box(-1, 1).bound_to(2)
TWO_TRIANGLES = {3: (2, 4.0)}  # sides: regions, their area
CUT_CORNER = {3: (1, 0.5), 5: (1, 3.5)}  # a triangle and the pentagon that is left


def polygons(sides, *, domain=SQUARE, network="a" * 64, complete=True, certificate=None):
    """Census of polygons: `sides` has the number of polygons and their area by number of sides."""
    values = sorted(sides)
    counts, areas = ([sides[value][i] for value in values] for i in (0, 1))
    edges = FaceHistogram(values, counts, 1, 2)
    total = sum(value * count for value, count in zip(values, counts, strict=True))
    return Census(
        histograms=(FaceHistogram(values, counts, 0, 2), edges),
        neuron_facet_histogram=FaceHistogram([1], [sum(counts)], 1, 2),
        facet_histogram_by_volume=FaceHistogram(values, areas, 1, 2, "volume"),
        f_vector_sum=(total, total, sum(counts)),
        n_bounded=sum(counts),
        lineality=0,
        volume=sum(areas),
        certificate={"closes": complete} if certificate is None else certificate,
        complete=complete,
        seconds=0.5,
        network_sha256=network,
        domain=domain.describe(),
    )
