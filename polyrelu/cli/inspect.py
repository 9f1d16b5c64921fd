"""``polyrelu inspect``: what a checkpoint holds."""

from pathlib import Path

import click

from polyrelu.cli.output import Verb, check_json_target, json_option, path_type, show


@click.command(cls=Verb)
@click.argument("net", type=path_type)
@json_option
def inspect(net: Path, json_target: str | None) -> None:
    """Show what the checkpoint NET holds.

    Architecture, number of parameters, hash, and for every layer the range of weights and biases,
    neurons without weights, and neurons that repeat an earlier one.
    """
    from polyrelu.network.formats import load
    from polyrelu.report.checkpoint import checkpoint_record, checkpoint_text

    record = checkpoint_record(load(net))
    check_json_target(json_target)
    show(record, checkpoint_text(record), json_target)
