//! How one host is reached. Frozen into a run's plan, so it is a stored format too.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::id::{Address, HostName, UserName};

/// One host as a run sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub name: HostName,
    /// Also `host.labels` in conditions.
    pub labels: BTreeMap<String, String>,
    pub via: Via,
    pub expect: Expect,
}

/// The road to a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A shell on the server itself.
    Local,
    Ssh(SshTarget),
    /// Answers recorded beforehand: drills and tests.
    Recorded,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshTarget {
    pub address: Address,
    pub port: u16,
    /// `None`: whatever ssh takes for itself (the server's own account).
    pub user: Option<UserName>,
    /// Absolute path of a private key; `None`: the agent and ssh's default keys.
    pub identity: Option<PathBuf>,
    pub host_key: HostKey,
    /// Hosts to go through, first hop first.
    pub jump: Vec<SshTarget>,
}

/// What a host must prove. There is no way to accept any key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKey {
    /// Public keys as in a known_hosts line, without the host: `ssh-ed25519 AAAA…`.
    Pinned(Vec<String>),
    /// Absolute path of a known_hosts file.
    KnownHosts(PathBuf),
    /// `~/.ssh/known_hosts` of the server's account.
    UserKnownHosts,
}

/// What the host must say of itself before anything changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// `uname -n` up to the first dot, or the whole of it.
    pub hostname: Option<String>,
    /// `/etc/machine-id`.
    pub machine_id: Option<String>,
}
