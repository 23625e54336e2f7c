"""Puts many runs into the list of a server's data: copies of the row of one that ended.

    seed.py DATA RUN COUNT

The rows are of the list alone, as the pages of the list read them; nothing can be opened behind them.
"""

import sqlite3
import sys
import uuid

folder, run, count = sys.argv[1], uuid.UUID(sys.argv[2]), int(sys.argv[3])
database = sqlite3.connect(f"{folder}/steadyhand.db", timeout=60)
database.row_factory = sqlite3.Row
row = dict(database.execute("select * from run where id = ?", (run.bytes,)).fetchone())
columns = ", ".join(row)
marks = ", ".join(":" + name for name in row)
states = ["succeeded"] * 8 + ["failed", "aborted"]


def copies():
    for number in range(count):
        started = row["started_at_ms"] - number * 60_000 - 60_000
        name = f"run {number} of service {number % 500}"
        yield row | {
            "id": uuid.uuid5(run, str(number)).bytes,
            "title": name.capitalize(),
            "search": f"{name} {row['runbook']}",
            "state": states[number % len(states)],
            "started_at_ms": started,
            "ended_at_ms": started + 30_000,
        }


with database:
    database.executemany(f"insert into run ({columns}) values ({marks})", copies())
    tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
    database.execute("insert or ignore into run_host (host, started_at_ms, run) select 'web-1', started_at_ms, id from run")
    if "run_text" in tables:
        database.execute("insert or ignore into run_text (search) select distinct search from run")
