"""The study's report: its sections in order."""

from __future__ import annotations

from typing import Any

from polyrelu._version import __version__
from polyrelu.report.page import Report
from polyrelu.studies.symmetry.pages_neurons import neurons, partition, preserved
from polyrelu.studies.symmetry.pages_odd import odd
from polyrelu.studies.symmetry.pages_subspace import angles, subspace, sweep
from polyrelu.studies.symmetry.settings import Settings
from polyrelu.studies.symmetry.tables import Tables

TITLE = "What do two-layer networks make of symmetries?"
LEAD = (
    "A wide two-layer ReLU network f(x) = 1/m Σ a_j relu(b_j · x), trained by gradient descent in"
    " the mean-field scaling, keeps every symmetry that its start, the inputs and the target have."
    " For an odd target that makes it a linear predictor; for a target that sees a subspace only it"
    " makes the training a problem in one variable. The claims are those of Hajjar and Chizat, On"
    " the symmetries in the dynamics of wide two-layer neural networks (arXiv 2211.08771); each is"
    " measured here beside its theory, and the regions of the trained networks are counted, too."
    "\n\n"
    "Gradients are written out as the formulas read, in double precision; nothing is smoothed."
    " Settings follow the authors' code where it is known; the settings file says what is ours."
)
SECTIONS = {
    "preserved": preserved,
    "partition": partition,
    "odd": odd,
    "subspace": subspace,
    "angles": angles,
    "sweep": sweep,
    "neurons": neurons,
}


def report(settings: Settings, tables: Tables, *, quick: bool, seconds: float) -> Report:
    """The report of a study.

    Parameters
    ----------
    settings : Settings
    tables : mapping
        Of all its experiments.
    quick : bool
        Whether these are the settings of a quick run.
    seconds : float
        What the run took.
    """
    own: dict[str, Any] = {}
    for name in settings.sections:
        own[name] = {kind: frame for (of, kind), frame in tables.items() if of == name}
    return Report(
        title=TITLE,
        lead=LEAD,
        sections=[
            SECTIONS[name](section, own[name]) for name, section in settings.sections.items()
        ],
        facts={
            "polyrelu": __version__,
            "settings": "quick" if quick else "full",
            "seconds": f"{seconds:.0f}",
        },
    )
