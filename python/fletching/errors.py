"""What is raised, in the hierarchy of DB-API 2.0 (PEP 249).

Every exception carries the code of SSIS (`code`), its symbol (`symbol`) and the place (`path`: in the package, or a file),
where there are such.
"""

from __future__ import annotations

from typing import Any, Iterable

from ._records import Finding

__all__ = [
    "Warning",
    "Error",
    "InterfaceError",
    "DatabaseError",
    "DataError",
    "OperationalError",
    "IntegrityError",
    "InternalError",
    "ProgrammingError",
    "NotSupportedError",
    "CancelledError",
    "DesignError",
    "LoadError",
    "NotFoundError",
    "RunError",
    "SettingError",
    "StoreError",
    "ValidationError",
]


class Warning(Exception):  # noqa: A001 - the name of PEP 249
    """Of PEP 249. Warnings of a run are in its result."""


class Error(Exception):
    """The base of all errors."""

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        symbol: str | None = None,
        path: str | None = None,
        findings: Iterable[Any] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        #: The code of SSIS, as a number without sign.
        self.code = code
        #: Its symbol: `DTS_E_...`.
        self.symbol = symbol
        #: Path in the package, or of a file.
        self.path = path
        #: All that was found, where it is more than a message.
        self.findings: list[Finding] = [Finding(*finding) for finding in findings]


class InterfaceError(Error):
    """The interface was used wrongly: a closed cursor, a connection string that is none."""


class DatabaseError(Error):
    """The base of what goes wrong with packages and their data."""


class DataError(DatabaseError):
    """A value that Python cannot hold."""


class OperationalError(DatabaseError):
    """What goes wrong outside the program."""


class IntegrityError(DatabaseError):
    """Of PEP 249; not raised: a package reports it as the failure that it is."""


class InternalError(DatabaseError):
    """A defect."""


class ProgrammingError(DatabaseError):
    """The program asks for what is not there, or for what does not fit."""


class NotSupportedError(DatabaseError):
    """What is not done."""


class LoadError(OperationalError):
    """A package that cannot be loaded."""


class NotFoundError(LoadError):
    """No package is at that place."""


class StoreError(OperationalError):
    """What the package store could not do."""


class RunError(OperationalError):
    """A package that failed."""


class CancelledError(OperationalError):
    """A run that was cancelled."""


class SettingError(ProgrammingError):
    """A parameter, property, connection or limit that does not fit."""


class DesignError(ProgrammingError):
    """A change that could not be made; the package is as it was."""


class ValidationError(NotSupportedError):
    """Findings that keep a package from running. Nothing has run."""
