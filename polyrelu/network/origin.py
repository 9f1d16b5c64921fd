"""Where a network comes from: what its file holds, and what became of every operator."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One operator of a checkpoint.

    Attributes
    ----------
    name : str
        As the file has it; empty if it has none.
    operator : str
        In the words of its framework: Conv, BatchNormalization, Linear, …
    shape : tuple of int
        Of its output, without the batch axis.
    n_neurons : int
        Hyperplanes that it brings.
    n_parameters : int
        Numbers that it reads from the file.
    note : str
        What became of it where that is not evident: folded, left out, …
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    n_neurons: int = 0
    n_parameters: int = 0
    note: str = ""


@dataclass(frozen=True)
class Origin:
    """What a checkpoint holds.

    Attributes
    ----------
    format : str
        ONNX, torch, Keras, …
    dtype : str
        Of its parameters, as float32.
    input_shape : tuple of int
        Without the batch axis; an input point is such an array in row-major order.
    steps : tuple of Step
        Its operators, in the order in which they are evaluated.
    head : tuple of str
        Operators behind the last affine map that were set aside: Softmax, Sigmoid, …
    """

    format: str
    dtype: str
    input_shape: tuple[int, ...]
    steps: tuple[Step, ...]
    head: tuple[str, ...] = ()
