//! Hosts over OpenSSH: one master connection per host of a run, opened and kept by the `ssh` program, on which the
//! openssh library opens channels without a process each.
//!
//! The masters are started here and not by the library, which gives neither the log of a failed attempt nor the
//! fingerprint of the key that was proven. The library's child handles are used for their streams; what it says about
//! exits counts for `attach: direct` alone.

mod config;
mod refusal;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as SyncMutex};
use std::time::Duration;

use async_trait::async_trait;
use openssh::{Error as SshError, Session, Stdio as SshStdio};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::refusal::Dialling;
use super::TransportError;
use super::road::{Channel, Road};
use super::tethered::Roads;
use crate::entropy;
use crate::id::HostName;
use crate::inventory::target::{SshTarget, Target, Via};
use crate::process;
use crate::run::outcome::Exit;

/// sshd allows ten sessions a connection unless told otherwise (`MaxSessions`); one stays free for luck.
const CHANNELS_PER_MASTER: usize = 9;

/// Key exchanges at the same time: they are all arithmetic, and more of them make each slower until it times out.
const DIALS_AT_ONCE: usize = 8;

/// Name look-up, connecting through all hops, and logging in.
const DIAL_LIMIT: Duration = Duration::from_secs(60);

/// A Unix socket's path holds 107 bytes, and ssh appends 17 while it makes one.
const SOCKET_PATH_BYTES_MAX: usize = 107 - 17;

/// An idle master ends by itself after this, also when the server that started it is gone.
const CONTROL_PERSIST: &str = "ControlPersist=60";

/// Where connections to hosts come from.
pub(super) struct SshRoads {
    directory: Arc<PrivateDirectory>,
    dials: Arc<Semaphore>,
}

impl SshRoads {
    /// # Errors
    /// When the directory cannot be made or written.
    pub fn new(directory: &Path) -> io::Result<Self> {
        let directory = Arc::new(PrivateDirectory::new(directory)?);
        Ok(Self { directory, dials: Arc::new(Semaphore::new(DIALS_AT_ONCE)) })
    }
}

impl Roads for SshRoads {
    fn road(&self, target: &Target) -> Result<Arc<dyn Road>, TransportError> {
        let Via::Ssh(ssh) = &target.via else {
            return Err(TransportError::Refused {
                host: target.name.clone(),
                reason: "it is not reached over ssh".to_owned(),
                next_step: "This is a defect of Steadyhand: report it".to_owned(),
            });
        };
        Ok(Arc::new(SshRoad {
            host: target.name.clone(),
            target: ssh.clone(),
            directory: Arc::clone(&self.directory),
            dials: Arc::clone(&self.dials),
            masters: Mutex::default(),
            host_key: SyncMutex::default(),
        }))
    }
}

/// One host's connections.
struct SshRoad {
    host: HostName,
    target: SshTarget,
    directory: Arc<PrivateDirectory>,
    dials: Arc<Semaphore>,
    masters: Mutex<Vec<Arc<Master>>>,
    host_key: SyncMutex<Option<String>>,
}

struct Master {
    session: Arc<Session>,
    directory: PathBuf,
    seats: Arc<Semaphore>,
}

#[async_trait]
impl Road for SshRoad {
    async fn open(&self, command_line: &str) -> Result<Channel, TransportError> {
        // A master that has died is only noticed by using it: once more, then, on a fresh one.
        let (master, seat) = self.seat().await?;
        match open_on(&master, seat, command_line).await {
            Ok(channel) => return Ok(channel),
            Err(_) => self.forget(&master).await,
        }
        let (master, seat) = self.seat().await?;
        let opened = open_on(&master, seat, command_line).await;
        opened.map_err(|error| TransportError::Unreachable {
            host: self.host.clone(),
            reason: format!("no channel could be opened on the connection: {error}"),
        })
    }

    fn host_key(&self) -> Option<String> {
        self.host_key.lock().expect("no holder of this lock can panic").clone()
    }

    async fn close(&self) {
        for master in std::mem::take(&mut *self.masters.lock().await) {
            master.end().await;
        }
    }
}

impl SshRoad {
    /// A free channel of some master; opens another master when all are taken.
    async fn seat(&self) -> Result<(Arc<Master>, OwnedSemaphorePermit), TransportError> {
        let mut masters = self.masters.lock().await;
        for master in &*masters {
            if let Ok(seat) = Arc::clone(&master.seats).try_acquire_owned() {
                return Ok((Arc::clone(master), seat));
            }
        }
        let master = Arc::new(self.dial().await?);
        let seat = Arc::clone(&master.seats).try_acquire_owned().expect("nobody else knows this master");
        masters.push(Arc::clone(&master));
        Ok((master, seat))
    }

    async fn forget(&self, dead: &Arc<Master>) {
        self.masters.lock().await.retain(|master| !Arc::ptr_eq(master, dead));
        dead.end().await;
    }

    async fn dial(&self) -> Result<Master, TransportError> {
        let _turn = self.dials.acquire().await.expect("it is never closed");
        let directory = self.directory.fresh_subdirectory().map_err(|error| self.cannot_prepare(&error.to_string()))?;
        let dialled = self.dial_in(&directory).await;
        if dialled.is_err() {
            // Nothing in it is of use to anybody.
            let _ = fs::remove_dir_all(&directory);
        }
        dialled
    }

