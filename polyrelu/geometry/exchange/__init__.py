"""Polyhedra as text that other programs read: cddlib and lrs, polymake, Sage.

Numbers are written as the rationals they are and read back as such: nothing is rounded on the way.
A float64 is a dyadic rational, so an `HRep` or `VRep` is exact as text, too. Readers give
`RationalHRep` and `RationalVRep`, whose ``to_hrep`` and ``to_vrep`` refuse what floats cannot hold
unless they are asked to round.

=======================  =======================================  ==============================
text                     written by                               read by
=======================  =======================================  ==============================
cddlib, lrs: ``.ine``    `to_ine`                                 `from_ine`
cddlib, lrs: ``.ext``    `to_ext`                                 `from_ext`
polymake: sections       `to_polymake`, `to_polymake_script`      `from_polymake`
Sage: an expression      `to_sage`                                Sage
=======================  =======================================  ==============================

Our A x <= b is their 0 <= b - A x: a row of text is ``b  -a_1 ... -a_d``, and a point ``1 x`` or a
direction ``0 x``.
"""

from polyrelu.geometry.exchange.cddlib import from_ext, from_ine, to_ext, to_ine
from polyrelu.geometry.exchange.polymake import from_polymake, to_polymake, to_polymake_script
from polyrelu.geometry.exchange.representations import RationalHRep, RationalVRep
from polyrelu.geometry.exchange.sage import to_sage

__all__ = [
    "RationalHRep",
    "RationalVRep",
    "from_ext",
    "from_ine",
    "from_polymake",
    "to_ext",
    "to_ine",
    "to_polymake",
    "to_polymake_script",
    "to_sage",
]
