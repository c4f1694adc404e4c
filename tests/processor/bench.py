# ruff: noqa: T201
"""Measure a worker on a real broker: `python -m tests.processor.bench BOOTSTRAP [EVENTS] [CUSTOMERS]`.

Prints CPU an event and events/s over a backlog (the counting state of the tests), and changelog records/s recovered.
"""

import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from streamer.embedded import free_port
from tests.processor.kit import Group
from tests.processor.scenarios import READY
from tests.services.process import wait_until


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    values = {}
    for line in lines:
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name.split("{")[0]] = values.get(name.split("{")[0], 0) + float(value)
    return values


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main():
    bootstrap = sys.argv[1]
    events, customers = (
        (int(a) for a in (*sys.argv[2:4], "500000", "200000")[:2]) if len(sys.argv) > 3 else (500_000, 200_000)
    )
    group = Group(Path(tempfile.mkdtemp()), bootstrap, customers=customers, flush_interval_ms=500)
    try:
        group.produce(events, 1e9)
        group.producer.wait(300)
        port = free_port()
        worker = group.start(0, port=port)
        worker.wait_for(READY)
        cpu, started = cpu_seconds(worker.process.pid), time.monotonic()
        wait_until(lambda: metrics(port).get("support_worker_records_total", 0) >= events, 300)
        wall, cpu = time.monotonic() - started, cpu_seconds(worker.process.pid) - cpu
        values = metrics(port)
        print(json.dumps({
            "events": events, "events_per_second": round(events / wall), "cpu_us_per_event": round(cpu / events * 1e6, 2),
            "flushes": values["support_worker_flushes_total"], "rows": values["support_worker_flushed_rows_total"],
        }))  # fmt: skip
        time.sleep(3)
        values = metrics(port)
        flush = "support_worker_flush_seconds"
        print(json.dumps({"flush_ms": round(1000 * values[f"{flush}_sum"] / values[f"{flush}_count"], 1)}))
        worker.stop()
        worker = group.start(1, port=port)
        worker.wait_for(READY, seconds=120)
        values = metrics(port)
        records, seconds = values["support_worker_recovered_records_total"], values["support_worker_recovery_seconds"]
        print(json.dumps({"recovered": records, "seconds": round(seconds, 2), "per_second": round(records / seconds)}))
        worker.stop()
    finally:
        group.close()


if __name__ == "__main__":
    main()
