#!/usr/bin/env python3
"""Writes the packages of the examples: `python3 examples/make_packages.py`."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))

from package_writer import (  # noqa: E402
    COMPLETION,
    DATE,
    I4,
    I8,
    R8,
    TIMESTAMP,
    Column,
    Component,
    Node,
    Package,
    Task,
    integer,
    numeric,
    prop,
    string,
    text,
    wide,
)

PRICE, AMOUNT = numeric(9, 2), numeric(18, 4)


def file(package, name, path, columns, qualified=()):
    """A comma-separated file with names; the columns in `qualified` are quoted."""
    made = [Column(one, kind, qualified=one in qualified) for one, kind in columns]
    return package.flat_file(name, path, made, qualifier='"' if qualified else "<none>")


def sales():
    """A flat file, cleaned, split in two; rows that cannot be read go to a third file."""
    package = Package("Sales")
    columns = [
        ("sale_id", I4),
        ("sold_on", DATE),
        ("customer", string(20)),
        ("quantity", I4),
        ("unit_price", PRICE),
        ("discount", numeric(3, 2)),
    ]
    source = file(package, "Sales file", r"C:\data\sales.csv", columns, ("customer",))
    flow = package.data_flow("Load sales")
    rows, rejected = flow.source("Read sales", source, redirect=True)
    rows, _ = flow.derived_column(
        "Work out",
        rows,
        [
            ("amount", AMOUNT, "[quantity] * [unit_price] * (1 - [discount])"),
            ("quarter", string(7), '(DT_STR,7,1252)((DT_WSTR,4)YEAR([sold_on]) + "-Q" + (DT_WSTR,1)DATEPART("quarter",[sold_on]))'),
        ],
        [("customer", "(DT_STR,20,1252)UPPER(TRIM([customer]))")],
    )
    written = [("sale_id", I4), ("quarter", string(7)), ("customer", string(20)), ("quantity", I4), ("amount", AMOUNT)]
    large, small = flow.conditional_split("By amount", rows, [("Large", "[amount] >= 1000")], "Small")
    flow.destination("Write large", file(package, "Large sales", r"C:\out\large.csv", written, ("customer",)), large, escape=True)
    flow.destination("Write small", file(package, "Small sales", r"C:\out\small.csv", written, ("customer",)), small, escape=True)
    line = "Flat File Source Error Output Column"
    refused = file(package, "Rejected rows", r"C:\out\rejected.csv", [("line", text()), ("ErrorCode", I4), ("ErrorColumn", I4)])
    flow.destination("Write rejected", refused, rejected, {"line": line})
    return package


def merge():
    """Two files, each sorted by the same column, become one that is sorted too."""
    package = Package("Merge")
    columns = [("account", I4), ("name", string(30)), ("balance", PRICE)]
    flow = package.data_flow("Merge branches")
    sides = []
    for branch in ("North", "South"):
        source = file(package, f"{branch} file", rf"C:\data\{branch.lower()}.csv", columns)
        rows, _ = flow.source(f"Read {branch}", source, sorted_by=["account"])
        sides.append(rows)
    merged = flow.merge("By account", *sides)
    flow.destination("Write all", file(package, "All accounts", r"C:\out\accounts.csv", columns), merged)
    return package


def report():
    """Ends in a DataReader destination: a program reads the result as record batches."""
    package = Package("Report")
    columns = [("order_id", I4), ("ordered_on", DATE), ("region", string(10)), ("product", string(12)), ("amount", PRICE)]
    source = file(package, "Orders file", r"C:\data\orders.csv", columns)
    flow = package.data_flow("Report by region")
    rows, _ = flow.source("Read orders", source)
    rows, _ = flow.derived_column("Month", rows, [("month", I4, "MONTH([ordered_on])")])
    grouped = flow.aggregate(
        "Totals",
        rows,
        [
            ("region", string(10), "region", 0),
            ("month", I4, "month", 0),
            ("orders", I8, "", 2),
            ("total", numeric(38, 2), "amount", 4),
            ("largest", PRICE, "amount", 7),
        ],
    )
    flow.data_reader("Totals by region", flow.sort("Order", grouped, ["region", "-total"]))
    return package


def staging():
    """Two tasks: the first leaves its rows in a raw file, the second reads them there."""
    package = Package("Staging")
    columns = [("visited_at", TIMESTAMP), ("page", string(30)), ("seconds", I4)]
    package.variable("Staged", 0)
    stage = package.data_flow("Stage")
    rows, _ = stage.source("Read visits", file(package, "Visits file", r"C:\data\visits.csv", columns))
    long, _ = stage.conditional_split("Long ones", rows, [("Stayed", "[seconds] >= 10")], "Left")
    counted = stage.row_count("Count", long, "User::Staged")
    stage.raw_file_destination("Write raw", r"C:\out\visits.raw", counted)
    publish = package.data_flow("Publish")
    rows = publish.raw_file_source("Read raw", r"C:\out\visits.raw", counted)
    totals = publish.aggregate(
        "By page",
        rows,
        [
            ("page", string(30), "page", 0),
            ("visits", I8, "", 2),
            ("pages_last_visit", TIMESTAMP, "visited_at", 7),
            ("mean_seconds", R8, "seconds", 5),
        ],
    )
    ordered = publish.sort("Most visited", totals, ["-visits", "page"])
    written = [(column.name, column.type) for column in ordered.columns]
    publish.destination("Write totals", file(package, "Totals file", r"C:\out\pages.csv", written), ordered)
    return package


TABLES = """IF OBJECT_ID('dbo.DimCustomer', 'U') IS NOT NULL DROP TABLE dbo.DimCustomer;
IF OBJECT_ID('dbo.FactSale', 'U') IS NOT NULL DROP TABLE dbo.FactSale;
IF OBJECT_ID('dbo.UnknownCustomer', 'U') IS NOT NULL DROP TABLE dbo.UnknownCustomer;
GO
CREATE TABLE [dbo].[DimCustomer] (
    [CustomerKey] int IDENTITY(1,1) NOT NULL CONSTRAINT [PK_DimCustomer] PRIMARY KEY CLUSTERED,
    [Name] nvarchar(40) NOT NULL,
    [Region] nvarchar(10) NOT NULL,
    [LoadedAt] datetime2(0) NOT NULL DEFAULT (sysdatetime())
) ON [PRIMARY];
CREATE TABLE [dbo].[FactSale] ([SaleId] int NOT NULL, [CustomerKey] int NOT NULL, [SoldOn] date NOT NULL, [Amount] decimal(9, 2) NULL);
CREATE TABLE [dbo].[UnknownCustomer] ([SaleId] int NOT NULL, [Name] nvarchar(40) NULL);
GO"""

COUNT = """SELECT COUNT(*) AS Sales, ISNULL((SELECT TOP (1) c.[Region] FROM [dbo].[FactSale] f WITH (NOLOCK)
    JOIN [dbo].[DimCustomer] c ON c.[CustomerKey] = f.[CustomerKey]
    GROUP BY c.[Region] ORDER BY SUM(f.[Amount]) DESC), N'none') AS Best
