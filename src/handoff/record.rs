//! The record of a handoff in the order of I-PASS: what one revision says.
//!
//! A stored and signed format: the digest is that of its canonical JSON, so fields keep their order.

use serde::{Deserialize, Serialize};

use crate::handoff::due::Due;
use crate::id::{Digest, HostName, ItemKey, RunId, RunbookPath, StepId};

/// Items of one record. A shift with more has one incident, not thirty items.
pub const ITEMS_MAX: usize = 30;

/// Actions or contingencies of one item.
pub const LINES_MAX: usize = 20;

/// Facts that one item keeps; the rest is in the lists of runs.
pub const FACTS_MAX: usize = 40;

/// Bytes of one text that a person writes.
pub const TEXT_BYTES_MAX: usize = 4_000;

/// Letters of a statement: one or two sentences.
pub const STATEMENT_LETTERS_MAX: usize = 280;

/// One revision of a handoff.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Nothing happened: with its overview, this is a complete handoff. Silence is not.
    pub quiet: bool,
    /// The shift in one sentence, before everything else.
    pub overview: String,
    /// What is going to happen: changes, freezes, certificates.
    pub upcoming: String,
    /// In the order that people see: unstable, watcher, stable, not judged yet.
    pub items: Vec<Item>,
    /// What happened and belongs to no item: runs that succeeded.
    pub facts: Vec<Fact>,
    /// What was taken out of the draft, and why.
    pub dismissed: Vec<Dismissed>,
}

/// One thing that is handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub key: ItemKey,
    pub title: String,
    /// **I**. Only a person sets it.
    pub severity: Option<Severity>,
    pub severity_basis: String,
    /// **P**
    pub summary: Summary,
    /// **A**
    pub actions: Vec<Action>,
    /// **S**
    pub contingencies: Vec<Contingency>,
    /// The runs that belong to it: custody of the item is the wheel of these.
    pub runs: Vec<RunId>,
    pub carried: Option<Carried>,
}

/// How it is going: a trajectory, not the priority of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Look now.
    Unstable,
    /// May turn bad.
    Watcher,
    /// Takes its expected course.
    Stable,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Unstable, Self::Watcher, Self::Stable];

    /// As people write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unstable => "unstable",
            Self::Watcher => "watcher",
            Self::Stable => "stable",
        }
    }

    /// The severity of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }
}

/// **P**: facts that were drafted, and the judgement on them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// One or two sentences.
    pub statement: String,
    pub history: Vec<Fact>,
    /// What was tried and excluded, so that nobody repeats it.
    pub tried: String,
    pub assessment: String,
    pub plan: String,
    /// `hold until 07:30, wake me if …`
    pub decision: String,
}

/// Something that the server saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    pub kind: FactKind,
    pub text: String,
    pub evidence: Evidence,
    /// What it said when it was first drafted, if that has changed since.
    pub was: Option<String>,
    /// Why a person hid it.
    pub hidden: Option<String>,
}

impl Fact {
    /// What the fact is about: the same when it is fetched again, whatever it says then.
    pub fn is_about(&self, other: &Self) -> bool {
        let place =
            |fact: &Self| (fact.kind, fact.evidence.run, fact.evidence.step.clone(), fact.evidence.host.clone());
        place(self) == place(other)
    }

    /// A name for it in forms, unique in its item.
    pub fn name(&self) -> String {
        let step = self.evidence.step.as_ref().map(ToString::to_string).unwrap_or_default();
        let host = self.evidence.host.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{}/{}/{step}/{host}", self.kind.word(), self.evidence.run)
    }
}

/// Where it can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub run: RunId,
    pub step: Option<StepId>,
    pub host: Option<HostName>,
    /// The last event of the run that was seen.
    pub seq: u64,
}

/// What kind of thing was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Nobody can say what became of a command.
    UnknownOutcome,
    /// It has not ended.
    UnfinishedRun,
    FailedRun,
    AbortedRun,
    /// Others are asked to agree.
    WaitingApproval,
    /// Names that it holds on its hosts.
    HeldLocks,
    /// Who drives it.
    Wheel,
    /// A window was overridden, with a reason.
    OverriddenGuard,
    SucceededRun,
}

