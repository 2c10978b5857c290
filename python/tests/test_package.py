"""Packages looked at, changed, checked, run, saved, stored."""

from __future__ import annotations

from pathlib import Path

import pytest

import fletching
from conftest import ROOT, ROWS, SMALL, numbers_package, sleeper


def test_what_is_in_a_package():
    package = fletching.Application.load(ROOT / "examples/nightly/Nightly.dtsx")
    assert package.name == "Nightly"
    assert package.format_version == 8
    assert Path(package.base_dir) == ROOT / "examples/nightly"
    assert any(one.kind == "foreach loop" for one in package.root.walk())
    constraints = package.precedence_constraints
    assert {one.before for one in constraints} <= {one.path for one in package.root.walk()}
    assert any(one.expression for one in constraints)
    assert all(one.name.count("::") == 1 for one in package.variables)
    assert any(one.creation_name == "FLATFILE" and one.columns for one in package.connection_managers)
    assert "foreach" in package.root.tree().lower()
    assert package._repr_html_().startswith("<pre>Nightly")


def test_a_result_tells_rows_and_outcomes(report: fletching.Package):
    result = report.execute()
    assert result.success and result.check() is result
    assert result.errors == []
    assert result.rows["Read orders"] == 30_000
    assert result.rows["Totals by region"] == 48
    assert [task.result for task in result.tasks] == ["success"]
    # Nobody reads the destination here, and that is said.
    assert "48 rows were dropped" in result.warnings[0]
    html = result._repr_html_()
    assert "<td>Read orders</td>" in html and "48 rows were dropped" in html


def test_a_plan_is_told_without_running(report: fletching.Package):
    plan = report.explain()
    assert len(plan.flows) == 1
    assert "AggregateExec" in str(plan)
    assert "<pre>Data flow" in plan._repr_html_()
    # Names are text, not HTML.
    assert "&lt;" not in str(plan) and "<b>Report</b>" in plan._repr_html_()


def test_readers_have_schemas_without_running(report: fletching.Package):
    schema = report.readers()["Totals by region"]
    assert schema.names == ["region", "month", "orders", "total", "largest"]
    assert schema.columns[0] == ("region", "DT_STR,10,1252", "Utf8View")
    assert len(schema) == 5 and "total: DT_NUMERIC,38,2" in repr(schema)


def test_properties_by_their_paths(numbers: fletching.Package, tmp_path: Path):
    path = r"\Package.Connections[In].Properties[ConnectionString]"
    numbers.add_variable("User::Least", 5)
    numbers[path] = "other.csv"
    numbers[r"\Package\Flow.Properties[Disable]"] = True
    numbers[r"\Package.Variables[User::Least].Value"] = 7
    assert numbers[path] == "other.csv"
    numbers.save(tmp_path / "Saved.dtsx")
    again = fletching.Application.load(tmp_path / "Saved.dtsx")
    assert again[path] == "other.csv"
    assert again.root.executables[0].disabled
    assert [(one.name, one.value, one.data_type) for one in again.variables] == [("User::Least", "7", "Int32")]
    assert again.to_bytes() == (tmp_path / "Saved.dtsx").read_bytes()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (r"\Package\None.Properties[Disable]", True),
        (r"\Package\Flow.Properties[None]", 1),
        (r"\Package\Flow.Properties[Disable]", "perhaps"),
        ("nowhere", 1),
    ],
)
def test_a_property_that_does_not_fit_changes_nothing(numbers: fletching.Package, path: str, value: object):
    before = numbers.to_bytes()
    with pytest.raises(fletching.ProgrammingError) as raised:
        numbers[path] = value
    assert raised.value.path
    assert numbers.to_bytes() == before


def test_settings_of_a_run(numbers: fletching.Package, tmp_path: Path):
    numbers.add_parameter("Least", 0)
    flow = numbers.pipeline(r"Package\Flow")
    flow.add("Microsoft.ConditionalSplit", "Some").add_copy("Both", "To some").connect("Both", "Some", output="To some")
    flow.split("Some", "Greater", "[n] >= @[$Package::Least]")
    flow.add("Microsoft.DataReaderDestinationAdapter", "Chosen")
    flow.connect("Some", "Chosen", output="Greater").use_all_columns("Chosen")
    assert [one.name for one in numbers.parameters] == ["Least"]
    rows = numbers.execute(parameters={"Least": ROWS - 10}, **SMALL).rows
    assert rows["Chosen"] == 10
    other = tmp_path / "other"
    other.mkdir()
    (other / "few.csv").write_text("n,name\r\n1,one\r\n2,two\r\n", newline="")
    assert numbers.execute(connections={"In": other / "few.csv"}).rows["Read"] == 2
    numbers[r"\Package.Connections[In].Properties[ConnectionString]"] = r"C:\data\few.csv"
    assert numbers.execute(path_map={r"C:\data": other}, memory="64MiB").rows["Read"] == 2
    with pytest.raises(fletching.SettingError, match="512MiB"):
        numbers.execute(memory="much")


