//! What comes back from a host: bytes of two streams, the end of a command, facts about the host.

use serde::{Deserialize, Serialize};

/// How many raw bytes of each stream are already stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsets {
    pub stdout: u64,
    pub stderr: u64,
}

/// One of a command's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneBecause {
    RunnerDied,
    HostRebooted,
}

/// What a host said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    pub hostname: String,
    /// Missing where there is no `/etc/machine-id`.
    pub machine_id: Option<String>,
    pub boot_id: Option<String>,
    /// The account of the connection.
    pub user: String,
    /// Fingerprint of the host key that was proven, `SHA256:…`; none for `local`.
    pub host_key: Option<String>,
}
