"""Entry point: the verbs, and the one place where an error becomes a line and an exit code."""

import sys
from collections.abc import Sequence

import click

from polyrelu._version import __version__
from polyrelu.cli.compare import compare
from polyrelu.cli.count import count
from polyrelu.cli.explore import explore
from polyrelu.cli.inspect import inspect
from polyrelu.cli.output import Verb, drop_standard_output, standard_output
from polyrelu.cli.study import study
from polyrelu.cli.train import train
from polyrelu.errors import IncompleteError, InconsistentError, KernelError, PolyreluError

DONE, INVALID, FAILED, INCOMPLETE, INTERRUPTED, PIPE_CLOSED = 0, 2, 3, 4, 130, 141


class Verbs(Verb, click.Group):
    """The command that holds the others."""


@click.group(
    cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="polyrelu", message="%(prog)s %(version)s")
def polyrelu() -> None:
    """Exact polytope geometry of ReLU networks.

    Exit codes: 0 done, 2 usage or invalid input, 3 kernel failure or inconsistency, 4
    incomplete (budget spent or interrupted).
    """


polyrelu.add_command(compare)
polyrelu.add_command(count)
polyrelu.add_command(explore)
polyrelu.add_command(inspect)
polyrelu.add_command(study)
polyrelu.add_command(train)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code.

    Parameters
    ----------
    args : sequence of str, optional
        Arguments after the program's name; those of the process if not given.

    Returns
    -------
    int
        0 done; 2 usage or invalid input; 3 kernel failure or inconsistency; 4
        incomplete; 130 interrupted; 141 the reader of standard output went away. Every code but
        0 and 141 comes with one line on standard error. An error of another kind is a defect of
        polyrelu and shows its traceback.
    """
    try:
        arguments = list(sys.argv[1:] if args is None else args)
        with polyrelu.make_context("polyrelu", arguments) as context:
            polyrelu.invoke(context)
        with standard_output():
            sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return INVALID
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "polyrelu"
        return _failure(f"{error.format_message().rstrip('.')} (see {command} --help)", INVALID)
    except (KeyboardInterrupt, click.Abort):
        return _interruption()
    except BrokenPipeError:
        drop_standard_output()
        return PIPE_CLOSED
    except IncompleteError as error:
        return _failure(str(error), INCOMPLETE)
    except (KernelError, InconsistentError) as error:
        return _failure(str(error), FAILED)
    except PolyreluError as error:
        return _failure(str(error), INVALID)
    except RuntimeError as error:
        if _stems_from_interruption(error):
            return _interruption()
        raise
    return DONE


def _failure(message: str, code: int) -> int:
    click.echo(f"polyrelu: error: {' '.join(message.split())}", err=True)
    return code


def _interruption() -> int:
    click.echo("polyrelu: interrupted", err=True)
    return INTERRUPTED


def _stems_from_interruption(error: BaseException | None) -> bool:
    """Whether Ctrl-C set off this error, as it does inside numba while that compiles."""
    if error is None:
        return False
    return isinstance(error, KeyboardInterrupt) or any(
        map(_stems_from_interruption, (error.__cause__, error.__context__))
    )