def test_findings_come_before_anything_runs(numbers: fletching.Package):
    assert numbers.validate() == []
    numbers[r"\Package\Flow.Properties[Disable]"] = False
    task = numbers.add_executable("Microsoft.ExpressionTask", "Wrong")
    numbers.set_task_property(task, "Expression", "@[User::Nobody] = 1")
    findings = numbers.validate()
    assert [finding.path for finding in findings] == [task]
    assert findings[0].kind == "invalid"
    with pytest.raises(fletching.ValidationError) as raised:
        numbers.execute()
    assert raised.value.findings == findings
    assert raised.value.path == task


def test_a_failure_is_a_result_with_code_symbol_and_path(numbers: fletching.Package):
    numbers.pipeline(r"Package\Flow").add("Microsoft.DerivedColumn", "Divide").add_copy("Both", "To divide").connect(
        "Both", "Divide", output="To divide"
    ).derive("Divide", "wrong", "1 / ([n] - 100)")
    result = numbers.execute()
    assert not result.success and result.result == "failure"
    error = result.errors[0]
    assert isinstance(error, fletching.RunError)
    assert error.path == r"Package\Flow\Divide"
    assert error.symbol and error.symbol.startswith("DTS_E_")
    with pytest.raises(fletching.OperationalError):
        result.check()
    assert "Errors" in result._repr_html_()


def test_events_and_progress_come_while_it_runs(numbers: fletching.Package):
    sleeper(numbers, after=r"Package\Flow", seconds=1)
    kinds, shown = [], []
    result = numbers.execute(events=lambda event: kinds.append((event.kind, event.path)), progress=shown.append, **SMALL)
    assert result.success
    assert kinds[0][0] in ("OnPreValidate", "PackageStart", "OnPreExecute")
    assert ("OnPreExecute", r"Package\Flow") in kinds
    assert ("OnPostExecute", "Package") in kinds


def test_what_a_callback_raises_cancels(numbers: fletching.Package):
    sleeper(numbers)

    def refuse(event: fletching.Event) -> None:
        if event.source == "Sleep":
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        numbers.execute(events=refuse)


def test_a_package_that_does_not_load(tmp_path: Path):
    with pytest.raises(fletching.NotFoundError) as raised:
        fletching.Application.load(tmp_path / "nowhere.dtsx")
    assert raised.value.path == str(tmp_path / "nowhere.dtsx")
    (tmp_path / "broken.dtsx").write_text("<a")
    with pytest.raises(fletching.LoadError) as raised:
        fletching.Application.load(tmp_path / "broken.dtsx")
    assert raised.value.code and raised.value.symbol
    assert not isinstance(raised.value, fletching.NotFoundError)


def test_checked_without_running(tmp_path: Path):
    numbers_package(tmp_path, "Rows").save(tmp_path / "Good.dtsx")
    (tmp_path / "Broken.dtsx").write_text("<a")
    broken, good = fletching.Application.check(tmp_path)
    assert good.loads and good.plans and not good.findings
    assert not broken.loads and broken.error


def test_a_package_store(tmp_path: Path):
    root = tmp_path / "store"
    root.mkdir()
    store = fletching.Application.store(root)
    package = numbers_package(tmp_path, "Rows")
    store.create_folder("", "Sales")
    assert store.has_folder("File System\\Sales")
    store.save(r"Sales\Numbers", package)
    assert store.exists("sales/numbers") and not store.exists("Sales/Other")
    entries = store.list(recursive=True)
    assert [(entry.path, entry.is_folder) for entry in entries] == [("Sales", True), (r"Sales\Numbers", False)]
    assert store.load(r"Sales\Numbers").to_bytes() == package.to_bytes()
    with pytest.raises(fletching.StoreError):
        store.remove_folder("", "Sales")
    store.remove(r"Sales\Numbers")
    store.rename_folder("", "Sales", "Old")
    store.remove_folder("", "Old")
    assert store.list() == []
    with pytest.raises(fletching.NotFoundError):
        store.remove(r"Sales\Numbers")
    with pytest.raises(fletching.StoreError):
        fletching.Application.store(tmp_path / "none")


def test_the_package_of_a_project(tmp_path: Path):
    numbers_package(tmp_path, "Rows").save(tmp_path / "Numbers.dtsx")
    package = fletching.Application.load("Numbers.dtsx", project=tmp_path)
    assert package.execute(**SMALL).rows["Read"] == ROWS
