//! Why ssh did not connect, for a person at three in the morning: what happened, with whom, and what to do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::config;
use crate::id::HostName;
use crate::inventory::target::{HostKey, SshTarget};
use crate::process;
use crate::transport::TransportError;

/// Asking for a key, or for fingerprints.
const ASK_LIMIT: Duration = Duration::from_secs(20);

/// One attempt to connect, with the files that it left.
pub(super) struct Dialling<'a> {
    pub host: &'a HostName,
    pub target: &'a SshTarget,
    pub directory: &'a Path,
}

impl Dialling<'_> {
    /// `SHA256:…` of the target's key, from the log of a connection that succeeded.
    pub fn proven_key(&self) -> Option<String> {
        offered_key(&self.log(config::LOG))
    }

    /// What went wrong, from the logs of a connection that did not.
    pub async fn explain(&self) -> TransportError {
        let own = self.log(config::LOG);
        let hops = self.log(config::HOPS_LOG);
        let all = format!("{hops}\n{own}");
        if all.contains("Host key verification failed") {
            return self.explain_key(&all).await;
        }
        let place = self.place();
        if let Some(line) = line_with(&all, "Permission denied (") {
            return self.refused(
                format!("{place} does not let us in ({})", line.trim()),
                format!("Put the public key of {} into the account's ~/.ssh/authorized_keys there, or correct `user` and `identity`", self.identity()),
            );
        }
        for (sign, next_step) in [
            ("Too many authentication failures", "Name the one key to use as `identity` in the inventory"),
            ("Bad owner or permissions", "Mend the permissions of that file on the server"),
            (
                "Load key",
                "Check the private key: it must be readable for the server and have no passphrase, or be in its agent",
            ),
            ("no matching", "The two have no algorithm in common: update OpenSSH on the older side"),
        ] {
            if let Some(line) = line_with(&all, sign) {
                return self.refused(format!("{place}: {}", line.trim()), next_step.to_owned());
            }
        }
        let reason =
            ["Could not resolve", "refused", "timed out", "No route", "unreachable", "closed", "reset", "Timeout"]
                .iter()
                .find_map(|sign| line_with(&all, sign))
                .or_else(|| all.lines().rfind(|line| !line.starts_with("debug") && !line.trim().is_empty()))
                .map_or_else(|| "ssh ended without saying why".to_owned(), |line| line.trim().to_owned());
        TransportError::Unreachable { host: self.host.clone(), reason: format!("{place}: {reason}") }
    }

    /// The host's key is unknown, or another than the known one.
    async fn explain_key(&self, log: &str) -> TransportError {
        let alias = self.failed_alias(log);
        let hop = config::way(self.target).into_iter().enumerate().find(|(index, _)| self.alias(*index) == alias);
        let (_, hop) = hop.unwrap_or((0, self.target));
        let offered = self.ask_for_key(&alias).await;
        let at = format!("{} port {}", hop.address, hop.port);
        let Some((line, fingerprint)) = offered else {
            return self.refused(
                format!("{at} shows a host key that is not known, and it could not be asked for it again"),
                format!("Compare `ssh-keyscan -p {} {}` with the host's own key", hop.port, hop.address),
            );
        };
        let known = self.known_fingerprints(&alias, hop).await;
        let accept = accept_line(hop, &line);
        if known.is_empty() {
            return self.refused(
                format!("{at} shows the host key {fingerprint}, which nobody has accepted yet"),
                format!("If `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host says the same, {accept}"),
            );
        }
        self.refused(
            format!(
                "{at} shows the host key {fingerprint}, but {} is known: another machine may be answering",
                known.join(", ")
            ),
            format!("Find out why it changed before anything else. If the host was reinstalled, {accept}"),
        )
    }

    /// Connects once more just far enough to be shown the key: no login is tried, nothing is trusted.
    async fn ask_for_key(&self, alias: &str) -> Option<(String, String)> {
        let shown = self.directory.join("shown");
        let mut ssh = process::command("ssh");
        ssh.arg("-F").arg(self.directory.join(config::CONFIG));
        ssh.args(["-o", "StrictHostKeyChecking=accept-new", "-o", "PreferredAuthentications=none"]);
        ssh.args(["-o", "GlobalKnownHostsFile=none", "-o"]).arg(format!("UserKnownHostsFile={}", shown.display()));
        ssh.args(["-T", alias, "true"]);
        let _ = timeout(ASK_LIMIT, ssh.output()).await;
        let text = fs::read_to_string(&shown).ok()?;
        let key = text.lines().find_map(|line| Some(line.split_once(' ')?.1.to_owned()))?;
        let fingerprint = fingerprints(&shown, None).await.into_iter().next()?;
        let _ = fs::remove_file(&shown);
        Some((key, fingerprint))
    }

    async fn known_fingerprints(&self, alias: &str, hop: &SshTarget) -> Vec<String> {
        let name = if hop.port == 22 { hop.address.to_string() } else { format!("[{}]:{}", hop.address, hop.port) };
        match &hop.host_key {
            HostKey::Pinned(_) => fingerprints(&self.directory.join(config::KNOWN_HOSTS), Some(alias)).await,
            HostKey::KnownHosts(file) => fingerprints(file, Some(&name)).await,
            HostKey::UserKnownHosts => match crate::environment::text("HOME") {
                Some(home) => fingerprints(&Path::new(&home).join(".ssh/known_hosts"), Some(&name)).await,
                None => vec![],
            },
        }
    }

    /// Which host of the way the log is about: ssh names pinned ones by their alias, others by their address.
    fn failed_alias(&self, log: &str) -> String {
        let line = line_with(log, "host key is known for").or_else(|| line_with(log, "Host key for "));
        let name = line.and_then(|line| {
            let (_, rest) = line.split_once("known for ").or_else(|| line.split_once("Host key for "))?;
            rest.split_whitespace().next()
        });
        let name = name.unwrap_or(config::TARGET).trim_end_matches(['.', ',']);
        let is_it = |(index, hop): &(usize, &SshTarget)| {
            self.alias(*index) == name
                || name == hop.address.as_str()
                || name == format!("[{}]:{}", hop.address, hop.port)
        };
        let found = config::way(self.target).into_iter().enumerate().find(is_it);
        found.map_or_else(|| config::TARGET.to_owned(), |(index, _)| self.alias(index))
    }

    fn alias(&self, index: usize) -> String {
        config::alias(index, self.target.jump.len())
    }

    fn place(&self) -> String {
        let user = self.target.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let through = self.target.jump.iter().map(|hop| hop.address.to_string()).collect::<Vec<_>>().join(", ");
        let through = if through.is_empty() { through } else { format!(" through {through}") };
        format!("{user}{} port {}{through}", self.target.address, self.target.port)
    }

    fn identity(&self) -> String {
        self.target
            .identity
            .as_ref()
            .map_or_else(|| "the server's account".to_owned(), |path| path.display().to_string())
    }

    fn log(&self, name: &str) -> String {
        let bytes = fs::read(self.directory.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn refused(&self, reason: String, next_step: String) -> TransportError {
        TransportError::Refused { host: self.host.clone(), reason, next_step }
    }
}

/// How a person accepts a key, in the file where this host's keys are looked for.
fn accept_line(hop: &SshTarget, key: &str) -> String {
    let name = if hop.port == 22 { hop.address.to_string() } else { format!("[{}]:{}", hop.address, hop.port) };
    match &hop.host_key {
        HostKey::Pinned(_) | HostKey::UserKnownHosts => {
            format!("write in inventory.yaml at this host: `host_key: {key}`")
        }
        HostKey::KnownHosts(file) => format!("add the line `{name} {key}` to {}", file.display()),
    }
}

/// `SHA256:…` of the keys in a known_hosts file, of one host or of all.
async fn fingerprints(file: &Path, name: Option<&str>) -> Vec<String> {
    let mut keygen = process::command("ssh-keygen");
    keygen.arg("-l").arg("-f").arg(file);
    if let Some(name) = name {
        keygen.arg("-F").arg(name);
    }
    let Ok(Ok(output)) = timeout(ASK_LIMIT, keygen.output()).await else { return vec![] };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.split_whitespace().filter(|word| word.starts_with("SHA256:"));
    words.map(str::to_owned).collect()
}

fn offered_key(log: &str) -> Option<String> {
    let line = line_with(log, "Server host key: ")?;
    line.split_whitespace().find(|word| word.starts_with("SHA256:")).map(str::to_owned)
}

/// The last line that holds `sign`: the first attempts of several may have been mended by later ones.
fn line_with<'a>(log: &'a str, sign: &str) -> Option<&'a str> {
    let is_told = |line: &&str| line.contains(sign) && (!line.starts_with("debug") || sign.starts_with("Server host"));
    log.lines().rfind(is_told)
}
