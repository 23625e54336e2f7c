//! `inventory.yaml`: text in, the hosts it states and the sources it names out, with all that is wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::id::HostName;
use crate::inventory::Inventory;
use crate::inventory::entry::{Base, Defaults, Entry, Hop, Loaded, Place, Road, SshRoad};
use crate::inventory::host_key;
use crate::inventory::resolve::resolve;
use crate::inventory::selector::{label_key_fault, label_value_fault};
use crate::inventory::target::{Expect, HostKey};
use crate::yaml::{self, Fields, Item, Plain, Reader};

/// The version of the inventory format.
pub const VERSION: i64 = 1;

/// A command line in `from` longer than this is refused: it belongs in a script.
const COMMAND_WORDS_MAX: usize = 64;

/// An inventory file after reading; its sources are not loaded yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedInventory {
    pub defaults: Defaults,
    pub hosts: Vec<Entry>,
    pub sources: Vec<Source>,
    pub diagnostics: Vec<Diagnostic>,
}

/// An item of `from`: more hosts, from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub kind: SourceKind,
    pub place: Place,
}

/// What an item of `from` names. Paths are as written: what they are relative to depends on the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A file, folder or executable that `ansible-inventory` reads.
    Ansible(String),
    /// A program with its arguments, which prints the same JSON.
    Command(Vec<String>),
    SshConfig(String),
}

impl ParsedInventory {
    /// The inventory, once the sources are loaded, and everything that is wrong with any of it.
    pub fn with_sources(mut self, mut loaded: Vec<Loaded>) -> (Inventory, Vec<Diagnostic>) {
        loaded.insert(0, Loaded { hosts: self.hosts, hops: Vec::new(), diagnostics: Vec::new() });
        let (inventory, mut found) = resolve(&self.defaults, loaded);
        self.diagnostics.append(&mut found);
        (inventory, self.diagnostics)
    }

    /// All that can be said without loading anything: jumps are followed only if `from` names no source
    /// that could still state the host they lead through.
    pub fn check(self) -> Vec<Diagnostic> {
        if self.sources.is_empty() { self.with_sources(Vec::new()).1 } else { self.diagnostics }
    }
}

/// Reads an inventory file. `file` is its name in diagnostics; paths in it are relative to `base`.
pub fn parse(file: &str, bytes: &[u8], base: &Base) -> ParsedInventory {
    let document = yaml::read(file, bytes);
    let mut parsed = ParsedInventory { diagnostics: document.diagnostics, ..ParsedInventory::default() };
    let Some(root) = document.root else { return parsed };
    let reader = Reader::new(file);
    let decoder = Decoder { file, reader: &reader, base };
    decoder.inventory(reader.item(&root), &mut parsed);
    parsed.diagnostics.append(&mut reader.finish());
    parsed.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    parsed
}

struct Decoder<'r> {
    file: &'r str,
    reader: &'r Reader<'r>,
    base: &'r Base,
}

impl<'r> Decoder<'r> {
    fn inventory(&self, root: Item<'r>, parsed: &mut ParsedInventory) {
        let Some(mut fields) = root.fields() else { return };
        if let Some(version) = fields.required("steadyhand")
            && let Some(number) = version.integer()
            && number != VERSION
        {
            let message = format!("version {number} of the inventory format is not known here");
            version.error("schema[version]", message, format!("write `steadyhand: {VERSION}`"));
        }
        if let Some(defaults) = fields.get("defaults") {
            parsed.defaults = self.defaults(defaults).unwrap_or_default();
        }
        if let Some(hosts) = fields.get("hosts").filter(|item| !is_null(*item)) {
            let hosts = hosts.entries().unwrap_or_default();
            parsed.hosts = hosts.into_iter().filter_map(|(item, name)| self.host(item, name)).collect();
        }
        if let Some(from) = fields.get("from").filter(|item| !is_null(*item)) {
            let items = from.list().unwrap_or_default();
            parsed.sources = items.into_iter().filter_map(|item| self.source(item)).collect();
        }
        fields.finish();
    }

