//! `steadyhand access`: what `access.yaml` lets somebody do, and which line says so.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use super::explain::{Explain, Explained};
use super::format::DataFormat;
use super::terminal::Terminal;
use crate::access::grant::{Policy, Role};
use crate::access::identity::{Identity, Reach, Road};
use crate::access::policy::{Because, Permission, decide};
use crate::access::scope::{About, Scope};
use crate::access::{self};
use crate::id::{HostName, RunbookPath};
use crate::inventory::target::Target;
use crate::library::{Library, Revision};
use crate::run::event::Actor;
use crate::run::freeze::server;
use crate::runbook::model::Runbook;
use crate::runbook::parse::parse;

const EXIT_NO: u8 = 1;

const AFTER_HELP: &str = "\
Examples:
  steadyhand access explain anna web/disk-full --on web-1
  steadyhand access explain anna web/disk-full --on web-1,web-2 --to approve
  steadyhand access explain frank db/vacuum --group sre

Reads access.yaml, the runbook and the inventory as they are committed (in a plain folder: as they are).

Exit codes: 0 yes, 1 no, 2 could not be found out (the message says why)";

/// Say what access.yaml lets somebody do, and which line decides
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Access {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Yes or no for one person, one runbook and some hosts, with the line that decides
    Explain(ExplainAccess),
}

#[derive(Args)]
struct ExplainAccess {
    /// The account's name
    user: String,
    /// The runbook: its path below runbooks/, without .yaml
    runbook: String,
    /// Hosts, by name; all that the runbook selects unless said
    #[arg(long, value_name = "HOST,…", value_delimiter = ',')]
    on: Vec<String>,
    /// What they want to do; all of it unless said
    #[arg(long, value_name = "WHAT", value_parser = wanted)]
    to: Option<Wanted>,
    /// A group that the sign-on provider puts them in
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Folder with access.yaml, inventory.yaml and runbooks/
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

/// What can be asked, in the words of the command line.
#[derive(Clone, Copy)]
struct Wanted(&'static str, Permission);

const ALL: [Wanted; 8] = [
    Wanted("read", Permission::ReadRuns),
    Wanted("output", Permission::ReadOutput),
    Wanted("start", Permission::StartRuns),
    Wanted("act", Permission::ActOnRuns),
    Wanted("share", Permission::ShareOutput),
    Wanted("approve", Permission::Approve),
    Wanted("use-other-refs", Permission::UseOtherRefs),
    Wanted("override-windows", Permission::OverrideWindows),
];

fn wanted(text: &str) -> Result<Wanted, String> {
    let known = || ALL.map(|Wanted(word, _)| word).join(", ");
    ALL.into_iter().find(|Wanted(word, _)| *word == text).ok_or_else(|| format!("choose one of {}", known()))
}

/// One answer.
struct Answer {
    word: &'static str,
    yes: bool,
    /// Each host with its line, or the one sentence that says why not.
    because: Vec<String>,
}

impl Access {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let What::Explain(asked) = self.what;
        super::runtime()?.block_on(asked.run(terminal))
    }
}

impl ExplainAccess {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let library =
            Library::open(&self.repo).await.explain("cannot open the runbooks", "name their folder: --repo")?;
        let revision = library.resolve(None).await.explain("cannot read the runbooks", "see the cause above")?;
        let policy = policy(&library, &revision).await?;
        let path: RunbookPath = self.runbook.parse()?;
        let file = library.read(&revision, &path).await.explain(format!("cannot read {path}"), "check its path")?;
        let runbook = parse(&path, &file.path, &file.bytes).runbook;
        let runbook = runbook.ok_or_else(|| anyhow!("{path} does not parse"));
        let runbook = runbook.explain(format!("cannot read {path}"), "`steadyhand check` says what is wrong")?;
        let scope = Scope::of(&path, &runbook.tags, &self.hosts(&library, &revision, &runbook).await?);
        let who = self.identity();
        let wanted: Vec<Wanted> = self.to.map_or(ALL.to_vec(), |one| vec![one]);
        let answers: Vec<Answer> = wanted.into_iter().map(|wanted| answer(&policy, &who, wanted, &scope)).collect();
        self.print(terminal, &policy, &who, &scope, &answers)?;
        let all_no = answers.iter().all(|answer| !answer.yes);
        Ok(if all_no { ExitCode::from(EXIT_NO) } else { ExitCode::SUCCESS })
    }

