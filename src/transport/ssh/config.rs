//! The configuration file of one ssh connection: everything that ssh is told, and nothing of the user's own.
//!
//! Each host on the way has an alias of ours (`hop-1`, …, `target`), so that nothing that a user wrote stands on ssh's
//! command line, and each has its own key, account and known hosts: a jump host's key never counts for its target.

use std::fmt::Write as _;
use std::path::Path;

use crate::inventory::target::{HostKey, SshTarget};

/// The destination on ssh's command line.
pub(super) const TARGET: &str = "target";

/// Names of a connection's files.
pub(super) const CONFIG: &str = "config";
pub(super) const KNOWN_HOSTS: &str = "known_hosts";
/// What the target's own ssh says.
pub(super) const LOG: &str = "log";
/// What the jump hosts' say.
pub(super) const HOPS_LOG: &str = "hops.log";

/// For every host. The dead network is noticed after 3 × 5 seconds. DEBUG1, because only there ssh names the
/// fingerprint of the key that it was shown.
const COMMON: &str = "Host *
  BatchMode yes
  StrictHostKeyChecking yes
  UpdateHostKeys no
  VerifyHostKeyDNS no
  CheckHostIP no
  HashKnownHosts no
  PasswordAuthentication no
  KbdInteractiveAuthentication no
  ForwardAgent no
  ForwardX11 no
  ClearAllForwardings yes
  Tunnel no
  PermitLocalCommand no
  CanonicalizeHostname no
  RequestTTY no
  EscapeChar none
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
  LogLevel DEBUG1
";

/// Alias of the host at `index` of the way to a target behind `hops` jump hosts.
pub(super) fn alias(index: usize, hops: usize) -> String {
    if index == hops { TARGET.to_owned() } else { format!("hop-{}", index + 1) }
}

/// The way: jump hosts in order, then the target itself.
pub(super) fn way(target: &SshTarget) -> Vec<&SshTarget> {
    target.jump.iter().chain([target]).collect()
}

/// The file's text, for a connection with its files in `directory`.
///
/// # Errors
/// A path that the file cannot hold.
pub(super) fn text(target: &SshTarget, directory: &Path) -> Result<String, String> {
    let known_hosts = directory.join(KNOWN_HOSTS);
    let way = way(target);
    let hops = way.len() - 1;
    let mut text = String::new();
    for (index, host) in way.iter().enumerate() {
        let name = alias(index, hops);
        let _ = writeln!(text, "Host {name}\n  HostName {}\n  Port {}", host.address, host.port);
        if let Some(user) = &host.user {
            let _ = writeln!(text, "  User {user}");
        }
        if let Some(identity) = &host.identity {
            let _ = writeln!(text, "  IdentityFile {}\n  IdentitiesOnly yes", quoted(identity)?);
        }
        match &host.host_key {
            HostKey::Pinned(_) => {
                let file = quoted(&known_hosts)?;
                let _ =
                    writeln!(text, "  HostKeyAlias {name}\n  UserKnownHostsFile {file}\n  GlobalKnownHostsFile none");
            }
            HostKey::KnownHosts(file) => {
                let _ = writeln!(text, "  UserKnownHostsFile {}\n  GlobalKnownHostsFile none", quoted(file)?);
            }
            HostKey::UserKnownHosts => {}
        }
        if index > 0 {
            let _ = writeln!(text, "  ProxyCommand {}", proxy_command(directory, &alias(index - 1, hops))?);
        }
    }
    text.push_str(COMMON);
    Ok(text)
}

/// What `ProxyJump` would do, but with a log: ssh closes the standard error of a ProxyJump when it keeps the connection,
/// and nobody would learn which host of the way refused, or why.
fn proxy_command(directory: &Path, hop: &str) -> Result<String, String> {
    let word = |name: &str| {
        let path = directory.join(name);
        let path = path.to_str().and_then(|path| shlex::try_quote(path).ok().map(|word| word.replace('%', "%%")));
        path.ok_or_else(|| format!("a command line cannot hold the path {}", directory.display()))
    };
    Ok(format!("ssh -F {} -E {} -W '[%h]:%p' {hop}", word(CONFIG)?, word(HOPS_LOG)?))
}

/// The pinned keys of the whole way, each under its host's alias.
///
/// # Errors
/// A key that is not one line of type and base64.
pub(super) fn known_hosts(target: &SshTarget) -> Result<String, String> {
    let way = way(target);
    let hops = way.len() - 1;
    let mut text = String::new();
    for (index, host) in way.iter().enumerate() {
        let HostKey::Pinned(keys) = &host.host_key else { continue };
        for key in keys {
            let words: Vec<&str> = key.split_whitespace().collect();
            let (Some(kind), Some(base64)) = (words.first(), words.get(1)) else {
                return Err(format!("the host key {key:?} of {} is not of the form `ssh-ed25519 AAAA…`", host.address));
            };
            let _ = writeln!(text, "{} {kind} {base64}", alias(index, hops));
        }
    }
    Ok(text)
}

/// A path for the file: in double quotes, `%` doubled; refused if it holds what ssh would read as something else.
fn quoted(path: &Path) -> Result<String, String> {
    let text = path.to_str().ok_or_else(|| format!("the path {} is not UTF-8", path.display()))?;
    if text.contains(['"', '\\', '\n', '\r', '\0']) || text.contains("${") {
        return Err(format!("ssh's configuration cannot hold the path {text:?}"));
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn host(address: &str, key: &str) -> SshTarget {
        SshTarget {
            address: address.parse().expect("an address"),
            port: 22,
            user: None,
            identity: None,
            host_key: HostKey::Pinned(vec![key.to_owned()]),
            jump: vec![],
        }
    }

    #[test]
    fn every_host_of_the_way_has_its_own_alias_key_and_identity() {
        let target = SshTarget {
            user: Some("ops".parse().expect("a name")),
            identity: Some(PathBuf::from("/keys/100% mine")),
            jump: vec![host("bastion", "ssh-ed25519 AAAAb x"), host("inner", "ssh-ed25519 AAAAi")],
            ..host("web-1", "ssh-ed25519 AAAAw comment")
        };
        let text = text(&target, Path::new("/dir")).expect("good paths");
        assert!(text.contains("Host hop-2\n  HostName inner\n  Port 22\n  HostKeyAlias hop-2\n"), "{text}");
        assert!(text.contains("  IdentityFile \"/keys/100%% mine\"\n  IdentitiesOnly yes\n"), "{text}");
        let command = "  ProxyCommand ssh -F /dir/config -E /dir/hops.log -W '[%h]:%p' hop-1\nHost target\n";
        assert!(text.contains(command), "{text}");
        let known = known_hosts(&target).expect("good keys");
        assert_eq!(known, "hop-1 ssh-ed25519 AAAAb\nhop-2 ssh-ed25519 AAAAi\ntarget ssh-ed25519 AAAAw\n");
    }

    #[test]
    fn a_path_or_key_that_could_add_an_option_is_refused() {
        for path in ["/a\"\nProxyCommand x", "/a\\b", "/${HOME}/x"] {
            let target = SshTarget { identity: Some(PathBuf::from(path)), ..host("a", "ssh-ed25519 A") };
            assert!(text(&target, Path::new("/dir")).is_err(), "{path:?} was taken");
        }
        assert!(known_hosts(&host("a", "nonsense")).is_err());
        assert_eq!(known_hosts(&host("a", "k v\n* k v")).expect("cut"), "target k v\n");
    }
}