    fn defaults(&self, item: Item<'r>) -> Option<Defaults> {
        let mut fields = item.fields()?;
        let defaults = Defaults {
            port: fields.get("port").and_then(port),
            user: fields.get("user").and_then(|item| item.id()),
            identity: fields.get("identity").and_then(|item| self.path(item)),
            known_hosts: fields.get("known_hosts").and_then(|item| self.path(item)),
            jump: fields.get("jump").and_then(jump).unwrap_or_default(),
        };
        fields.finish();
        Some(defaults)
    }

    fn host(&self, item: Item<'r>, name: &str) -> Option<Entry> {
        let name: Result<HostName, _> = name.parse();
        if let Err(invalid) = &name {
            item.key_error(
                "schema[type]",
                invalid.to_string(),
                "rename the host; `address` may be anything ssh reaches",
            );
        }
        let place = Place { file: self.file.to_owned(), span: item.key_span, source: None };
        if is_null(item) {
            let road = Road::Ssh(SshRoad::default());
            return Some(Entry { name: name.ok()?, place, road, labels: BTreeMap::new(), expect: Expect::default() });
        }
        let mut fields = item.fields()?;
        let labels = fields.get("labels").map(|item| self.labels(item)).unwrap_or_default();
        let expect = fields.get("expect").and_then(expect).unwrap_or_default();
        let road = self.road(&mut fields);
        fields.finish();
        Some(Entry { name: name.ok()?, place, road, labels, expect })
    }

    fn road(&self, fields: &mut Fields<'r>) -> Road {
        const SSH_ONLY: [&str; 7] = ["address", "port", "user", "identity", "host_key", "known_hosts", "jump"];
        let transport = fields.get("transport").and_then(|item| item.choice(&[("ssh", false), ("local", true)]));
        if transport == Some(true) {
            for field in SSH_ONLY {
                if let Some(item) = fields.get(field) {
                    let message = format!("\"{field}\" has no meaning with `transport: local`");
                    item.key_error("inventory[local]", message, "remove one of the two");
                }
            }
            return Road::Local;
        }
        Road::Ssh(SshRoad {
            address: fields.get("address").and_then(|item| item.id()),
            port: fields.get("port").and_then(port),
            user: fields.get("user").and_then(|item| item.id()),
            identity: fields.get("identity").and_then(|item| self.path(item)),
            host_key: self.host_key(fields),
            jump: fields.get("jump").and_then(jump),
        })
    }

    fn host_key(&self, fields: &mut Fields<'r>) -> Option<HostKey> {
        let pinned = fields.get("host_key");
        let known_hosts = fields.get("known_hosts");
        if let (Some(_), Some(known_hosts)) = (pinned, known_hosts) {
            let message = "\"host_key\" and \"known_hosts\" are both given";
            known_hosts.key_error("inventory[host-key]", message, "keep one: a pinned key needs no file");
        }
        if let Some(item) = pinned {
            let keys = match &item.node.kind {
                yaml::Kind::Sequence(_) => item.list_of(pinned_key)?,
                _ => vec![pinned_key(item)?],
            };
            if keys.is_empty() {
                item.error("inventory[host-key]", "no key is given", "write one, or remove the field");
                return None;
            }
            return Some(HostKey::Pinned(keys));
        }
        known_hosts.and_then(|item| self.path(item)).map(HostKey::KnownHosts)
    }

