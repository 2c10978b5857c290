"""A receiver of OTLP over HTTP, and what runs send to it. Run by `scripts/test-otlp`."""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

KINDS = {
    "/v1/traces": (trace.ExportTraceServiceRequest, trace.ExportTraceServiceResponse),
    "/v1/logs": (logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse),
    "/v1/metrics": (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse),
}
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def receiver(status=200):
    """An address, and by path what was sent there; it answers all with a status."""
    taken = {path: [] for path in KINDS}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.headers["Content-Type"] == "application/x-protobuf", self.headers
            request, response = KINDS[self.path]
            if status == 200:
                taken[self.path].append(request.FromString(body))
            answer = response().SerializeToString()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        server.server_close()


def fletch(folder, *arguments):
    command = [os.environ["FLETCH"], "run", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def values(attributes):
    """Attributes as a dictionary."""
    found = {}
    for one in attributes:
        kind = one.value.WhichOneof("value")
        found[one.key] = getattr(one.value, kind)
    return found


def spans_of(taken):
    resources = [one for request in taken["/v1/traces"] for one in request.resource_spans]
    for one in resources:
        assert values(one.resource.attributes)["service.name"] == "fletching"
    return [span for one in resources for scope in one.scope_spans for span in scope.spans]


def records_of(taken):
    resources = [one for request in taken["/v1/logs"] for one in request.resource_logs]
    return [record for one in resources for scope in one.scope_logs for record in scope.log_records]


def metrics_of(taken):
    resources = [one for request in taken["/v1/metrics"] for one in request.resource_metrics]
    return {metric.name: metric for one in resources for scope in one.scope_metrics for metric in scope.metrics}


def package_task_component(folder):
    with receiver() as (address, taken):
        done = fletch(folder, "examples/sales/Sales.dtsx", "--otlp", address)
    assert done.returncode == 0, done.stderr
    spans = spans_of(taken)
    by_id = {span.span_id: span for span in spans}
    roots = [span for span in spans if not span.parent_span_id]
    assert len(roots) == 1, [span.name for span in roots]
    root = roots[0]
    assert len({span.trace_id for span in spans}) == 1
    assert "ssis.execution_id" in values(root.attributes)
    tasks = [span for span in spans if span.parent_span_id == root.span_id]
    components = [span for span in spans if "ssis.class" in values(span.attributes)]
    assert tasks and components
    for span in components:
        assert by_id[span.parent_span_id] in tasks, span.name
        assert span.end_time_unix_nano >= span.start_time_unix_nano > 0
    for span in tasks:
        assert root.start_time_unix_nano <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    written = sum(values(span.attributes).get("rows.written", 0) for span in components)
    assert written > 0

    records = records_of(taken)
    events = [values(record.attributes)["ssis.event"] for record in records]
    assert events.count("OnPreExecute") == events.count("OnPostExecute") == len(tasks) + 1, events
    for record in records:
        if values(record.attributes)["ssis.event"] == "OnPostExecute":
            span = by_id[record.span_id]
            assert record.trace_id == root.trace_id
            assert values(span.attributes)["ssis.path"] == values(record.attributes)["ssis.path"]

    figures = metrics_of(taken)
    points = figures["ssis.rows.written"].sum.data_points
    assert sum(point.as_int for point in points) == written
    assert {values(point.attributes)["ssis.component"] for point in points} <= {span.name for span in components}
    run = figures["ssis.run.duration"].histogram.data_points
    assert [point.count for point in run] == [1]
    assert values(run[0].attributes)["ssis.result"] == "success"
    assert len(figures["ssis.task.duration"].histogram.data_points) == len(tasks)
    return f"{len(spans)} spans, {len(records)} log records, {len(figures)} metrics, {written} rows written"


def containers_and_handlers(folder):
    subprocess.run([sys.executable, "examples/make_data.py", "nightly"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with receiver() as (address, taken):
        done = fletch(folder, "examples/nightly/Nightly.dtsx", "--otlp", address + "/")
    spans = spans_of(taken)
    by_id = {span.span_id: span for span in spans}
    depths = set()
    for span in spans:
        path, parent, depth = values(span.attributes).get("ssis.path"), span.parent_span_id, 0
        # A component has no path of its own.
        assert path or "ssis.class" in values(span.attributes), span.name
        while parent:
            around = by_id[parent]
            assert not path or path.startswith(values(around.attributes)["ssis.path"]), path
            parent, depth = around.parent_span_id, depth + 1
        depths.add(depth)
    assert max(depths) >= 3, depths
    figures = metrics_of(taken)
    errors = sum(point.as_int for point in figures["ssis.run.errors"].sum.data_points)
    failed = [record for record in records_of(taken) if record.severity_text == "ERROR"]
    assert (errors > 0) == bool(failed) == (done.returncode != 0), (errors, len(failed), done.stderr)
    return f"{len(spans)} spans, {max(depths)} levels deep"


def a_failure(folder):
    with receiver() as (address, taken):
        done = fletch(folder, "examples/sales/Sales.dtsx", "--connection", "Sales file=gone.csv", "--otlp", address)
    assert done.returncode == 1, done.stderr
    records = [record for record in records_of(taken) if record.severity_text == "ERROR"]
    assert records and all("ssis.code" in values(record.attributes) for record in records)
    failed = [values(span.attributes)["ssis.path"] for span in spans_of(taken) if span.status.code == 2]
    assert sorted(failed) == ["Package", "Package\\Load sales"], failed
    run = metrics_of(taken)["ssis.run.duration"].histogram.data_points
    assert values(run[0].attributes)["ssis.result"] == "failure"
    return f"{len(records)} errors, {len(failed)} failed spans"


def receivers_that_do_not_take(folder):
    with receiver(status=400) as (address, _):
        refused = fletch(folder, "examples/sales/Sales.dtsx", "--otlp", address)
    gone = fletch(folder, "examples/sales/Sales.dtsx", "--otlp", address)
    for done in (refused, gone):
        told = done.stdout + done.stderr
        assert done.returncode == 0, told
        for what in ("spans were not sent", "log records were not sent", "metrics were not sent"):
            assert what in told, (what, told)
    return "told, and the run succeeds"


def main():
    os.environ["FLETCH"] = str(Path(os.environ["FLETCH"]).resolve())
    for check in (package_task_component, containers_and_handlers, a_failure, receivers_that_do_not_take):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            shutil.copytree(ROOT / "examples", folder / "examples")
            print(f"{check.__name__.replace('_', ' ')}: {check(folder)}")


main()
