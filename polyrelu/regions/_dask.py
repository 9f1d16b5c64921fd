"""The only importer of dask.distributed: a cluster as an executor."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from typing import Any

from polyrelu.errors import InvalidInputError, MissingDependencyError

TIMEOUT = 10  # seconds until a scheduler is given up


def cluster(address: str) -> dict[str, Any]:
    """The cluster of the scheduler at an address: pool, n_workers, shares_memory, lost.

    The keyword arguments of `polyrelu.regions.execution.Driver`. dask does a task again if its
    worker is lost; what it gives up, the driver does again.

    Raises
    ------
    MissingDependencyError
        If dask is not installed.
    InvalidInputError
        If nothing answers at the address, or the scheduler has no workers.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed.comm import CommClosedError, resolve_address
    except ImportError as error:
        raise MissingDependencyError(
            "a dask scheduler needs: pip install 'polyrelu[dask]'"
        ) from error

    @contextmanager
    def connected() -> Iterator[Any]:
        try:
            resolve_address(address)  # a client that cannot even try takes long to go away
            client = Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"no dask scheduler at {address!r}: {error}") from error
        with client:
            yield client

    @contextmanager
    def pool() -> Iterator[Executor]:
        with connected() as client, client.get_executor(pure=False) as executor:
            yield executor

    with connected() as client:
        n_workers = sum(client.nthreads().values())
    if not n_workers:
        raise InvalidInputError(
            f"the dask scheduler at {address!r} has no workers: start some with 'dask worker'"
        )
    return {
        "pool": pool,
        "n_workers": n_workers,
        "shares_memory": False,
        "lost": (KilledWorker, CancelledError, CommClosedError),
    }
