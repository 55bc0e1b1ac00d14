"""What the office formats have in common: a ZIP archive of XML parts, or an OLE file where it is old or encrypted."""

import io
import zipfile

from state.errors import EncryptedSource, SourceError

MAX_UNPACKED = 300_000_000
"""Bytes that the parts of a package may unpack to: a small file can claim to hold terabytes."""
MAX_RATIO = 150
"""How many times its size a package of more than 20 MB may unpack to; spreadsheets of zeros reach about 100."""
MAX_PARTS = 10_000
_SMALL = 20_000_000
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IS_ENCRYPTED = 0x1
"""The bit of a part's flags."""


def is_encrypted_office(data: bytes) -> bool:
    """Whether the bytes are an office document behind a password: an OLE file that holds an encrypted package."""
    return data.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in data


def open_package(data: bytes, kind: str) -> zipfile.ZipFile:
    """The archive of a document of this kind (`docx`), looked over before anything in it is unpacked.

    Raises EncryptedSource if it is encrypted, SourceError if it is no such archive, or would unpack to too much:
    the sizes that the archive states are held to by `zipfile`.
    """
    if is_encrypted_office(data):
        raise EncryptedSource(f"the {kind} is encrypted with a password")
    if data.startswith(OLE):
        raise SourceError(f"the file is of the binary format before 2007, not {kind}; save it as {kind}")
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise SourceError(f"the file is broken, or not {kind}")
    archive = zipfile.ZipFile(io.BytesIO(data))
    parts = archive.infolist()
    if any(part.flag_bits & _IS_ENCRYPTED for part in parts):
        raise EncryptedSource(f"the {kind} is encrypted with a password")
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED:
        raise SourceError(f"the {kind} unpacks to {unpacked:,} bytes in {len(parts):,} parts, which is too much")
    if unpacked > max(_SMALL, MAX_RATIO * len(data)):
        raise SourceError(f"the {kind} unpacks to {unpacked // len(data):,} times its size: it may be a trap")
    return archive
