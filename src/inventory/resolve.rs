//! From entries and defaults to targets: names are unique, every hop is known, no jump leads back.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::id::{Address, HostName};
use crate::inventory::entry::{Defaults, Entry, Hop, Loaded, Road, SshRoad};
use crate::inventory::target::{HostKey, SshTarget, Target, Via};
use crate::inventory::{HOSTS_MAX, Inventory};
use crate::yaml::suggestion;

/// ssh takes more, but a longer chain is a mistake, and each hop is a process.
pub const JUMPS_MAX: usize = 8;

const PORT: u16 = 22;

/// Makes the inventory. A host with a problem is left out, and the diagnostics say why.
pub fn resolve(defaults: &Defaults, loaded: Vec<Loaded>) -> (Inventory, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut hosts: Vec<Entry> = Vec::new();
    let mut hops = Vec::new();
    let mut seen: BTreeMap<HostName, usize> = BTreeMap::new();
    for mut source in loaded {
        diagnostics.append(&mut source.diagnostics);
        hops.append(&mut source.hops);
        for entry in source.hosts {
            match seen.get(&entry.name) {
                Some(&first) => diagnostics.push(stated_twice(&entry, &hosts[first])),
                None if hosts.len() == HOSTS_MAX => {
                    let message =
                        format!("more than {HOSTS_MAX} hosts; {} and those after it are left out", entry.name);
                    diagnostics.push(entry.place.error("inventory[too-many]", message));
                    break;
                }
                None => {
                    seen.insert(entry.name.clone(), hosts.len());
                    hosts.push(entry);
                }
            }
        }
    }
    let roads = Roads::new(defaults, &hosts, &hops);
    let mut targets = Vec::new();
    for entry in &hosts {
        match roads.target(entry) {
            Ok(target) => targets.push(target),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    (Inventory::new(targets), diagnostics)
}

fn stated_twice(entry: &Entry, first: &Entry) -> Diagnostic {
    let message = format!("the host {} is in two places: {} and {}", entry.name, first.place, entry.place);
    entry.place.error("inventory[duplicate-host]", message).help("a name means one host: take it out of one of them")
}

struct Roads<'a> {
    defaults: &'a Defaults,
    by_name: BTreeMap<&'a HostName, &'a Entry>,
}

impl<'a> Roads<'a> {
    fn new(defaults: &'a Defaults, hosts: &'a [Entry], hops: &'a [Entry]) -> Self {
        // Hosts last, so that a host wins over what an ssh_config knows of the same name.
        let by_name = hops.iter().chain(hosts).map(|entry| (&entry.name, entry)).collect();
        Self { defaults, by_name }
    }

    fn target(&self, entry: &'a Entry) -> Result<Target, Box<Diagnostic>> {
        let via = match &entry.road {
            Road::Local => Via::Local,
            Road::Ssh(road) => {
                let mut target = self.ssh_target(entry, road);
                target.jump = self.chain(entry, self.jump_of(entry, road), &mut vec![&entry.name])?;
                Via::Ssh(target)
            }
        };
        Ok(Target { name: entry.name.clone(), labels: entry.labels.clone(), via, expect: entry.expect.clone() })
    }

    fn ssh_target(&self, entry: &Entry, road: &SshRoad) -> SshTarget {
        let defaults = self.defaults;
        let default_key = || match &defaults.known_hosts {
            Some(file) => HostKey::KnownHosts(file.clone()),
            None => HostKey::UserKnownHosts,
        };
        let own_name = || {
            let name: Result<Address, _> = entry.name.as_str().parse();
            name.expect("every host name is an address: same length, fewer characters")
        };
        SshTarget {
            address: road.address.clone().unwrap_or_else(own_name),
            port: road.port.or(defaults.port).unwrap_or(PORT),
            user: road.user.clone().or_else(|| defaults.user.clone()),
            identity: road.identity.clone().or_else(|| defaults.identity.clone()),
            host_key: road.host_key.clone().unwrap_or_else(default_key),
            jump: Vec::new(),
        }
    }

    /// The default jump does not lead to the hosts that it is made of.
    fn jump_of(&self, entry: &Entry, road: &'a SshRoad) -> &'a [Hop] {
        match &road.jump {
            Some(jump) => jump,
            None if self.defaults.jump.iter().any(|hop| hop.name == entry.name) => &[],
            None => &self.defaults.jump,
        }
    }

    /// The whole way: the first hop's own jumps, then the hops. As with `ssh -J a,b`, only the first
    /// hop's own configuration decides how it is reached.
    fn chain(
        &self,
        entry: &Entry,
        hops: &'a [Hop],
        visited: &mut Vec<&'a HostName>,
    ) -> Result<Vec<SshTarget>, Box<Diagnostic>> {
        let mut chain = Vec::new();
        for (index, hop) in hops.iter().enumerate() {
            let (through, road) = self.hop(entry, hop)?;
            if visited.contains(&&hop.name) {
                return Err(self.leads_back(entry, hop, visited));
            }
            visited.push(&hop.name);
            if index == 0 {
                chain = self.chain(through, self.jump_of(through, road), visited).map_err(|inner| {
                    Box::new(Diagnostic { span: hop_span(entry, hop), ..entry.place.error(&inner.rule, inner.message) })
                })?;
            }
            let mut target = self.ssh_target(through, road);
            target.user = hop.user.clone().or(target.user);
            target.port = hop.port.unwrap_or(target.port);
            chain.push(target);
        }
        if chain.len() > JUMPS_MAX {
            let message =
                format!("{} is behind {} hosts; at most {JUMPS_MAX} are gone through", entry.name, chain.len());
            return Err(Box::new(entry.place.error("inventory[jump]", message)));
        }
        Ok(chain)
    }

    fn hop(&self, entry: &Entry, hop: &Hop) -> Result<(&'a Entry, &'a SshRoad), Box<Diagnostic>> {
        let fault = |message: String| Diagnostic {
            span: hop_span(entry, hop),
            ..entry.place.error("inventory[jump]", message)
        };
        let Some(through) = self.by_name.get(&hop.name).copied() else {
            let names: Vec<&str> = self.by_name.keys().map(|name| name.as_str()).collect();
            let mut fault = fault(format!("the jump host {} of {} is not in the inventory", hop.name, entry.name));
            fault.help = suggestion(hop.name.as_str(), &names).or(Some("add it under `hosts`".to_owned()));
            return Err(Box::new(fault));
        };
        match &through.road {
            Road::Ssh(road) => Ok((through, road)),
            Road::Local => {
                let message = format!("the jump host {} of {} is the server itself", hop.name, entry.name);
                Err(Box::new(fault(message).help("write `jump: []`")))
            }
        }
    }

    fn leads_back(&self, entry: &Entry, hop: &Hop, visited: &[&HostName]) -> Box<Diagnostic> {
        let way: Vec<&str> = visited.iter().map(|name| name.as_str()).chain([hop.name.as_str()]).collect();
        let message = format!("the jumps lead back to {}: {}", hop.name, way.join(" → "));
        let help = "write `jump: []` at the host that is reached directly";
        let diagnostic = entry.place.error("inventory[jump]", message).help(help);
        Box::new(Diagnostic { span: hop_span(entry, hop), ..diagnostic })
    }
}

/// Where the hop is written, if the host writes it itself; else the host.
fn hop_span(entry: &Entry, hop: &Hop) -> Span {
    if hop.span == Span::default() { entry.place.span } else { hop.span }
}
