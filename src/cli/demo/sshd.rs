//! OpenSSH servers for the demo: one a host, on its own loopback address, with its own key, home and name.
//!
//! Several hosts on one machine differ by `SetEnv`: `HOME` gives each its own state, and `PATH` begins with a folder
//! whose `uname` and `hostname` answer the host's name. One logs in as oneself, so no account is needed; as root and
//! as an ordinary user alike.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::future::try_join_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::hosts::{Actor, STAGE, homes};
use crate::{environment, process};

/// From its start until a server answers; a tenth of a second where nothing else is busy.
const START_MAX: Duration = Duration::from_secs(10);

/// Somebody may take a port between our looking and the server's listening.
const PORTS_TRIED_MAX: usize = 3;

/// Logging in once, to see that it can be done.
const LOGIN_MAX: Duration = Duration::from_secs(15);

/// A running server; ends when dropped.
pub(super) struct Sshd {
    address: SocketAddr,
    user: String,
    identity: PathBuf,
    host_key: String,
    _server: Child,
}

impl Sshd {
    /// How to reach it, as lines of an inventory.
    pub fn road(&self, actor: &Actor) -> String {
        let identity = quoted(&self.identity.to_string_lossy());
        format!(
            "    address: {}\n    port: {}\n    user: {}\n    identity: {identity}\n    host_key: {}\n    expect: {{hostname: {}}}\n",
            self.address.ip(),
            self.address.port(),
            quoted(&self.user),
            self.host_key,
            actor.name,
        )
    }
}

/// A server for each host, once a login on the first one has worked.
///
/// # Errors
/// Why there can be none here; those that did start have ended.
pub(super) async fn start_all(folder: &Path) -> anyhow::Result<Vec<Sshd>> {
    let program = find_program("sshd").context("no SSH server is installed (package openssh-server)")?;
    let keys = folder.join("keys");
    fs::create_dir(&keys)?;
    let identity = keys.join("client");
    keygen(&identity).await?;
    let user = user_name().await?;
    if user == "root" {
        // Compiled into sshd: where its unprivileged part is locked up. Not ours to remove: others may use it by then.
        let _ = fs::create_dir_all("/run/sshd");
    }
    let servers = try_join_all(STAGE.iter().map(|actor| start(actor, folder, &program, &identity, &user))).await?;
    log_in(&servers[0], folder).await?;
    Ok(servers)
}

async fn start(actor: &Actor, folder: &Path, program: &Path, identity: &Path, user: &str) -> anyhow::Result<Sshd> {
    let own = folder.join("servers").join(actor.name);
    fs::create_dir_all(&own)?;
    let key = own.join("host_key");
    keygen(&key).await?;
    let bin = own.join("bin");
    write_names(&bin, actor.name)?;
    let home = homes(folder).join(actor.name);
    let public = fs::read_to_string(key.with_extension("pub"))?;
    let host_key = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    for _ in 0..PORTS_TRIED_MAX {
        let address = free_address(actor).await?;
        let config = config(address, &key, identity, &home, &bin);
        fs::write(own.join("sshd_config"), config)?;
        let mut command = process::command(program);
        command.args(["-D", "-f"]).arg(own.join("sshd_config")).arg("-E").arg(own.join("log"));
        // Its own process group: Ctrl-C is for the demo, which still has to store what its hosts say.
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = command.spawn().context("sshd does not start")?;
        if answers(&mut server, address).await {
            let (user, identity) = (user.to_owned(), identity.to_owned());
            return Ok(Sshd { address, user, identity, host_key, _server: server });
        }
    }
    let log = fs::read_to_string(own.join("log")).unwrap_or_default();
    bail!("sshd does not start: {}", log.lines().last().unwrap_or("it says nothing"))
}

fn config(address: SocketAddr, key: &Path, identity: &Path, home: &Path, bin: &Path) -> String {
    let [key, authorized] = [key, &identity.with_extension("pub")].map(|path| quoted(&path.to_string_lossy()));
    let home = quoted(&format!("HOME={}", home.display()));
    let search_path = quoted(&format!("PATH={}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", bin.display()));
    format!(
        "ListenAddress {address}\nHostKey {key}\nAuthorizedKeysFile {authorized}\nSetEnv {home} {search_path}\n\
         PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nUseDNS no\nPrintMotd no\nPrintLastLog no\nMaxStartups 100\n"
    )
}

/// Programs that answer the host's name.
fn write_names(bin: &Path, name: &str) -> anyhow::Result<()> {
    fs::create_dir_all(bin)?;
    let uname = find_program("uname").context("uname is not installed")?;
    let programs = [
        (
            "uname",
            format!("#!/bin/sh\ncase \"$*\" in -n) echo {name} ;; *) exec '{}' \"$@\" ;; esac\n", uname.display()),
        ),
        ("hostname", format!("#!/bin/sh\necho {name}\n")),
    ];
    for (program, text) in programs {
        fs::write(bin.join(program), text)?;
        fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

async fn answers(server: &mut Child, address: SocketAddr) -> bool {
    let deadline = Instant::now() + START_MAX;
    while Instant::now() < deadline && matches!(server.try_wait(), Ok(None)) {
        if TcpStream::connect(address).await.is_ok() {
            return true;
        }
        sleep(Duration::from_millis(10)).await;
    }
    false
}

/// An account may be locked, or have no shell: better seen now than in the first run.
async fn log_in(server: &Sshd, folder: &Path) -> anyhow::Result<()> {
    let known_hosts = folder.join("keys/known_hosts");
    let (ip, port) = (server.address.ip(), server.address.port());
    fs::write(&known_hosts, format!("[{ip}]:{port} {}\n", server.host_key))?;
    let mut command = process::command("ssh");
    command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", quoted(&known_hosts.to_string_lossy())));
    command.arg("-i").arg(&server.identity).args(["-l", &server.user, "-p", &port.to_string()]);
    command.args([&ip.to_string(), "true"]);
    let output = timeout(LOGIN_MAX, command.output()).await.context("logging in takes too long")?.context("ssh")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("logging in fails: {}", said.trim().lines().last().unwrap_or("ssh does not say why"));
    }
    Ok(())
}

/// ssh's usual second port, which is easy to read, or any that is free.
async fn free_address(actor: &Actor) -> anyhow::Result<SocketAddr> {
    let ip = IpAddr::V4(Ipv4Addr::from(actor.address));
    let listener = match TcpListener::bind((ip, 2222)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((ip, 0)).await.with_context(|| format!("{ip} is no address of this machine"))?,
    };
    Ok(listener.local_addr()?)
}

async fn keygen(path: &Path) -> anyhow::Result<()> {
    let mut command = process::command("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "steadyhand-demo", "-f"]).arg(path);
    let output = command.output().await.context("ssh-keygen (package openssh-client)")?;
    if !output.status.success() {
        bail!("ssh-keygen: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

async fn user_name() -> anyhow::Result<String> {
    let output = process::command("id").arg("-un").output().await.context("id")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// sshd insists on an absolute path of itself, and Debian keeps it outside an ordinary user's `PATH`.
fn find_program(name: &str) -> Option<PathBuf> {
    let search_path = environment::text("PATH").unwrap_or_default();
    let folders = search_path.split(':').chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]);
    folders.map(|folder| Path::new(folder).join(name)).find(|path| path.is_absolute() && path.is_file())
}

/// For YAML and for OpenSSH's files alike: both read `"a b"`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
