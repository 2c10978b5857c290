"""Packages: loaded or made, looked at, changed, checked, run, read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from . import _native
from ._native import Schema
from ._records import (
    ConnectionManager,
    Event,
    Executable,
    Finding,
    Parameter,
    PrecedenceConstraint,
    ProgressRow,
    Variable,
)
from ._settings import Path, Values, pairs, settings, text
from .custom import Classes, _extensions
from .pipeline import Pipeline
from .reader import Reader
from .results import Plan, Result

__all__ = ["Package"]

#: Types of variables for values of Python; a whole number that needs more is an Int64.
_TYPES: dict[type, str] = {
    bool: "Boolean",
    int: "Int32",
    float: "Double",
    str: "String",
    Decimal: "Decimal",
    datetime: "DateTime",
    date: "DateTime",
}


class Package:
    """An SSIS package with the project around it.

    The settings of a run, which `execute`, `reader`, `validate`, `explain` and `readers` take by name:

    - `parameters`: names (`P`, `$Package::P`, `$Project::P`) and values;
    - `set`: property paths and values, as dtexec's /Set: `{r"\\Package.Variables[User::X].Value": 5}`;
    - `connections`: names of connection managers, and connection strings or files;
    - `path_map`: Windows folders and local ones: `{r"C:\\data": "data"}`;
    - `config_files`: XML configuration files;
    - `memory` (`"512MiB"`), `threads`: limits;
    - `morsel_bytes`: bytes of a flat file that travel as one batch.

    What the `fletching.toml` beside the package says counts too.
    """

    def __init__(self, native: _native.Package) -> None:
        self._native = native

    @classmethod
    def create(cls, name: str, base_dir: Path = ".") -> Package:
        """An empty package; relative file names in it start at `base_dir`."""
        return cls(_native.Package.create(name, base_dir))

    @classmethod
    def load(
        cls,
        file: Path,
        *,
        project: Path | None = None,
        password: str | None = None,
        secrets: Mapping[str, str] | None = None,
        extensions: Classes = None,
    ) -> Package:
        """Loads a `.dtsx` file, or the package of that name in a `project` (a folder or an `.ispac`).

        `extensions`: classes of objects beside those of the engine (`fletching.custom`), for it and the packages that it runs.
        """
        return cls(_native.Package.load(file, project, password, pairs(secrets)))._with(extensions)

    def use_extensions(self, extensions: Classes) -> None:
        """Runs it with these classes of objects beside those of the engine, in place of those that it was loaded with."""
        self._native.use_extensions(_extensions(extensions or ()))

    def _with(self, extensions: Classes) -> Package:
        if extensions is not None:
            self.use_extensions(extensions)
        return self

    # What is in it.

    @property
    def name(self) -> str:
        return self._native.name

    @property
    def base_dir(self) -> str:
        """The folder where relative file names start."""
        return os.fspath(self._native.base_dir)

    @property
    def format_version(self) -> int:
        """PackageFormatVersion; a package is saved in the one that it has."""
        return self._native.format_version

    def __getitem__(self, path: str) -> str:
        """A property by its path; empty where the package says nothing, which stands for the default."""
        return self._native.property(path)

    def __setitem__(self, path: str, value: Any) -> None:
        """Sets a property, so that it is saved with the package."""
        self._native.set_property(path, text(value))

    @property
    def variables(self) -> list[Variable]:
        return [Variable(**one) for one in self._native.variables()]

    @property
    def parameters(self) -> list[Parameter]:
        return [Parameter(**one) for one in self._native.parameters()]

    @property
    def connection_managers(self) -> list[ConnectionManager]:
        return [ConnectionManager(**one) for one in self._native.connection_managers()]

    @property
    def root(self) -> Executable:
        """The package as an executable, with the tree of containers and tasks in it."""
        return Executable._of(self._native.root())

    @property
    def precedence_constraints(self) -> list[PrecedenceConstraint]:
        """Those of all containers."""
        return [one for executable in self.root.walk() for one in executable.constraints]

    # Checked and run.

    def validate(self, **given: Any) -> list[Finding]:
        """Everything that would keep the package from running; empty if it could."""
        return [Finding(*one) for one in self._native.validate(settings(**given))]

    def readers(self, **given: Any) -> dict[str, Schema]:
        """The DataReader destinations and their columns, without running."""
        return dict(self._native.readers(settings(**given)))

    def explain(self, **given: Any) -> Plan:
        """The plan of each data flow, without running."""
        return Plan(self.name, self._native.explain(settings(**given)))

    def execute(
        self,
        *,
        progress: Callable[[list[ProgressRow]], object] | None = None,
        events: Callable[[Event], object] | None = None,
        **given: Any,
    ) -> Result:
        """Runs the package to its end.

        `progress` is called a few times a second while data flows run, `events` for every event; both in this thread. What
        they raise cancels the run and is raised here, and so does Ctrl-C. A package that fails is a result, not an
        exception; one that cannot run raises `ValidationError`, and nothing of it has run then.
        """
        run = self._native.start(settings(**given), events is not None)
        told = None if events is None else lambda one: events(Event._of(one))
        shown = None if progress is None else lambda rows: progress([ProgressRow(*row) for row in rows])
        return Result(run.wait(shown, told))

    def reader(self, name: str, **given: Any) -> Reader:
        """Runs the package in the background, and reads the DataReader destination of this name."""
        [native] = self._native.open_readers([name], settings(**given))
        return Reader(native, name)

    def open_readers(self, names: Sequence[str], **given: Any) -> list[Reader]:
        """Runs the package once, and reads several destinations; read them at the same time, from several threads or in turn:
        one that nobody reads holds the others back.
        """
        natives = self._native.open_readers(list(names), settings(**given))
        return [Reader(native, name) for native, name in zip(natives, names)]

    def to_bytes(self) -> bytes:
        """The package as a file has it."""
        return self._native.to_bytes()

    def save(self, file: Path) -> None:
        """Writes the package, in whole or not at all, over a file that is there."""
        self._native.save(file)

    # Changed.

    def pipeline(self, task: str) -> Pipeline:
        """The data flow of a task, to be filled or changed."""
        return Pipeline(_native.Pipeline.of(self._native, task))

    def add_connection_manager(self, creation_name: str, name: str, **properties: Any) -> str:
        """Adds a connection manager (`FLATFILE`, `FILE`, `OLEDB`, ...) with properties such as `ConnectionString`."""
        return self._native.add_connection_manager(creation_name, name, pairs(properties), [])

    def set_connection_property(self, manager: str, property: str, value: Any) -> None:  # noqa: A002
        self._native.set_connection_property(manager, property, text(value))

    def remove_connection_manager(self, name: str) -> None:
        self._native.remove_connection_manager(name)

    def add_flat_file(
        self,
        name: str,
        path: Path,
        columns: Mapping[str, str],
        *,
        delimiter: str = ",",
        row_delimiter: str = "\r\n",
        text_qualified: bool = False,
        **properties: Any,
    ) -> str:
        """Adds a connection manager for a delimited file with these columns and types (`DT_I4`, `DT_STR,10,1252`)."""
        last = len(columns) - 1
        given = [
            {
                "name": column,
                "data_type": data_type,
                "format": "delimited",
                "delimiter": row_delimiter if at == last else delimiter,
                "width": 0,
                "text_qualified": text_qualified,
            }
            for at, (column, data_type) in enumerate(columns.items())
        ]
        known = pairs({"ConnectionString": path, **properties})
        return self._native.add_connection_manager("FLATFILE", name, known, given)

    def add_variable(
        self,
        name: str,
        value: Any,
        *,
        data_type: str | None = None,
        expression: str | None = None,
        container: str = "Package",
        read_only: bool = False,
    ) -> None:
        """Adds a variable (`User::X`; a name alone is one of `User`). Its type is that of the value, if none is given."""
        namespace, name = _name(name)
        self._native.add_variable(
            {
                "container": container,
                "namespace": namespace,
                "name": name,
                "data_type": data_type or _type_of(value),
                "value": text(value),
                "expression": expression,
                "read_only": read_only,
            }
        )

    def remove_variable(self, name: str, *, container: str = "Package") -> None:
        self._native.remove_variable(container, *_name(name))

    def add_parameter(
        self,
        name: str,
        value: Any,
        *,
        data_type: str | None = None,
        required: bool = False,
        sensitive: bool = False,
    ) -> None:
        """Adds a parameter of the package."""
        kind = data_type or _type_of(value)
        self._native.add_parameter(name, kind, text(value), required, sensitive)

    def add_executable(self, class_name: str, name: str, *, container: str = "Package") -> str:
        """Adds a task or container (`Microsoft.Pipeline`, `STOCK:SEQUENCE`, ...); its path."""
        return self._native.add_executable(container, class_name, name)

    def remove_executable(self, path: str) -> None:
        """Removes an executable with all in it, and the constraints at it."""
        self._native.remove_executable(path)

    def set_task_property(self, path: str, property: str, value: Any) -> None:  # noqa: A002
        """Sets a property in the settings of a task, by the name of its attribute: `Expression`, `SqlStatementSource`."""
        self._native.set_task_property(path, property, text(value))

    def append_to_task(self, path: str, xml: str) -> None:
        """Adds XML to the settings of a task: bindings, items."""
        self._native.append_to_task(path, xml)

    def add_precedence_constraint(
        self,
        before: str,
        after: str,
        value: str = "success",
        *,
        expression: str | None = None,
        evaluates: str | None = None,
        logical_and: bool = True,
    ) -> None:
        """Lets one executable run after another: on `success`, `failure` or `completion`, or by an expression."""
        default = "constraint" if expression is None else "expression and constraint"
        self._native.add_precedence_constraint(
            before,
            after,
            {
                "value": value,
                "evaluates": evaluates or default,
                "logical_and": logical_and,
                "expression": expression,
            },
        )

    def add_event_handler(self, owner: str, event: str) -> str:
        """Adds an event handler (`OnError`, ...) to an executable; its path, a container."""
        return self._native.add_event_handler(owner, event)

    def set_enumerator(self, path: str, class_name: str, settings_xml: str, mappings: Mapping[str, int]) -> None:
        """Gives a Foreach loop its enumerator, the XML of its settings, and the variables that each round fills (with the
        column of the value, from 0).
        """
        self._native.set_enumerator(path, class_name, settings_xml, list(mappings.items()))

    def set_expression(self, target: str, property: str, expression: str | None) -> None:  # noqa: A002
        """Sets the expression on a property of an executable or a connection manager; `None` removes it."""
        self._native.set_expression(target, property, expression)

    def __repr__(self) -> str:
        return f"<Package {self.name}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.root.tree())}</pre>"


def _name(name: str) -> tuple[str, str]:
    namespace, found, bare = name.rpartition("::")
    return (namespace if found else "User", bare)


def _type_of(value: Any) -> str:
    if type(value) is int and not -(2**31) <= value < 2**31:
        return "Int64"
    found = _TYPES.get(type(value))
    if found is None:
        known = ", ".join(sorted(kind.__name__ for kind in _TYPES))
        raise TypeError(f"{type(value).__name__} has no type in SSIS: give data_type, or a value of {known}")
    return found
