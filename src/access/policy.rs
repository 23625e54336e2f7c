//! What can be asked for, and the decision: one function, whatever the door.

use serde::{Deserialize, Serialize};

use crate::access::grant::{Grant, Member, Policy, Who};
use crate::access::identity::{Identity, Reach, Road, Scopes};
use crate::access::pattern::Books;
use crate::access::scope::{About, Scope, ScopedHost};
use crate::id::HostName;

/// What a request asks to do. Each route names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    ReadRunbooks,
    ReadRuns,
    ReadOutput,
    /// Starting one, and seeing beforehand what it would do.
    StartRuns,
    /// Confirming, answering, stopping and the like.
    ActOnRuns,
    ShareOutput,
    /// Approving and rejecting what others ask for. Never by a token.
    Approve,
    /// Starting a runbook as another commit than the served one has it.
    UseOtherRefs,
    /// Starting against a window, with a reason.
    OverrideWindows,
    /// Reading the handoffs whose runs one may see.
    ReadHandoffs,
    /// Writing one's own, and reading back what one receives: whose it is, the handoff itself says.
    WriteHandoffs,
    /// Passing custody over somebody's head, with a reason. Never by a token.
    ForceCustody,
    ReadAudit,
    /// Other people's accounts, sessions and tokens.
    ManagePeople,
    /// Seeing who is on call. Everybody's who is signed in.
    ReadOnCall,
    /// Paging any chain, and answering. Everybody's who is signed in: nobody is kept from calling for help.
    PageAnyone,
    /// One's own session: signing out.
    OwnSession,
    /// One's own password, sessions and tokens. Never by a token.
    OwnAccount,
}

impl Permission {
    /// What a token may be made for. Approving and making tokens are not among it, so that a stolen token can
    /// neither agree to anything nor outlive itself.
    pub const OF_TOKENS: [Self; 11] = [
        Self::ReadRunbooks,
        Self::ReadRuns,
        Self::ReadOutput,
        Self::StartRuns,
        Self::ActOnRuns,
        Self::ShareOutput,
        Self::UseOtherRefs,
        Self::ReadHandoffs,
        Self::WriteHandoffs,
        Self::ReadOnCall,
        Self::PageAnyone,
    ];

    /// Whether roles give it; one's own things are everybody's.
    pub fn is_of_roles(self) -> bool {
        !matches!(self, Self::OwnSession | Self::OwnAccount) && !self.is_everybodys()
    }

    /// Whether everybody has it who is signed in, and each token that was made for it.
    pub fn is_everybodys(self) -> bool {
        matches!(self, Self::ReadOnCall | Self::PageAnyone)
    }

    /// In a sentence: `may not …`.
    pub fn words(self) -> &'static str {
        match self {
            Self::ReadRunbooks => "read the runbook",
            Self::ReadRuns => "see the run",
            Self::ReadOutput => "read the output",
            Self::StartRuns => "start the runbook",
            Self::ActOnRuns => "act on the run",
            Self::ShareOutput => "share the output",
            Self::Approve => "approve",
            Self::UseOtherRefs => "start the runbook as another commit has it",
            Self::OverrideWindows => "override a window",
            Self::ReadHandoffs => "read the handoff",
            Self::WriteHandoffs => "write handoffs",
            Self::ForceCustody => "pass custody for somebody else",
            Self::ReadAudit => "read the audit log",
            Self::ManagePeople => "manage people",
            Self::ReadOnCall => "see who is on call",
            Self::PageAnyone => "page somebody",
            Self::OwnSession => "end a session",
            Self::OwnAccount => "change an account",
        }
    }
}

/// Why something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It is one's own.
    Own,
    /// Let in by the server's own command line.
    BreakGlass,
    /// The scopes of a token that belongs to nobody.
    Scopes,
    /// These lines of `access.yaml`, one for each host, each named once.
    Grants(Vec<usize>),
}

/// Why something is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Whatever it was made for.
    #[error("a token may not {}: a person must be signed in for it", .0.words())]
    NeverByToken(Permission),
    #[error("a break-glass link may not approve: it does not say who holds it; sign in with an account")]
    NeverByBreakGlass,
    #[error("only a signed-in person may {}", .0.words())]
    OnlySignedIn(Permission),
    #[error("this token was not made to {}: its scopes leave that out", .0.words())]
    Scopes(Permission),
    /// No line grants it; on this host, where hosts matter.
    #[error("{actor} may not {}{}: no grant in access.yaml gives it", .permission.words(), on(.host.as_ref()))]
    NoGrant { actor: String, permission: Permission, host: Option<HostName> },
}

