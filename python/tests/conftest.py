"""Packages that the tests run: the example `report`, and packages that they build."""

from __future__ import annotations

from pathlib import Path

import pytest

import fletching

ROOT = Path(__file__).parents[2]
ROWS = 20_000
READER = "Microsoft.DataReaderDestinationAdapter"
#: Bytes of a file that travel as one batch, so that there are many.
SMALL = {"morsel_bytes": 4096, "threads": 2}


@pytest.fixture
def report() -> fletching.Package:
    return fletching.Application.load(ROOT / "examples/report/Report.dtsx")


def numbers_package(folder: Path, *readers: str) -> fletching.Package:
    """Reads numbers from a file into DataReader destinations of these names."""
    lines = "".join(f"{n},name {n}\r\n" for n in range(ROWS))
    (folder / "numbers.csv").write_text("n,name\r\n" + lines, newline="")
    package = fletching.Package.create("Numbers", folder)
    package.add_flat_file("In", "numbers.csv", {"n": "DT_I4", "name": "DT_WSTR,20"})
    flow = package.pipeline(package.add_executable("Microsoft.Pipeline", "Flow"))
    flow.add("Microsoft.FlatFileSource", "Read").use_connection("Read", "In").read_metadata("Read")
    flow.add("Microsoft.Multicast", "Both").connect("Read", "Both")
    for at, reader in enumerate(readers):
        output = f"Multicast Output {at + 1}"
        if at > 0:
            flow.add_copy("Both", output)
        flow.add(READER, reader).connect("Both", reader, output=output).use_all_columns(reader)
    return package


@pytest.fixture
def numbers(tmp_path: Path) -> fletching.Package:
    return numbers_package(tmp_path, "Rows")


def sleeper(package: fletching.Package, *, before: str | None = None, after: str | None = None, seconds: int = 60) -> str:
    """Adds a task that takes its time."""
    task = package.add_executable("Microsoft.ExecuteProcess", "Sleep")
    package.set_task_property(task, "Executable", "sleep")
    package.set_task_property(task, "Arguments", seconds)
    if before is not None:
        package.add_precedence_constraint(task, before)
    if after is not None:
        package.add_precedence_constraint(after, task)
    return task
