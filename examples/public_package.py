"""A notebook over a package of somebody else: run as it is, run otherwise, taken apart and built anew.

The package is public, and comes with its data:

    git clone https://github.com/Chandravadan30/Vehicle-Fuel-Efficiency-and-Emissions-Analytics
    scripts/test-python build
    target/python/venv/bin/python examples/public_package.py Vehicle-Fuel-Efficiency-and-Emissions-Analytics

It was made on a Windows machine for a SQL Server that we cannot reach: temperatures and emissions of cities go from a text
file to a table.
"""

# %% What is in it, and what keeps it from running here.
import csv
import os
import sqlite3
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute as pc

import fletching

repository = Path(sys.argv[1] if len(sys.argv) > 1 else "Vehicle-Fuel-Efficiency-and-Emissions-Analytics")
folder = TemporaryDirectory()
package = fletching.Application.load(repository / "Package.dtsx")
print(package.root.tree())
print([manager.name for manager in package.connection_managers])
findings = package.validate()
for finding in findings:
    print(finding)
assert [finding.path for finding in findings] == [rf"Package\Load {flow}\Flat File Source" for flow in ("Climate", "Vehicles")]

# %% As it is: its Windows folder is a folder of ours, its SQL Server a SQLite file, and what its repository lacks is left out.
climate = repository / "Datasets" / "City_State_Temperature_CO2_Merged.csv"
with open(climate, newline="") as file:
    wanted = [tuple(row) for row in csv.reader(file)][1:]
warehouse = Path(folder.name) / "warehouse.db"
with sqlite3.connect(warehouse) as database:
    database.execute(
        "create table ClimateData (RecordID integer primary key, City varchar(50), State varchar(50), Year int, "
        "AvgTemperature float, CO2Concentration float)"
    )
here = {
    "path_map": {r"C:\Users\User\Downloads": repository / "Datasets"},
    "connections": {r"Anuhya\ANUHYA.Vehicle_Analysis": f"sqlite:{warehouse}"},
}
result = package.execute(set={r"\Package\Load Vehicles.Properties[Disable]": True}, **here)
print(result, result.rows)
assert result.success
with sqlite3.connect(warehouse) as database:
    loaded = database.execute("select Year, AvgTemperature, CO2Concentration, City, State from ClimateData").fetchall()
assert sorted(loaded) == sorted((int(row[0]), float(row[1]), float(row[2]), *row[3:]) for row in wanted)

# %% Otherwise: its destination gives way to a program that reads; only warm cities are left, and a column is added.
package = fletching.Application.load(repository / "Package.dtsx")
package.remove_executable(r"Package\Load Vehicles")
package.add_variable("User::Least", 0.0)
flow = package.pipeline(r"Package\Load Climate")
print(flow)
(
    flow.remove("OLE DB Destination")
    .add("Microsoft.DerivedColumn", "Tons")
    .connect("Data Conversion", "Tons")
    .derive("Tons", "tons", "(DT_R8)[co2_metric_tons]")
    .derive("Tons", "celsius", "(DT_R8)[avg_temperature_c]")
    .add("Microsoft.ConditionalSplit", "Warm")
    .connect("Tons", "Warm")
    .split("Warm", "Yes", "[celsius] >= @[User::Least]")
    .add("Microsoft.DataReaderDestinationAdapter", "Cities")
)
flow.connect("Warm", "Cities", output="Yes").use_all_columns("Cities")
file = Path(folder.name) / "Cities.dtsx"
package.save(file)


# %% Saved, loaded, and read by four libraries, each with a run of its own.
def cities(least: float = -300) -> fletching.Reader:
    saved = fletching.Application.load(file)
    return saved.reader("Cities", set={r"\Package.Variables[User::Least].Value": least}, **here)


table = pyarrow.table(cities())
frame = polars.DataFrame(cities())
data = pandas.DataFrame.from_arrow(cities())
rows = cities()
hottest = duckdb.sql("select city, max(celsius) from rows group by city order by 2 desc, 1 limit 3").fetchall()
print(frame.head(3), hottest)
assert table.num_rows == frame.height == len(data) == len(wanted)
assert abs(frame["tons"].sum() - sum(float(row[2]) for row in wanted)) < 1e-6
warm = [row for row in wanted if float(row[1]) >= 15]
assert 0 < len(warm) < len(wanted)
assert polars.DataFrame(cities(15)).height == len(warm)
assert hottest[0][1] == max(float(row[1]) for row in wanted)

