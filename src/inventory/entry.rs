//! A host as one source states it: nothing is filled in yet. [`super::resolve`] makes targets of these.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::id::{Address, HostName, UserName};
use crate::inventory::target::{Expect, HostKey};

/// Where a host is stated: in `inventory.yaml`, or in something that its `from` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The inventory file.
    pub file: String,
    /// The host's key there, or the item of `from`.
    pub span: Span,
    /// What the item of `from` is, e.g. `ansible: hosts.ini`.
    pub source: Option<String>,
}

impl Place {
    /// An error at this place; says which source it comes from.
    pub fn error(&self, rule: &str, message: impl fmt::Display) -> Diagnostic {
        self.diagnostic(rule, Severity::Error, message)
    }

    /// A warning at this place; says which source it comes from.
    pub fn warning(&self, rule: &str, message: impl fmt::Display) -> Diagnostic {
        self.diagnostic(rule, Severity::Warning, message)
    }

    fn diagnostic(&self, rule: &str, severity: Severity, message: impl fmt::Display) -> Diagnostic {
        let message = match &self.source {
            Some(source) => format!("{source}: {message}"),
            None => message.to_string(),
        };
        Diagnostic::new(rule, severity, &self.file, self.span, message)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} line {}", self.file, self.span.line)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(formatter, " ({source})"))
    }
}

/// One host of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: HostName,
    pub place: Place,
    pub road: Road,
    pub labels: BTreeMap<String, String>,
    pub expect: Expect,
}

/// How a source says that a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Road {
    Local,
    Ssh(SshRoad),
}

/// What a source says of an ssh host; `None` is for the defaults to fill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshRoad {
    pub address: Option<Address>,
    pub port: Option<u16>,
    pub user: Option<UserName>,
    /// Absolute.
    pub identity: Option<PathBuf>,
    pub host_key: Option<HostKey>,
    /// `Some` and empty: no jump, whatever the defaults say.
    pub jump: Option<Vec<Hop>>,
}

/// A host to go through, by its name in the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    pub name: HostName,
    /// As `user@` before a ProxyJump's host; replaces the host's own.
    pub user: Option<UserName>,
    /// As `:port` behind a ProxyJump's host; replaces the host's own.
    pub port: Option<u16>,
    pub span: Span,
}

/// What holds for hosts that do not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    pub port: Option<u16>,
    pub user: Option<UserName>,
    pub identity: Option<PathBuf>,
    /// Only a known_hosts file: one key for every host would be no key.
    pub known_hosts: Option<PathBuf>,
    /// Not applied to the hosts that it names.
    pub jump: Vec<Hop>,
}

/// What the hosts of one item of `from` are, or why there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    pub hosts: Vec<Entry>,
    /// Known only as hosts to go through; runbooks do not see them.
    pub hops: Vec<Entry>,
    pub diagnostics: Vec<Diagnostic>,
}

/// What paths in an inventory are relative to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The folder of the inventory file, absolute.
    pub folder: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
}

impl Base {
    /// The absolute path that `text` means.
    ///
    /// # Errors
    /// What is wrong with it, for a diagnostic.
    pub fn path(&self, text: &str) -> Result<PathBuf, String> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(format!("{text:?} is not a path"));
        }
        let joined = match text.strip_prefix('~') {
            None => self.folder.join(text),
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = self.home.as_ref().ok_or("`~` has no meaning here: no home folder is known")?;
                home.join(rest.trim_start_matches('/'))
            }
            Some(_) => return Err(format!("{text:?}: other accounts' home folders are not looked up; write the path")),
        };
        Ok(without_dots(&joined))
    }
}

/// `a/./b` as `a/b`. `..` stays: behind a symbolic link it does not undo the folder before it.
fn without_dots(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}
