//! Hosts out of an ssh_config: each `Host` name without a pattern is one. Patterns give defaults as they do
//! for ssh: the first value wins (ssh_config(5)).
//!
//! Only what we know how to follow safely is followed. A host for which the file asks for more (a command
//! of any kind, a `Match` that we cannot decide) is left out, and a diagnostic says why: we never run a
//! command out of an ssh_config, and connecting in another way than ssh would could reach another machine.
//! Settings that do not change which machine is reached (forwarding, keep-alives) are passed over.

mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::id::{Address, HostName, UserName};
use crate::inventory::HOSTS_MAX;
use crate::inventory::entry::{Base, Entry, Hop, Loaded, Place, Road, SshRoad};
use crate::inventory::target::{Expect, HostKey};
pub use lines::{ConfigText, INCLUDE_DEPTH_MAX, glob_matches};
use lines::{Holds, Line, read_lines};

/// Hosts gone through that have no `Host` line of their own; a file that needs more is made to be slow.
const HOPS_MAX: usize = 200;

/// Settings that we do not follow and that decide where a connection leads or what it runs.
const REFUSED: [(&str, &str); 7] = [
    ("proxycommand", "it asks for a ProxyCommand; use ProxyJump"),
    ("localcommand", "it asks for a LocalCommand"),
    ("remotecommand", "it asks for a RemoteCommand"),
    ("knownhostscommand", "it asks for a KnownHostsCommand"),
    ("pkcs11provider", "it asks for a PKCS11Provider; use the agent"),
    ("securitykeyprovider", "it asks for a SecurityKeyProvider; use the agent"),
    ("hostkeyalias", "it asks for a HostKeyAlias; state the host under `hosts` with its host_key"),
];

const FOLLOWED: [&str; 6] = ["hostname", "port", "user", "identityfile", "proxyjump", "userknownhostsfile"];

/// Reads a configuration. `include` gives the files that an `Include` pattern means.
pub fn read(
    main: &ConfigText,
    include: &dyn Fn(&str) -> Result<Vec<ConfigText>, String>,
    place: &Place,
    base: &Base,
) -> Loaded {
    let mut loaded = Loaded::default();
    let lines = match read_lines(main, include) {
        Ok(lines) => lines,
        Err(message) => {
            loaded.diagnostics.push(place.error("inventory[ssh-config]", message));
            return loaded;
        }
    };
    let config = Config { lines: &lines, place, base };
    for alias in config.aliases().into_iter().take(HOSTS_MAX) {
        match config.entry(alias) {
            Ok(entry) => loaded.hosts.push(entry),
            Err(reason) => {
                let shown: String = alias.chars().take(80).collect();
                let message = format!("the host {shown:?} is left out: {reason}");
                loaded.diagnostics.push(place.warning("inventory[ssh-config]", message));
            }
        }
    }
    loaded.hops = config.hops(&loaded.hosts);
    loaded
}

struct Config<'a> {
    lines: &'a [Line],
    place: &'a Place,
    base: &'a Base,
}

