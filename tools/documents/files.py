"""The files that named paths stand for, each with the uri that a report shows."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from state.errors import SourceError
from state.evidence import SkippedSource
from tools.storable import storable

MAX_BYTES = 50_000_000
"""The largest file or page that is read as a source."""


def is_address(name: str) -> bool:
    """Whether a source is a page of the web and no file."""
    return name.lower().startswith(("http://", "https://"))


@dataclass(frozen=True)
class FoundFile:
    """A file to read."""

    path: Path
    uri: str


def find_files(paths: Sequence[str]) -> tuple[list[FoundFile], list[SkippedSource]]:
    """The files that `paths` name, folders with all that is in them, and what was found but cannot be read.

    Hidden files and folders inside a folder are left out; symbolic links out of it are not followed. The
    uri is the path relative to the folder, or the file's name; with several roots, what tells the root
    apart stands before it. Raises SourceError if a path does not exist.
    """
    roots = list(dict.fromkeys(_existing(path) for path in paths))
    labels = dict(zip(roots, _labels(roots), strict=True))
    found: dict[Path, FoundFile] = {}
    skipped: list[SkippedSource] = []
    for root, label in labels.items():
        if not root.is_dir():
            found.setdefault(root, FoundFile(root, storable(label)))
            continue
        prefix = f"{label}/" if len(roots) > 1 else ""
        for path, reason in _walk(root):
            uri = storable(prefix + path.relative_to(root).as_posix())
            if reason:
                skipped.append(SkippedSource(uri=uri, reason=reason))
            else:
                found.setdefault(path, FoundFile(path, uri))
    return sorted(found.values(), key=lambda file: file.uri), skipped


def _existing(name: str) -> Path:
    try:
        return Path(name).expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(
            f"the file or folder cannot be opened: {reason}.",
            place=name,
            remedy="Check the path; it is taken relative to the current folder.",
        ) from error


def _labels(roots: Sequence[Path]) -> list[str]:
    """The shortest trailing parts of each root that no other root has."""
    lengths = dict.fromkeys(roots, 1)
    while True:
        labels = ["/".join(root.parts[-lengths[root] :]) for root in roots]
        clashing = [root for root, label in zip(roots, labels, strict=True) if labels.count(label) > 1]
        growing = [root for root in clashing if lengths[root] < len(root.parts)]
        if not growing:
            return labels
        for root in growing:
            lengths[root] += 1


def _walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Every file below `root` that is not hidden, sorted, with the reason why it cannot be read or an empty
    text.
    """
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted([*files, *links]):
            if not name.startswith("."):
                path = Path(folder, name)
                yield path, _obstacle(path, root)
    for error in unreadable:
        yield Path(error.filename), f"the folder cannot be opened: {error.strerror}"


def _obstacle(path: Path, root: Path) -> str:
    if path.is_symlink():
        target = path.resolve()
        if not target.exists():
            return "a symbolic link to nothing"
        if root not in target.parents:
            return "a symbolic link out of the folder"
        if target.is_dir():
            return "a symbolic link to a folder that is read where it stands"
    return "" if path.is_file() else "not a regular file"
