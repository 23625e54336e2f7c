//! Recomputes streams from their entries and holds them against the signed checkpoints. Reads only, and beside a
//! server that goes on writing: what is expected is read before the rows, so what is added meanwhile is no damage.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{actor, checkpoints, digest};
use crate::audit::chain::{BEFORE_FIRST, Chained, Link, Seen, Stepped, Suspect, Walk};
use crate::audit::checkpoint::{Checkpoint, PublicKey, Review, Stream};
use crate::audit::entry::{Content, actor_in};
use crate::audit::verdict::{Finding, Subject, Verdict};
use crate::id::{Digest, RunId};
use crate::store::Store;
use crate::store::db::{Sql, StoreError, read, sql};
use crate::store::run_log::{EVENTS_PAGE_MAX, RunEvent};

const READ: &str = "verify the audit log";

/// Runs whose ids are read in one go.
const RUNS_PAGE: i64 = 500;

/// What was looked at, and what of it is not as it was written.
#[derive(Debug, Default)]
pub struct Report {
    /// Streams and entries that were recomputed.
    pub streams: u64,
    pub entries: u64,
    /// Of each checkpoint that is here, whoever signed it: to compare with anchors.
    pub checkpoints: BTreeMap<u64, Digest>,
    pub findings: Vec<Finding>,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    pub verdict: Verdict,
    pub entries: u64,
}

type SeenByStream = HashMap<Stream, BTreeMap<u64, Seen>>;

impl Store {
    /// Recomputes every stream and every checkpoint. `keys` are those that are known to be the server's.
    ///
    /// # Errors
    /// When the database fails; damage is not an error but the answer.
    pub async fn verify_all(&self, keys: &[PublicKey]) -> Result<Report, StoreError> {
        let mut report = Report::default();
        let mut seen = self.review_checkpoints(keys, &mut report).await?;
        self.examine_into(Stream::Server, &mut seen, &mut report).await?;
        let mut after = Uuid::nil();
        loop {
            let runs = read!(self.db, fetch_all(Uuid,), RUNS, after, RUNS_PAGE).map_err(self.db.failed(READ))?;
            let Some((last,)) = runs.last() else { break };
            after = *last;
            for (run,) in runs {
                self.examine_into(Stream::Run(RunId(run)), &mut seen, &mut report).await?;
            }
        }
        // What is left was seen by a checkpoint, and is not here at all.
        let mut gone: Vec<_> = seen.into_iter().collect();
        gone.sort_unstable_by_key(|(stream, _)| *stream);
        for (stream, seen) in gone {
            let expected = seen.keys().last().copied().unwrap_or(0);
            let verdict = Verdict::Truncated { last: 0, expected };
            report.findings.push(Finding { subject: Subject::Stream(stream), verdict });
        }
        Ok(report)
    }

    /// Recomputes the hash chain of a run's log from its entries.
    ///
    /// # Errors
    /// When the database fails; damage of the log is not an error but the answer.
    pub async fn verify(&self, run: RunId) -> Result<Verdict, StoreError> {
        Ok(self.examine(Stream::Run(run), &BTreeMap::new()).await?.verdict)
    }

    /// What the checkpoints that are as they were signed say, up to the first that is not.
    async fn review_checkpoints(&self, keys: &[PublicKey], report: &mut Report) -> Result<SeenByStream, StoreError> {
        let mark = read!(self.db, fetch_optional(i64,), MARK).map_err(self.db.failed(checkpoints::READ))?;
        let mut seen = SeenByStream::new();
        let mut review = Review::new(keys);
        let mut damaged = None;
        let mut after = 0;
        loop {
            let page = self.checkpoints(after).await?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for signed in &page {
                report.checkpoints.insert(signed.number, signed.hash());
                if damaged.is_none() {
                    match review.next(signed) {
                        Ok(checkpoint) => note(&checkpoint, &mut seen),
                        Err(verdict) => damaged = Some(verdict),
                    }
                }
            }
        }
        let seen_last = seen.get(&Stream::Server).and_then(|seen| seen.keys().last().copied()).unwrap_or(0);
        let marked = mark.map_or(0, |(mark,)| mark.cast_unsigned());
        let verdict = damaged.or_else(|| {
            let (last, _) = review.last();
            (marked > seen_last).then_some(Verdict::Truncated { last, expected: last + 1 })
        });
        report.findings.extend(verdict.map(|verdict| Finding { subject: Subject::Checkpoints, verdict }));
        Ok(seen)
    }