impl FactKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::UnknownOutcome => "unknown_outcome",
            Self::UnfinishedRun => "unfinished_run",
            Self::FailedRun => "failed_run",
            Self::AbortedRun => "aborted_run",
            Self::WaitingApproval => "waiting_approval",
            Self::HeldLocks => "held_locks",
            Self::Wheel => "wheel",
            Self::OverriddenGuard => "overridden_guard",
            Self::SucceededRun => "succeeded_run",
        }
    }

    /// Whether an item with it cannot be taking its expected course.
    pub fn contradicts_stable(self) -> bool {
        matches!(self, Self::UnknownOutcome | Self::UnfinishedRun | Self::WaitingApproval)
    }

    /// Whether it must be in an item, or be dismissed with a reason.
    pub fn must_be_told(self) -> bool {
        !matches!(self, Self::SucceededRun | Self::Wheel | Self::HeldLocks)
    }
}

/// **A**: something to do in the next shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub text: String,
    /// A person's account.
    pub owner: String,
    pub due: Option<Due>,
    pub runbook: Option<RunbookRef>,
    pub done: bool,
}

/// **S**: if … then …
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contingency {
    /// What can be measured: a number with its unit, or an alert.
    pub condition: String,
    pub then: String,
    pub runbook: Option<RunbookRef>,
    /// Whom to page, in words.
    pub page: String,
}

/// A runbook at a commit, with the values to start it with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunbookRef {
    pub path: RunbookPath,
    /// None in a plain folder.
    pub commit: Option<String>,
    /// Names and texts, for a link to the start form.
    pub inputs: Vec<(String, String)>,
}

/// Where an item comes from that is older than this handoff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// How many handoffs had it before this one.
    pub times: u32,
    pub since_ms: i64,
    /// How the last one judged it.
    pub was: Option<Severity>,
}

/// An item that was drafted and taken out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dismissed {
    pub key: ItemKey,
    pub title: String,
    pub reason: String,
    pub runs: Vec<RunId>,
}

/// What the server drafts of an item: facts, and what was written before. It has no severity, on purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftedItem {
    pub key: ItemKey,
    pub title: String,
    pub history: Vec<Fact>,
    pub runs: Vec<RunId>,
    pub carried: Option<CarriedOver>,
}

/// What an earlier handoff said of an item that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarriedOver {
    pub carried: Carried,
    pub statement: String,
    pub tried: String,
    pub actions: Vec<Action>,
    pub contingencies: Vec<Contingency>,
}

impl Item {
    /// An item of which nothing is known yet.
    pub fn titled(key: ItemKey, title: String) -> Self {
        Self {
            key,
            title,
            severity: None,
            severity_basis: String::new(),
            summary: Summary::default(),
            actions: Vec::new(),
            contingencies: Vec::new(),
            runs: Vec::new(),
            carried: None,
        }
    }

    /// Whether the receiver must say it in their own words. What nobody judged may be anything.
    pub fn needs_read_back(&self) -> bool {
        self.severity != Some(Severity::Stable)
    }

    /// Everything that a person wrote, for comparing and for finding secrets.
    pub fn written(&self) -> Vec<&str> {
        let summary = &self.summary;
        let mut texts: Vec<&str> = vec![
            &self.title,
            &self.severity_basis,
            &summary.statement,
            &summary.tried,
            &summary.assessment,
            &summary.plan,
            &summary.decision,
        ];
        texts.extend(self.actions.iter().flat_map(|action| [action.text.as_str(), action.owner.as_str()]));
        let contingencies = self.contingencies.iter();
        texts.extend(contingencies.flat_map(|line| [line.condition.as_str(), line.then.as_str(), line.page.as_str()]));
        texts.retain(|text| !text.trim().is_empty());
        texts
    }
}