    fn identity(&self) -> Identity {
        let name = self.user.strip_prefix("user:").unwrap_or(&self.user);
        Identity {
            actor: Actor(format!("user:{name}")),
            road: Road::Session,
            groups: self.group.clone(),
            reach: Reach::Granted,
            authenticated_at_ms: Some(0),
        }
    }

    async fn hosts(&self, library: &Library, revision: &Revision, runbook: &Runbook) -> anyhow::Result<Vec<Target>> {
        let Some(selected) = &runbook.hosts else {
            if !self.on.is_empty() {
                bail!(Explained::new("this runbook names no hosts: it runs on the server itself", "leave --on out"));
            }
            return Ok(vec![server()]);
        };
        let loaded = library.inventory(revision).await.explain("cannot read the inventory", "see the cause above")?;
        if self.on.is_empty() {
            return loaded
                .inventory
                .choose(&selected.chosen, &selected.exclude)
                .explain("cannot choose the runbook's hosts", "name some with --on");
        }
        let names: Vec<HostName> = self.on.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        loaded.inventory.by_names(&names).explain("cannot find the hosts", "`inventory.yaml` names them")
    }

    fn print(
        &self,
        terminal: &mut Terminal,
        policy: &Policy,
        who: &Identity,
        scope: &Scope,
        answers: &[Answer],
    ) -> anyhow::Result<()> {
        let hosts: Vec<&str> = scope.hosts.iter().map(|host| host.name.as_str()).collect();
        if self.format == DataFormat::Json {
            let answers: Vec<_> = answers
                .iter()
                .map(|answer| json!({"to": answer.word, "allowed": answer.yes, "because": answer.because}))
                .collect();
            let said = json!({
                "user": who.actor, "runbook": scope.runbook, "hosts": hosts, "teams": policy.teams_of(who),
                "answers": answers,
            });
            writeln!(terminal.out, "{said:#}")?;
            return Ok(());
        }
        writeln!(terminal.out, "{} with {} on {}", who.actor, scope.runbook, hosts.join(", "))?;
        let teams = policy.teams_of(who);
        if !teams.is_empty() {
            writeln!(terminal.out, "in teams {}", teams.join(", "))?;
        }
        for answer in answers {
            writeln!(terminal.out, "\n{:<3}  {}", if answer.yes { "yes" } else { "no" }, answer.word)?;
            for line in &answer.because {
                writeln!(terminal.out, "     {line}")?;
            }
        }
        Ok(())
    }
}

async fn policy(library: &Library, revision: &Revision) -> anyhow::Result<Policy> {
    let next = "write one: `steadyhand init DIR` makes an example, `steadyhand schema access` its schema";
    let file = library.file(revision, access::FILE).await.explain("cannot read access.yaml", next)?;
    let parsed = access::parse(access::FILE, &file.bytes);
    let policy = parsed.policy.ok_or_else(|| anyhow!("it has {} problems", parsed.diagnostics.len()));
    policy.explain("cannot read access.yaml", "`steadyhand check` names them all")
}

fn answer(policy: &Policy, who: &Identity, Wanted(word, permission): Wanted, scope: &Scope) -> Answer {
    let line = |number: &usize| {
        let grant = policy.grants.iter().find(|grant| grant.line == *number);
        format!("access.yaml:{number}: {}", grant.map(ToString::to_string).unwrap_or_default())
    };
    match decide(policy, who, permission, About::Run(scope)) {
        Ok(Because::Grants(lines)) => Answer { word, yes: true, because: lines.iter().map(line).collect() },
        Ok(Because::Own | Because::BreakGlass | Because::Scopes) => Answer { word, yes: true, because: Vec::new() },
        Err(denied) => Answer { word, yes: false, because: vec![denied.to_string(), who_could(policy, permission)] },
    }
}

/// The grants that give it to somebody, so that the reader knows whom to ask.
fn who_could(policy: &Policy, permission: Permission) -> String {
    let roles: Vec<&str> = Role::ALL.into_iter().filter(|role| role.holds(permission)).map(Role::word).collect();
    let lines: Vec<String> =
        policy.grants.iter().filter(|grant| grant.gives(permission)).map(|grant| grant.line.to_string()).collect();
    match lines.as_slice() {
        [] => format!("it takes {}, which no line of access.yaml grants", roles.join(" or ")),
        lines => format!("it takes {}: see access.yaml, line {}", roles.join(" or "), lines.join(", ")),
    }
}
