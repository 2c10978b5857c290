#!/usr/bin/env python3
"""run.py DATA_DIR [ROUNDS]: how fast the rows of a DataReader destination reach a program.

DATA_DIR holds rows.csv of make_data.py. The package is run in turn without a reader (its rows are counted and dropped: the
null sink), read by pyarrow in this process, and read from `fletch serve` on loopback by pyarrow.flight and by ADBC. Needs the
Python package and the server of release builds (benches/README.md says how). Each way is a process of its own.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WAYS = ("null", "pyarrow", "flight", "adbc")


def package(folder):
    import fletching

    return fletching.Application.load(Path(folder) / "Rows.dtsx")


def null(folder, _address):
    loaded = package(folder)
    began = time.perf_counter()
    result = loaded.execute()
    assert result.success, result.errors
    return result.rows["Rows file"], None, time.perf_counter() - began


def counted(open_batches):
    began = time.perf_counter()
    first, rows = None, 0
    for batch in open_batches():
        if first is None:
            first = time.perf_counter() - began
        rows += batch.num_rows
    return rows, first, time.perf_counter() - began


def pyarrow(folder, _address):
    import pyarrow

    loaded = package(folder)
    return counted(lambda: pyarrow.RecordBatchReader.from_stream(loaded.reader("Rows")))


def flight(_folder, address):
    import pyarrow.flight as flight

    client = flight.connect(address)

    def batches():
        info = client.get_flight_info(flight.FlightDescriptor.for_path("Rows.dtsx#Rows"))
        return (chunk.data for chunk in client.do_get(info.endpoints[0].ticket))

    return counted(batches)


def adbc(_folder, address):
    import adbc_driver_flightsql.dbapi as dbapi

    with dbapi.connect(address) as connection, connection.cursor() as cursor:

        def batches():
            cursor.execute('SELECT * FROM "Rows.dtsx#Rows"')
            return cursor.fetch_record_batch()

        return counted(batches)


def one(way, folder, address):
    """One way in a process of its own."""
    run = subprocess.run([sys.executable, __file__, "--one", way, folder, address], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{way}: {run.stderr}")
    return json.loads(run.stdout)


def measured(way, folder, address):
    rows, first, wall = globals()[way](folder, address)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "first": first, "wall": wall, "peak": peak}))


def peak_of(pid):
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def main():
    data, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(HERE / "Rows.dtsx", folder)
        (Path(folder) / "fletching.toml").write_text(f"[path-map]\n'C:\\data' = '{data}'\n")
        compare(folder, rounds)


def compare(folder, rounds):
    fletch = os.environ.get("FLETCH", str(HERE.parents[1] / "target/release/fletch"))
    command = [fletch, "serve", folder, "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().split()[-1]
        figures = {way: [] for way in WAYS}
        for turn in range(rounds + 1):
            for way in WAYS:
                figure = one(way, folder, address)
                if turn:  # the first is a warm-up
                    figures[way].append(figure)
        server_peak = peak_of(server.pid)
    finally:
        server.terminate()
    base = statistics.median(figure["wall"] for figure in figures["null"])
    print(f"{figures['null'][0]['rows']:,} rows, medians of {rounds} rounds")
    for way, all_of in figures.items():
        wall = statistics.median(figure["wall"] for figure in all_of)
        firsts = [figure["first"] * 1000 for figure in all_of if figure["first"] is not None]
        first = f"{statistics.median(firsts):.0f} ms" if firsts else "-"
        peak = statistics.median(figure["peak"] for figure in all_of)
        print(f"{way:8} {wall:7.2f} s  speed {base / wall:.2f}  first batch {first:>6}  peak {peak:.0f} MB")
    print(f"server   peak {server_peak:.0f} MB")


if sys.argv[1] == "--one":
    measured(*sys.argv[2:])
else:
    main()
