"""Where settings are looked for, and the defaults that depend on the machine."""

import getpass
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from state.errors import SetupError

FORM = "`doctor --settings` lists every setting."
_APP = "stretto"
_SERVER_HOME = Path("/var/lib") / _APP


def default_home() -> Path:
    """The user's data folder; for root a place that the database's own user may enter."""
    usual = Path(platformdirs.user_data_dir(_APP))
    if os.name == "posix" and os.geteuid() == 0:
        existing = [folder for folder in (usual, *usual.parents) if folder.is_dir()]
        if any(not folder.stat().st_mode & stat.S_IXOTH for folder in existing):
            return _SERVER_HOME
    return usual


def default_file() -> Path:
    """Where the settings file is looked for when no variable names one."""
    return Path(platformdirs.user_config_dir(_APP)) / "settings.toml"


def login() -> str:
    """The name of the account."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in many containers
        return f"user {os.getuid()}"


def read_file(env: Mapping[str, str]) -> tuple[Path | None, dict[str, Any]]:
    """The settings file and what it says; nothing where there is none."""
    named = env.get("STRETTO_SETTINGS")
    path = Path(named).expanduser() if named else default_file()
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is None:
            return None, {}
        raise SetupError(
            "The settings file is not there.", place=str(path), remedy="Correct or unset STRETTO_SETTINGS."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(
            f"The settings file cannot be read: {error}.",
            place=str(path),
            remedy="Correct the file or its rights.",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"This is not TOML: {error}.", place=str(path), remedy=FORM) from error