impl Config<'_> {
    /// `Host` names without a pattern, once each, in the order of the file.
    fn aliases(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let named = self.lines.iter().filter(|line| line.keyword == "host").flat_map(|line| &line.words);
        named.map(String::as_str).filter(|name| !name.contains(['*', '?', '!']) && seen.insert(*name)).collect()
    }

    /// The hosts that are gone through and have no `Host` line: ssh applies the patterns to them too.
    fn hops(&self, hosts: &[Entry]) -> Vec<Entry> {
        let mut known: BTreeSet<HostName> = hosts.iter().map(|entry| entry.name.clone()).collect();
        let mut waiting: Vec<HostName> = hosts.iter().flat_map(hop_names).cloned().collect();
        let mut hops = Vec::new();
        while let Some(name) = waiting.pop() {
            if hops.len() < HOPS_MAX
                && known.insert(name.clone())
                && let Ok(entry) = self.entry(name.as_str())
            {
                waiting.extend(hop_names(&entry).cloned());
                hops.push(entry);
            }
        }
        hops
    }

    fn entry(&self, alias: &str) -> Result<Entry, String> {
        let name: HostName = alias.parse().map_err(|invalid: crate::id::InvalidId| invalid.to_string())?;
        let values = self.values(alias)?;
        let word = |keyword: &str| values.get(keyword).and_then(|words| words.first()).map(String::as_str);
        let road = SshRoad {
            address: word("hostname").map(|text| address(text, alias)).transpose()?,
            port: word("port").map(port).transpose()?,
            user: word("user").map(user).transpose()?,
            identity: word("identityfile").map(|text| self.identity(text)).transpose()?.flatten(),
            host_key: self.host_key(values.get("userknownhostsfile"))?,
            jump: word("proxyjump").map(|text| self.jump(text)).transpose()?,
        };
        let (labels, expect) = (BTreeMap::new(), Expect::default());
        Ok(Entry { name, place: self.place.clone(), road: Road::Ssh(road), labels, expect })
    }

    /// The first value of each setting that holds for the alias, or why the host cannot be used.
    fn values(&self, alias: &str) -> Result<BTreeMap<&str, &[String]>, String> {
        let mut values: BTreeMap<&str, &[String]> = BTreeMap::new();
        for line in self.lines {
            let keyword = line.keyword.as_str();
            let refused = REFUSED.iter().find(|(name, _)| *name == keyword);
            if refused.is_none() && !FOLLOWED.contains(&keyword) || values.contains_key(keyword) {
                continue;
            }
            // Of ProxyCommand and ProxyJump, the first one decides.
            if keyword == "proxycommand" && values.contains_key("proxyjump")
                || keyword == "proxyjump" && values.contains_key("proxycommand")
            {
                continue;
            }
            let is_none = line.words.first().is_some_and(|word| word.eq_ignore_ascii_case("none"));
            let reached = values.get("hostname").and_then(|words| words.first()).map_or(alias, String::as_str);
            match (line.holds(alias, reached), refused) {
                (Holds::No, _) => {}
                (Holds::Unknown(criterion), _) => {
                    return Err(format!(
                        "{} may set {keyword} for it under a Match on {criterion:?}, which is not followed",
                        line.place
                    ));
                }
                (Holds::Yes, Some((_, reason))) if !is_none => return Err(format!("{reason} ({})", line.place)),
                (Holds::Yes, _) => _ = values.insert(keyword, &line.words),
            }
        }
        Ok(values)
    }

    fn identity(&self, text: &str) -> Result<Option<PathBuf>, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(None);
        }
        self.file("IdentityFile", text).map(Some)
    }

    fn host_key(&self, files: Option<&&[String]>) -> Result<Option<HostKey>, String> {
        let Some(files) = files else { return Ok(None) };
        match files.first().map(String::as_str) {
            None => Ok(None),
            // What turns the check off for ssh leaves the usual file for us: a host always proves itself.
            Some("/dev/null") => Ok(Some(HostKey::UserKnownHosts)),
            Some(text) if text.eq_ignore_ascii_case("none") => Ok(Some(HostKey::UserKnownHosts)),
            Some(text) if files.len() == 1 => Ok(Some(HostKey::KnownHosts(self.file("UserKnownHostsFile", text)?))),
            Some(_) => Err("it has several UserKnownHostsFiles; name one".to_owned()),
        }
    }

    fn file(&self, setting: &str, text: &str) -> Result<PathBuf, String> {
        let home = self.base.home.as_ref().map(|home| home.to_string_lossy().into_owned());
        let text = match (text.strip_prefix("%d"), home) {
            (Some(rest), Some(home)) => format!("{home}{rest}"),
            _ => text.to_owned(),
        };
        if text.contains('%') || text.contains("${") {
            return Err(format!("its {setting} {text:?} has tokens that are not filled in here"));
        }
        // ssh reads relative paths from its current folder, which here would be the server's.
        if !text.starts_with(['/', '~']) {
            return Err(format!("its {setting} {text:?} is not an absolute path"));
        }
        self.base.path(&text)
    }

    fn jump(&self, text: &str) -> Result<Vec<Hop>, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Vec::new());
        }
        text.split(',').map(|hop| self.hop(hop.trim())).collect()
    }

    /// `[user@]host[:port]` or `ssh://[user@]host[:port]`.
    fn hop(&self, text: &str) -> Result<Hop, String> {
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        let (account, rest) = match rest.rsplit_once('@') {
            Some((account, rest)) => (Some(user(account)?), rest),
            None => (None, rest),
        };
        let (name, number) = match rest.rsplit_once(':') {
            Some((name, number)) => (name, Some(port(number)?)),
            None => (rest, None),
        };
        let name = name.parse().map_err(|_| format!("its ProxyJump {text:?} is not followed"))?;
        Ok(Hop { name, user: account, port: number, span: self.place.span })
    }
}

fn hop_names(entry: &Entry) -> impl Iterator<Item = &HostName> {
    let jump = match &entry.road {
        Road::Ssh(road) => road.jump.as_deref(),
        Road::Local => None,
    };
    jump.unwrap_or_default().iter().map(|hop| &hop.name)
}

fn address(text: &str, alias: &str) -> Result<Address, String> {
    let filled = text.replace("%%", "\0").replace("%h", alias).replace('\0', "%");
    filled.parse().map_err(|invalid: crate::id::InvalidId| format!("its HostName: {invalid}"))
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("{text:?} is not a port"))
}

fn user(text: &str) -> Result<UserName, String> {
    text.parse().map_err(|invalid: crate::id::InvalidId| format!("its User: {invalid}"))
}
