"""Functions of Python in the control flow: tasks, enumerators, connection managers, log providers."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow
import pytest

import fletching


@pytest.fixture
def package(tmp_path: Path) -> fletching.Package:
    package = fletching.Package.create("Own", tmp_path)
    package.add_variable("User::Count", 7)
    package.add_variable("User::Note", "")
    return package


def with_task(package: fletching.Package, function: object, **properties: str) -> fletching.Package:
    own = fletching.task("Tests.Task")(function)
    package.use_extensions([own])
    path = package.add_executable("Tests.Task", "Own")
    for name, value in properties.items():
        package.set_task_property(path, name, value)
    return package


def test_a_task_reads_and_sets_variables(package: fletching.Package):
    def note(task, host):
        """Notes the count."""
        assert host.path("a/b.csv").endswith("b.csv")
        host["User::Note"] = f"{host[task.properties['count']] + 1} rows, {task.name}"
        host.information("noted")
        host.warning("careful")
        host.progress(50, "half")
        kept.append(host)

    kept: list[fletching.Host] = []
    heard: list[tuple[str, str]] = []
    with_task(package, note, Count="User::Count")
    result = package.execute(events=lambda event: heard.append((event.kind, event.message)))
    assert result.check().variables["User::Note"] == "8 rows, Own"
    assert {("OnInformation", "noted"), ("OnWarning", "careful")} <= set(heard)
    with pytest.raises(RuntimeError, match="has ended"):
        kept[0]["User::Count"]


def test_a_task_fails_by_an_exception(package: fletching.Package):
    def fail(task, host):
        host["User::None"] = 1

    result = with_task(package, fail).execute()
    assert not result.success
    assert "ValueError: " in str(result.errors[0]) and "User::None" in str(result.errors[0])

    def ask(task, host):
        host["User::None"]

    fletching_task = fletching.task("Tests.Task")(ask)
    package.use_extensions([fletching_task])
    assert "KeyError: 'User::None'" in str(package.execute().errors[0])


def test_settings_of_a_task_are_checked(package: fletching.Package):
    own = fletching.task("Tests.Task", check=lambda task: "Count" not in task.properties and ["Count is missing"])(print)
    package.use_extensions([own])
    package.add_executable("Tests.Task", "Own")
    assert any("Count is missing" in finding.message for finding in package.validate())


def test_a_task_hears_that_it_is_cancelled(package: fletching.Package):
    begun, ended = threading.Event(), threading.Event()

    def wait(task, host):
        begun.set()
        while not host.canceled:
            ended.wait(0.02)
        ended.set()

    with_task(package, wait)

    def stop(rows):
        if begun.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        package.execute(progress=stop)
    assert ended.wait(5)


@pytest.mark.parametrize(
    "rounds",
    [
        ["one", "two"],
        [("one",), ("two",)],
        [pyarrow.record_batch({"name": ["one", "two"]})],
    ],
)
def test_an_enumerator(rounds, package: fletching.Package):
    @fletching.enumerator("Tests.Enumerator")
    def names(enumerator, host):
        assert host["User::Count"] == 7
        yield from rounds

    seen: list[str] = []

    @fletching.task("Tests.Task")
    def see(task, host):
        seen.append(host["User::Note"])

    package.use_extensions([names, see])
    loop = package.add_executable("STOCK:FOREACHLOOP", "Each")
    package.set_enumerator(loop, "Tests.Enumerator", "<Names />", {"User::Note": 0})
    package.add_executable("Tests.Task", "See", container=loop)
    package.execute().check()
    assert seen == ["one", "two"]


def test_a_connection_manager(package: fletching.Package, tmp_path: Path):
    @fletching.connection_manager("TESTS")
    def address(manager):
        return f"sqlite:{tmp_path / manager.connection_string}"

    package.use_extensions([address])
    package.add_connection_manager("TESTS", "Db", ConnectionString="own.db")
    task = package.add_executable("Microsoft.ExecuteSQLTask", "Make")
    package.set_task_property(task, "SQLTask:Connection", "Db")
    package.set_task_property(task, "SQLTask:SqlStatementSource", "create table t (n int)")
    package.execute().check()
    assert (tmp_path / "own.db").exists()