impl Record {
    /// SHA-256 of the canonical form: what a signature binds to.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("a record is plain data"))
    }

    pub fn item(&self, key: &ItemKey) -> Option<&Item> {
        self.items.iter().find(|item| item.key == *key)
    }

    pub fn item_mut(&mut self, key: &ItemKey) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.key == *key)
    }

    /// The runs of all items, each once.
    pub fn runs(&self) -> Vec<RunId> {
        let mut runs: Vec<RunId> = self.items.iter().flat_map(|item| item.runs.iter().copied()).collect();
        runs.sort_unstable();
        runs.dedup();
        runs
    }

    /// The runbooks that actions and if–then name.
    pub fn runbooks(&self) -> Vec<RunbookRef> {
        let mut named = Vec::new();
        for item in &self.items {
            named.extend(item.actions.iter().filter_map(|action| action.runbook.clone()));
            named.extend(item.contingencies.iter().filter_map(|line| line.runbook.clone()));
        }
        named
    }

    pub fn has_unstable(&self) -> bool {
        self.items.iter().any(|item| item.severity == Some(Severity::Unstable))
    }

    /// Most urgent first; what nobody judged comes last, and equals keep their order.
    pub fn sort(&mut self) {
        self.items.sort_by_key(|item| item.severity.map_or(u8::MAX, |severity| severity as u8));
    }

    /// The runs that an item or a dismissal tells of.
    pub fn tells_of(&self, run: RunId) -> bool {
        let dismissed = self.dismissed.iter().any(|dismissed| dismissed.runs.contains(&run));
        dismissed || self.items.iter().any(|item| item.runs.contains(&run))
    }

    /// Puts in what was drafted: new items and facts; a fact that says something else now keeps what it said.
    pub fn take_facts(&mut self, drafted: &[DraftedItem], facts: &[Fact]) {
        for new in drafted {
            if self.dismissed.iter().any(|gone| gone.key == new.key) {
                continue;
            }
            match self.item_mut(&new.key) {
                None => self.items.push(first_seen(new)),
                Some(item) => {
                    merge(&mut item.summary.history, &new.history);
                    let more = new.runs.iter().filter(|run| !item.runs.contains(run));
                    let more: Vec<RunId> = more.copied().collect();
                    item.runs.extend(more);
                }
            }
        }
        self.items.truncate(ITEMS_MAX);
        merge(&mut self.facts, facts);
        self.sort();
    }
}

fn first_seen(new: &DraftedItem) -> Item {
    let mut item = Item::titled(new.key.clone(), new.title.clone());
    item.summary.history.clone_from(&new.history);
    item.summary.history.truncate(FACTS_MAX);
    item.runs.clone_from(&new.runs);
    if let Some(over) = &new.carried {
        item.summary.statement.clone_from(&over.statement);
        item.summary.tried.clone_from(&over.tried);
        item.actions.clone_from(&over.actions);
        item.contingencies.clone_from(&over.contingencies);
        item.carried = Some(over.carried.clone());
    }
    item
}

/// Facts that are no longer so stay, with what they said: somebody may have judged by them.
fn merge(have: &mut Vec<Fact>, now: &[Fact]) {
    for fact in have.iter_mut() {
        let Some(fresh) = now.iter().find(|fresh| fresh.is_about(fact)) else {
            if !now.is_empty() && !fact.text.starts_with(NO_LONGER) {
                let text = format!("{NO_LONGER}{}", fact.text);
                fact.was = Some(std::mem::replace(&mut fact.text, text));
            }
            continue;
        };
        if fresh.text != fact.text {
            let said = std::mem::replace(&mut fact.text, fresh.text.clone());
            fact.was = Some(said);
        }
        fact.evidence = fresh.evidence.clone();
    }
    let new: Vec<Fact> = now.iter().filter(|fresh| !have.iter().any(|fact| fact.is_about(fresh))).cloned().collect();
    have.extend(new);
    have.truncate(FACTS_MAX);
}

const NO_LONGER: &str = "No longer so: ";
