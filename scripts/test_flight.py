"""Clients of `fletch serve`: ADBC and pyarrow.flight. Run by `scripts/test-flight`."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import adbc_driver_flightsql.dbapi as dbapi
import pyarrow.flight as flight

TABLE = "report/Report.dtsx#Totals by region"
QUERY = f'SELECT * FROM "{TABLE}"'


@contextmanager
def server(folder, *options):
    """The address of a server; it must stop by itself within two seconds of SIGINT."""
    with started(folder, *options) as (process, address):
        yield address
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - began < 2, "it stops slowly"


@contextmanager
def started(folder, *options):
    command = [os.environ["FLETCH"], "serve", str(folder), "--listen", "127.0.0.1:0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process, process.stdout.readline().split()[-1]
    finally:
        process.kill()


def refused(work, *texts):
    try:
        work()
    except Exception as error:
        for text in texts:
            assert text in str(error), f"{text!r} is not in {error}"
        return
    raise AssertionError(f"not refused: {texts}")


def fetched(address, query, parameters=None, **options):
    with dbapi.connect(address, **options) as connection, connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetch_arrow_table()


def adbc(address):
    rows = fetched(address, QUERY)
    assert rows.column_names == ["region", "month", "orders", "total", "largest"], rows.column_names
    assert rows.num_rows > 0 and sum(rows["orders"].to_pylist()) == 30000
    some = fetched(address, f'SELECT total, "region" FROM "{TABLE}";')
    assert some.equals(rows.select(["total", "region"]))
    with dbapi.connect(address) as connection:
        with connection.cursor() as cursor:
            assert cursor.adbc_execute_schema(QUERY) == rows.schema
        found = connection.adbc_get_objects(depth="all").read_all().to_pylist()
        schemas = {one["db_schema_name"]: one for one in found[0]["catalog_db_schemas"]}
        table = schemas["report/Report.dtsx"]["db_schema_tables"][0]
        assert table["table_name"] == "Totals by region"
        assert [one["column_name"] for one in table["table_columns"]] == rows.column_names
        assert connection.adbc_get_info()["vendor_name"] == "Fletching"
    return rows


def arrow(address, rows):
    client = flight.connect(address)
    info = client.get_flight_info(flight.FlightDescriptor.for_path(TABLE))
    assert info.schema == rows.schema
    assert client.get_schema(flight.FlightDescriptor.for_path(TABLE)).schema == rows.schema
    assert client.do_get(info.endpoints[0].ticket).read_all().equals(rows)
    assert TABLE.encode() in [one.descriptor.path[0] for one in client.list_flights()]
    again = client.get_flight_info(flight.FlightDescriptor.for_path(TABLE))
    cancel = flight.Action("CancelFlightInfo", message(again.serialize()))
    assert list(client.do_action(cancel))[0].body.to_pybytes() == b"\x08\x02", "it is not being cancelled"
    refused(lambda: client.do_get(again.endpoints[0].ticket).read_all(), "cancelled")


def message(field):
    """A protobuf message whose first field is this: pyarrow has no CancelFlightInfo of its own."""
    length, size = b"", len(field)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return b"\x0a" + length + bytes([size]) + field


def wrong(address):
    refused(lambda: fetched(address, 'SELECT * FROM "report/Report.dtsx#Nobody"'), "Nobody", "Totals by region")
    refused(lambda: fetched(address, 'SELECT * FROM "report/None.dtsx#x"'), "there is no such package")
    refused(lambda: fetched(address, 'SELECT * FROM "../x.dtsx#x"'), "leads out of the folder")
    refused(lambda: fetched(address, QUERY + " WHERE 1 = 1"), "found `WHERE`", "supported is")
    refused(lambda: fetched(address, QUERY + " WITH (x = ?)", ("1",)), "x")


def failing(folder):
    """A package whose data fail in the last row."""
    shutil.copytree("examples/report", folder / "report")
    orders = folder / "report/data/orders.csv"
    orders.write_text(orders.read_text().rstrip().rsplit(",", 1)[0] + ",oops\n")
    (folder / "out").symlink_to(Path("examples/sales").resolve())
    with server(folder) as address:
        refused(lambda: fetched(address, QUERY), "0xC0")
        refused(lambda: fetched(address, 'SELECT * FROM "out/Sales.dtsx#x"'), "folder")


def project(folder):
    """A package in a project as Visual Studio deploys it."""
    manifest = (
        '<SSIS:Project SSIS:ProtectionLevel="DontSaveSensitive" xmlns:SSIS="www.microsoft.com/SqlServer/SSIS">'
        '<SSIS:Properties><SSIS:Property SSIS:Name="Name">Reports</SSIS:Property></SSIS:Properties>'
        '<SSIS:Packages><SSIS:Package SSIS:Name="Report.dtsx" SSIS:EntryPoint="1" /></SSIS:Packages>'
        "<SSIS:ConnectionManagers /></SSIS:Project>"
    )
    with zipfile.ZipFile(folder / "Reports.ispac", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write("examples/report/Report.dtsx", "Report.dtsx")
        archive.writestr("@Project.manifest", manifest)
        archive.writestr("Project.params", '<SSIS:Parameters xmlns:SSIS="www.microsoft.com/SqlServer/SSIS" />')
    data = Path("examples/report/data").resolve()
    (folder / "fletching.toml").write_text(f"[path-map]\n'C:\\data' = '{data}'\n")
    with server(folder) as address:
        table = "Reports.ispac/Report.dtsx#Totals by region"
        rows = fetched(address, f'SELECT * FROM "{table}"')
        assert sum(rows["orders"].to_pylist()) == 30000
        listed = [one.descriptor.path[0].decode() for one in flight.connect(address).list_flights()]
        assert listed == [table], listed


ROWS = "Rows.dtsx#Rows"


def streaming(folder):
    """Rows come while the package runs, it waits for a slow client, and stops with one that goes away or with the server."""
    shutil.copy("benches/readers/Rows.dtsx", folder)
    (folder / "fletching.toml").write_text(f"[path-map]\n'C:\\data' = '{folder}'\n")
    file = folder / "rows.csv"
    subprocess.run(["python3", "benches/readers/make_data.py", "6000000", file], check=True)
    with started(folder) as (process, address):
        proc = Path("/proc") / str(process.pid)

        def read():
            return int(proc.joinpath("io").read_text().split()[1])

        def is_open():
            links = (os.path.realpath(link) for link in proc.joinpath("fd").iterdir())
            return str(file.resolve()) in links

        def until(what, seconds=20):
            end = time.monotonic() + seconds
            while not what():
                assert time.monotonic() < end, "it does not come to that"
                time.sleep(0.1)

        def stands():
            before = read()
            time.sleep(1)
            return read() == before

        client = flight.connect(address)
        stream = open_rows(client)
        assert stream.read_chunk().data.num_rows > 0
        until(stands)
        assert is_open() and read() < file.stat().st_size / 2, "it does not wait for its client"
        stream.cancel()
        until(lambda: not is_open(), 5)

        stream = open_rows(client)
        rows = sum(chunk.data.num_rows for chunk in stream)
        assert rows == 6_000_000, rows

        stream = open_rows(client)
        assert stream.read_chunk().data.num_rows > 0
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        # What had been sent is read; then comes an error, and no short success.
        refused(lambda: [None for _ in stream])
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5, "it stops slowly"


def open_rows(client):
    info = client.get_flight_info(flight.FlightDescriptor.for_path(ROWS))
    assert [str(field.type) for field in info.schema] == ["int32", "int32", "string"]
    return client.do_get(info.endpoints[0].ticket)


def token():
    with server("examples", "--token", "open sesame".replace(" ", "-")) as address:
        refused(lambda: fetched(address, QUERY), "token")
        basic = {"username": "anyone", "password": "open-sesame"}
        assert fetched(address, QUERY, db_kwargs=basic).num_rows > 0
        header = {"adbc.flight.sql.authorization_header": "Bearer open-sesame"}
        assert fetched(address, QUERY, db_kwargs=header).num_rows > 0
        refused(lambda: fetched(address, QUERY, db_kwargs={"username": "a", "password": "b"}), "token")
    command = [os.environ["FLETCH"], "serve", "examples", "--listen", "0.0.0.0:0"]
    open_to_all = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert open_to_all.returncode == 6 and "without a token" in open_to_all.stderr


def tls(folder):
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run([*new, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with server("examples", "--tls-cert", str(certificate), "--tls-key", str(key)) as address:
        assert address.startswith("grpc+tls://")
        trusted = {"adbc.flight.sql.client_option.tls_root_certs": certificate.read_text()}
        assert fetched(address, QUERY, db_kwargs=trusted).num_rows > 0
        refused(lambda: fetched(address, QUERY))


def main():
    with server("examples") as address:
        rows = adbc(address)
        arrow(address, rows)
        wrong(address)
    with tempfile.TemporaryDirectory() as folder:
        failing(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        streaming(Path(folder))
    token()
    with tempfile.TemporaryDirectory() as folder:
        tls(Path(folder))
    print("ok: Flight SQL by ADBC and pyarrow")


main()
