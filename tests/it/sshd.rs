//! Real OpenSSH servers for tests: each a child process on its own loopback address with its own host
//! key, client key, home and name.
//!
//! Works as root and as an ordinary user (one logs in as oneself). Several hosts on one machine differ by
//! `SetEnv`: `HOME` gives each its own state directory; `PATH` begins with a directory that holds a `uname` and
//! a `hostname` which answer the host's name, and a `sh` of the chosen kind. Everything else is the machine's.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use steadyhand::inventory::target::{Expect, HostKey, SshTarget, Target, Via};
use tempfile::TempDir;

/// Which shell answers to the name `sh` on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    Dash,
    Bash,
    Busybox,
}

impl Shell {
    pub const ALL: [Self; 3] = [Self::Dash, Self::Bash, Self::Busybox];

    fn program(self) -> &'static str {
        match self {
            Self::Dash => "dash",
            Self::Bash => "bash",
            Self::Busybox => "busybox",
        }
    }
}

/// What a host shall be like; [`SshdBuilder::start`] starts it.
pub struct SshdBuilder {
    name: String,
    shell: Shell,
    hidden: Vec<&'static str>,
    env: Vec<(String, String)>,
    config: Vec<String>,
}

impl SshdBuilder {
    /// The shell that `sh` finds there; dash unless said.
    pub fn shell(mut self, shell: Shell) -> Self {
        self.shell = shell;
        self
    }

    /// Programs that this host does not have, e.g. `flock`.
    pub fn without(mut self, programs: &[&'static str]) -> Self {
        self.hidden.extend(programs);
        self
    }

    /// A variable in the environment of every session there.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A further line of sshd_config.
    pub fn config(mut self, line: &str) -> Self {
        self.config.push(line.to_owned());
        self
    }

    /// Starts it and waits until it answers.
    pub fn start(self) -> Sshd {
        let directory = tempfile::Builder::new().prefix("sshd-").tempdir().expect("a temporary directory");
        let path = directory.path().to_owned();
        for sub_directory in ["home", "bin"] {
            fs::create_dir(path.join(sub_directory)).expect("a new directory");
        }
        keygen(&path.join("host_key"));
        keygen(&path.join("client_key"));
        fs::copy(path.join("client_key.pub"), path.join("authorized_keys")).expect("the public key is there");
        self.fill_bin(&path.join("bin"));
        if is_root() {
            // Compiled into sshd: where its unprivileged part is locked up.
            let _ = fs::create_dir_all("/run/sshd");
        }
        let mut sshd = Sshd {
            name: self.name.clone(),
            user: current_user(),
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            child: None,
            directory,
        };
        for _ in 0..20 {
            sshd.address = free_loopback_address();
            fs::write(path.join("sshd_config"), self.sshd_config(&sshd)).expect("the configuration is written");
            sshd.launch();
            if sshd.answers_within(Duration::from_secs(5)) {
                return sshd;
            }
            sshd.stop();
        }
        panic!("sshd does not start:\n{}", sshd.log());
    }

    fn sshd_config(&self, sshd: &Sshd) -> String {
        let path = sshd.directory.path().display();
        let search_path = if self.hidden.is_empty() {
            format!("{path}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        } else {
            format!("{path}/bin")
        };
        let mut env = format!("HOME={path}/home PATH={search_path}");
        for (name, value) in &self.env {
            env.push_str(&format!(" \"{name}={value}\""));
        }
        format!(
            "ListenAddress {address}\nHostKey {path}/host_key\nAuthorizedKeysFile {path}/authorized_keys\nPidFile none\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nUseDNS no\nPrintMotd no\nPrintLastLog no\nMaxStartups 500:30:1000\n\
             LogLevel VERBOSE\nSetEnv {env}\n{more}\n",
            address = sshd.address,
            more = self.config.join("\n"),
        )
    }

    /// The directory at the front of the host's `PATH`.
    fn fill_bin(&self, bin: &Path) {
        if !self.hidden.is_empty() {
            for system_directory in ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"] {
                link_all(Path::new(system_directory), bin, &self.hidden);
            }
        }
        let _ = fs::remove_file(bin.join("sh"));
        symlink(find_program(self.shell.program()), bin.join("sh")).expect("a new link");
        let name = &self.name;
        let uname = find_program("uname");
        write_program(
            &bin.join("uname"),
            &format!("#!/bin/sh\ncase \"$*\" in -n) echo '{name}' ;; *) exec {uname:?} \"$@\" ;; esac\n"),
        );
        write_program(&bin.join("hostname"), &format!("#!/bin/sh\necho '{name}'\n"));
    }
}

/// A running sshd. Ends, with all its sessions, when dropped; detached commands on the "host" go on.
pub struct Sshd {
    name: String,
    user: String,
    address: SocketAddr,
    child: Option<Child>,
    directory: TempDir,
}

impl Sshd {
    /// A host called `name`, which must be a valid host name.
    pub fn named(name: &str) -> SshdBuilder {
        SshdBuilder { name: name.to_owned(), shell: Shell::Dash, hidden: vec![], env: vec![], config: vec![] }
    }