    /// Whether the row of a run names as its starter whom its first event names: lists show the row's.
    async fn starter_is(&self, stream: Stream, first: &Linked) -> Result<bool, StoreError> {
        let (Stream::Run(run), Linked::Event(RunEvent { event, .. })) = (stream, first) else { return Ok(true) };
        if event.kind != "run_started" {
            return Ok(true);
        }
        let shown = read!(self.db, fetch_optional(String,), STARTER, run.0).map_err(self.db.failed(READ))?;
        Ok(shown.map(|(shown,)| shown) == actor_in(&event.body))
    }

    async fn first_number(&self, stream: Stream) -> Result<Option<i64>, StoreError> {
        type Found = (Option<i64>,);
        let found = match stream {
            Stream::Server => read!(self.db, fetch_one Found, FIRST),
            Stream::Run(run) => read!(self.db, fetch_one Found, FIRST_OF_RUN, run.0),
        };
        found.map(|(first,)| first).map_err(self.db.failed(checkpoints::READ))
    }

    async fn examine_into(
        &self,
        stream: Stream,
        seen: &mut SeenByStream,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let examined = self.examine(stream, &seen.remove(&stream).unwrap_or_default()).await?;
        report.streams += 1;
        report.entries += examined.entries;
        if !examined.verdict.is_intact() {
            report.findings.push(Finding { subject: Subject::Stream(stream), verdict: examined.verdict });
        }
        Ok(())
    }

    async fn examine(&self, stream: Stream, seen: &BTreeMap<u64, Seen>) -> Result<Examined, StoreError> {
        if self.first_number(stream).await?.is_some_and(|first| first < 1) {
            // Numbers begin at 1. A row before the first is linked to nothing, and lists would show it.
            return Ok(Examined { verdict: Verdict::Altered { seq: 0 }, entries: 0 });
        }
        let mut walk = Walk::new(self.head_of(stream).await?, seen);
        loop {
            let links = self.links(stream, walk.after()).await?;
            if links.is_empty() {
                let entries = walk.after();
                let later = self.head_of(stream).await?.map_or(0, |(last, _)| last);
                return Ok(Examined { verdict: walk.finish(later), entries });
            }
            for link in &links {
                if link.seq == 1 && !self.starter_is(stream, &link.content).await? {
                    return Ok(Examined { verdict: Verdict::Altered { seq: 1 }, entries: walk.after() });
                }
                let verdict = match walk.next(link) {
                    Stepped::Fine => continue,
                    Stepped::Damaged(verdict) => verdict,
                    Stepped::Suspect(suspect) => self.judge(stream, link.seq, &suspect).await?,
                };
                return Ok(Examined { verdict, entries: walk.after() });
            }
        }
    }

    /// Looks for a row behind `at` with which a suspect has changed places.
    async fn judge(&self, stream: Stream, at: u64, suspect: &Suspect<Linked>) -> Result<Verdict, StoreError> {
        let mut after = at;
        loop {
            let links = self.links(stream, after).await?;
            let Some(last) = links.last() else { return Ok(suspect.altered()) };
            if let Some(verdict) = links.iter().find_map(|other| suspect.swapped_with(other)) {
                return Ok(verdict);
            }
            after = last.seq;
        }
    }