fn on(host: Option<&HostName>) -> String {
    host.map(|host| format!(" on {host}")).unwrap_or_default()
}

/// The policy decision: may `who` do this to that?
///
/// A run is covered when each of its hosts is, be it by different grants; a token never reaches further than its
/// scopes and its owner both do.
///
/// # Errors
/// Why not.
pub fn decide(policy: &Policy, who: &Identity, permission: Permission, about: About<'_>) -> Result<Because, Denied> {
    match permission {
        Permission::OwnSession | Permission::OwnAccount if who.road == Road::Session => return Ok(Because::Own),
        _ if permission.is_everybodys() && who.road == Road::Session => return Ok(Because::Own),
        Permission::OwnSession | Permission::OwnAccount => return Err(Denied::OnlySignedIn(permission)),
        Permission::Approve | Permission::ManagePeople | Permission::ForceCustody if who.road == Road::Token => {
            return Err(Denied::NeverByToken(permission));
        }
        // Whoever holds such a link may be the very person who asks.
        Permission::Approve if who.reach == Reach::BreakGlass => return Err(Denied::NeverByBreakGlass),
        _ => {}
    }
    match &who.reach {
        Reach::BreakGlass => Ok(Because::BreakGlass),
        Reach::Granted => granted(policy, who, permission, about),
        Reach::Scoped(scopes) if scopes.cover(permission, about) => Ok(Because::Scopes),
        Reach::Owned(scopes) if permission.is_everybodys() && scopes.cover(permission, about) => Ok(Because::Scopes),
        Reach::Owned(scopes) if scopes.cover(permission, about) => granted(policy, who, permission, about),
        Reach::Scoped(_) | Reach::Owned(_) => Err(Denied::Scopes(permission)),
    }
}

fn granted(policy: &Policy, who: &Identity, permission: Permission, about: About<'_>) -> Result<Because, Denied> {
    let mine = || policy.grants.iter().filter(|grant| grant.gives(permission) && policy.is_for(grant, who));
    let none = |host: Option<&HostName>| {
        let actor = who.actor.to_string();
        Err(Denied::NoGrant { actor, permission, host: host.cloned() })
    };
    let found = match about {
        About::Server => mine().find(|grant| grant.runbooks.is_empty() && grant.hosts.is_none()),
        About::Runbook { path, tags } => mine().find(|grant| covers(&grant.runbooks, path, tags)),
        About::Run(scope) => return on_each_host(scope, mine).or_else(|host| none(host.as_ref())),
        // What tells of no run is the business of the two alone, and of whoever is bound to nothing: no scope says
        // what it is about.
        About::Handoff { scopes: [], sides } if sides.contains(&who.actor.person()) => mine().next(),
        About::Handoff { scopes: [], .. } => mine().find(|grant| grant.runbooks.is_empty() && grant.hosts.is_none()),
        About::Handoff { scopes, .. } => return on_each_run(scopes, mine).or_else(|host| none(host.as_ref())),
    };
    match found {
        Some(grant) => Ok(Because::Grants(vec![grant.line])),
        None => none(None),
    }
}

