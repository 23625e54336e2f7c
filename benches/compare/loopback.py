"""Throwaway sshd hosts on loopback addresses, one process each, with their own keys and homes."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Host:
    name: str
    address: str
    port: int
    host_key: str


class Loopback:
    """`count` hosts; a context manager, so that nothing is left running."""

    def __init__(self, folder: Path, count: int):
        self.folder = folder
        self.identity = folder / "identity"
        self.known_hosts = folder / "known_hosts"
        self.ssh_config = folder / "ssh_config"
        self.user = getpass.getuser()
        self.hosts: list[Host] = []
        self._count = count
        self._servers: list[subprocess.Popen] = []

    def __enter__(self):
        keygen(self.identity)
        authorized = self.folder / "authorized_keys"
        shutil.copy(f"{self.identity}.pub", authorized)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        port = free_port()
        try:
            for number in range(self._count):
                self._start(number, port, authorized)
            for host in self.hosts:
                wait_for_ssh(host)
        except BaseException:
            self.__exit__()
            raise
        self.known_hosts.write_text("".join(f"[{h.address}]:{h.port} {h.host_key}\n" for h in self.hosts))
        self.ssh_config.write_text(self._ssh_config())
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.wait()

    def _start(self, number: int, port: int, authorized: Path):
        name = f"bench-{number + 1}"
        folder = self.folder / name
        (folder / "home").mkdir(parents=True)
        keygen(folder / "host_key")
        host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
        address = f"127.0.77.{number + 1}"
        config = folder / "sshd_config"
        config.write_text(
            f"Port {port}\nListenAddress {address}\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {authorized}\nStrictModes no\nSetEnv HOME={folder}/home\nUseDNS no\n"
            "Subsystem sftp internal-sftp\n"
        )
        log = folder / "log"
        self._servers.append(subprocess.Popen([shutil.which("sshd", path=sbin()), "-D", "-f", config, "-E", log]))
        self.hosts.append(Host(name, address, port, host_key))

    def _ssh_config(self) -> str:
        common = (
            f"Host *\n  User {self.user}\n  IdentityFile {self.identity}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
        )
        return common + "".join(f"Host {h.name}\n  HostName {h.address}\n  Port {h.port}\n" for h in self.hosts)


def sbin() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def keygen(path: Path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", path], check=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.77.1", 0))
        return probe.getsockname()[1]


def wait_for_ssh(host: Host):
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection((host.address, host.port), timeout=1) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit(f"sshd for {host.name} does not answer on {host.address}:{host.port}")
        time.sleep(0.02)