    async fn head_of(&self, stream: Stream) -> Result<Option<(u64, Digest)>, StoreError> {
        let head = match stream {
            Stream::Server => read!(self.db, fetch_optional(i64, Vec<u8>), HEAD),
            Stream::Run(run) => read!(self.db, fetch_optional(i64, Vec<u8>), HEAD_OF_RUN, run.0),
        };
        let head = head.map_err(self.db.failed(READ))?;
        Ok(head.map(|(last, hash)| (last.cast_unsigned(), digest(&hash).unwrap_or(BEFORE_FIRST))))
    }

    async fn links(&self, stream: Stream, after: u64) -> Result<Vec<Link<Linked>>, StoreError> {
        match stream {
            Stream::Server => {
                let limit = i64::from(EVENTS_PAGE_MAX);
                let found = read!(self.db, fetch_all FoundLink, ENTRIES, after.cast_signed(), limit);
                Ok(found.map_err(self.db.failed(READ))?.into_iter().map(FoundLink::link).collect())
            }
            Stream::Run(run) => {
                let links = self.event_links(run, after, EVENTS_PAGE_MAX).await?;
                let linked = |Link { seq, content, prev_hash, hash }| Link {
                    seq,
                    content: Linked::Event(content),
                    prev_hash,
                    hash,
                };
                Ok(links.into_iter().map(linked).collect())
            }
        }
    }
}

fn note(checkpoint: &Checkpoint, seen: &mut SeenByStream) {
    for head in &checkpoint.heads {
        let at = Seen { checkpoint: checkpoint.number, hash: head.hash };
        seen.entry(head.stream).or_default().insert(head.last_seq, at);
    }
}

/// What the chains of all streams are made of.
#[derive(Debug, Clone)]
enum Linked {
    Entry(Content),
    Event(RunEvent),
}

impl Chained for Linked {
    fn hash_at(&self, before: Digest, seq: u64) -> Digest {
        match self {
            Self::Entry(entry) => entry.hash_at(before, seq),
            Self::Event(event) => event.hash_at(before, seq),
        }
    }
}

#[derive(sqlx::FromRow)]
struct FoundLink {
    seq: i64,
    at_ms: i64,
    kind: String,
    person: String,
    token: Option<String>,
    object: String,
    body: String,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl FoundLink {
    fn link(self) -> Link<Linked> {
        // Lists look for a person by a column of its own: the same name, cut in another place, would hide from them.
        let is_cut_right = !self.person.contains('/');
        let content = Content {
            at_ms: self.at_ms,
            kind: self.kind,
            actor: actor(self.person, self.token),
            object: self.object,
            body: self.body,
        };
        Link {
            seq: self.seq.cast_unsigned(),
            content: Linked::Entry(content),
            prev_hash: digest(&self.prev_hash).unwrap_or(BEFORE_FIRST),
            hash: digest(&self.hash).filter(|_| is_cut_right).unwrap_or(BEFORE_FIRST),
        }
    }
}

const FIRST: Sql = sql!("select min(seq) from audit_entry");
const FIRST_OF_RUN: Sql = sql!("select min(seq) from run_event where run = $1");
const RUNS: Sql = sql!("select id from run where id > $1 order by id limit $2");
const STARTER: Sql = sql!("select started_by from run where id = $1");
const MARK: Sql = sql!("select checkpoint_seq from audit_head where id = 1");
const HEAD: Sql = sql!("select last_seq, head_hash from audit_head where id = 1");
const HEAD_OF_RUN: Sql = sql!("select last_seq, head_hash from run where id = $1");
const ENTRIES: Sql = sql!(
    "select seq, at_ms, kind, person, token, object, body, prev_hash, hash from audit_entry where seq > $1 \
     order by seq limit $2"
);

pub(super) const STATEMENTS: &[Sql] = &[FIRST, FIRST_OF_RUN, RUNS, STARTER, MARK, HEAD, HEAD_OF_RUN, ENTRIES];
