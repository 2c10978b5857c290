"""What a notebook does with SSIS packages: run one, run it otherwise, build one, read its rows.

    scripts/test-python build
    target/python/venv/bin/python examples/notebook.py
"""

# %% An existing package: what is in it, whether it can run, and how it went.
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas
import polars
import pyarrow

import fletching

here = Path(__file__).parent
package = fletching.Application.load(here / "report" / "Report.dtsx")
print(package.root.tree())
print("findings:", package.validate())
print(package.explain())

# %% Its rows, while it runs. Without a reader they would be dropped, and the result would say so.
totals = pyarrow.table(package.reader("Totals by region"))
print(totals.slice(0, 3).to_pylist())
assert totals.num_rows == 48

# %% The same package over other data: a file of our own, in place of the one that its connection manager names.
folder = TemporaryDirectory()
few = Path(folder.name) / "few.csv"
few.write_text(
    "order_id,ordered_on,region,product,amount\r\n"
    "1,2024-01-15,East,Bolt,10.50\r\n"
    "2,2024-01-20,East,Nut,1.25\r\n"
    "3,2024-02-01,West,Bolt,7.00\r\n",
    newline="",
)
again = polars.DataFrame(package.reader("Totals by region", connections={"Orders file": few}))
print(again)
assert again["orders"].to_list() == [2, 1]

result = package.execute(connections={"Orders file": few})
print(result, result.rows)
assert result.success and result.rows["Read orders"] == 3

# %% A package built object by object: orders of at least so much, by product.
built = fletching.Package.create("Large orders", folder.name)
built.add_parameter("Least", 0)
built.add_flat_file(
    "Orders file",
    here / "report" / "data" / "orders.csv",
    {
        "order_id": "DT_I4",
        "ordered_on": "DT_DBDATE",
        "region": "DT_STR,10,1252",
        "product": "DT_STR,12,1252",
        "amount": "DT_NUMERIC,9,2",
    },
)
task = built.add_executable("Microsoft.Pipeline", "Large orders")
flow = built.pipeline(task)
(
    flow.add("Microsoft.FlatFileSource", "Read orders")
    .use_connection("Read orders", "Orders file")
    .read_metadata("Read orders")
    .add("Microsoft.ConditionalSplit", "Large")
    .connect("Read orders", "Large")
    .split("Large", "Yes", "[amount] >= @[$Package::Least]")
    .add("Microsoft.Aggregate", "By product")
    .connect("Large", "By product", output="Yes")
    .aggregate("By product", "product", "group by", "product")
    .aggregate("By product", "orders", "count all")
    .aggregate("By product", "total", "sum", "amount")
    .add("Microsoft.Sort", "Order")
    .connect("By product", "Order")
    .sort_by("Order", "-total", "product")
    .add("Microsoft.DataReaderDestinationAdapter", "Products")
    .connect("Order", "Products")
    .use_all_columns("Products")
)
file = Path(folder.name) / "LargeOrders.dtsx"
built.save(file)
print(built.root.tree())

# %% Saved, loaded, run with a parameter, and read into four libraries. Each gets a run of its own.
saved = fletching.Application.load(file)
assert saved.validate() == []
print(saved.readers())


def products() -> fletching.Reader:
    return saved.reader("Products", parameters={"Least": 400})


table = pyarrow.table(products())
frame = polars.DataFrame(products())
data = pandas.DataFrame.from_arrow(products())
rows = products()
best = duckdb.sql("select product, total from rows order by total desc limit 1").fetchall()

print(frame)
assert table.num_rows == frame.height == len(data) > 0
assert best[0][0] == table["product"][0].as_py() == data["product"][0]

# %% The same by a connection string, in the shape of DB-API.
with fletching.connect(rf'/FILE "{file}" /SET \Package.Variables[$Package::Least].Value;499') as connection:
    cursor = connection.cursor().execute("Products")
    print([column[0] for column in cursor.description])
    print(cursor.fetchone(), "and", len(cursor.fetchall()), "more of", cursor.rowcount)

# %% What goes wrong says where, and with which code.
bad = Path(folder.name) / "bad.csv"
bad.write_text("order_id,ordered_on,region,product,amount\r\n1,someday,East,Bolt,1.00\r\n", newline="")
try:
    with saved.reader("Products", connections={"Orders file": bad}) as reader:
        pyarrow.table(reader)
except fletching.Error as error:
    print(type(error).__name__, error.symbol, error.path)
    print(error)
    assert error.symbol and error.path
else:
    raise AssertionError("a file that cannot be read was read")

print("the notebook is done")
