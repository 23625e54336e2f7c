"""Steadyhand as its users run it: a server over a git repository of runbooks, driven through the HTTP API."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from loopback import Loopback

RUN_SECONDS_MAX = 600


class Server:
    """`steadyhand serve` with its own data; a context manager."""

    def __init__(self, binary: Path, lab: Loopback, folder: Path, runbooks: dict[str, list[str]]):
        self._binary, self._folder = binary, folder
        self._repository, self._data = folder / "repository", folder / "data"
        (self._repository / "runbooks").mkdir(parents=True)
        self._write_repository(lab, runbooks)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._listen = f"127.0.0.1:{probe.getsockname()[1]}"

    def __enter__(self):
        serve = ["serve", "--repo", self._repository, "--data", self._data, "--listen", self._listen]
        log = open(self._folder / "log", "wb")
        self._process = subprocess.Popen([self._binary, *serve], stdout=log, stderr=log)
        try:
            self._wait_until_ready()
            command = [self._binary, "token", "create", "bench", "--data", self._data]
            self._token = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)

    def run(self, runbook: str):
        """Starts it on all hosts and returns when it has succeeded."""
        order = {"runbook": runbook, "inputs": {}, "select": "role=bench", "pace": "auto"}
        started = self._ask("POST", "/api/v1/runs", order)
        self._wait_for_end(started["id"])
        seen = self._ask("GET", f"/api/v1/runs/{started['id']}")
        if seen["state"] != "succeeded":
            raise SystemExit(f"the run of {runbook} did not succeed: {json.dumps(seen)[:3000]}")

    def _wait_for_end(self, run: str):
        """Reads the run's live events, as its page does, until it has ended or waits for somebody."""
        url = f"http://{self._listen}/api/v1/runs/{run}/events"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})
        deadline = time.monotonic() + RUN_SECONDS_MAX
        with urllib.request.urlopen(request, timeout=60) as stream:
            for line in stream:
                if b"run_ended" in line or b"run_paused" in line or time.monotonic() > deadline:
                    return

    def memory_kib(self, field: str) -> int:
        """`VmRSS` (now) or `VmHWM` (peak) of the server."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:"))

    def forget_peak_memory(self):
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def _write_repository(self, lab: Loopback, runbooks: dict[str, list[str]]):
        hosts = {
            host.name: {
                "address": host.address,
                "port": host.port,
                "user": lab.user,
                "identity": str(lab.identity),
                "host_key": host.host_key,
                "labels": {"role": "bench"},
            }
            for host in lab.hosts
        }
        # JSON is YAML.
        (self._repository / "inventory.yaml").write_text(json.dumps({"steadyhand": 1, "hosts": hosts}))
        for name, commands in runbooks.items():
            steps = [
                {"id": f"step-{number}", "name": f"Run command {number}", "check": command, "timeout": "5m"}
                for number, command in enumerate(commands, 1)
            ]
            runbook = {
                "steadyhand": 1,
                "name": f"Benchmark {name}",
                "summary": "Measures how long the product itself takes. A few seconds.",
                "owner": "team:steadyhand",
                "review_by": "2099-01-01",
                "hosts": {"select": "role=bench"},
                "steps": steps,
            }
            (self._repository / "runbooks" / f"{name}.yaml").write_text(json.dumps(runbook, indent=1))
        author = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        for arguments in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "Runbooks of the benchmark"]):
            subprocess.run(["git", *arguments], cwd=self._repository, check=True)

    def _wait_until_ready(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://{self._listen}/healthz", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self._folder / "log").read_text(errors="replace")
                    raise SystemExit(f"steadyhand serve did not come up:\n{log[-3000:]}") from None
                time.sleep(0.05)

    def _ask(self, method: str, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self._listen}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:3000]}") from None


class Contender:
    """One run of the ten commands, on a server that is up, as the peers' control nodes are."""

    name = "Steadyhand"

    def __init__(self, server: Server, runbook: str):
        self._server, self._runbook = server, runbook

    def once(self):
        self._server.run(self._runbook)

    def reset(self):
        """It closes its connections at the end of a run."""


def ssh_seconds(lab: Loopback, folder: Path, command: str, times: int) -> float:
    """Median of `times` warm `ssh -S … command` processes on the first host, output thrown away."""
    folder.mkdir(exist_ok=True)
    ssh = ["ssh", "-F", str(lab.ssh_config), "-S", str(folder / "control")]
    host = lab.hosts[0].name
    subprocess.run([*ssh, "-M", "-N", "-f", host], check=True, stdin=subprocess.DEVNULL)
    try:
        seconds = []
        for _ in range(times):
            begin = time.perf_counter()
            subprocess.run([*ssh, host, command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - begin)
    finally:
        subprocess.run([*ssh, "-O", "exit", host], capture_output=True)
    return sorted(seconds)[len(seconds) // 2]