FROM [dbo].[FactSale]"""


def warehouse():
    """A star made by T-SQL, a dimension and facts loaded, keys looked up: written for SQL Server."""
    package = Package("Warehouse")
    login = "Data Source=.;Initial Catalog=Warehouse;Provider=MSOLEDBSQL.1;Integrated Security=SSPI;Auto Translate=False;"
    server = package.ole_db("Warehouse", login)
    sales, best = package.variable("Sales", 0), package.text_variable("Best")
    package.execute_sql("Make tables", server, TABLES)
    customers = package.data_flow("Load customers")
    columns = [("name", wide(40)), ("region", wide(10))]
    rows, _ = customers.source("Read customers", file(package, "Customers file", r"C:\data\customers.csv", columns))
    mapped = [("Name", wide(40), "name"), ("Region", wide(10), "region")]
    customers.ole_db_destination("Write customers", server, "[dbo].[DimCustomer]", rows, mapped)
    facts = package.data_flow("Load sales")
    columns = [("sale_id", I4), ("customer", wide(40)), ("sold_on", DATE), ("amount", PRICE)]
    rows, _ = facts.source("Read sales", file(package, "Sales file", r"C:\data\sales.csv", columns))
    match, unknown = facts.lookup(
        "Customer key",
        server,
        "SELECT [CustomerKey], [Name] FROM [dbo].[DimCustomer]",
        [("CustomerKey", I4, "DT_I4"), ("Name", wide(40), "DT_WSTR")],
        rows,
        [("customer", "Name")],
        ["CustomerKey"],
    )
    mapped = [("SaleId", I4, "sale_id"), ("CustomerKey", I4, "CustomerKey"), ("SoldOn", DATE, "sold_on"), ("Amount", PRICE, "amount")]
    facts.ole_db_destination("Write sales", server, "[dbo].[FactSale]", match, mapped)
    mapped = [("SaleId", I4, "sale_id"), ("Name", wide(40), "customer")]
    facts.ole_db_destination("Write unknown", server, "[dbo].[UnknownCustomer]", unknown, mapped)
    package.execute_sql("Count", server, COUNT, [("Sales", sales), ("Best", best)])
    return package


COUNTED = """SELECT COUNT(*) AS Files, ISNULL(SUM([Rows]), 0) AS Loaded FROM [dbo].[LoadedFile]"""


def nightly():
    """Files as they come: each is loaded and moved away; a bad one is noted by the handler, and the others go on."""
    package = Package("Nightly")
    server = package.ole_db("Shop", "Data Source=.;Initial Catalog=Shop;Provider=MSOLEDBSQL.1;Integrated Security=SSPI;")
    name = "RIGHT(@[User::File], FINDSTRING(REVERSE(@[User::File]), \"\\\\\", 1) - 1)"
    orders = package.text_variable("File", r"C:\inbox\none.csv")
    package.text_variable("Name", expression=name)
    done = package.text_variable("Done", expression='"C:\\\\done\\\\" + @[User::Name]')
    rows, files, loaded = package.variable("Rows", 0), package.variable("Files", 0), package.variable("Loaded", 0)
    said = package.text_variable("Said")
    tables = package.execute_sql(
        "Make tables",
        server,
        """IF OBJECT_ID('dbo.OrderLine', 'U') IS NOT NULL DROP TABLE dbo.OrderLine;