/// The lines that cover the hosts of all runs of a handoff, or the first host that none covers.
fn on_each_run<'g, G>(scopes: &[Scope], mine: impl Fn() -> G) -> Result<Because, Option<HostName>>
where
    G: Iterator<Item = &'g Grant>,
{
    let mut all = Vec::new();
    for scope in scopes {
        if let Because::Grants(lines) = on_each_host(scope, &mine)? {
            all.extend(lines);
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(Because::Grants(all))
}

/// The lines that cover the hosts of a run, or the first host that none covers.
fn on_each_host<'g, G>(scope: &Scope, mine: impl Fn() -> G) -> Result<Because, Option<HostName>>
where
    G: Iterator<Item = &'g Grant>,
{
    let of_runbook = || mine().filter(|grant| covers(&grant.runbooks, &scope.runbook, &scope.tags));
    if scope.hosts.is_empty() {
        // A run of before hosts were recorded with it: only who may have all of them is sure to have these.
        let all = of_runbook().find(|grant| grant.hosts.is_none()).ok_or(None)?;
        return Ok(Because::Grants(vec![all.line]));
    }
    let mut lines = Vec::new();
    for host in &scope.hosts {
        let grant = of_runbook().find(|grant| on_host(grant, host)).ok_or_else(|| Some(host.name.clone()))?;
        if !lines.contains(&grant.line) {
            lines.push(grant.line);
        }
    }
    Ok(Because::Grants(lines))
}

fn covers(books: &[Books], path: &crate::id::RunbookPath, tags: &[String]) -> bool {
    books.is_empty() || books.iter().any(|books| books.covers(path, tags))
}

/// The server itself has no labels: `role!=db` must not let anybody run commands on it.
fn on_host(grant: &Grant, host: &ScopedHost) -> bool {
    match &grant.hosts {
        None => true,
        Some(selector) => !host.is_server() && selector.matches(&host.labels),
    }
}

impl Scopes {
    fn cover(&self, permission: Permission, about: About<'_>) -> bool {
        let books = |path, tags| {
            let parsed = |text: &String| Books::parse(text).is_ok_and(|books| books.covers(path, tags));
            self.runbooks.is_empty() || self.runbooks.iter().any(parsed)
        };
        let hosts = |scope: &Scope| match &self.hosts {
            None => true,
            Some(selector) => {
                let fits = |host: &ScopedHost| !host.is_server() && selector.matches(&host.labels);
                !scope.hosts.is_empty() && scope.hosts.iter().all(fits)
            }
        };
        self.verbs.contains(&permission)
            && match about {
                About::Server => self.runbooks.is_empty() && self.hosts.is_none(),
                About::Runbook { path, tags } => books(path, tags),
                About::Run(scope) => books(&scope.runbook, &scope.tags) && hosts(scope),
                About::Handoff { scopes: [], .. } => self.runbooks.is_empty() && self.hosts.is_none(),
                About::Handoff { scopes, .. } => {
                    scopes.iter().all(|scope| books(&scope.runbook, &scope.tags) && hosts(scope))
                }
            }
    }
}

impl Policy {
    /// The teams that somebody is in, by name.
    pub fn teams_of(&self, who: &Identity) -> Vec<String> {
        self.teams.keys().filter(|team| self.is_member(team, who)).cloned().collect()
    }

    /// Whether somebody is on call for any team.
    pub fn is_on_call(&self, who: &Identity) -> bool {
        self.on_call.values().flatten().any(|name| Some(name.as_str()) == user_name(who))
    }

    /// The grants that let somebody start this.
    pub fn starters(&self, about: Option<About<'_>>) -> Vec<&Grant> {
        let Some(About::Runbook { path, tags }) = about else { return Vec::new() };
        let starts = |grant: &&Grant| grant.gives(Permission::StartRuns) && covers(&grant.runbooks, path, tags);
        self.grants.iter().filter(starts).collect()
    }

    /// Whether the policy gives this permission to somebody anywhere: for links and lists.
    pub fn gives_anywhere(&self, who: &Identity, permission: Permission) -> bool {
        match &who.reach {
            Reach::BreakGlass => permission != Permission::Approve,
            Reach::Scoped(scopes) => scopes.verbs.contains(&permission),
            Reach::Owned(scopes) => scopes.verbs.contains(&permission) && self.grants_any(who, permission),
            Reach::Granted => self.grants_any(who, permission),
        }
    }

    fn grants_any(&self, who: &Identity, permission: Permission) -> bool {
        self.grants.iter().any(|grant| grant.gives(permission) && self.is_for(grant, who))
    }

    fn is_for(&self, grant: &Grant, who: &Identity) -> bool {
        grant.who.iter().any(|named| match named {
            Who::Everyone => user_name(who).is_some(),
            Who::User(name) => user_name(who) == Some(name.as_str()),
            Who::Group(group) => who.groups.contains(group),
            Who::Team(team) => self.is_member(team, who),
        })
    }

    fn is_member(&self, team: &str, who: &Identity) -> bool {
        self.teams.get(team).into_iter().flatten().any(|member| match member {
            Member::User(name) => user_name(who) == Some(name.as_str()),
            Member::Group(group) => who.groups.contains(group),
        })
    }
}

/// The account's name; none for tokens that belong to nobody.
fn user_name(who: &Identity) -> Option<&str> {
    who.actor.person().strip_prefix("user:")
}
