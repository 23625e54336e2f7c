//! The demo's three hosts: each an SSH server of its own, or, where that cannot be, this machine under their names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use futures_util::future::try_join_all;

use super::sshd::{self, Sshd};
use crate::process;

const PREPARE: &str = include_str!("prepare-host.sh");

/// A host as the inventory shows it.
pub(super) struct Actor {
    pub name: &'static str,
    /// Each its own, so that nobody takes one for another.
    pub address: [u8; 4],
    pub role: &'static str,
    pub env: &'static str,
    pub zone: &'static str,
}

/// One is in production: what changes there asks for more.
pub(super) const STAGE: [Actor; 3] = [
    Actor { name: "web-1", address: [127, 0, 10, 1], role: "web", env: "staging", zone: "a" },
    Actor { name: "web-2", address: [127, 0, 10, 2], role: "web", env: "staging", zone: "b" },
    Actor { name: "db-1", address: [127, 0, 10, 3], role: "db", env: "prod", zone: "a" },
];

/// How the hosts are reached.
pub(super) enum Hosts {
    /// In the order of [`STAGE`].
    Sshd(Vec<Sshd>),
    /// This machine, with a home for each name; `why` is for people.
    Local { why: String },
}

/// Where the homes are: `HOME` of a host is the folder of its name there.
pub(super) fn homes(folder: &Path) -> PathBuf {
    folder.join("homes")
}

/// Starts the hosts in `folder` and puts the state there that the examples work on. Returns what to tell people.
pub(super) async fn start(folder: &Path, local: bool) -> anyhow::Result<(Hosts, Vec<String>)> {
    let hosts = async {
        if local {
            return Hosts::Local { why: "--local asks for it".to_owned() };
        }
        match sshd::start_all(folder).await {
            Ok(servers) => Hosts::Sshd(servers),
            Err(error) => Hosts::Local { why: format!("{error:#}") },
        }
    };
    let script = folder.join("prepare-host.sh");
    fs::write(&script, PREPARE)?;
    let prepared = try_join_all(STAGE.iter().map(|actor| prepare(&script, homes(folder).join(actor.name))));
    let (hosts, warnings) = tokio::join!(hosts, prepared);
    let mut warnings: Vec<String> = warnings?.into_iter().filter(|warning| !warning.is_empty()).collect();
    // Each host says the same.
    warnings.dedup();
    Ok((hosts, warnings))
}

async fn prepare(script: &Path, home: PathBuf) -> anyhow::Result<String> {
    fs::create_dir_all(&home)?;
    let mut command = process::command("sh");
    command.arg(script).arg(&home).env("HOME", &home).env_remove("XDG_STATE_HOME").current_dir(&home);
    // Its own process group: Ctrl-C is for the demo, which ends the services in its own order.
    let output = command.process_group(0).stdout(Stdio::null()).output().await.context("sh")?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if !output.status.success() {
        bail!("prepare-host.sh: {said}");
    }
    Ok(said)
}