IF OBJECT_ID('dbo.LoadedFile', 'U') IS NOT NULL DROP TABLE dbo.LoadedFile;
IF OBJECT_ID('dbo.Problem', 'U') IS NOT NULL DROP TABLE dbo.Problem;
CREATE TABLE [dbo].[OrderLine] ([OrderId] int NOT NULL, [Article] nvarchar(20) NOT NULL, [Amount] decimal(9, 2) NOT NULL);
CREATE TABLE [dbo].[LoadedFile] ([Name] nvarchar(100) NOT NULL, [Rows] int NOT NULL);
CREATE TABLE [dbo].[Problem] ([Task] nvarchar(100) NOT NULL, [File] nvarchar(100) NOT NULL)""",
    )
    each = package.for_each_file("Each file", r"C:\inbox", "orders_*.csv", orders)
    each.attributes["MaxErrorCount"] = 0
    load = each.data_flow("Load")
    columns = [("order_id", I4), ("article", wide(20)), ("amount", PRICE)]
    manager = file(package, "Orders file", r"C:\inbox\none.csv", columns)
    manager.expressions = [("ConnectionString", "@[User::File]")]
    read, _ = load.source("Read orders", manager)
    counted = load.row_count("Count", read, rows)
    mapped = [("OrderId", I4, "order_id"), ("Article", wide(20), "article"), ("Amount", PRICE, "amount")]
    load.ole_db_destination("Write orders", server, "[dbo].[OrderLine]", counted, mapped)
    note = each.execute_sql(
        "Note",
        server,
        "INSERT INTO [dbo].[LoadedFile] ([Name], [Rows]) VALUES (?, ?)",
        parameters=[("User::Name", 130), (rows, 20)],
    )
    move = each.move_file("Move away", orders, done)
    each.join(load, note)
    each.join(note, move)
    count = package.execute_sql("Count files", server, COUNTED, [("Files", files), ("Loaded", loaded)])
    some = package.expression("Say some", '@[User::Said] = (DT_WSTR, 10) @[User::Loaded] + " rows"')
    nothing = package.expression("Say nothing", '@[User::Said] = "nothing"')
    package.join(tables, each)
    package.join(each, count, COMPLETION)
    package.join(count, some, expression="@[User::Loaded] > 0")
    package.join(count, nothing, expression="@[User::Loaded] == 0")
    handler = package.on("OnTaskFailed")
    handler.execute_sql(
        "Note the problem",
        server,
        "INSERT INTO [dbo].[Problem] ([Task], [File]) VALUES (?, ?)",
        parameters=[("System::SourceName", 130), ("User::Name", 130)],
    )
    return package


def diamond():
    """A file meets itself: one branch keeps its order, the other is sorted by the row that each row points to."""
    package = Package("Diamond")
    columns = [("id", I4), ("points_to", I4), ("label", string(24))]
    source = file(package, "Rows", r"C:\data\rows.csv", columns)
    flow = package.data_flow("Find who points here")
    rows, _ = flow.source("Read", source, sorted_by=["id"])
    straight, around = flow.multicast("Both ways", rows, ["As read", "To be sorted"])
    pointing = flow.sort("By target", around, ["points_to"])
    joined = flow.merge_join(
        "Join", straight, pointing, 2, ["id", "label"], [("id", "pointed_at_by"), ("label", "their_label")]
    )
    kinds = [(column.name, column.type) for column in joined.columns]
    flow.destination("Write", file(package, "Found", r"C:\out\found.csv", kinds), joined)
    return package


def plugin():
    """Objects of one's own, which a plug-in brings: a source, a transformation and a task."""
    package = Package("Plugin")
    package.variable("Masked", 0, 3)
    package.text_variable("Note")
    managed = "Microsoft.ManagedComponentHost"

    def hosted(type_name):
        return prop("UserComponentTypeName", "System.String", f"{type_name}, Contoso.Ssis, Version=1.0.0.0, Culture=neutral")

    columns = [("customer", I4), ("name", string(30)), ("card", string(19))]
    flow = package.data_flow("Mask cards")
    rows, _ = flow.source("Read customers", file(package, "Customers", r"C:\data\customers.csv", columns))
    mask = Component(flow, "Mask card", managed, "Mask", dispositions=True)
    mask.properties = [hosted("Contoso.Ssis.Mask"), integer("Keep", 4)]
    settings = {"usageType": "readWrite", "errorRowDisposition": "RedirectRow", "truncationRowDisposition": "FailComponent"}
    taken = [mask.input_column("Input", rows.column("card"), **settings)]
    group = {"exclusionGroup": 1, "synchronousInputId": mask.input("Input", rows, taken)}
    masked = mask.output("Output", passing=rows.columns, **group)
    refused = mask.error_output("Error Output", passing=rows.columns, **group)
    masked = flow.row_count("Count", masked, "User::Masked")
    flow.destination("Write masked", file(package, "Masked", r"C:\out\masked.csv", columns), masked)
    flow.destination("Write refused", file(package, "Refused", r"C:\out\refused.csv", columns), refused)

    days = package.data_flow("List days")
    calendar = Component(days, "Days of 2024", managed, "Calendar")
    calendar.properties = [hosted("Contoso.Ssis.Calendar"), integer("From", 19723), integer("Days", 366)]
    day = calendar.output("Output", [("day", DATE, {}, ()), ("weekday", I4, {}, ())])
    days.destination("Write days", file(package, "Days", r"C:\out\days.csv", [("day", DATE), ("weekday", I4)]), day)

    payload = Node("AnnounceData", {"Count": "User::Masked", "Note": "User::Note"})
    announce = package.add(Task(package, "Announce", "Contoso.Ssis.Announce", "Announce", payload))
    package.join(flow, announce)
    return package


def times_two():
    """The component of a plug-in in C: custom/tests/times_two.c."""
    package = Package("TimesTwo")
    flow = package.data_flow("Double")
    rows, _ = flow.source("Read", file(package, "Numbers", r"C:\data\numbers.csv", [("number", I4)]))
    component = Component(flow, "Times two", "Contoso.TimesTwo", "Times Two", dispositions=True)
    component.properties = [prop("Keep", "System.String", "all")]
    taken = [component.input_column("Input", rows.columns[0])]
    ref_id = component.input("Input", rows, taken)
    made = component.output("Output", [("twice", I4, {}, ())], passing=rows.columns, synchronousInputId=ref_id)
    flow.destination("Write", file(package, "Doubled", r"C:\data\doubled.csv", [("number", I4), ("twice", I4)]), made)
    return package


if __name__ == "__main__":
    for make in (sales, merge, report, staging, warehouse, nightly, diamond, plugin):
        package = make()
        package.write(HERE / make.__name__ / f"{package.name}.dtsx")
    times_two().write(HERE.parent / "custom/tests/TimesTwo.dtsx")
