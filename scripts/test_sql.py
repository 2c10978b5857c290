"""Queries of `fletch sql`, their answers worked out here by other means. Run by `scripts/test-sql`."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, "scripts")
from package_writer import I4, Column, Package, string  # noqa: E402

FLETCH = str(Path(os.environ["FLETCH"]).resolve())
REPORT = "examples/report/Report.dtsx"
MANY = 1_000_000


def fletch(*arguments, code=0):
    done = subprocess.run([FLETCH, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[:2000], done.stderr[:2000])
    return done.stdout if code == 0 else done.stderr


def rows(query, *options):
    """The rows of a query as dictionaries of texts."""
    return list(csv.DictReader(fletch("sql", query, "--format", "csv", *options).splitlines()))


def refused(query, *texts, code=6, options=()):
    told = fletch("sql", query, *options, code=code)
    for text in texts:
        assert text in told, f"{text!r} is not in {told}"


def running():
    return [json.loads(line) for line in fletch("running", "--format", "json").splitlines()]


def wait_for(what):
    until = time.monotonic() + 60
    while not (found := what()):
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.02)
    return found


def numbers(folder, name="Numbers", lines=MANY, last="", readers=("Rows",), variable=False):
    """A package that reads `n,kind,Text` from a file."""
    package = Package(name)
    columns = [Column("n", I4), Column("kind", string(10)), Column("Text", string(20))]
    file = package.flat_file("In", "numbers.csv", columns)
    flow = package.data_flow("Flow")
    output, _ = flow.source("Read", file)
    if variable:
        package.text_variable("Kind", "b")
        package.variables[-1] = with_namespace(package.variables[-1], "DtsClient")
        ends = flow.conditional_split("Wanted", output, [("Some", "[kind] == @[DtsClient::Kind]")], "Rest")
        output = ends[0]
    if len(readers) > 1:
        for reader, one in zip(readers, flow.multicast("Both", output, readers)):
            flow.data_reader(reader, one)
    else:
        flow.data_reader(readers[0], output)
    folder.mkdir(parents=True, exist_ok=True)
    package.write(folder / f"{name}.dtsx")
    with open(folder / "numbers.csv", "w", newline="") as file:
        file.write("n,kind,Text\r\n")
        file.writelines(f"{n},{'abc'[n % 3]},text {n}\r\n" for n in range(lines))
        file.write(last)
    return folder / f"{name}.dtsx"


def with_namespace(variable, namespace):
    variable.attributes["DTS:Namespace"] = namespace
    return variable


def answers():
    read = list(csv.DictReader(fletch("read", REPORT, "--format", "csv").splitlines()))
    totals = defaultdict(Decimal)
    for row in read:
        totals[row["region"]] += Decimal(row["total"])
    found = rows(f"SELECT region, sum(total) AS total, count(*) AS months FROM package('{REPORT}') GROUP BY region ORDER BY total DESC")
    wanted = sorted(totals.items(), key=lambda one: -one[1])
    assert [(one["region"], Decimal(one["total"])) for one in found] == wanted, found
    assert rows(f"SELECT * FROM package('{REPORT}', 'Totals by region')") == read
    some = rows(f"SELECT month, region FROM PACKAGE('{REPORT}') WHERE total > 164000 ORDER BY region, month")
    assert some == [
        {"month": one["month"], "region": one["region"]}
        for one in sorted(read, key=lambda one: (one["region"], int(one["month"])))
        if Decimal(one["total"]) > 164000
    ]
    best = rows(
        "SELECT region, month FROM (SELECT *, row_number() OVER (PARTITION BY region ORDER BY total DESC) AS place "
        f"FROM package('{REPORT}')) WHERE place = 1 ORDER BY region"
    )
    first = {}
    for row in read:
        if row["region"] not in first or Decimal(row["total"]) > Decimal(first[row["region"]]["total"]):
            first[row["region"]] = row
    assert best == [{"region": region, "month": first[region]["month"]} for region in sorted(first)], best
    assert rows(f"SELECT count(*) AS n FROM package('{REPORT}')") == [{"n": str(len(read))}]
    plan = fletch("sql", f"EXPLAIN SELECT month FROM package('{REPORT}') LIMIT 3", "--format", "csv")
    assert "PackageExec: examples/report/Report.dtsx#Totals by region, projection=[month], fetch=3" in plan, plan


def formats(folder):
    query = f"SELECT region, total FROM package('{REPORT}') ORDER BY region, total LIMIT 2"
    lines = [json.loads(line) for line in fletch("sql", query, "--format", "json").splitlines()]
    assert [sorted(line) for line in lines] == [["region", "total"]] * 2, lines
    assert fletch("sql", query).count("| East ") == 2
    (folder / "query.sql").write_text(query)
    for kind, start in (("parquet", b"PAR1"), ("arrow", b"\xff\xff\xff\xff")):
        fletch("sql", "--file", folder / "query.sql", "--format", kind, "-o", folder / "rows")
        assert (folder / "rows").read_bytes().startswith(start)


def joins(folder):
    """A join of two packages runs both; of one with itself, it twice."""
    shutil.copytree("examples/report", folder / "report")
    orders = folder / "report/data/orders.csv"
    lines = orders.read_text().splitlines()
    orders.write_text("\n".join([lines[0], *(line for line in lines[1:] if ",North," in line)]) + "\n")
    pair = f"package('{REPORT}') a JOIN package('{folder}/report/Report.dtsx') b ON a.region = b.region AND a.month = b.month"
    found = rows(f"SELECT a.region, a.month, a.total AS one, b.total AS other FROM {pair}")
    assert len(found) == 12 and all(row["one"] == row["other"] and row["region"] == "North" for row in found), found
    same = f"package('{REPORT}') a JOIN package('{REPORT}') b USING (region, month)"
    analyzed = fletch("sql", f"EXPLAIN ANALYZE SELECT count(*) FROM {same}", "--format", "csv")
    assert analyzed.count("PackageExec") == 2 and analyzed.count("output_rows=48") >= 2, analyzed
    refused(f"SELECT * FROM package('{REPORT}') JOIN package('{REPORT}') USING (region)", "package()", code=1)


def early(folder):
    """A query that has enough cancels the package: it is back at once, and nothing is left."""
    many = numbers(folder / "many")
    whole = time.monotonic()
    assert rows(f"SELECT count(*) AS n, max(n) AS most FROM package('{many}')") == [{"n": str(MANY), "most": str(MANY - 1)}]
    whole = time.monotonic() - whole
    began = time.monotonic()
    found = rows(f"SELECT n FROM package('{many}') LIMIT 5")
    assert [row["n"] for row in found] == ["0", "1", "2", "3", "4"], found
    found = rows(f"SELECT n FROM package('{many}') WHERE kind = 'b' LIMIT 3")
    # Any three: the filter runs on all cores.
    assert [int(row["n"]) % 3 for row in found] == [1, 1, 1], found
    assert time.monotonic() - began < 2 * whole, "a query with a LIMIT reads everything"
    assert running() == []
    command = f"'{FLETCH}' sql \"SELECT * FROM package('{many}')\" --format csv | head -2"
    shown = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert (shown.returncode, shown.stderr) == (0, ""), shown
    few = rows(f"SELECT kind, count(*) AS n FROM package('{many}') GROUP BY kind ORDER BY kind", "--memory-limit", "8MiB", "--threads", "2")
    assert [row["kind"] for row in few] == ["a", "b", "c"] and sum(int(row["n"]) for row in few) == MANY
    stopped(many, folder)
    return many


def stopped(many, folder):
    """Ctrl-C, and `fletch running --stop`: the file of rows does not appear."""
    target = folder / "sorted.csv"
    # A join with itself that takes its time.
    query = f"SELECT a.n FROM package('{many}') a JOIN package('{many}') b ON a.n % 1000 = b.n % 1000 ORDER BY a.Text"
    command = [FLETCH, "sql", query, "--format", "csv", "-o", str(target)]

    def begun():
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        return process, wait_for(running)

    process, _ = begun()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 3
    process, found = begun()
    assert {run["package_name"] for run in found} == {"Numbers"} and {run["process_id"] for run in found} == {process.pid}
    fletch("running", "--stop", found[0]["instance_id"])
    assert process.wait(30) == 3
    assert "cancelled" in process.stderr.read()
    assert not target.exists() and list(folder.glob("*.tmp*")) == []
    assert running() == []


def failing(folder):
    """A package that fails in its last row fails the query, whatever it asks."""
    bad = numbers(folder / "late", "Late", 600_000, last="oops,a,b\r\n")
    for query in (f"SELECT * FROM package('{bad}')", f"SELECT count(*) FROM package('{bad}')"):
        refused(query, "line 1, column ", "Late.dtsx", r"Package\Flow\Read", "row 600002", "oops", "0xC0209084", "^", code=1)
    target = folder / "late.parquet"
    refused(f"SELECT * FROM package('{bad}')", code=1, options=("--format", "parquet", "-o", target))
    assert not target.exists()
    # Enough before that row.
    assert len(rows(f"SELECT n FROM package('{bad}') LIMIT 7")) == 7


def parameters(folder):
    package = numbers(folder / "some", "Some", 300, variable=True)
    count = "SELECT count(*) AS n, min(kind) AS kind FROM "
    assert rows(count + f"package('{package}')") == [{"n": "100", "kind": "b"}]
    assert rows(count + f"package('{package}', 'Kind=c')") == [{"n": "100", "kind": "c"}]
    assert rows(count + f"package('{package}', 'Rows', 'DtsClient::Kind=none')") == [{"n": "0", "kind": ""}]
    path = r"\Package.Variables[DtsClient::Kind].Value=a"
    assert rows(count + f"package('{package}', '{path}')") == [{"n": "100", "kind": "a"}]
    refused(count + f"package('{package}', 'Rows', 'Kin=c')", "DtsClient::Kin", "DtsClient::Kind", code=6)
    refused(count + f"package('{package}', 'Rows', 'Kind')", "argument 3, `Kind`, has no `=`")
    other = folder / "other.csv"
    other.write_text("n,kind,Text\r\n7,b,x\r\n", newline="")
    assert rows(count + f"package('{package}')", "--connection", f"In={other}") == [{"n": "1", "kind": "b"}]


def wrong(folder):
    refused("SELEC 1", "line 1, column 1", "SELEC 1\n^")
    refused(f"SELECT regio FROM package('{REPORT}')", "line 1, column 8", "regio", "region", "\n       ^")
    refused(f"SELECT *\nFROM package('{REPORT}', 'Totals by regon')", "line 2, column 6", "did you mean `Totals by region`?", "\n     ^")
    refused(f"SELECT * FROM package('{REPORT}', 'Else')", "it has `Totals by region`")
    refused("SELECT * FROM package('examples/None.dtsx')", "there is no such file", code=4)
    refused("SELECT * FROM package('examples/sales/Sales.dtsx')", "no DataReader destination")
    refused("SELECT * FROM package('examples/report')", "a folder: name a package in it", code=5)
    refused("SELECT * FROM package(5)", "argument 1 is", "single quotes")
    refused("SELECT * FROM package()", "names no package")
    refused("CREATE TABLE t AS SELECT 1", "wanted is one query", code=1)
    refused(f"COPY (SELECT 1) TO '{folder}/x.csv'", "wanted is one query", code=1)
    refused("SELECT 1; SELECT 2", "single", code=1)
    two = numbers(folder / "two", "Two", 10, readers=("First", "Second"))
    refused(f"SELECT * FROM package('{two}')", "name one", "`First`, `Second`")
    assert len(rows(f"SELECT * FROM package('{two}', 'Second')")) == 10
    # Names as the package has them.
    assert rows(f"SELECT Text FROM package('{two}', 'First') ORDER BY n LIMIT 1") == [{"Text": "text 0"}]
    twice = Package("Twice")
    flow = twice.data_flow("Flow")
    output, _ = flow.source("Read", twice.flat_file("In", "numbers.csv", [Column("n", I4), Column("kind", string(10))]))
    output, _ = flow.derived_column("Again", output, [("n", I4, "[n] + 1")])
    flow.data_reader("Rows", output)
    twice.write(folder / "two/Twice.dtsx")
    refused(f"SELECT * FROM package('{folder}/two/Twice.dtsx')", "several columns of one name, `n`", "Output Alias", code=1)


def main():
    answers()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        os.environ["FLETCHING_RUN_DIR"] = str(folder / "runs")
        formats(folder)
        joins(folder)
        parameters(folder)
        wrong(folder)
        failing(folder)
        early(folder)
    print("ok: packages in SQL")


main()
