"""The result of a run, and the plan of a package, as a notebook shows them."""

from __future__ import annotations

from html import escape
from typing import Any, Iterable

from ._records import Component, TaskOutcome
from .errors import CancelledError, Error, RunError

__all__ = ["Plan", "Result"]


class Result:
    """What a run leaves. One that failed is a result too: look at `success`, or call `check`."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.package: str = known["package"]
        #: `success`, `failure` or `canceled`.
        self.result: str = known["result"]
        #: Seconds.
        self.elapsed: float = known["elapsed"]
        #: What was raised as OnError, as exceptions that were not raised.
        self.errors: list[Error] = known["errors"]
        #: What was raised as OnWarning.
        self.warnings: list[str] = known["warnings"]
        #: Variables that components have set, and their values as text.
        self.variables: dict[str, str] = dict(known["variables"])
        #: In the order in which they ended.
        self.tasks: list[TaskOutcome] = [TaskOutcome._of(task) for task in known["tasks"]]

    @property
    def success(self) -> bool:
        return self.result == "success"

    @property
    def components(self) -> list[Component]:
        """The components of all data flows."""
        return [component for task in self.tasks for component in task.components]

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each component: those that a destination took, those that any other gave."""
        counts: dict[str, int] = {}
        for component in self.components:
            if component.written is not None:
                rows = component.written
            else:
                rows = component.rows_out if component.outputs else component.rows_in
            counts[component.name] = counts.get(component.name, 0) + rows
        return counts

    def check(self) -> Result:
        """Itself, if the package succeeded; else raises its first error."""
        if self.success:
            return self
        if self.result == "canceled":
            raise CancelledError("the run was cancelled", path=self.package)
        if self.errors:
            raise self.errors[0]
        raise RunError(f"package `{self.package}` failed without an error", path=self.package)

    def __repr__(self) -> str:
        counts = f"{len(self.errors)} errors, {len(self.warnings)} warnings"
        return f"<Result of {self.package}: {self.result}, {counts}, {self.elapsed:.3f} s>"

    def _repr_html_(self) -> str:
        head = f"<p><b>{escape(self.package)}</b>: {self.result} in {self.elapsed:.3f} s</p>"
        parts = [head, _list("Errors", [str(error) for error in self.errors]), _list("Warnings", self.warnings)]
        tasks = [(task.path, task.result, f"{task.elapsed:.3f}", task.detail) for task in self.tasks]
        parts.append(_table(("Task", "Result", "Seconds", "What it did"), tasks))
        components = [
            (
                one.name,
                one.class_name,
                one.rows_in,
                ", ".join(f"{output.name}: {output.rows}" for output in one.outputs),
                one.redirected,
                one.dropped,
            )
            for one in self.components
        ]
        if components:
            parts.append(_table(("Component", "Class", "Rows in", "Rows out", "Redirected", "Dropped"), components))
        return "".join(parts)


class Plan:
    """The plan of each data flow: what runs, in which order, on which rows."""

    def __init__(self, package: str, flows: list[str]) -> None:
        self.package = package
        #: A text for each data flow.
        self.flows = flows

    def __str__(self) -> str:
        return "\n".join(self.flows)

    def __repr__(self) -> str:
        return f"<Plan of {self.package}: {len(self.flows)} data flows>"

    def _repr_html_(self) -> str:
        flows = "".join(f"<pre>{escape(flow)}</pre>" for flow in self.flows)
        return f"<p><b>{escape(self.package)}</b></p>{flows}"


def _list(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<p>{title}</p><ul>{items}</ul>" if items else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    def row(cells: Iterable[object], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>"
