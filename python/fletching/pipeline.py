"""Data flows, component by component, as the designer makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import _native
from ._settings import settings, text

__all__ = ["Pipeline"]


class Pipeline:
    """The data flow of a task. Components are named by their names; every method that changes it returns it, so that calls can
    be chained. A change that cannot be made raises `DesignError` and leaves the package as it was.
    """

    def __init__(self, native: _native.Pipeline) -> None:
        self._native = native

    @property
    def task(self) -> str:
        """Path of the task."""
        return self._native.task

    @property
    def components(self) -> dict[str, str]:
        """Names and classes."""
        return dict(self._native.components())

    def properties(self, component: str) -> dict[str, str]:
        """Properties of a component, as they are stored."""
        return dict(self._native.properties(component))

    def arriving(self, component: str, input: str | None = None) -> dict[str, str]:  # noqa: A002
        """Names and types of the columns that arrive at a component."""
        return dict(self._native.arriving(component, input))

    def add(self, class_name: str, name: str) -> Pipeline:
        """Adds a component, as it is when it is new. `Application.component_classes()` has the classes, beside those of the
        package's `extensions`.
        """
        self._native.add(class_name, name)
        return self

    def remove(self, name: str) -> Pipeline:
        """Removes a component and the paths at it."""
        self._native.remove(name)
        return self

    def set(self, component: str, property: str, value: Any) -> Pipeline:  # noqa: A002
        """Sets a property of a component."""
        self._native.set(component, property, text(value))
        return self

    def use_connection(self, component: str, manager: str) -> Pipeline:
        """Points a component at a connection manager."""
        self._native.use_connection(component, manager)
        return self

    def connect(
        self,
        before: str,
        after: str,
        *,
        output: str | None = None,
        input: str | None = None,  # noqa: A002
    ) -> Pipeline:
        """Connects an output to an input: those named, else the first that is no error output, and the first that is free."""
        self._native.connect(before, after, output, input)
        return self

    def on_error(self, component: str, disposition: str) -> Pipeline:
        """What happens to rows with errors: `FailComponent`, `IgnoreFailure` or `RedirectRow`."""
        self._native.on_error(component, disposition)
        return self

    def read_metadata(self, component: str, **given: Any) -> Pipeline:
        """Reads the columns of the file, table or query that a source or destination is set up for.

        Takes the settings of `Package.execute` by which connections are found: `connections`, `path_map`, ...
        """
        self._native.read_metadata(component, settings(**given))
        return self

    def use_column(
        self,
        component: str,
        column: str,
        usage: str = "ReadOnly",
        *,
        input: str | None = None,  # noqa: A002
    ) -> Pipeline:
        """Takes a column that arrives: `ReadOnly` or `ReadWrite`."""
        self._native.use_column(component, column, usage, input)
        return self

    def add_column(self, component: str, name: str, data_type: str, *, output: str | None = None) -> Pipeline:
        """Adds a column (`DT_WSTR,20`) that a component of your own makes, to the output named or the first one."""
        self._native.add_column(component, name, data_type, output)
        return self

    def use_all_columns(self, component: str) -> Pipeline:
        """Takes all columns that arrive."""
        self._native.use_all_columns(component)
        return self

    def map_column(self, component: str, column: str, external: str) -> Pipeline:
        """Sends a column that arrives to a column of the file or table."""
        self._native.map_column(component, column, external)
        return self

    def map_by_name(self, component: str) -> int:
        """Sends each column that arrives to the column of the file or table with its name; how many there were."""
        return self._native.map_by_name(component)

    def derive(self, component: str, name: str, expression: str) -> Pipeline:
        """Adds a column to a Derived Column transform. Columns are written `[Name]`."""
        self._native.derive(component, name, expression)
        return self

    def replace_column(self, component: str, name: str, expression: str) -> Pipeline:
        """Replaces the values of a column, in a Derived Column transform."""
        self._native.replace_column(component, name, expression)
        return self

    def split(self, component: str, output: str, condition: str) -> Pipeline:
        """Adds an output to a Conditional Split."""
        self._native.split(component, output, condition)
        return self

    def add_copy(self, component: str, output: str) -> Pipeline:
        """Adds an output to a Multicast."""
        self._native.add_copy(component, output)
        return self

    def convert(self, component: str, column: str, name: str, data_type: str) -> Pipeline:
        """Adds a column of another type (`DT_WSTR,20`) to a Data Conversion."""
        self._native.convert(component, column, name, data_type)
        return self

    def sort_by(self, component: str, *keys: str) -> Pipeline:
        """Sorts by columns, the first before the second; one that descends is written `-name`."""
        named = [(key[1:], True) if key.startswith("-") else (key, False) for key in keys]
        self._native.sort_by(component, named)
        return self

    def aggregate(self, component: str, name: str, operation: str, column: str = "") -> Pipeline:
        """Adds a column to an Aggregate: `group by`, `sum`, `average`, `minimum`, `maximum`, `count`, `count distinct`, or
        `count all`, which needs no column.
        """
        self._native.aggregate(component, name, operation, column)
        return self

    def join(
        self,
        component: str,
        kind: str,
        left: Mapping[str, str] | Sequence[str],
        right: Mapping[str, str] | Sequence[str],
    ) -> Pipeline:
        """Sets up a Merge Join (`inner`, `left`, `full`), with the columns that it takes from each side and their new names."""
        self._native.join(component, kind, _renamed(left), _renamed(right))
        return self

    def look_up(
        self,
        component: str,
        joined: Mapping[str, str],
        copied: Sequence[str] = (),
        **given: Any,
    ) -> Pipeline:
        """Sets up a Lookup whose `SqlCommand` is set: the columns that are compared (one that arrives, and one of the
        reference), and the columns of the reference that are added.
        """
        self._native.look_up(component, list(joined.items()), list(copied), settings(**given))
        return self

    def __repr__(self) -> str:
        return f"<Pipeline of {self.task}: {', '.join(self.components)}>"


def _renamed(columns: Mapping[str, str] | Sequence[str]) -> list[tuple[str, str]]:
    if isinstance(columns, Mapping):
        return list(columns.items())
    return [(column, column) for column in columns]