    /// How to reach it, its host key pinned, its name expected.
    pub fn target(&self) -> Target {
        Target {
            name: self.name.parse().expect("the test gave a valid host name"),
            labels: Default::default(),
            via: Via::Ssh(self.ssh_target()),
            expect: Expect { hostname: Some(self.name.clone()), machine_id: None },
        }
    }

    pub fn ssh_target(&self) -> SshTarget {
        SshTarget {
            address: self.address.ip().to_string().parse().expect("an IP address is an address"),
            port: self.address.port(),
            user: Some(self.user.parse().expect("this account has a usual name")),
            identity: Some(self.identity()),
            host_key: HostKey::Pinned(vec![self.host_key()]),
            jump: vec![],
        }
    }

    /// `ssh-ed25519 AAAA…`
    pub fn host_key(&self) -> String {
        let line = fs::read_to_string(self.directory.path().join("host_key.pub")).expect("the host key is there");
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// The private key that may log in.
    pub fn identity(&self) -> PathBuf {
        self.directory.path().join("client_key")
    }

    /// The host's `HOME`.
    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// The directory at the front of the host's `PATH`.
    pub fn bin(&self) -> PathBuf {
        self.directory.path().join("bin")
    }

    /// Where the tether keeps its attempts.
    pub fn attempts(&self) -> PathBuf {
        self.home().join(".local/state/steadyhand/attempts")
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    /// What sshd logged, for failure messages.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Process ids of sshd's open connections.
    pub fn connections(&self) -> Vec<u32> {
        let Some(child) = &self.child else { return vec![] };
        let listener = child.id();
        let children = fs::read_to_string(format!("/proc/{listener}/task/{listener}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// Cuts every connection with SIGKILL; the listener goes on. What ran in them is not touched.
    pub fn kill_connections(&self) {
        let children_of = |pid: u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            text.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()).collect::<Vec<_>>()
        };
        for connection in self.connections() {
            // As root, sshd keeps a second process a connection for another account.
            for child in children_of(connection) {
                if fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name.starts_with("sshd")) {
                    kill(child, "KILL");
                }
            }
            kill(connection, "KILL");
        }
    }

    /// Stops the listener and cuts every connection: the host cannot be reached.
    pub fn stop(&mut self) {
        self.kill_connections();
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Listens again, on the same address with the same keys.
    pub fn start_again(&mut self) {
        self.launch();
        assert!(self.answers_within(Duration::from_secs(10)), "sshd does not come back:\n{}", self.log());
    }

    /// Gives the host a new host key (takes effect with [`Sshd::start_again`]).
    pub fn change_host_key(&self) {
        for file in ["host_key", "host_key.pub"] {
            fs::remove_file(self.directory.path().join(file)).expect("the old key is there");
        }
        keygen(&self.directory.path().join("host_key"));
    }

    fn launch(&mut self) {
        let path = self.directory.path();
        let child = Command::new(find_program("sshd"))
            .args(["-D", "-f"])
            .arg(path.join("sshd_config"))
            .arg("-E")
            .arg(path.join("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sshd starts (package openssh-server)");
        self.child = Some(child);
    }

    fn answers_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            let ended = self.child.as_mut().is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            if ended {
                return false;
            }
            if TcpStream::connect_timeout(&self.address, Duration::from_millis(200)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a signal to one process.
pub fn kill(pid: u32, signal: &str) {
    let _ = Command::new("kill").args(["-s", signal, &pid.to_string()]).stderr(Stdio::null()).status();
}

pub fn is_root() -> bool {
    id("-u") == "0"
}

/// The account that the tests run as; also the one that logs in.
pub fn current_user() -> String {
    id("-un")
}

fn id(option: &str) -> String {
    let output = Command::new("id").arg(option).output().expect("id is everywhere");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// `sshd` insists on an absolute path, and `/usr/sbin` is not on everybody's `PATH`.
fn find_program(name: &str) -> PathBuf {
    let search_path = std::env::var("PATH").unwrap_or_default();
    search_path
        .split(':')
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"])
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_absolute() && path.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed"))
}

/// An address that nobody else uses: 127.x.y.z with a port that was free a moment ago.
pub fn free_loopback_address() -> SocketAddr {
    let random = uuid::Uuid::new_v4().into_bytes();
    let address = Ipv4Addr::new(127, 1 + random[0] % 200, random[1], 1 + random[2] % 250);
    let listener = TcpListener::bind((address, 0)).expect("127.0.0.0/8 belongs to this machine");
    listener.local_addr().expect("a bound socket has an address")
}

fn keygen(path: &Path) {
    let status =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path).status();
    assert!(status.is_ok_and(|status| status.success()), "ssh-keygen makes {}", path.display());
}

fn link_all(from: &Path, to: &Path, hidden: &[&str]) {
    let Ok(entries) = fs::read_dir(from) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !hidden.iter().any(|program| name.to_str() == Some(program)) {
            let _ = symlink(entry.path(), to.join(&name));
        }
    }
}

/// Replaces what is there; a link is not followed.
pub fn write_program(path: &Path, text: &str) {
    let _ = fs::remove_file(path);
    fs::write(path, text).expect("a program is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// Runs `command` there with the plain ssh program, outside everything that is tested.
pub fn plain_ssh(sshd: &Sshd, command: &str) -> std::process::Output {
    Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-i"])
        .arg(sshd.identity())
        .args(["-p", &sshd.address().port().to_string()])
        .arg(format!("{}@{}", sshd.user(), sshd.address().ip()))
        .arg(command)
        .output()
        .expect("ssh starts (package openssh-client)")
}

#[test]
fn an_sshd_host_has_its_own_name_home_and_shell() {
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).without(&["flock"]).env("GREETING", "good day").start();
        let output = plain_ssh(
            &sshd,
            "uname -n; hostname; echo $HOME $GREETING; readlink $(command -v sh); command -v flock || echo no flock",
        );
        let expected = format!(
            "web-1\nweb-1\n{} good day\n{}\nno flock\n",
            sshd.home().display(),
            find_program(shell.program()).display()
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", sshd.log());
        assert_eq!(sshd.target().expect.hostname.as_deref(), Some("web-1"));
        assert!(sshd.attempts().starts_with(sshd.home()));
    }
}

#[test]
fn an_sshd_host_can_go_away_and_come_back_with_another_key() {
    let mut sshd = Sshd::named("web-1").config("MaxSessions 3").start();
    let first_key = sshd.host_key();
    sshd.stop();
    assert!(!plain_ssh(&sshd, "true").status.success());
    sshd.change_host_key();
    sshd.start_again();
    assert_ne!(sshd.host_key(), first_key);
    write_program(&sshd.bin().join("hello"), "#!/bin/sh\nkill -0 $PPID && echo hello\n");
    assert_eq!(plain_ssh(&sshd, "hello").stdout, b"hello\n");
}
