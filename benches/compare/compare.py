#!/usr/bin/env python3
"""Steadyhand beside raw ssh, Ansible and pyinfra: the same ten commands on 1, 10 and 50 sshd hosts, in one run.

Repetitions are interleaved, so that whatever else the machine does meets all alike; medians are compared. Also
measured: what one step costs once the connection is warm, beside one `ssh -S … true` process; 200 MB of output,
beside ssh alone; and the server's peak memory while it comes.

    make bench                       everything, about half an hour on two cores
    make bench ARGS='--hosts 2 --repetitions 1 --only ssh'
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import peers  # noqa: E402
import steadyhand  # noqa: E402
from loopback import Loopback  # noqa: E402

# Plain words without shell syntax, so that Ansible's `command`, which has no shell, runs the same.
COMMANDS = [
    "uname -r", "cat /proc/loadavg", "df -P /", "id -un", "date +%s",
    "head -n 1 /etc/os-release", "ls /etc", "cat /proc/uptime", "test -d /tmp", "echo done",
]
OUTPUT_BYTES = 200_000_000
OUTPUT_COMMAND = f"yes 'The quick brown fox jumps over the lazy dog, and the log grows by a line.' | head -c {OUTPUT_BYTES}"
# So that the cost of connecting falls out: a run of 60 steps less one of 10.
MANY_STEPS, FEW_STEPS = 60, 10
RUNBOOKS = {
    "ten": COMMANDS,
    "many": ["true"] * MANY_STEPS,
    "few": ["true"] * FEW_STEPS,
    "output": [OUTPUT_COMMAND],
}


def main():
    options = parse_arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    wants_peers = any(name.startswith(("Ansible", "pyinfra")) for name in CONTENDERS if wanted(options, name))
    tools = peers.Tools(options.work / "venv") if wants_peers else None
    result = {"machine": machine(), "versions": tools.versions() if tools else {}, "ten_commands": [], "warm": {}}
    for count in options.hosts:
        with tempfile.TemporaryDirectory(prefix="shbench-") as folder:
            result["ten_commands"].append(ten_commands(options, tools, Path(folder), count))
    if options.steadyhand and wanted(options, "Steadyhand") and not options.skip_warm:
        with tempfile.TemporaryDirectory(prefix="shbench-") as folder:
            result["warm"] = warm(options, Path(folder))
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(markdown(result))
    print(f"figures as JSON: {options.json}", file=sys.stderr)


CONTENDERS = ["Steadyhand", "ssh ControlMaster", "pyinfra", "Ansible raw", "Ansible command"]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steadyhand", type=Path, help="the release binary; without it only the peers are measured")
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 10, 50], metavar="N")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="WORD", help=f"contenders whose name holds one: {CONTENDERS}")
    parser.add_argument("--skip-warm", action="store_true", help="the ten commands alone")
    parser.add_argument("--work", type=Path, default=Path("target/bench"), help="where the peers are installed")
    parser.add_argument("--json", type=Path, default=Path("target/bench/compare.json"))
    options = parser.parse_args()
    options.work, options.json = options.work.absolute(), options.json.absolute()
    if options.steadyhand:
        options.steadyhand = options.steadyhand.absolute()
    return options


def wanted(options: argparse.Namespace, name: str) -> bool:
    return not options.only or any(word.lower() in name.lower() for word in options.only)


def ten_commands(options: argparse.Namespace, tools, folder: Path, count: int) -> dict:
    with Loopback(folder, count) as lab:
        contenders = [
            peers.ControlMaster(lab, COMMANDS, folder / "cm"),
            *([peers.Pyinfra(lab, COMMANDS, folder / "pyinfra", tools)] if tools else []),
            *([peers.Ansible(lab, COMMANDS, folder / "raw", tools, "raw")] if tools else []),
            *([peers.Ansible(lab, COMMANDS, folder / "command", tools, "command")] if tools else []),
        ]
        if not options.steadyhand or not wanted(options, "Steadyhand"):
            return interleaved(options, contenders, count)
        with steadyhand.Server(options.steadyhand, lab, folder / "steadyhand", RUNBOOKS) as server:
            return interleaved(options, [steadyhand.Contender(server, "ten"), *contenders], count)


def interleaved(options: argparse.Namespace, contenders: list, count: int) -> dict:
    contenders = [contender for contender in contenders if wanted(options, contender.name)]
    seconds = {contender.name: [] for contender in contenders}
    for repetition in range(options.repetitions):
        # Another one begins each time, so that none always follows the same neighbour.
        turn = repetition % len(contenders)
        for contender in contenders[turn:] + contenders[:turn]:
            begin = time.perf_counter()
            contender.once()
            seconds[contender.name].append(time.perf_counter() - begin)
            contender.reset()
            print(f"{count:3} hosts  {contender.name:18} {seconds[contender.name][-1]:7.2f} s", file=sys.stderr)
    return {"hosts": count, "seconds": seconds, "median": {n: statistics.median(s) for n, s in seconds.items()}}


def warm(options: argparse.Namespace, folder: Path) -> dict:
    with Loopback(folder, 1) as lab, steadyhand.Server(options.steadyhand, lab, folder / "sh", RUNBOOKS) as server:
        server.run("few")
        step, process, output, ssh_output = [], [], [], []
        for _ in range(options.repetitions):
            step.append((timed(server, "many") - timed(server, "few")) / (MANY_STEPS - FEW_STEPS))
            process.append(steadyhand.ssh_seconds(lab, folder / "ssh", "true", 50))
        idle_kib = server.memory_kib("VmRSS")
        server.forget_peak_memory()
        for _ in range(options.repetitions):
            output.append(timed(server, "output"))
            ssh_output.append(steadyhand.ssh_seconds(lab, folder / "ssh", OUTPUT_COMMAND, 1))
        peak_kib = server.memory_kib("VmHWM")
    return {
        "step_seconds": statistics.median(step),
        "ssh_process_seconds": statistics.median(process),
        "output_bytes": OUTPUT_BYTES,
        "output_seconds": statistics.median(output),
        "ssh_output_seconds": statistics.median(ssh_output),
        "idle_memory_kib": idle_kib,
        "peak_memory_kib": peak_kib,
    }


def timed(server: steadyhand.Server, runbook: str) -> float:
    begin = time.perf_counter()
    server.run(runbook)
    return time.perf_counter() - begin


def machine() -> dict:
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.strip()
    return {"cores": os.cpu_count(), "kernel": platform.release(), "ssh": ssh, "python": platform.python_version()}


def markdown(result: dict) -> str:
    rows = result["ten_commands"]
    names = list(rows[0]["median"])
    first = names[0]
    lines = [
        f"Ten commands, seconds (median), and how many times what {first} takes, on {result['machine']['cores']} cores:",
        "",
        "| hosts | " + " | ".join(names) + " |",
        "|--:" * (len(names) + 1) + "|",
    ]
    for row in rows:
        cells = [f"{row['median'][name]:.2f} ({row['median'][name] / row['median'][first]:.1f}×)" for name in names]
        lines.append(f"| {row['hosts']} | " + " | ".join(cells) + " |")
    if result["warm"]:
        lines += ["", *markdown_warm(result["warm"])]
    return "\n".join(lines)


def markdown_warm(warm: dict) -> list[str]:
    mib = warm["output_bytes"] / 2**20
    own, ssh = mib / warm["output_seconds"], mib / warm["ssh_output_seconds"]
    above_idle = (warm["peak_memory_kib"] - warm["idle_memory_kib"]) / 1024
    step, process = warm["step_seconds"] * 1000, warm["ssh_process_seconds"] * 1000
    return [
        "| warm, one host | Steadyhand | ssh | ratio |",
        "|---|--:|--:|--:|",
        f"| one step; one `ssh -S … true` process | {step:.1f} ms | {process:.1f} ms | {step / process:.2f} |",
        f"| {mib:.0f} MiB of output | {own:.0f} MiB/s | {ssh:.0f} MiB/s | {own / ssh:.2f} |",
        f"| memory at its peak meanwhile, above idle | {above_idle:.1f} MiB | | |",
    ]


if __name__ == "__main__":
    main()