# %% A component of one's own in its flow: a function of Python. Whoever loads the package gives the function along. This
# one notes what runs while it runs: on this machine, whoever started it.
running = []


@fletching.component("Own.Fahrenheit", title="Fahrenheit")
def fahrenheit(batch, component):
    running.extend(fletching.Application.running_packages())
    celsius = pyarrow.record_batch(batch)["celsius"]
    return {"fahrenheit": pc.add(pc.multiply(celsius, 1.8), 32.0)}


package.use_extensions([fahrenheit])
flow = package.pipeline(r"Package\Load Climate")
(
    flow.remove("Cities")
    .add("Own.Fahrenheit", "Fahrenheit")
    .connect("Warm", "Fahrenheit", output="Yes")
    .use_column("Fahrenheit", "celsius")
    .add_column("Fahrenheit", "fahrenheit", "DT_R8")
    .add("Microsoft.DataReaderDestinationAdapter", "Cities")
    .connect("Fahrenheit", "Cities")
    .use_all_columns("Cities")
)
own = Path(folder.name) / "Own.dtsx"
package.save(own)
assert any("Own.Fahrenheit" in str(finding) for finding in fletching.Application.load(own).validate(**here))
loaded = fletching.Application.load(own, extensions=[fahrenheit])
degrees = polars.DataFrame(loaded.reader("Cities", **here))
print(degrees.select("city", "celsius", "fahrenheit").head(3))
assert degrees.height == len(wanted)
assert all(abs(f - (c * 1.8 + 32)) < 1e-9 for c, f in degrees.select("celsius", "fahrenheit").iter_rows())

print(running)
assert any(one.package_name == "Package" and one.process_id == os.getpid() for one in running)

# %% The same by dtexec's words, row by row.
command = rf'/FILE "{file}" /CONN Climate_And_Temp_CSV;"{climate.resolve()}" /SET \Package.Variables[User::Least].Value;15'
with fletching.connect(command) as connection:
    cursor = connection.cursor().execute("Cities")
    print([column[0] for column in cursor.description])
    assert len(cursor.fetchall()) == len(warm)

# %% From nothing: object by object, over the same file.
built = fletching.Package.create("By state", folder.name)
columns = {"year": "DT_I4", "celsius": "DT_R8", "tons": "DT_R8", "city": "DT_WSTR,50", "state": "DT_WSTR,2"}
built.add_flat_file("Climate", climate.resolve(), columns)
flow = built.pipeline(built.add_executable("Microsoft.Pipeline", "By state"))
(
    flow.add("Microsoft.FlatFileSource", "Climate file")
    .use_connection("Climate file", "Climate")
    .read_metadata("Climate file")
    .add("Microsoft.Aggregate", "Of a state")
    .connect("Climate file", "Of a state")
    .aggregate("Of a state", "state", "group by", "state")
    .aggregate("Of a state", "tons", "sum", "tons")
    .aggregate("Of a state", "years", "count distinct", "year")
    .add("Microsoft.Sort", "Order")
    .connect("Of a state", "Order")
    .sort_by("Order", "state")
    .add("Microsoft.DataReaderDestinationAdapter", "States")
    .connect("Order", "States")
    .use_all_columns("States")
)
built.save(Path(folder.name) / "ByState.dtsx")
again = fletching.Application.load(Path(folder.name) / "ByState.dtsx")
assert again.validate() == []
states = polars.DataFrame(again.reader("States"))
print(states)
assert states["state"].to_list() == sorted({row[4] for row in wanted})

# %% What goes wrong says where, and with which code.
bad = Path(folder.name) / "bad.csv"
bad.write_text(climate.read_text().replace("11.3", "mild", 1))
try:
    with again.reader("States", connections={"Climate": bad}) as reader:
        pyarrow.table(reader)
except fletching.Error as error:
    print(error)
    assert error.symbol and error.path and "mild" in str(error) and "celsius" in str(error)
else:
    raise AssertionError("a file that cannot be read was read")

print("the notebook is done")
