"""What runs on this machine, and what packages can be made of."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import fletching
from conftest import numbers_package, sleeper

CODE = """
import sys
import fletching
print(fletching.Application.load(sys.argv[1]).execute().result)
"""


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # The name of a socket has a hundred characters at most.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("FLETCHING_RUN_DIR", folder)
        yield


def listed(count: int) -> list[fletching.RunningPackage]:
    until = time.monotonic() + 30
    while True:
        running = fletching.Application.running_packages()
        if len(running) == count or time.monotonic() > until:
            assert len(running) == count, running
            return running
        time.sleep(0.02)


def slow(folder: Path) -> fletching.Package:
    package = numbers_package(folder, "Rows")
    sleeper(package, before=r"Package\Flow")
    return package


def test_a_run_of_this_process(tmp_path: Path) -> None:
    assert fletching.Application.running_packages() == []
    with slow(tmp_path).reader("Rows") as rows:
        (run,) = listed(1)
        assert run.package_name == "Numbers"
        assert run.execution_start_time <= datetime.now(timezone.utc)
        assert run.execution_duration < timedelta(minutes=1)
        run.stop()
        with pytest.raises(fletching.CancelledError):
            list(rows)
    listed(0)
    with pytest.raises(fletching.NotFoundError, match="has ended"):
        run.stop()


def test_a_run_of_another_process(tmp_path: Path) -> None:
    slow(tmp_path).save(tmp_path / "Slow.dtsx")
    child = subprocess.Popen(
        [sys.executable, "-c", CODE, str(tmp_path / "Slow.dtsx")], stdout=subprocess.PIPE, text=True
    )
    try:
        (run,) = listed(1)
        assert run.process_id == child.pid
        run.stop()
        assert child.wait(10) == 0
        assert child.stdout.read() == "canceled\n"
        listed(0)
    finally:
        child.kill()


def test_what_there_is() -> None:
    runs = {
        "component_infos": ("Microsoft.DerivedColumn", None),
        "connection_infos": ("FLATFILE", "EXCEL"),
        "enumerator_infos": ("ForEachFileEnumerator", None),
        "log_provider_infos": ("Microsoft.LogProviderTextFile", "Microsoft.LogProviderEventLog"),
        "task_infos": ("Microsoft.Pipeline", "Microsoft.ScriptTask"),
    }
    for name, (does, does_not) in runs.items():
        infos = {one.name: one for one in getattr(fletching.Application, name)()}
        assert infos[does].runs, does
        assert does_not is None or not infos[does_not].runs, does_not
    components = fletching.Application.component_infos()
    derived = next(one for one in components if one.name == "Microsoft.DerivedColumn")
    assert (derived.title, derived.kind) == ("Derived Column", "transformation")
