"""Python's values as the texts that the engine converts, and the settings of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Optional, Union

__all__ = ["Path", "Values", "settings", "text", "pairs"]

Path = Union[str, "os.PathLike[str]"]
#: Names and values.
Values = Optional[Mapping[str, Any]]


def text(value: Any) -> str:
    """A value as packages write it."""
    if value is None:
        return ""
    if isinstance(value, (bool, int, float, str)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    return str(value)


def pairs(values: Values) -> list[tuple[str, str]]:
    return [(name, text(value)) for name, value in (values or {}).items()]


def settings(
    *,
    parameters: Values = None,
    set: Values = None,  # noqa: A002 - the word of dtexec
    connections: Values = None,
    path_map: Mapping[str, Path] | None = None,
    client_parameters: Values = None,
    config_files: list[Path] | None = None,
    memory: str | int | None = None,
    threads: int | None = None,
    morsel_bytes: int | None = None,
) -> dict[str, Any]:
    """What the native half takes for one run."""
    return {
        "parameters": pairs(parameters),
        "set": pairs(set),
        "connections": pairs(connections),
        "path_map": [(windows, os.path.abspath(local)) for windows, local in (path_map or {}).items()],
        "client_parameters": pairs(client_parameters),
        "config_files": [os.fspath(file) for file in (config_files or [])],
        "memory": None if memory is None else str(memory),
        "threads": threads,
        "morsel_bytes": morsel_bytes,
    }