    fn labels(&self, item: Item<'r>) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for (item, key) in item.entries().unwrap_or_default() {
            if let Some(message) = label_key_fault(key) {
                item.key_error("inventory[label]", message, "rename the label: selectors could not name it");
            }
            // An empty value is a value; `zone:` and `zone: ""` both mean it.
            let value = if is_null(item) { Some("") } else { item.text() };
            let Some(value) = value else { continue };
            if let Some(message) = label_value_fault(value) {
                item.error("inventory[label]", message, "change the value: selectors could not name it");
            }
            labels.insert(key.to_owned(), value.to_owned());
        }
        labels
    }

    fn path(&self, item: Item<'r>) -> Option<PathBuf> {
        match self.base.path(item.filled_text()?) {
            Ok(path) => Some(path),
            Err(message) => {
                item.error("inventory[path]", message, "write a path, absolute or relative to this file");
                None
            }
        }
    }

    fn source(&self, item: Item<'r>) -> Option<Source> {
        let mut fields = item.fields()?;
        let ansible = fields.get("ansible");
        let command = fields.get("command");
        let ssh_config = fields.get("ssh_config");
        let span = fields.head();
        fields.finish();
        let (kind, name) = match (ansible, command, ssh_config) {
            (Some(item), None, None) => {
                let path = source_path(item)?;
                (SourceKind::Ansible(path.clone()), format!("ansible: {path}"))
            }
            (None, Some(item), None) => {
                let words = command_words(item)?;
                let name = format!("command: {}", words[0]);
                (SourceKind::Command(words), name)
            }
            (None, None, Some(item)) => {
                let path = source_path(item)?;
                (SourceKind::SshConfig(path.clone()), format!("ssh_config: {path}"))
            }
            (None, None, None) | (Some(_), _, _) | (_, Some(_), _) => {
                let message = "each source is one of ansible, command and ssh_config";
                let help = "write each on its own line after `- `".to_owned();
                self.reader.error("inventory[source]", span, message, Some(help));
                return None;
            }
        };
        Some(Source { kind, place: Place { file: self.file.to_owned(), span, source: Some(name) } })
    }
}

fn is_null(item: Item<'_>) -> bool {
    matches!(&item.node.kind, yaml::Kind::Scalar(scalar) if scalar.plain() == Plain::Null)
}

fn port(item: Item<'_>) -> Option<u16> {
    let port = item.whole_number::<u16>()?;
    if port == 0 {
        item.error("schema[type]", "0 is not a port", "ports are 1 to 65535; ssh listens on 22");
        return None;
    }
    Some(port)
}

fn jump(item: Item<'_>) -> Option<Vec<Hop>> {
    let hop = |item: Item<'_>| Some(Hop { name: item.id()?, user: None, port: None, span: item.span() });
    match &item.node.kind {
        yaml::Kind::Sequence(_) => item.list_of(hop),
        _ => Some(vec![hop(item)?]),
    }
}

fn pinned_key(item: Item<'_>) -> Option<String> {
    let text = item.filled_text()?;
    match host_key::parse(text.trim()) {
        Ok(key) => Some(key),
        Err(message) => {
            let help = "copy one of the lines of /etc/ssh/ssh_host_*_key.pub on the host";
            item.error("inventory[host-key]", message, help);
            None
        }
    }
}

fn expect(item: Item<'_>) -> Option<Expect> {
    let mut fields = item.fields()?;
    let hostname = fields.get("hostname").and_then(|item| item.line(253)).map(str::to_owned);
    let machine_id = fields.get("machine_id").and_then(machine_id);
    fields.finish();
    Some(Expect { hostname, machine_id })
}

fn machine_id(item: Item<'_>) -> Option<String> {
    let text = item.text()?;
    let is_good = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_good {
        let message = format!("{text:?} is not a machine id");
        item.error("schema[type]", message, "copy the 32 digits of /etc/machine-id on the host");
    }
    is_good.then(|| text.to_owned())
}

fn source_path(item: Item<'_>) -> Option<String> {
    let path = item.line(4096)?;
    if path.starts_with('-') {
        item.error("inventory[source]", format!("{path:?} would be read as an option"), "write it with `./` before it");
        return None;
    }
    Some(path.to_owned())
}

fn command_words(item: Item<'_>) -> Option<Vec<String>> {
    if !matches!(item.node.kind, yaml::Kind::Sequence(_)) {
        item.mismatch("a list", Some("no shell reads it: write `[./hosts.sh, --json]`".to_owned()));
        return None;
    }
    let words = item.list_of(|word| word.text().map(str::to_owned))?;
    if words.first().is_none_or(String::is_empty) || words.len() > COMMAND_WORDS_MAX {
        let message = format!("a command is a program and at most {} arguments", COMMAND_WORDS_MAX - 1);
        item.error("inventory[source]", message, "e.g. `[./hosts.sh, --json]`");
        return None;
    }
    Some(words)
}
