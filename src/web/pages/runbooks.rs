//! The runbooks: found by words and filters.

use std::collections::BTreeMap;

use axum::extract::State;

use crate::runbook::freshness::Standing;
use crate::runbook::search::{self, Hit};
use crate::web::authority::{Authorised, Each, ReadRunbooks};
use crate::web::format;
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::{self, Fields, QueryFields};
use crate::web::reading::books::{self, BROKEN, Book};
use crate::web::reading::runbooks;
use crate::web::state::Web;
use crate::web::view::books::{BookLine, Facet, FoundLine, Kept, RunbooksPage, pieces};

/// Runbooks that one page shows; whoever needs more says a word.
const SHOWN_MAX: usize = 100;

/// Tags and owners that are offered as filters, the most used first.
const FACETS_MAX: usize = 12;

const ASKED: [&str; 4] = ["q", "tag", "owner", "fresh"];

/// `GET /runbooks?q=&tag=&owner=&fresh=`
pub async fn list(
    who: Authorised<ReadRunbooks, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let all = books::all(&who, &web).await?;
    let query = asked.first("q").unwrap_or_default();
    let found = books::found(&all.books, &asked);
    let filtered = ASKED[1..].iter().any(|name| asked.filled(name).is_some());
    let meant = if found.is_empty() && !query.is_empty() { books::meant(&all.books, query) } else { None };
    let words = search::words(query);
    let page = RunbooksPage {
        query: query.to_owned(),
        words: format!("{} of {}", found.len(), format::count(all.books.len(), "runbook", "runbooks")),
        commit: all.revision.commit().map(|commit| commit.id.short().to_owned()),
        tags: facets(&all.books, &asked, "tag", |book| book.tags().to_vec()),
        owners: facets(&all.books, &asked, "owner", |book| book.owner().into_iter().collect()),
        standings: standings(&all.books, &asked),
        kept: ASKED[1..].iter().filter_map(|name| Some(Kept { name, value: asked.filled(name)?.to_owned() })).collect(),
        clear: (filtered || !query.is_empty()).then(|| "/runbooks".to_owned()),
        more: found.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0).map(|more| format!("{more} more fit")),
        empty: found.is_empty().then(|| match (query, filtered) {
            ("", false) => {
                "There is no runbook yet that you may read: files below runbooks/ that end in .yaml become runbooks."
                    .to_owned()
            }
            ("", true) => "No runbook fits these filters.".to_owned(),
            (_, false) => format!("No runbook speaks of “{query}”."),
            (_, true) => format!("No runbook that fits these filters speaks of “{query}”."),
        }),
        meant: meant.into_iter().map(|words| meant_link(&all.books, words)).collect(),
        books: found.into_iter().take(SHOWN_MAX).map(|(book, hit)| line(book, hit, &words, web.now_ms())).collect(),
    };
    Page::new("runbooks", &who.frame(Place::Runbooks, "Runbooks"), &page)
}

fn line(book: &Book, hit: Hit, words: &[String], now_ms: i64) -> BookLine {
    let runbook = book.page.made.runbook.as_ref();
    let (effect, effect_words) =
        runbooks::effect_words(runbook.map_or(crate::runbook::model::Effect::Check, runbooks::strongest));
    let name = runbook.map_or_else(|| book.page.path.to_string(), |runbook| runbook.name.clone());
    let summary = runbook.map(|runbook| runbook.summary.as_str()).unwrap_or_default();
    BookLine {
        path: book.page.path.to_string(),
        path_pieces: pieces(book.page.path.as_str(), words),
        name: pieces(&name, words),
        summary: pieces(summary, words),
        line: hit.line.and_then(|(field, text)| Some(FoundLine { what: field.words()?, pieces: pieces(&text, words) })),
        owner: book.owner(),
        tags: book.tags().to_vec(),
        effect,
        effect_words,
        badges: book.freshness.as_ref().map(books::badges).unwrap_or_default(),
        last_success: books::moment(book.last_success_ms, now_ms),
        last_failure: books::moment(book.last_failure_ms, now_ms),
        changed: books::moment(book.changed_ms, now_ms),
        broken: runbook.is_none(),
        problems: format::count(book.page.made.diagnostics.len(), "problem", "problems"),
        diagnostics: if runbook.is_none() { runbooks::diagnostics(&book.page.made) } else { Vec::new() },
    }
}

/// Values of a kind among all runbooks that may be read, the most used first; the one filtered for is always among them.
fn facets(books: &[Book], asked: &Fields, name: &str, values: impl Fn(&Book) -> Vec<String>) -> Vec<Facet> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    books.iter().flat_map(values).for_each(|value| *counts.entry(value).or_default() += 1);
    let current = asked.filled(name);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(value, count)| (current != Some(value.as_str()), std::cmp::Reverse(*count)));
    counts.into_iter().take(FACETS_MAX).map(|(value, count)| facet(asked, name, &value, &value, count)).collect()
}

fn standings(books: &[Book], asked: &Fields) -> Vec<Facet> {
    let words = Standing::ALL.map(Standing::word).into_iter().chain([BROKEN]);
    let counted = words.map(|word| (word, books.iter().filter(|book| book.standing() == word).count()));
    let counted = counted.filter(|(word, count)| *count > 0 || asked.filled("fresh") == Some(*word));
    counted
        .map(|(word, count)| facet(asked, "fresh", word, if word == BROKEN { "does not parse" } else { word }, count))
        .collect()
}

/// A link that filters, or takes the filter away where it is on.
fn facet(asked: &Fields, name: &str, value: &str, words: &str, count: usize) -> Facet {
    let current = asked.filled(name) == Some(value);
    Facet {
        words: words.to_owned(),
        count: count.to_string(),
        href: query::address("/runbooks", asked, &ASKED, (name, if current { "" } else { value })),
        current,
    }
}

fn meant_link(books: &[Book], words: String) -> Facet {
    let asked = Fields(vec![("q".to_owned(), words.clone())]);
    let count = books::found(books, &asked).len();
    Facet {
        count: format::count(count, "runbook", "runbooks"),
        href: query::address("/runbooks", &asked, &ASKED, ("", "")),
        words,
        current: false,
    }
}
