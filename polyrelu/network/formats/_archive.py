"""Members of zip archives, of which never more is unpacked than they declare."""

import zipfile


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The bytes of a member; one more than it declares if it has more.

    Reading a member without a size unpacks all that its compressed bytes hold.
    """
    with archive.open(member) as file:
        return file.read(member.file_size + 1)
