"""Keys, and where their sockets are (docs/protocol.md, 1)."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from .errors import Error

_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


def check_key(key: str) -> str:
    """The key, if it is one. Raises ValueError otherwise."""
    if not _KEY.fullmatch(key) or key in (".", ".."):
        raise ValueError(f"{key!r} is no key: 1 to 64 of the characters A-Z a-z 0-9 . _ - are, but neither . nor ..")
    return key


def run_directory(named: str | os.PathLike[str] | None) -> Path:
    """The first usable directory. One that was named, or by $CUFRAMES_RUN_DIR, is taken as it is."""
    if named is not None:
        return Path(named)
    variable = os.environ.get("CUFRAMES_RUN_DIR")
    if variable:
        return Path(variable)
    candidates = [Path("/run/cuframes")]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        candidates.append(Path(runtime) / "cuframes")
    for candidate in candidates:
        if _is_usable(candidate):
            return candidate
    last = Path(f"/tmp/cuframes-{os.getuid()}")
    _check_private(last)
    return last


def _is_usable(directory: Path) -> bool:
    """Whether producers can be looked for there, and not everybody could pose as one."""
    try:
        status = directory.stat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and not status.st_mode & stat.S_IWOTH and os.access(directory, os.R_OK | os.X_OK)


def _check_private(directory: Path) -> None:
    """Anybody can make names in /tmp: what stands there must be ours, or we would talk to whoever made it."""
    try:
        status = directory.lstat()
    except OSError:
        return  # nobody publishes there yet
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (0, os.getuid()) or status.st_mode & stat.S_IWOTH:
        raise Error(
            f"{directory} is no directory of yours, or anybody can write to it, so another user may pose as a producer; "
            "remove it, or name another by CUFRAMES_RUN_DIR"
        )
