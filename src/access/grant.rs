//! What `access.yaml` says: teams, who is on call, and grants.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::access::pattern::Books;
use crate::access::policy::Permission;
use crate::id::Digest;
use crate::inventory::selector::Selector;

/// The policy of a server: one `access.yaml` as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Of the file's bytes: an approval is void once it changes.
    pub digest: Digest,
    /// Members of a team, by its name.
    pub teams: BTreeMap<String, Vec<Member>>,
    /// Accounts that are on call now, by team. Until rotations exist the file itself says it.
    pub on_call: BTreeMap<String, Vec<String>>,
    /// In the order of the file.
    pub grants: Vec<Grant>,
}

/// Somebody in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// An account's name.
    User(String),
    /// Everyone whom the single sign-on provider puts in this group.
    Group(String),
}

/// One line that gives: who may be what, for which runbooks, on which hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub who: Vec<Who>,
    pub role: Role,
    /// Empty: all runbooks.
    pub runbooks: Vec<Books>,
    /// None: all hosts, and the server itself.
    pub hosts: Option<Selector>,
    /// May start in a window that forbids it, with a reason.
    pub overrides_windows: bool,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Everyone who can sign in.
    Everyone,
    User(String),
    Team(String),
    Group(String),
}

/// What somebody is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads runbooks, runs and output.
    Viewer,
    /// Starts and drives runs, shares output.
    Operator,
    /// Agrees to what others ask for.
    Approver,
    /// Tries runbooks as other commits than the served one have them, where also operator.
    Author,
    /// All of it, the audit log and other people's accounts; still never approves what they asked for themselves.
    Admin,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Operator, Self::Approver, Self::Author, Self::Admin];

    /// The word in `access.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Author => "author",
            Self::Admin => "admin",
        }
    }

    /// Whether the role holds this permission.
    pub fn holds(self, permission: Permission) -> bool {
        use Permission as May;
        match permission {
            May::ReadRunbooks | May::ReadRuns | May::ReadOutput | May::ReadHandoffs => true,
            May::StartRuns | May::ActOnRuns | May::ShareOutput | May::WriteHandoffs => {
                matches!(self, Self::Operator | Self::Admin)
            }
            May::Approve => matches!(self, Self::Approver | Self::Admin),
            May::UseOtherRefs => matches!(self, Self::Author | Self::Admin),
            May::OverrideWindows | May::ReadAudit | May::ManagePeople | May::ForceCustody => self == Self::Admin,
            // Everybody has these, whatever the file says: `policy::decide` asks the road alone.
            May::ReadOnCall | May::PageAnyone | May::OwnSession | May::OwnAccount => true,
        }
    }
}

impl Grant {
    /// Whether it gives this permission, wherever it holds.
    pub fn gives(&self, permission: Permission) -> bool {
        self.role.holds(permission) || (permission == Permission::OverrideWindows && self.overrides_windows)
    }
}

impl Policy {
    /// Nobody may do anything; whoever holds the server's command line still lets people in.
    pub fn nobody() -> Self {
        Self { digest: Digest::of(b""), teams: BTreeMap::new(), on_call: BTreeMap::new(), grants: Vec::new() }
    }

    /// Whether the file means somebody by this account name, whether or not there is such an account.
    pub fn names_user(&self, name: &str) -> bool {
        let is_member = |member: &Member| matches!(member, Member::User(user) if user == name);
        let is_meant = |who: &Who| matches!(who, Who::User(user) if user == name);
        self.teams.values().flatten().any(is_member)
            || self.on_call.values().flatten().any(|user| user == name)
            || self.grants.iter().flat_map(|grant| &grant.who).any(is_meant)
    }
}

/// As it is read aloud: `team:web is operator for web/** on hosts role=web`.
impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who: Vec<String> = self.who.iter().map(ToString::to_string).collect();
        let verb = if who.len() == 1 { "is" } else { "are" };
        write!(formatter, "{} {verb} {} for ", who.join(", "), self.role.word())?;
        match self.runbooks.as_slice() {
            [] => formatter.write_str("all runbooks")?,
            books => formatter.write_str(&books.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))?,
        }
        match &self.hosts {
            None => formatter.write_str(" on all hosts"),
            Some(selector) => write!(formatter, " on hosts {selector}"),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => formatter.write_str("everyone"),
            Self::User(name) => write!(formatter, "user:{name}"),
            Self::Team(name) => write!(formatter, "team:{name}"),
            Self::Group(name) => write!(formatter, "group:{name}"),
        }
    }
}
