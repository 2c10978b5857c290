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


def reloaded(package: fletching.Package, *extensions: object) -> fletching.Package:
    """The package with its Expression tasks as tasks of a class of our own, which no designer makes."""
    file = Path(package.base_dir) / "Own.dtsx"
    named = package.to_bytes().replace(b"Microsoft.ExpressionTask", b"Tests.Task")
    file.write_bytes(named.replace(b"<ExpressionTask", b"<OwnData"))
    return fletching.Application.load(file, extensions=extensions)


def with_task(package: fletching.Package, function: object, **properties: str) -> fletching.Package:
    own = fletching.task("Tests.Task")(function)
    path = package.add_executable("Microsoft.ExpressionTask", "Own")
    for name, value in properties.items():
        package.set_task_property(path, name, value)
    return reloaded(package, own)


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
    package = with_task(package, note, Count="User::Count")
    result = package.execute(events=lambda event: heard.append((event.kind, event.message)))
    assert result.check().variables["User::Note"] == "8 rows, Own"
    assert {("OnInformation", "noted"), ("OnWarning", "careful")} <= set(heard)
    with pytest.raises(RuntimeError, match="has ended"):
        kept[0]["User::Count"]


def test_a_task_fails_by_an_exception(package: fletching.Package):
    def fail(task, host):
        host["User::None"] = 1

    package = with_task(package, fail)
    result = package.execute()
    assert not result.success
    assert "ValueError: " in str(result.errors[0]) and "User::None" in str(result.errors[0])

    def ask(task, host):
        host["User::None"]

    fletching_task = fletching.task("Tests.Task")(ask)
    package.use_extensions([fletching_task])
    assert "KeyError: 'User::None'" in str(package.execute().errors[0])


def test_settings_of_a_task_are_checked(package: fletching.Package):
    def run(task, host):
        raise AssertionError("nothing runs")

    own = fletching.task("Tests.Task", check=lambda task: "Count" not in task.properties and ["Count is missing"])(run)
    package.add_executable("Microsoft.ExpressionTask", "Own")
    package = reloaded(package, own)
    assert any("Count is missing" in finding.message for finding in package.validate())


def test_a_task_hears_that_it_is_cancelled(package: fletching.Package):
    begun, ended = threading.Event(), threading.Event()

    def wait(task, host):
        begun.set()
        while not host.canceled:
            ended.wait(0.02)
        ended.set()

    package = with_task(package, wait)

    def stop(event):
        if begun.wait(5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        package.execute(events=stop)
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

    package.use_extensions([names])
    loop = package.add_executable("STOCK:FOREACHLOOP", "Each")
    package.set_enumerator(loop, "Tests.Enumerator", "<Names />", {"User::Note": 0})
    package.add_executable("Microsoft.ExpressionTask", "See", container=loop)
    reloaded(package, names, see).execute().check()
    assert seen == ["one", "two"]
