"""The rows of a DataReader destination, while the package runs."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Iterator

from . import _native
from ._native import RecordBatch, Schema
from .results import Result

__all__ = ["Reader"]


class Reader:
    """The rows of one DataReader destination.

    It is an Arrow stream (`__arrow_c_stream__`): pyarrow, polars, pandas and DuckDB take it as it is, once. It can also be
    iterated over, batch by batch. A slow reader holds the package back. A failure of the package, however late, is raised by
    whoever reads, so that no failed run looks like a short success.

    As a context manager it cancels a package that still runs when the block is left. The error of another library about the
    stream becomes what it is about: an `Error` with `code`, `symbol` and `path`, or `KeyboardInterrupt`.
    """

    def __init__(self, native: _native.Reader, name: str) -> None:
        self._native = native
        #: Name of the destination.
        self.name = name

    @property
    def schema(self) -> Schema:
        """Columns, known before the first row."""
        return self._native.schema

    def __iter__(self) -> Iterator[RecordBatch]:
        return iter(self._native)

    def __next__(self) -> RecordBatch:
        return next(self._native)

    def __arrow_c_schema__(self) -> Any:
        return self._native.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._native.__arrow_c_stream__(requested_schema)

    def cancel(self) -> None:
        """Stops the package, from any thread; who waits for rows gets `CancelledError`."""
        self._native.cancel()

    def close(self) -> None:
        """Ends reading. A package that still runs is cancelled."""
        self._native.close()

    def result(self) -> Result | None:
        """The result of the run, if it has ended."""
        known = self._native.report()
        return None if known is None else Result(known)

    def wait(self, timeout: float | None = None) -> Result | None:
        """The result of the run, waited for at most so many seconds; `None` if it goes on. Read the rows first: a run waits for
        its readers.
        """
        known = self._native.wait_for(timeout)
        return None if known is None else Result(known)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        try:
            self._native.raise_failure()
        except BaseException as failure:
            raise failure from error

    def __repr__(self) -> str:
        return f"<Reader of {self.name}: {self.schema!r}>"
