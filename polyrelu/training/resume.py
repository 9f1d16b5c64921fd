"""What a folder holds already: the planned run, another one, or none."""

from polyrelu.errors import InvalidInputError
from polyrelu.training.snapshots import MANIFEST, Snapshots


def earlier_run(planned: Snapshots) -> Snapshots | None:
    """The run in the folder of the planned one, as far as it came; None if there is none.

    Raises
    ------
    InvalidInputError
        The folder holds a run of other settings or data, or one that other versions began and did
        not end; the message says what differs.
    """
    if not (planned.folder / MANIFEST).exists():
        return None
    found = Snapshots.read(planned.folder)
    reason = _difference(found, planned)
    if reason:
        raise InvalidInputError(
            f"{planned.folder} holds another run: {reason}; give another folder, or go on as there"
        )
    return found


def identity(snapshots: Snapshots) -> dict[str, str]:
    """What a saved state belongs to."""
    versions = [f"{name} {version}" for name, version in snapshots.versions.items()]
    return {
        "settings": snapshots.settings.sha256,
        "data": str(snapshots.data["sha256"]),
        "versions": ", ".join(versions),
    }


def _difference(found: Snapshots, planned: Snapshots) -> str:
    """The first thing in which two runs differ, in words; empty if there is none."""
    there, here = found.settings.to_dict(), planned.settings.to_dict()
    for section in here:
        for key in sorted(there[section].keys() | here[section].keys()):
            before, now = (part[section].get(key, "not given") for part in (there, here))
            if before != now:
                return f"{section}.{key} is {before!r} there and {now!r} here"
    if found.data.get("sha256") != planned.data["sha256"]:
        return "the same settings now give other points"
    if not found.complete and found.versions != planned.versions:
        return f"it was begun with {dict(found.versions)}, here are {dict(planned.versions)}"
    return ""
