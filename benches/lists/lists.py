#!/usr/bin/env python3
"""How long the lists of runs take with 100,000 of them: the time to the first byte of each page, on SQLite and, where a
URL is given, on PostgreSQL. Nothing is asserted: it prints medians and the slowest of each.

    make bench-lists
    make bench-lists ARGS='--database postgres://user@host/empty --runs 1000000'

The database of --database is filled and left so: give one that is thrown away.
"""

import argparse
import http.client
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNBOOKS, PEOPLE, HOSTS = 50, 20, 100
RUNBOOK = (
    "steadyhand: 1\nname: Runbook {n}\nsummary: Looks around. A minute.\nowner: team:web\nreview_by: 2099-01-01\n"
    "tags: [t{n}]\nsteps: [{{id: look, name: Look around, check: uptime}}]\n"
)
PAGES = [
    "/", "/runs", "/runs?state=failed", "/runs?state=waiting", "/runs?host=h7", "/runs?runbook=web/r7",
    "/runs?runbook=web/r7&state=failed", "/runs?person=p3", "/runs?q=runbook+33", "/runs?q=nothing+of+the+kind",
    "/runs?range=24h", "/runs?until=2020-02-01", "/runs?host=h7&person=p3&state=failed&q=runbook",
    "/runbooks", "/runbooks?q=look", "/runbooks/web/r7", "/runs/export?format=csv&host=h7",
]
COLUMNS = (
    "id, runbook, title, state, started_by, started_at_ms, ended_at_ms, step_done, step_total, last_seq, head_hash, "
    "search, hosts, scope"
)
# Half a minute apart, one in forty failed.
VALUES = (
    "{id}, 'web/r' || (n % {runbooks}), 'Runbook ' || (n % {runbooks}), case when n % 40 = 0 then 'failed' else "
    "'succeeded' end, 'user:p' || (n % {people}), {first_ms} + {number} * 30000, {first_ms} + {number} * 30000 + 9000, "
    "3, 3, 9, {hash}, 'runbook ' || (n % {runbooks}) || '\nweb/r' || (n % {runbooks}), 'h' || (n % {hosts}), ''"
)
AFTER = [
    "insert into run_host select hosts, started_at_ms, id from run where true on conflict do nothing",
    "insert into run_text select distinct search from run where true on conflict do nothing",
    "analyze",
]


class Server:
    """The program over a repository and data of its own; its address once it answers."""

    def __init__(self, program, folder, database):
        given = [program, "serve", "--repo", folder / "repository", "--data", folder / "data", "--listen", "127.0.0.1:0"]
        given += ["--database", database] if database else []
        self.process = subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.told = ""
        for line in self.process.stdout:
            self.told += line
            found = re.search(r"http://(127\.0\.0\.1:\d+)/login\?token=(\w+)", line)
            if found:
                self.address, self.token = found.groups()
                return
        raise SystemExit(f"the server did not start:\n{self.told}")

    def sign_in(self):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        connection.request("POST", "/login", f"token={self.token}", headers)
        return connection.getresponse().getheader("set-cookie").split(";")[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def values(dialect, first_ms):
    lite = dialect == "sqlite"
    return VALUES.format(
        id="randomblob(16)" if lite else "gen_random_uuid()", hash="zeroblob(32)" if lite else "decode(repeat('00', 32), 'hex')",
        number="n" if lite else "n::bigint", runbooks=RUNBOOKS, people=PEOPLE, hosts=HOSTS, first_ms=first_ms,
    )


def fill(folder, database, runs):
    first_ms = int(time.time() * 1000) - runs * 30_000
    if not database:
        store = sqlite3.connect(folder / "data" / "steadyhand.db")
        numbers = f"with recursive number(n) as (select 1 union all select n + 1 from number where n < {runs})"
        store.execute(f"insert into run ({COLUMNS}) {numbers} select {values('sqlite', first_ms)} from number")
        for statement in AFTER:
            store.execute(statement)
        store.commit()
        store.close()
        return
    text = f"insert into run ({COLUMNS}) select {values('postgres', first_ms)} from generate_series(1, {runs}) as n;"
    text += ";".join(AFTER)
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", database], input=text, text=True, check=True)


def first_byte_ms(server, cookie, path):
    connection = http.client.HTTPConnection(server.address, timeout=60)
    connection.connect()
    began = time.perf_counter()
    connection.request("GET", path, headers={"cookie": cookie})
    answer = connection.getresponse()
    answer.read(1)
    took_ms = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}")
    answer.read()
    connection.close()
    return took_ms


def measure(program, database, runs, repetitions):
    with tempfile.TemporaryDirectory(prefix="lists-") as name:
        folder = Path(name)
        books = folder / "repository" / "runbooks" / "web"
        books.mkdir(parents=True)
        for n in range(RUNBOOKS):
            (books / f"r{n}.yaml").write_text(RUNBOOK.format(n=n))
        Server(program, folder, database).stop()
        fill(folder, database, runs)
        server = Server(program, folder, database)
        try:
            cookie = server.sign_in()
            print(f"{runs:,} runs on {'PostgreSQL' if database else 'SQLite'}: milliseconds to the first byte, of {repetitions}")
            for path in PAGES:
                took = [first_byte_ms(server, cookie, path) for _ in range(repetitions)]
                print(f"  {statistics.median(took):7.1f} median  {max(took):7.1f} slowest  {path}")
                # Below what one session may ask in a second.
                time.sleep(0.5)
        finally:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steadyhand", required=True, help="the program to measure")
    parser.add_argument("--database", help="also a PostgreSQL database, which is filled and left so")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--repetitions", type=int, default=15)
    given = parser.parse_args()
    for database in [None, given.database] if given.database else [None]:
        measure(given.steadyhand, database, given.runs, given.repetitions)


if __name__ == "__main__":
    sys.exit(main())
