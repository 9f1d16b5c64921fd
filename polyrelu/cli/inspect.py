"""``polyrelu inspect``: what a checkpoint holds."""

from pathlib import Path

import click

from polyrelu.cli.output import Verb, check_json_target, json_option, path_type, show


@click.command(cls=Verb)
@click.argument("net", type=path_type)
@json_option
def inspect(net: Path, json_target: str | None) -> None:
    """Show what the checkpoint NET holds, and what became of it.

    Format, architecture, number of parameters and hash; for every operator of the file the shape of
    its output, the neurons and parameters that it brings, and whether it was folded into others or
    set aside; for every layer after that its size, the range of weights and biases, neurons without
    weights, neurons that repeat an earlier one, and units without a ReLU.
    """
    from polyrelu.network.formats import load
    from polyrelu.report.checkpoint import checkpoint_record, checkpoint_text

    record = checkpoint_record(load(net))
    check_json_target(json_target)
    show(record, checkpoint_text(record), json_target)
