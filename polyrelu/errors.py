"""The exception tree: the caller's fault and the kernel's fault are different classes."""

from typing import Any


class PolyreluError(Exception):
    """Base of every error that polyrelu raises on purpose."""


class InvalidInputError(PolyreluError, ValueError):
    """The call cannot be answered: shapes, NaN, an unknown operator or format."""


class MissingDependencyError(PolyreluError, ImportError):
    """An optional library is not installed; the message says which extra brings it."""


class EmptyPolyhedronError(PolyreluError):
    """The inequalities have no common point where a non-empty polyhedron is needed."""


class UnboundedError(PolyreluError):
    """A bounded polyhedron is needed and this one has rays or lines."""


class DegenerateError(PolyreluError):
    """A full-dimensional or pointed polyhedron is needed and this one is not."""


class IncompleteError(PolyreluError):
    """The budget is spent before the work is done.

    Attributes
    ----------
    partial : object
        What was found until then; never to be mistaken for the whole.
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


class KernelError(PolyreluError, RuntimeError):
    """A geometry library failed on valid input; its own text follows the message."""


class InconsistentError(PolyreluError):
    """Our own check failed: a defect of polyrelu, never of the input."""
