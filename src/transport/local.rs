//! The server itself as a host: the same tether, over a shell that is our own child.
//!
//! Commands outlive the server, as on any host, unless its supervisor kills whole control groups (systemd:
//! `KillMode=process` keeps them).

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;

use super::TransportError;
use super::road::{Channel, Road};
use super::tethered::Roads;
use crate::id::HostName;
use crate::inventory::target::Target;
use crate::process;
use crate::run::outcome::Exit;

/// To this machine, in the server's own account or through `sudo -n`.
#[derive(Default)]
pub(super) struct LocalRoads {
    pub home: LocalHome,
}

/// The `HOME` of commands here.
#[derive(Default)]
pub(super) enum LocalHome {
    #[default]
    TheServers,
    /// A throwaway one for all local hosts.
    One(PathBuf),
    /// Each local host has its own, of its name, in this folder.
    EachIn(PathBuf),
}

impl LocalHome {
    fn of(&self, host: &HostName) -> Option<PathBuf> {
        match self {
            Self::TheServers => None,
            Self::One(home) => Some(home.clone()),
            Self::EachIn(folder) => Some(folder.join(host.as_str())),
        }
    }
}

impl Roads for LocalRoads {
    fn road(&self, target: &Target) -> Result<Arc<dyn Road>, TransportError> {
        Ok(Arc::new(LocalRoad { host: target.name.clone(), home: self.home.of(&target.name) }))
    }
}

struct LocalRoad {
    host: HostName,
    home: Option<PathBuf>,
}

#[async_trait]
impl Road for LocalRoad {
    async fn open(&self, command_line: &str) -> Result<Channel, TransportError> {
        let mut command = process::command("sh");
        // Its own process group: Ctrl-C in the server's terminal is not for what runs here.
        command.arg("-c").arg(command_line).process_group(0);
        if let Some(home) = &self.home {
            command.env("HOME", home).env_remove("XDG_STATE_HOME");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| TransportError::Refused {
            host: self.host.clone(),
            reason: format!("no shell can be started on the server itself: {error}"),
            next_step: "Check that the server finds `sh` on its PATH and may start processes".to_owned(),
        })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Channel {
            stdin: Box::new(stdin.expect("it was asked for")),
            stdout: Box::new(stdout.expect("it was asked for")),
            stderr: Box::new(stderr.expect("it was asked for")),
            ended: Box::pin(async move { child.wait().await.ok().and_then(|status| status.code()).map(Exit::Code) }),
        })
    }

    fn host_key(&self) -> Option<String> {
        None
    }

    async fn close(&self) {}
}
