//! `steadyhand audit verify`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::audit::anchor::{Anchor, compare};
use crate::audit::checkpoint::PublicKey;
use crate::audit::verdict::{Finding, Subject, Verdict, exit_code};
use crate::auditor::{self, key, witnesses};
use crate::cli::explain::{Explain, Explained};
use crate::cli::format::DataFormat;
use crate::cli::parts::DataOptions;
use crate::cli::terminal::Terminal;
use crate::store::Store;
use crate::store::audit::Report;

const AFTER_HELP: &str = "\
What each check can find: the hash chains, what was changed by somebody who did not compute them anew; the
signed checkpoints, also who did, without the key; the data folder's audit.anchor, a database that was set back to
an earlier state; --key and --anchors, also who had the key and signed anew.
Nothing finds what was never recorded, nor what was rewritten before its first checkpoint.

Exit codes: 0 intact, 2 could not be verified (the message says why), and of what was found the smallest:
  10 altered     an entry was changed or put there
  11 gap         entries are missing in the middle
  12 reordered   two entries have changed places
  13 truncated   entries are missing at the end
  14 rewritten   a chain or a checkpoint is not what was signed
  15 anchor mismatch   what was sent outside is not what is here
  16 key mismatch      checkpoints were signed with another key";

/// Recompute the whole audit log from its entries; reads only
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Verify {
    /// A public key kept elsewhere, or a file with it; repeatable [default: that of the data folder]
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,

    /// Compare with what was sent outside: file:PATH (also one that a syslog daemon writes), git:DIR
    #[arg(long, value_name = "PLACE")]
    anchors: Vec<Anchor>,

    #[command(flatten)]
    data: DataOptions,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: DataFormat,
}

/// How one anchor compares.
struct Compared {
    anchor: String,
    /// Checkpoints that it knows.
    known: usize,
    /// Not the file in the data folder, which falls to whoever has that.
    is_outside: bool,
    verdict: Verdict,
}

impl Verify {
    pub(super) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let folder = self.data.folder()?;
        let store = self.data.open_store_read_only(&folder).await?;
        let keys = self.keys(&store).await?;
        // Before the log is read: what is sent meanwhile would seem to be missing here.
        let mut sent = Vec::new();
        let own = auditor::own_anchor(&folder);
        let is_there = matches!(&own, Anchor::File(path) if path.exists());
        for anchor in self.anchors.iter().chain(is_there.then_some(&own)) {
            let next = "name a file or a repository that holds what the server sent";
            let witnesses = witnesses::read(anchor).await.explain(format!("cannot compare with {anchor}"), next)?;
            sent.push((anchor.to_string(), witnesses));
        }
        let mut report = store.verify_all(&keys).await.explain("cannot verify the audit log", "see the cause above")?;
        let compared: Vec<_> = sent
            .into_iter()
            .map(|(anchor, witnesses)| {
                let made = report.checkpoints.len() as u64;
                let verdict = compare(&witnesses, made, |number| report.checkpoints.get(&number).copied());
                Compared { is_outside: anchor != own.to_string(), anchor, known: witnesses.len(), verdict }
            })
            .collect();
        let mismatches = compared.iter().filter(|compared| !compared.verdict.is_intact());
        report.findings.extend(mismatches.map(|compared| Finding {
            subject: Subject::Anchor(compared.anchor.clone()),
            verdict: compared.verdict.clone(),
        }));
        match self.format {
            DataFormat::Json => writeln!(terminal.out, "{}", as_json(&report, &keys, &compared))?,
            DataFormat::Human => as_text(terminal, &report, &keys, &compared)?,
        }
        Ok(ExitCode::from(exit_code(&report.findings)))
    }

    async fn keys(&self, store: &Store) -> anyhow::Result<Vec<PublicKey>> {
        let next = "give what `steadyhand audit key` printed, or a file that holds it";
        let given: Result<Vec<_>, _> = self.key.iter().map(|text| key::public(text)).collect();
        let mut keys = given.explain("cannot use the key", next)?;
        if keys.is_empty() {
            let own =
                key::load(&self.data.folder()?).explain("cannot read the key", "name its public part: --key KEY")?;
            keys.extend(own.map(|own| own.public()));
        }
        let last = store.last_checkpoint().await.explain("cannot read the checkpoints", "see the cause above")?;
        if keys.is_empty() && last.is_some() {
            let why = Explained::new(
                "cannot verify the checkpoints: there is no audit.key in the data folder",
                "name the public key that was kept elsewhere: --key KEY",
            );
            return Err(why.into());
        }
        Ok(keys)
    }
}

fn as_json(report: &Report, keys: &[PublicKey], compared: &[Compared]) -> Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|Finding { subject, verdict }| {
            json!({ "subject": subject.to_string(), "verdict": verdict.word(), "text": verdict.to_string() })
        })
        .collect();
    let anchors: Vec<_> = compared
        .iter()
        .map(|each| json!({ "anchor": each.anchor, "checkpoints": each.known, "verdict": each.verdict.word() }))
        .collect();
    let verdict = report.findings.iter().min_by_key(|finding| finding.verdict.exit_code());
    json!({
        "verdict": verdict.map_or("intact", |finding| finding.verdict.word()), "streams": report.streams,
        "entries": report.entries, "checkpoints": report.checkpoints.len(), "anchors": anchors, "findings": findings,
        "keys": keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn as_text(terminal: &mut Terminal, report: &Report, keys: &[PublicKey], compared: &[Compared]) -> anyhow::Result<()> {
    for Finding { subject, verdict } in &report.findings {
        writeln!(terminal.out, "{subject}: {verdict}")?;
    }
    let (entries, streams, checkpoints) = (report.entries, report.streams, report.checkpoints.len());
    let found = if report.findings.is_empty() { "intact" } else { "NOT INTACT" };
    writeln!(terminal.out, "{found}: {entries} entries of {streams} streams, {checkpoints} checkpoints")?;
    for key in keys {
        writeln!(terminal.out, "  verified with the key {key}")?;
    }
    for each in compared {
        writeln!(terminal.out, "  compared with {}, which knows {} checkpoints", each.anchor, each.known)?;
    }
    if !compared.iter().any(|each| each.is_outside) {
        writeln!(
            terminal.out,
            "  not compared with any outside anchor: whoever has the database and the key could have written it all anew"
        )?;
    }
    Ok(())
}
