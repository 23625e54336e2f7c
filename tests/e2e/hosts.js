// Real SSH servers for stories: one a host, on a loopback port, with its own host key, home and name. The account that
// runs the tests logs in as itself. They differ by `SetEnv`, as those of the Rust tests do.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";

const find = (name) => ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map((folder) => path.join(folder, name)).find(existsSync);

const freePort = () => new Promise((resolve, reject) => {
  const probe = net.createServer();
  probe.on("error", reject);
  probe.listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
});

const answers = (port) => new Promise((resolve) => {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("connect", () => { socket.destroy(); resolve(true); });
  socket.on("error", () => resolve(false));
});

async function start(folder, name) {
  const own = path.join(folder, name);
  for (const part of ["home", "bin"]) mkdirSync(path.join(own, part), { recursive: true });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path.join(own, "host_key")]);
  copyFileSync(path.join(folder, "client.pub"), path.join(own, "authorized_keys"));
  symlinkSync(find("dash"), path.join(own, "bin/sh"));
  writeFileSync(path.join(own, "bin/hostname"), `#!/bin/sh\necho '${name}'\n`, { mode: 0o755 });
  writeFileSync(path.join(own, "bin/uname"), `#!/bin/sh\ncase "$*" in -n) echo '${name}' ;; *) exec ${find("uname")} "$@" ;; esac\n`, { mode: 0o755 });
  // Compiled into sshd: where its unprivileged part is locked up.
  if (process.getuid() === 0) mkdirSync("/run/sshd", { recursive: true });
  for (let tries = 0; tries < 20; tries += 1) {
    const port = await freePort();
    writeFileSync(path.join(own, "sshd_config"), `ListenAddress 127.0.0.1:${port}
HostKey ${own}/host_key
AuthorizedKeysFile ${own}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 500:30:1000
SetEnv HOME=${own}/home PATH=${own}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
`);
    const child = spawn(find("sshd"), ["-D", "-f", path.join(own, "sshd_config"), "-E", path.join(own, "log")], { stdio: "ignore" });
    let ended = false;
    child.on("exit", () => { ended = true; });
    const until = Date.now() + 5000;
    while (!ended && Date.now() < until) {
      if (await answers(port)) return { name, port, child, own };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill("SIGKILL");
  }
  throw new Error(`sshd does not start for ${name}: ${existsSync(path.join(own, "log")) ? readFileSync(path.join(own, "log")) : ""}`);
}

// `labels`: what the inventory says of each host, by its name. Gives the inventory's text and the way to end them.
export async function startHosts(labels) {
  const folder = mkdtempSync(path.join(tmpdir(), "sshd-"));
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path.join(folder, "client")]);
  const hosts = [];
  for (const name of Object.keys(labels)) hosts.push(await start(folder, name));
  const entry = ({ name, port, own }) => {
    const key = readFileSync(path.join(own, "host_key.pub"), "utf8").split(/\s+/).slice(0, 2).join(" ");
    return `  ${name}:
    address: 127.0.0.1
    port: ${port}
    user: "${userInfo().username}"
    identity: "${folder}/client"
    host_key: ${key}
    expect: {hostname: ${name}}
    labels: ${labels[name]}
`;
  };
  return {
    inventory: `steadyhand: 1\nhosts:\n${hosts.map(entry).join("")}`,
    home: (name) => path.join(folder, name, "home"),
    stop() {
      for (const { child } of hosts) child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
