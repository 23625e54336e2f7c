//! The JSON of `ansible-inventory --list` (and of dynamic inventory scripts) into hosts.
//!
//! Each group that a host is in, directly or through `children`, becomes the label `group_NAME: "true"`:
//! `select: group_web,!group_staging` chooses as Ansible's pattern `web:!staging` does. One label a group,
//! because a label has one value and a host is in many groups. `all` is left out: every host is in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::id::{Address, HostName, UserName};
use crate::inventory::HOSTS_MAX;
use crate::inventory::entry::{Base, Entry, Loaded, Place, Road, SshRoad};
use crate::inventory::selector::label_key_fault;
use crate::inventory::target::Expect;

/// Variables that change how Ansible connects and that we do not follow: what they ask for would be
/// arguments or commands out of a file that is not ours to run.
const IGNORED: [&str; 12] = [
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_args",
    "ansible_ssh_executable",
    "ansible_ssh_pass",
    "ansible_ssh_password",
    "ansible_password",
    "ansible_ssh_pipelining",
    "ansible_ssh_transfer_method",
    "ansible_host_key_checking",
    "ansible_ssh_host_key_checking",
    "ansible_ssh_private_key",
];

/// Reads the listing. A host with a problem is left out, and a diagnostic at `place` says why.
pub fn read(json: &[u8], place: &Place, base: &Base) -> Loaded {
    match serde_json::from_slice::<Value>(json) {
        Ok(Value::Object(listing)) => Listing { listing: &listing, place, base }.load(),
        Ok(_) => refused(place, "the listing is not a JSON object"),
        Err(error) => refused(place, &format!("the listing is not JSON: {error}")),
    }
}

fn refused(place: &Place, message: &str) -> Loaded {
    let help = "it must be what `ansible-inventory --list` prints";
    Loaded { diagnostics: vec![place.error("inventory[ansible]", message).help(help)], ..Loaded::default() }
}

struct Listing<'a> {
    listing: &'a Map<String, Value>,
    place: &'a Place,
    base: &'a Base,
}

