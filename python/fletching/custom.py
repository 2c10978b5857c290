"""Objects of your own: components, tasks, connection managers, Foreach enumerators and log providers as functions of Python.

```python
@fletching.component("Contoso.Mask", title="Mask")
def mask(batch, component):
    cards = pyarrow.record_batch(batch)["card"]
    return {"card": pyarrow.compute.utf8_slice_codeunits(cards, 0, 4)}

package = fletching.Application.load("Load.dtsx", extensions=[mask])
```

The id is what packages name the class by: a GUID, a ProgID or a .NET type; several may be given. A decorator leaves the function as
it is, and registers nothing: `extensions` of `Application.load` and others says which classes a package runs with.

- `component`: batches to columns, in parallel;
- `source`, `asynchronous`, `destination`: the other components;
- `task`, `enumerator`, `connection_manager`, `log_provider`;
- `load_plugin`: the classes of a shared library.

Rows arrive as a `RecordBatch`, which pyarrow (`pyarrow.record_batch(batch)`), polars (`polars.DataFrame(batch)`) and others take
without a copy. Whatever has `__arrow_c_array__` or `__arrow_c_stream__` can be given back, and lists of Python's values. Values go
to the types of the package where they stay the same; one that does not is an error.

The GIL is held during a call. An exception is an error of the component or task, with its type and line.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from . import _native
from ._native import RecordBatch

__all__ = [
    "Applied",
    "Column",
    "ComponentSpec",
    "ConnectionManagerSpec",
    "EnumeratorSpec",
    "Extensions",
    "Host",
    "InputSpec",
    "LogEntry",
    "LogProviderSpec",
    "OutputSpec",
    "Rejected",
    "TaskSpec",
    "asynchronous",
    "component",
    "connection_manager",
    "destination",
    "enumerator",
    "load_plugin",
    "log_provider",
    "source",
    "task",
]

#: `Extensions`, or classes of objects: decorated functions and classes, other `Extensions`.
Classes = Union["Extensions", Iterable[Any], None]
#: What a class may find wrong with the settings of one object: sentences.
Problems = Union[Iterable[str], None]


class _Properties(dict):
    """Names and values of properties; the case of a name does not matter."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(pairs)
        self._names = {name.lower(): name for name in self}

    def __missing__(self, name: str) -> str:
        return super().__getitem__(self._names[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._names

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default


@dataclass(frozen=True)
class Column:
    """A column of an input or an output."""

    name: str
    #: `DT_WSTR,20`.
    data_type: str
    id: str
    lineage: str
    #: The package lets the component give it new values.
    replaced: bool
    properties: Mapping[str, str]


@dataclass(frozen=True)
class InputSpec:
    """An input: the columns that the package selects of it."""

    name: str
    columns: Sequence[Column]
    properties: Mapping[str, str]


@dataclass(frozen=True)
class OutputSpec:
    """An output: the columns that the component itself makes."""

    name: str
    is_error: bool
    connected: bool
    columns: Sequence[Column]
    properties: Mapping[str, str]


@dataclass
class ComponentSpec:
    """One component of a package."""

    name: str
    path: str
    properties: Mapping[str, str]
    inputs: Sequence[InputSpec]
    outputs: Sequence[OutputSpec]
    #: Connection strings by the names that the component gives to its connection managers.
    connections: Mapping[str, str]
    locale_id: int
    #: Where relative file names of the package start.
    folder: str
    #: Nobody wants the rows of this source any more: a source that waits looks at it.
    canceled: bool = False

    @property
    def made(self) -> list[str]:
        """Names of the columns that it makes, for its first output that is no error output."""
        for output in self.outputs:
            if not output.is_error:
                return [column.name for column in output.columns]
        return []


@dataclass(frozen=True)
class TaskSpec:
    """One task of a package."""

    name: str
    path: str
    properties: Mapping[str, str]
    #: The element below `ObjectData`.
    xml: str


@dataclass(frozen=True)
class ConnectionManagerSpec:
    name: str
    connection_string: str
    properties: Mapping[str, str]
    #: Where relative file names of the package start.
    folder: str


@dataclass(frozen=True)
class EnumeratorSpec:
    #: The path of its loop.
    path: str
    properties: Mapping[str, str]
    xml: str


@dataclass(frozen=True)
class LogProviderSpec:
    name: str
    config_string: str
    connection_string: str


@dataclass(frozen=True)
class LogEntry:
    """A line of a log, as SSIS has it."""

    event: str
    computer: str
    operator: str
    source: str
    source_id: str
    execution_id: str
    #: Microseconds since 1970-01-01 UTC.
    time_us: int
    data_code: int
    message: str


@dataclass(frozen=True)
class Rejected:
    """A row that failed: the disposition of the component decides what becomes of it."""

    row: int
    message: str
    #: Name or position of the input column to blame; `None`: the whole row.
    column: str | int | None = None
    code: int = 0


@dataclass
class Applied:
    """What became of a batch, where columns alone do not say it."""

    #: Names and values: of columns that the component makes, and of input columns that it may replace.
    columns: Any = field(default_factory=dict)
    #: For each row the output that it goes to, without the error outputs; `None` drops it. Empty: all go to the first.
    route: Sequence[int | None] = ()
    failures: Iterable[Rejected] = ()


class Host:
    """The package around a task or an enumerator that runs."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def __getitem__(self, name: str) -> Any:
        """The value of a variable or parameter: `host["User::Day"]`."""
        return self._native.variable(name)

    def __setitem__(self, name: str, value: Any) -> None:
        """Gives a variable a value, converted to its type."""
        self._native.set_variable(name, value)

    def connection(self, name: str) -> str:
        """The connection string of a connection manager."""
        return self._native.connection(name)

    def path(self, path: str) -> str:
        """A path of the package on this machine: Windows paths mapped, relative ones from the package's folder."""
        return self._native.path(path)

    def information(self, text: str) -> None:
        """Raises OnInformation."""
        self._native.say(0, 0, text)

    def warning(self, text: str) -> None:
        """Raises OnWarning."""
        self._native.say(1, 0, text)

    def progress(self, percent: int, text: str = "") -> None:
        """Raises OnProgress."""
        self._native.say(2, percent, text)

    @property
    def canceled(self) -> bool:
        """The run is being cancelled: end soon."""
        return self._native.is_canceled()


# Classes.


class _Class:
    """A class of objects, as the native half reads it."""

    def __init__(
        self,
        what: str,
        ids: Sequence[str],
        function: Callable[..., Any],
        title: str | None,
        description: str | None,
        properties: Mapping[str, Any] | None,
        check: Callable[[Any], Problems] | None,
    ) -> None:
        if not ids:
            raise TypeError("an id is wanted: the name that packages give to the class")
        documented = (function.__doc__ or "").strip().splitlines()
        self.what = what
        self.ids = list(ids)
        self.function = function
        self.title = title or getattr(function, "__name__", ids[0])
        self.description = description or (documented[0] if documented else "")
        self.properties = [(name, str(value)) for name, value in (properties or {}).items()]
        self.check = check

    def problems(self, spec: Any) -> list[str]:
        """What is wrong with the settings of one object."""
        if self.check is None:
            return []
        found = self.check(spec)
        return [found] if isinstance(found, str) else [str(problem) for problem in found or ()]


def _decorator(what: str, doc: str) -> Callable[..., Callable[[Any], Any]]:
    def decorator(
        *ids: str,
        title: str | None = None,
        description: str | None = None,
        properties: Mapping[str, Any] | None = None,
        check: Callable[[Any], Problems] | None = None,
    ) -> Callable[[Any], Any]:
        def decorated(function: Any) -> Any:
            function.__fletching__ = _Class(what, ids, function, title, description, properties, check)
            return function

        return decorated

    decorator.__name__ = decorator.__qualname__ = what
    decorator.__doc__ = doc
    return decorator


component = _decorator(
    "component",
    """A transformation that maps each batch: `function(batch, component)`, called by several threads in turn.

    `batch` holds the input columns that the package selects. What is returned:

    - a dictionary of names and columns, or a batch or data frame: columns that the component makes, and new values of input
      columns that the package lets it write;
    - a list: the columns that it makes, in their order;
    - an `Applied` with those, routes and rows that failed;
    - `None`: nothing is made, the rows pass through.
    """,
)
source = _decorator(
    "source",
    """A source: `function(component)`, a generator of batches or whatever gives them: a table, a stream, a list.

    A batch is an Arrow batch or table, or a dictionary of names and columns.
    """,
)
asynchronous = _decorator(
    "asynchronous",
    """A transformation that combines rows: a class of objects, one for each run.

    It is called with the `ComponentSpec`. `push(input, batch)` takes the batches of input 0, then those of input 1; `finish()` is
    called at their end. Each returns `None`, a batch, or several.
    """,
)
destination = _decorator(
    "destination",
    """A destination: a class (or a function) called with the `ComponentSpec` for each run.

    `write(batch)` takes the rows. `commit()` is called when all were written and the data flow has succeeded, `rollback()` when
    it has not; both may be missing.
    """,
)
task = _decorator("task", """A task of the control flow: `function(task, host)`.""")
enumerator = _decorator(
    "enumerator",
    """A Foreach enumerator: `function(enumerator, host)` gives the rounds.

    A round is a value, a tuple of values for the variable mappings from 0 on, or a batch whose rows are rounds.
    """,
)
connection_manager = _decorator(
    "connection_manager",
    """A connection manager: `function(manager)` gives the address it stands for, a file or a database (`sqlite:...`).""",
)
log_provider = _decorator(
    "log_provider",
    """A log provider: a class (or a function) called with the `LogProviderSpec` for each run.

    `write(entry)` takes a `LogEntry`; `close()` is called at the end, and may be missing.
    """,
)


class Extensions:
    """Classes beside those of the engine: decorated functions and classes, and plug-ins.

    ```python
    extensions = fletching.Extensions(mask, notify, fletching.load_plugin("libcontoso.so"))
    ```
    """

    def __init__(self, *classes: Any) -> None:
        self._native = _native.Extensions()
        self.add(*classes)

    def add(self, *classes: Any) -> Extensions:
        """Registers what the decorators of this module made, and the classes of other `Extensions`."""
        for one in classes:
            if isinstance(one, Extensions):
                self._native.merge(one._native)
                continue
            known = getattr(one, "__fletching__", None)
            if known is None:
                name = getattr(one, "__name__", repr(one))
                raise TypeError(f"{name} is no class of objects: decorate it, with `@fletching.component` for one")
            self._native.add(known)
        return self

    def load_plugin(self, file: str | os.PathLike[str]) -> Extensions:
        """Registers the classes of a plug-in, a shared library. It may do what this process may."""
        self._native.load_plugin(file)
        return self

    @property
    def ids(self) -> list[str]:
        """The first id of each class."""
        return self._native.ids()

    def __repr__(self) -> str:
        return f"Extensions({', '.join(self.ids)})"


def load_plugin(file: str | os.PathLike[str]) -> Extensions:
    """The classes of a plug-in, a shared library. It may do what this process may."""
    return Extensions().load_plugin(file)


def _extensions(given: Any) -> Any:
    """What the parameter `extensions` of other functions means: `Extensions`, or an iterable of classes and such."""
    if given is None:
        return None
    if isinstance(given, Extensions):
        return given._native
    if hasattr(given, "__fletching__"):
        return Extensions(given)._native
    return Extensions(*given)._native


# What the native half calls.


def _columns(found: Any) -> Any:
    """Columns by name, or in order, of what a function returned."""
    if found is None:
        return {}
    if isinstance(found, Mapping):
        return dict(found)
    if isinstance(found, (list, tuple)):
        return list(found)
    return _native.columns(found)


def _applied(found: Any, spec: ComponentSpec) -> tuple[list[Any], list[tuple[int, Any]], list[int | None], list[Any]]:
    """Columns made in order, columns replaced, routes and failures of what a function returned."""
    route: list[int | None] = []
    failures: list[Any] = []
    taken = spec.inputs[0].columns if spec.inputs else ()
    positions = {column.name: at for at, column in enumerate(taken)}
    if isinstance(found, Applied):
        route = list(found.route)
        for one in found.failures:
            at = positions[one.column] if isinstance(one.column, str) else one.column
            failures.append((one.row, at, one.message, one.code))
        found = found.columns
    columns = _columns(found)
    made = spec.made
    if isinstance(columns, list):
        return columns, [], route, failures
    replaceable = {column.name for column in taken if column.replaced}
    unknown = [name for name in columns if name not in made and name not in replaceable]
    if unknown:
        known = ", ".join([*made, *replaceable]) or "none"
        raise ValueError(f"{', '.join(unknown)}: no columns that it makes or may replace; there are: {known}")
    missing = [name for name in made if name not in columns]
    if missing:
        raise ValueError(f"no values for {', '.join(missing)}, which it makes")
    replaced = [(positions[name], column) for name, column in columns.items() if name not in made]
    return [columns[name] for name in made], replaced, route, failures


def _apply(function: Callable[..., Any], batch: RecordBatch, spec: ComponentSpec) -> Any:
    return _applied(function(batch, spec), spec)


def _rows(found: Any) -> Any:
    """An iterator over batches."""
    if found is None:
        return iter(())
    if isinstance(found, Mapping) or hasattr(found, "__arrow_c_stream__") or hasattr(found, "__arrow_c_array__"):
        return iter((found,))
    return iter(found)


def _rounds(found: Any) -> Any:
    """An iterator over batches of rounds."""
    for one in found or ():
        if hasattr(one, "__arrow_c_stream__") or hasattr(one, "__arrow_c_array__"):
            yield one
        else:
            values = one if isinstance(one, tuple) else (one,)
            yield {str(at): [value] for at, value in enumerate(values)}


def _described(error: BaseException) -> str:
    """An exception as the engine reports it: type, message, and the line of the function that was called."""
    here = os.path.dirname(os.path.abspath(__file__))
    frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if os.path.dirname(os.path.abspath(frame.filename)) != here]
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" ({own[-1].filename}, line {own[-1].lineno}, in {own[-1].name})" if own else ""
    return f"{type(error).__name__}: {error}{place}"
