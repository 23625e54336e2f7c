//! The list of runbooks: searched, filtered, and with what is known of each beside its text.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::library::{Page, Revision};
use crate::runbook::freshness::{Freshness, Known, Reason, Standing};
use crate::runbook::parse::Parsed;
use crate::runbook::search::{self, Hit};
use crate::web::authority::{Authorised, Each, ReadRunbooks};
use crate::web::format::Moment;
use crate::web::problem::Problem;
use crate::web::query::Fields;
use crate::web::reading::runbooks;
use crate::web::state::Web;
use crate::web::view::books::Badge;
use crate::yaml::nearest;

/// A runbook that whoever asks may read, and what is known of it.
pub struct Book {
    pub page: Arc<Page<Parsed>>,
    /// None for one that does not parse: there is nothing to believe.
    pub freshness: Option<Freshness>,
    pub last_success_ms: Option<i64>,
    pub last_failure_ms: Option<i64>,
    pub changed_ms: Option<i64>,
}

/// All of them, in the order of their paths.
pub struct Books {
    pub books: Vec<Book>,
    pub revision: Revision,
}

/// Every runbook that whoever asks may read. How proven it is counts all its runs, also those that they may not see:
/// a date tells nothing of where it ran.
///
/// # Errors
/// The library or the store cannot be read.
pub async fn all(who: &Authorised<ReadRunbooks, Each>, web: &Web) -> Result<Books, Problem> {
    let seen = runbooks::seen(who, web).await?;
    let changes = web.changes().at(web.engine().library(), &seen.revision).await?;
    let paths: Vec<_> = seen.pages.iter().map(|page| page.path.clone()).collect();
    let proofs: BTreeMap<_, _> =
        web.store().proofs(&paths).await?.into_iter().map(|proof| (proof.runbook.clone(), proof)).collect();
    let now_ms = web.now_ms();
    let books = seen.pages.into_iter().map(|page| {
        let proof = proofs.get(&page.path);
        let last_success_ms = proof.and_then(|proof| proof.last_success_ms);
        let changed_ms = changes.get(&page.path).copied();
        let freshness = page.made.runbook.as_ref().map(|runbook| {
            let (review_by, expires) = (runbook.review_by, runbook.expires);
            Freshness::judge(&Known { review_by, expires, last_success_ms, changed_ms }, now_ms)
        });
        let last_failure_ms = proof.and_then(|proof| proof.last_failure_ms);
        Book { page, freshness, last_success_ms, last_failure_ms, changed_ms }
    });
    Ok(Books { books: books.collect(), revision: seen.revision })
}

impl Book {
    pub fn tags(&self) -> &[String] {
        self.page.made.runbook.as_ref().map(|runbook| runbook.tags.as_slice()).unwrap_or_default()
    }

    pub fn owner(&self) -> Option<String> {
        self.page.made.runbook.as_ref().and_then(|runbook| runbook.owner.as_ref()).map(runbooks::owner)
    }

    /// The word to filter by: how far it may be believed, or `broken`.
    pub fn standing(&self) -> &'static str {
        self.freshness.as_ref().map_or(BROKEN, |freshness| freshness.standing.word())
    }

    fn fits(&self, asked: &Fields) -> bool {
        let tag = asked.filled("tag").is_none_or(|tag| self.tags().iter().any(|own| own == tag));
        let owner = asked.filled("owner").is_none_or(|owner| self.owner().as_deref() == Some(owner));
        let standing = asked.filled("fresh").is_none_or(|word| self.standing() == word);
        tag && owner && standing
    }

    fn found(&self, words: &[String]) -> Option<Hit> {
        search::find(&search::fields(&self.page.path, self.page.made.runbook.as_ref()), words)
    }
}

/// The word of a runbook that does not parse, beside those of [`Standing`].
pub const BROKEN: &str = "broken";

/// Those that fit the filters and the words of a query, the best first; without words in the order of their paths.
pub fn found<'b>(books: &'b [Book], asked: &Fields) -> Vec<(&'b Book, Hit)> {
    let words = search::words(asked.first("q").unwrap_or_default());
    let fitting = books.iter().filter(|book| book.fits(asked));
    let mut found: Vec<_> = fitting.filter_map(|book| Some((book, book.found(&words)?))).collect();
    found.sort_by_key(|(_, hit)| std::cmp::Reverse(hit.score));
    found
}

/// For a query that finds nothing: each of its words that stands nowhere is replaced by the nearest that does; none if
/// there is none.
pub fn meant(books: &[Book], query: &str) -> Option<String> {
    let mut known: Vec<String> = Vec::new();
    for book in books {
        for (field, text) in search::fields(&book.page.path, book.page.made.runbook.as_ref()) {
            if field < search::Field::Summary {
                let parts = text.split(|letter: char| !letter.is_alphanumeric());
                known.extend(parts.filter(|part| part.chars().count() > 2).map(str::to_lowercase));
            }
        }
    }
    known.sort();
    known.dedup();
    let words: Vec<String> = search::words(query)
        .into_iter()
        .map(|word| match books.iter().any(|book| book.found(std::slice::from_ref(&word)).is_some()) {
            true => Some(word),
            false => nearest(&word, &known).map(str::to_owned),
        })
        .collect::<Option<_>>()?;
    let meant = words.join(" ");
    (meant != search::words(query).join(" ")).then_some(meant)
}

/// The reasons of a verdict as badges.
pub fn badges(freshness: &Freshness) -> Vec<Badge> {
    let badge = |reason: &Reason| Badge {
        words: reason.words(),
        tone: match reason.standing() {
            Standing::Expired | Standing::Stale => "bad",
            Standing::Due if matches!(reason, Reason::ReviewDue(_)) => "wait",
            Standing::Due | Standing::Fresh => "still",
        },
    };
    freshness.reasons.iter().map(badge).collect()
}

/// A time that may be unknown.
pub fn moment(at_ms: Option<i64>, now_ms: i64) -> Option<Moment> {
    at_ms.map(|at_ms| Moment::new(at_ms, now_ms))
}