    async fn dial_in(&self, directory: &Path) -> Result<Master, TransportError> {
        self.write_configuration(directory).map_err(|reason| self.cannot_prepare(&reason))?;
        let dialling = Dialling { host: &self.host, target: &self.target, directory };
        let mut ssh = process::command("ssh");
        ssh.args(["-M", "-f", "-N", "-o", CONTROL_PERSIST, "-F"]).arg(directory.join(config::CONFIG));
        ssh.arg("-S").arg(directory.join("m")).arg("-E").arg(directory.join(config::LOG)).arg(config::TARGET);
        ssh.stdout(Stdio::null()).stderr(Stdio::null());
        match timeout(DIAL_LIMIT, ssh.status()).await {
            Ok(Ok(status)) if status.success() => {}
            Ok(Ok(_)) => return Err(dialling.explain().await),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TransportError::Refused {
                    host: self.host.clone(),
                    reason: "the program `ssh` is not installed on the server".to_owned(),
                    next_step: "Install the package openssh-client there".to_owned(),
                });
            }
            Ok(Err(error)) => return Err(self.cannot_prepare(&format!("ssh cannot be started: {error}"))),
            Err(_) => {
                let reason = format!("no connection within {} s", DIAL_LIMIT.as_secs());
                return Err(TransportError::Unreachable { host: self.host.clone(), reason });
            }
        }
        *self.host_key.lock().expect("no holder of this lock can panic") = dialling.proven_key();
        Ok(Master {
            session: Arc::new(Session::resume_mux(directory.join("m").into_boxed_path(), None)),
            directory: directory.to_owned(),
            seats: Arc::new(Semaphore::new(CHANNELS_PER_MASTER)),
        })
    }

    fn write_configuration(&self, directory: &Path) -> Result<(), String> {
        let files =
            [("config", config::text(&self.target, directory)?), ("known_hosts", config::known_hosts(&self.target)?)];
        for (name, text) in files {
            let path = directory.join(name);
            let mut options = fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&path);
            file.and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()))
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        }
        Ok(())
    }

    fn cannot_prepare(&self, reason: &str) -> TransportError {
        TransportError::Refused {
            host: self.host.clone(),
            reason: format!("the connection cannot be prepared on the server: {reason}"),
            next_step: "Mend that on the server; the host itself was not asked".to_owned(),
        }
    }
}

impl Master {
    /// Ends the connection and its channels; commands that detached themselves go on.
    async fn end(&self) {
        let mut ssh = process::command("ssh");
        ssh.args(["-O", "exit", "-F"]).arg(self.directory.join(config::CONFIG)).arg("-S").arg(self.directory.join("m"));
        ssh.arg(config::TARGET).stdout(Stdio::null()).stderr(Stdio::null());
        // Without an answer it ends by itself, see CONTROL_PERSIST.
        let _ = timeout(Duration::from_secs(5), ssh.status()).await;
        let _ = fs::remove_dir_all(&self.directory);
    }
}

async fn open_on(master: &Master, seat: OwnedSemaphorePermit, command_line: &str) -> Result<Channel, SshError> {
    let mut command = Arc::clone(&master.session).arc_raw_command(command_line);
    command.stdin(SshStdio::piped()).stdout(SshStdio::piped()).stderr(SshStdio::piped());
    let mut child = command.spawn().await?;
    let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
    Ok(Channel {
        stdin: Box::new(stdin.expect("it was asked for")),
        stdout: Box::new(stdout.expect("it was asked for")),
        stderr: Box::new(stderr.expect("it was asked for")),
        ended: Box::pin(async move {
            let ended = child.wait().await;
            drop(seat);
            match ended {
                Ok(status) => status.code().map(Exit::Code),
                // How the library tells a plain exit 127.
                Err(SshError::Remote(error)) if error.kind() == io::ErrorKind::NotFound => Some(Exit::Code(127)),
                Err(_) => None,
            }
        }),
    })
}

/// Sockets and files of all connections; one subdirectory for this server, one below it for each connection.
struct PrivateDirectory {
    path: PathBuf,
    connections: AtomicU64,
}

/// Whoever owns the folder could put other sockets and other ssh options into it.
fn refuse_if_not_ours(folder: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0;
    match ours {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} is not a folder that this account alone can write: remove it", folder.display()),
        )),
    }
}

impl PrivateDirectory {
    fn new(parent: &Path) -> io::Result<Self> {
        let name = format!("ssh-{}-{:02x?}", std::process::id(), &entropy::fresh_token()[..4]);
        let name = name.replace(['[', ']', ',', ' '], "");
        let longest = |parent: &Path| parent.join(&name).join("1000000/m").as_os_str().len();
        // One a user: what lies in /tmp under another's name is another's.
        let short = PathBuf::from(format!("/tmp/steadyhand-ssh-{}", rustix::process::geteuid().as_raw()));
        let parent = if longest(parent) > SOCKET_PATH_BYTES_MAX { &short } else { parent };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        refuse_if_not_ours(parent)?;
        sweep(parent)?;
        let path = parent.join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path, connections: AtomicU64::new(0) })
    }

    fn fresh_subdirectory(&self) -> io::Result<PathBuf> {
        let path = self.path.join(self.connections.fetch_add(1, Ordering::Relaxed).to_string());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(path)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what servers that are no longer there have left. Their masters end by themselves.
fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)?.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix("ssh-")?.split('-').next()?.parse::<u32>().ok());
        let is_gone = owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists());
        if is_gone && Path::new("/proc/self").exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