impl Listing<'_> {
    fn load(&self) -> Loaded {
        let mut loaded = Loaded::default();
        let memberships = self.memberships();
        let hostvars = self.listing.get("_meta").and_then(|meta| meta.get("hostvars")).and_then(Value::as_object);
        let none = Map::new();
        let hostvars = hostvars.unwrap_or(&none);
        let names: BTreeSet<&str> = hostvars.keys().map(String::as_str).chain(memberships.keys().copied()).collect();
        let mut ignored: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names.into_iter().take(HOSTS_MAX + 1) {
            let variables = hostvars.get(name).and_then(Value::as_object).unwrap_or(&none);
            for variable in IGNORED.into_iter().filter(|variable| variables.contains_key(*variable)) {
                ignored.entry(variable).or_default().push(name);
            }
            let groups = memberships.get(name).cloned().unwrap_or_default();
            match self.entry(name, variables, &groups) {
                Ok(entry) => loaded.hosts.push(entry),
                Err(reason) => {
                    let message = format!("the host {} is left out: {reason}", shown(name));
                    loaded.diagnostics.push(self.place.error("inventory[ansible]", message));
                }
            }
        }
        loaded.diagnostics.extend(self.unfit_groups(&memberships));
        loaded.diagnostics.extend(ignored.into_iter().map(|(variable, hosts)| self.ignored(variable, &hosts)));
        loaded
    }

    fn ignored(&self, variable: &str, hosts: &[&str]) -> Diagnostic {
        let message = format!("{variable} is ignored for {}", listed(hosts));
        let help = "state these hosts under `hosts` if they cannot be reached without it";
        self.place.warning("inventory[ignored]", message).help(help)
    }

    /// Groups whose names cannot be part of a label.
    fn unfit_groups(&self, memberships: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Diagnostic> {
        let groups: BTreeSet<&str> = memberships.values().flatten().copied().collect();
        let unfit: Vec<&str> = groups.into_iter().filter(|group| label_key_fault(&label_of(group)).is_some()).collect();
        if unfit.is_empty() {
            return Vec::new();
        }
        let message = format!("groups whose names do not fit a label are left out: {}", listed(&unfit));
        vec![self.place.warning("inventory[label]", message).help("rename them, or state labels under `hosts`")]
    }

    /// For each host, the groups that it is in.
    fn memberships(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut parents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in self.groups() {
            for child in self.members(group, "children") {
                parents.entry(child).or_default().push(group);
            }
        }
        let mut memberships: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for group in self.groups() {
            let hosts = self.members(group, "hosts");
            if hosts.is_empty() {
                continue;
            }
            let groups = with_ancestors(group, &parents);
            for host in hosts {
                memberships.entry(host).or_default().extend(&groups);
            }
        }
        memberships
    }

    fn groups(&self) -> impl Iterator<Item = &str> {
        self.listing.keys().map(String::as_str).filter(|name| *name != "_meta")
    }

    /// `hosts` or `children` of a group. Old scripts print a group as a plain list of hosts.
    fn members(&self, group: &str, field: &str) -> Vec<&str> {
        let members = match self.listing.get(group) {
            Some(Value::Array(hosts)) if field == "hosts" => Some(hosts),
            Some(group) => group.get(field).and_then(Value::as_array),
            None => None,
        };
        members.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn entry(&self, name: &str, variables: &Map<String, Value>, groups: &BTreeSet<&str>) -> Result<Entry, String> {
        let host_name: HostName = name.parse().map_err(|invalid: crate::id::InvalidId| invalid.to_string())?;
        let labels = groups.iter().map(|group| label_of(group)).filter(|label| label_key_fault(label).is_none());
        Ok(Entry {
            name: host_name,
            place: self.place.clone(),
            road: self.road(variables)?,
            labels: labels.map(|label| (label, "true".to_owned())).collect(),
            expect: Expect::default(),
        })
    }

    fn road(&self, variables: &Map<String, Value>) -> Result<Road, String> {
        let text = |names: &[&str]| text(variables, names);
        match text(&["ansible_connection"])?.as_deref() {
            None | Some("ssh" | "smart" | "paramiko" | "paramiko_ssh" | "ansible.builtin.ssh") => {}
            Some("local" | "ansible.builtin.local") => return Ok(Road::Local),
            Some(other) => return Err(format!("ansible_connection is {other:?}, and only ssh and local are known")),
        }
        let identity = text(&["ansible_ssh_private_key_file", "ansible_private_key_file"])?;
        Ok(Road::Ssh(SshRoad {
            address: parsed::<Address>("ansible_host", text(&["ansible_host", "ansible_ssh_host"])?)?,
            port: port(text(&["ansible_port", "ansible_ssh_port"])?)?,
            user: parsed::<UserName>("ansible_user", text(&["ansible_user", "ansible_ssh_user"])?)?,
            identity: identity.map(|path| self.base.path(&path)).transpose()?,
            host_key: None,
            jump: None,
        }))
    }
}

fn label_of(group: &str) -> String {
    format!("group_{group}")
}

/// The group and all groups above it but `all`. Ansible refuses circles; scripts may print them.
fn with_ancestors<'a>(group: &'a str, parents: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![group];
    while let Some(next) = waiting.pop() {
        if next != "all" && found.insert(next) {
            waiting.extend(parents.get(next).into_iter().flatten());
        }
    }
    found
}

/// The first of the variables that is there, as text.
fn text(variables: &Map<String, Value>, names: &[&str]) -> Result<Option<String>, String> {
    let Some((name, value)) = names.iter().find_map(|name| variables.get(*name).map(|value| (name, value))) else {
        return Ok(None);
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.contains("{{") || text.contains("{%") => {
            Err(format!("{name} is a template, which only Ansible can fill in"))
        }
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(format!("{name} is not a text")),
    }
}

fn parsed<T: std::str::FromStr<Err = crate::id::InvalidId>>(
    name: &str,
    text: Option<String>,
) -> Result<Option<T>, String> {
    text.map(|text| text.parse()).transpose().map_err(|invalid: crate::id::InvalidId| format!("{name}: {invalid}"))
}

fn port(text: Option<String>) -> Result<Option<u16>, String> {
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        Ok(port) if port > 0 => Ok(Some(port)),
        Ok(_) | Err(_) => Err(format!("ansible_port is {text:?}, not a port")),
    }
}

/// A name out of a foreign file: quoted, on one line, cut.
fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(80).collect::<String>())
}

fn listed(names: &[&str]) -> String {
    const LISTED_MAX: usize = 3;
    let first: Vec<String> = names.iter().take(LISTED_MAX).map(|name| shown(name)).collect();
    match names.len().saturating_sub(LISTED_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
