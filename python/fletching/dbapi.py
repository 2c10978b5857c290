"""DataReader destinations by connection strings, in the shape of DB-API 2.0 (PEP 249).

```text
connect("/FILE x.dtsx /SET ...") ──▶ Connection ──cursor──▶ Cursor.execute("DataReaderDest", {"Least": 5}) ──▶ rows
```

The connection string is dtexec's arguments, the operation is the name of a DataReader destination, and each parameter sets
the variable `DtsClient::name`, as SSIS's DtsClient did it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional
from uuid import UUID

from . import _native
from ._settings import Path, pairs, settings
from .custom import Classes, _extensions
from .errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)
from .package import Package
from .reader import Reader

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Connection", "Cursor", "apilevel", "connect", "paramstyle", "threadsafety"]

apilevel = "2.0"
#: Threads may share the module and connections, not cursors.
threadsafety = 2
#: Parameters go by name; none stands in the operation.
paramstyle = "named"

Row = tuple[Any, ...]
#: name, type code, display size, internal size, precision, scale, whether NULL is allowed.
Column = tuple[str, type, None, Optional[int], Optional[int], Optional[int], bool]


def connect(
    connection_string: str,
    *,
    password: str | None = None,
    secrets: Mapping[str, str] | None = None,
    store: Path | None = None,
    extensions: Classes = None,
) -> Connection:
    """Loads what dtexec's arguments name, `/FILE "x.dtsx" /SET \\Package.Variables[User::X].Value;5`. Nothing runs yet.

    `store` is the folder of the package store that `/DTS` reads, `extensions` are classes of objects beside those of the engine.
    """
    return Connection(_native.Package.connect(connection_string, password, pairs(secrets), store, _extensions(extensions)))


class Connection:
    """A package and how it is run."""

    Warning = Warning
    Error = Error
    InterfaceError = InterfaceError
    DatabaseError = DatabaseError
    DataError = DataError
    OperationalError = OperationalError
    IntegrityError = IntegrityError
    InternalError = InternalError
    ProgrammingError = ProgrammingError
    NotSupportedError = NotSupportedError

    def __init__(self, native: _native.Package) -> None:
        self._package: Package | None = Package(native)
        self._cursors: list[Cursor] = []

    @property
    def package(self) -> Package:
        if self._package is None:
            raise InterfaceError("the connection is closed")
        return self._package

    def cursor(self) -> Cursor:
        self.package  # noqa: B018 - raises for one that is closed
        cursor = Cursor(self)
        self._cursors.append(cursor)
        return cursor

    def commit(self) -> None:
        """Does nothing: the transactions of a package are its own."""
        self.package  # noqa: B018

    def rollback(self) -> None:
        raise NotSupportedError("the transactions of a package are its own; close the cursor to cancel its run")

    def close(self) -> None:
        """Closes the cursors: packages that still run are cancelled."""
        for cursor in self._cursors:
            cursor.close()
        self._cursors.clear()
        self._package = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Cursor:
    """The rows of one DataReader destination at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = 1
        self._closed = False
        self._reader: Reader | None = None
        self._rows: list[Row] = []
        self._next = 0
        self._read = 0
        self._ended = False
        #: Rows that the run gave; -1 until it has ended.
        self.rowcount = -1
        self.description: list[Column] | None = None

    def execute(self, operation: str, parameters: Mapping[str, Any] | None = None) -> Cursor:
        """Runs the package and reads the destination of this name. What the cursor read before is left."""
        self._open()
        self._leave()
        if parameters is not None and not isinstance(parameters, Mapping):
            raise ProgrammingError("parameters go by name: give a dictionary of variables of the namespace DtsClient")
        package = self.connection.package
        self._reader = package.reader(operation, client_parameters=parameters)
        self.description = [_column(*column) for column in self._reader.schema.columns]
        return self

    def executemany(self, operation: str, seq_of_parameters: Sequence[Mapping[str, Any]]) -> None:
        raise NotSupportedError("a DataReader destination gives rows and takes none: call execute for each")

    def fetchone(self) -> Row | None:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        wanted = self.arraysize if size is None else size
        found: list[Row] = []
        while len(found) < wanted and self._fill():
            taken = self._rows[self._next : self._next + wanted - len(found)]
            self._next += len(taken)
            found += taken
        return found

    def fetchall(self) -> list[Row]:
        found: list[Row] = []
        while self._fill():
            found += self._rows[self._next :]
            self._next = len(self._rows)
        return found

    def fetch_arrow_table(self) -> pyarrow.Table:
        """All rows as a table of pyarrow, which must be installed. Rows that were fetched otherwise are not among them: fetch
        in one way.
        """
        try:
            import pyarrow
        except ImportError as error:
            raise NotSupportedError("fetch_arrow_table needs pyarrow: pip install pyarrow") from error
        reader = self._taken()
        if self._read:
            raise ProgrammingError("rows were fetched already: fetch_arrow_table reads all of them or none")
        with reader:
            table = pyarrow.table(reader)
        self.rowcount = table.num_rows
        self._ended = True
        return table

    def fetch_record_batch(self) -> Reader:
        """The reader itself: an Arrow stream for any library that takes one."""
        return self._taken()

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Does nothing."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing."""

    def close(self) -> None:
        """A package that still runs is cancelled."""
        self._leave()
        self._closed = True

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def __enter__(self) -> Cursor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> None:
        if self._closed:
            raise InterfaceError("the cursor is closed")

    def _taken(self) -> Reader:
        self._open()
        if self._reader is None:
            raise ProgrammingError("nothing was executed: call execute with the name of a DataReader destination")
        return self._reader

    def _fill(self) -> bool:
        """Whether there is a row; waits for it."""
        reader = self._taken()
        while self._next >= len(self._rows) and not self._ended:
            batch = next(reader, None)
            if batch is None:
                self._ended = True
                self.rowcount = self._read
            else:
                self._rows, self._next = batch.rows(), 0
                self._read += len(self._rows)
        return self._next < len(self._rows)

    def _leave(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader, self.description = None, None
        self._rows, self._next, self._read = [], 0, 0
        self._ended, self.rowcount = False, -1


_TYPES: dict[str, type] = {
    "BOOL": bool,
    "R4": float,
    "R8": float,
    "CY": Decimal,
    "DECIMAL": Decimal,
    "NUMERIC": Decimal,
    "STR": str,
    "WSTR": str,
    "TEXT": str,
    "NTEXT": str,
    "BYTES": bytes,
    "IMAGE": bytes,
    "GUID": UUID,
    "DBDATE": date,
    "DBTIME": time,
    "DBTIME2": time,
    "DATE": datetime,
    "DBTIMESTAMP": datetime,
    "DBTIMESTAMP2": datetime,
    "DBTIMESTAMPOFFSET": datetime,
    "FILETIME": datetime,
    "NULL": type(None),
    "EMPTY": type(None),
}


def _column(name: str, ssis_type: str, arrow_type: str) -> Column:
    bare, *rest = ssis_type.removeprefix("DT_").split(",")
    numbers = [int(one) for one in rest if one.strip().isdigit()]
    kind = _TYPES.get(bare, int)
    size = numbers[0] if bare in ("STR", "WSTR", "BYTES") and numbers else None
    precision, scale = (numbers[0], numbers[1]) if bare == "NUMERIC" and len(numbers) > 1 else (None, None)
    if bare == "CY":
        precision, scale = 19, 4
    return (name, kind, None, size, precision, scale, True)
