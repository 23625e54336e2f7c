"""The peers: raw ssh over a ControlMaster, Ansible (`command` and `raw`) and pyinfra, each set up to be fast.

Each runs the same commands, one remote operation each, on all hosts at once, and opens its own connections.
"""

import json
import os
import shlex
import subprocess
import sys
import venv
from pathlib import Path

from loopback import Loopback

ANSIBLE, PYINFRA = "ansible-core==2.18.*", "pyinfra==3.*"


class Tools:
    """A virtual environment with Ansible and pyinfra; made once, kept for the next time."""

    def __init__(self, folder: Path):
        self.bin = folder / "bin"
        if not (folder / "complete").exists():
            print("installing ansible-core and pyinfra into", folder, file=sys.stderr)
            venv.create(folder, with_pip=True, clear=True)
            subprocess.run([self.bin / "pip", "install", "--quiet", ANSIBLE, PYINFRA], check=True)
            (folder / "complete").touch()

    def versions(self) -> dict[str, str]:
        listing = subprocess.run([self.bin / "pip", "list", "--format=json"], check=True, capture_output=True)
        wanted = ("ansible-core", "pyinfra")
        return {package["name"]: package["version"] for package in json.loads(listing.stdout) if package["name"] in wanted}


def run(command: list, folder: Path, **env: str):
    """Runs a peer; its failure ends the benchmark with what it said."""
    environment = os.environ | {"HOME": str(folder)} | env
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(map(str, command))} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


class ControlMaster:
    """One master a host, then one `ssh -S` process a command; the hosts side by side, from a shell."""

    name = "ssh ControlMaster"

    def __init__(self, lab: Loopback, commands: list[str], folder: Path):
        folder.mkdir()
        self._folder = folder
        ssh = f"ssh -F {lab.ssh_config} -S {folder}/$1"
        steps = "".join(f'{ssh} "$1" {shlex.quote(command)} >>"{folder}/$1.out" || exit 1\n' for command in commands)
        script = folder / "host.sh"
        script.write_text(f'{ssh} -M -N -f "$1" || exit 1\n{steps}{ssh} -O exit "$1" 2>/dev/null\n')
        names = " ".join(host.name for host in lab.hosts)
        self._all = folder / "all.sh"
        self._all.write_text(
            f"pids=\nfor host in {names}; do sh {script} $host & pids=\"$pids $!\"; done\n"
            "for pid in $pids; do wait $pid || exit 1; done\n"
        )

    def once(self):
        run(["sh", self._all], self._folder)

    def reset(self):
        for output in self._folder.glob("*.out"):
            output.unlink()


class Ansible:
    """forks = hosts, pipelining, ControlPersist, no facts."""

    def __init__(self, lab: Loopback, commands: list[str], folder: Path, tools: Tools, module: str):
        self.name = f"Ansible {module}"
        folder.mkdir()
        self._folder, self._lab, self._tools = folder, lab, tools
        (folder / "hosts").write_text("".join(f"{host.name}\n" for host in lab.hosts))
        tasks = [
            {"name": f"Step {number}", f"ansible.builtin.{module}": command, "changed_when": False}
            for number, command in enumerate(commands, 1)
        ]
        (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        (folder / "ansible.cfg").write_text(
            "[defaults]\ninventory = hosts\ngathering = explicit\nstdout_callback = default\nretry_files_enabled = false\n"
            f"forks = {len(lab.hosts)}\ninterpreter_python = {sys.executable}\n"
            f"[ssh_connection]\npipelining = true\ncontrol_path_dir = {folder}/cp\n"
            f"ssh_args = -F {lab.ssh_config} -o ControlMaster=auto -o ControlPersist=60s\n"
        )

    def once(self):
        config = str(self._folder / "ansible.cfg")
        run([self._tools.bin / "ansible-playbook", "play.yml"], self._folder, ANSIBLE_CONFIG=config, LC_ALL="C.UTF-8")

    def reset(self):
        for socket in (self._folder / "cp").glob("*"):
            ssh = ["ssh", "-F", self._lab.ssh_config, "-S", socket, "-O", "exit", "any"]
            subprocess.run(ssh, capture_output=True)


class Pyinfra:
    """All hosts at once, no facts, no sudo."""

    name = "pyinfra"

    def __init__(self, lab: Loopback, commands: list[str], folder: Path, tools: Tools):
        folder.mkdir()
        self._folder, self._tools, self._parallel = folder, tools, str(len(lab.hosts))
        hosts = [
            (
                host.name,
                {
                    "ssh_hostname": host.address,
                    "ssh_port": host.port,
                    "ssh_user": lab.user,
                    "ssh_key": str(lab.identity),
                    "ssh_known_hosts_file": str(lab.known_hosts),
                    "ssh_strict_host_key_checking": "yes",
                    "ssh_allow_agent": False,
                    "ssh_look_for_keys": False,
                },
            )
            for host in lab.hosts
        ]
        (folder / "inventory.py").write_text(f"hosts = {hosts!r}\n")
        steps = "".join(f"server.shell(name='Step {n}', commands=[{c!r}])\n" for n, c in enumerate(commands, 1))
        (folder / "deploy.py").write_text(f"from pyinfra.operations import server\n{steps}")

    def once(self):
        program = self._tools.bin / "pyinfra"
        run([program, "-y", "--parallel", self._parallel, "inventory.py", "deploy.py"], self._folder, LC_ALL="C.UTF-8")

    def reset(self):
        """It closes its connections itself."""
