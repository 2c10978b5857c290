"""What packages hold and runs leave, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator

__all__ = [
    "CheckReport",
    "ClassInfo",
    "Component",
    "ConnectionManager",
    "Event",
    "Executable",
    "Finding",
    "Output",
    "Parameter",
    "PrecedenceConstraint",
    "ProgressRow",
    "StoreEntry",
    "TaskOutcome",
    "Variable",
]


@dataclass(frozen=True)
class Finding:
    """A problem found before anything ran."""

    #: Path of the object: `Package\\Data Flow Task\\Lookup`.
    path: str
    class_name: str
    #: `unsupported`: the package is fine, Fletching does not do it. `invalid`: SSIS would refuse it too.
    kind: str
    code: int | None
    symbol: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.path} ({self.class_name}): {self.message}"


@dataclass(frozen=True)
class CheckReport:
    """What is known of a package without running it."""

    package: str
    format_version: int | None
    #: The document is sound.
    loads: bool
    #: It could run.
    plans: bool
    findings: list[Finding]
    #: Why it does not load.
    error: str | None


@dataclass(frozen=True)
class ClassInfo:
    """A class that packages name."""

    #: As packages of format 8 name it: `Microsoft.DerivedColumn`.
    name: str
    #: As the designer shows it; the name where that is not known.
    title: str
    #: Whether it runs here.
    runs: bool
    #: Of a component that runs: `source`, `transformation` or `destination`.
    kind: str | None = None


@dataclass(frozen=True)
class Variable:
    #: `User::Name`.
    name: str
    #: Path of the executable whose scope it is.
    container: str
    data_type: str
    #: `None` for a secret.
    value: str | None
    expression: str | None
    read_only: bool
    sensitive: bool


@dataclass(frozen=True)
class Parameter:
    name: str
    data_type: str
    #: `None` for a secret.
    value: str | None
    required: bool
    sensitive: bool


@dataclass(frozen=True)
class ConnectionManager:
    name: str
    #: `FLATFILE`, `OLEDB`, ...
    creation_name: str
    description: str
    #: Of a flat file: names and types.
    columns: list[tuple[str, str]]


@dataclass(frozen=True)
class PrecedenceConstraint:
    """An arrow between two executables of a container, by their paths."""

    name: str
    before: str
    after: str
    #: `success`, `failure`, `completion` or `canceled`.
    value: str
    #: `constraint`, `expression`, `expression and constraint` or `expression or constraint`.
    evaluates: str
    logical_and: bool
    expression: str | None


@dataclass(frozen=True)
class Executable:
    """A package, container or task, with all in it."""

    path: str
    name: str
    #: `package`, `sequence`, `for loop`, `foreach loop` or `task`.
    kind: str
    class_name: str
    description: str
    disabled: bool
    #: Of a data flow: names and classes.
    components: list[tuple[str, str]]
    executables: list[Executable]
    constraints: list[PrecedenceConstraint]
    #: Event and container.
    event_handlers: list[tuple[str, Executable]]

    @classmethod
    def _of(cls, known: dict[str, Any]) -> Executable:
        return cls(
            **{
                **known,
                "executables": [cls._of(one) for one in known["executables"]],
                "constraints": [PrecedenceConstraint(**one) for one in known["constraints"]],
                "event_handlers": [(name, cls._of(one)) for name, one in known["event_handlers"]],
            }
        )

    def walk(self) -> Iterator[Executable]:
        """This one and all below it; event handlers too."""
        yield self
        for child in self.executables:
            yield from child.walk()
        for _, handler in self.event_handlers:
            yield from handler.walk()

    def tree(self, indent: int = 0) -> str:
        """One line for each, as it is nested."""
        disabled = ", disabled" if self.disabled else ""
        lines = ["  " * indent + f"{self.name} ({self.class_name or self.kind}{disabled})"]
        lines += ["  " * (indent + 1) + f"{name} ({class_name})" for name, class_name in self.components]
        lines += [child.tree(indent + 1) for child in self.executables]
        for event, handler in self.event_handlers:
            lines.append("  " * (indent + 1) + f"on {event}:")
            lines += [child.tree(indent + 2) for child in handler.executables]
        return "\n".join(lines)


@dataclass(frozen=True)
class ProgressRow:
    """The rows of one component so far."""

    task: str
    component: str
    rows: int


@dataclass(frozen=True)
class Event:
    """Something that happened in a run."""

    #: `OnError`, `OnPreExecute`, ..., or the name of an entry for logs.
    kind: str
    time: datetime
    #: Path of the package, container or task.
    path: str
    source: str
    code: int | None
    symbol: str | None
    message: str
    percent: int
    #: Of a changed variable: its name and new value.
    variable: tuple[str, str] | None

    @classmethod
    def _of(cls, known: dict[str, Any]) -> Event:
        start = datetime(1970, 1, 1, tzinfo=timezone.utc)
        time = start + timedelta(microseconds=known["time"])
        return cls(**{**known, "time": time.astimezone()})


@dataclass(frozen=True)
class Output:
    """An output of a component: its rows, and the component that they went to."""

    name: str
    rows: int
    leads_to: str | None


@dataclass(frozen=True)
class Component:
    """What a component of a data flow did."""

    name: str
    class_name: str
    rows_in: int
    outputs: list[Output]
    #: Sent to an error output.
    redirected: int
    #: Ended here by a rule: an output without a path, duplicates removed.
    dropped: int
    #: Of a destination.
    written: int | None
    #: Seconds of processor time.
    elapsed: float

    @property
    def rows_out(self) -> int:
        return sum(output.rows for output in self.outputs)

    @classmethod
    def _of(cls, known: dict[str, Any]) -> Component:
        return cls(**{**known, "outputs": [Output(*output) for output in known["outputs"]]})


@dataclass(frozen=True)
class TaskOutcome:
    """What a task did."""

    path: str
    #: `success`, `failure`, `canceled`, `skipped` or `disabled`.
    result: str
    #: Seconds.
    elapsed: float
    detail: str
    components: list[Component] = field(default_factory=list)

    @classmethod
    def _of(cls, known: dict[str, Any]) -> TaskOutcome:
        return cls(**{**known, "components": [Component._of(one) for one in known["components"]]})


@dataclass(frozen=True)
class StoreEntry:
    """A folder or package of a store, by its path there."""

    path: str
    is_folder: bool
