//! Searching all of an attempt's output: what is found, how often, where the next and the one before is, and what was
//! not searched. One answer is bounded, and says where to go on.

use crate::engine::output::{
    Case, OutputReader, OutputSummary, PageLimits, Query, QueryError, SearchFrom, SearchLimits,
};
use crate::web::ansi::{Keep, Painter};
use crate::web::format;
use crate::web::limits::{HIT_LETTERS_MAX, HITS_LISTED_MAX, HITS_MAX, SEARCH_BYTES_MAX};
use crate::web::problem::Problem;
use crate::web::query::Fields;
use crate::web::reading::output::window::Address;
use crate::web::view::output::{Found, FoundLine, Link, SearchForm};

/// What a query string asks to look for.
pub struct Search {
    pub form: SearchForm,
    /// None when nothing is looked for.
    pub query: Option<Result<Query, QueryError>>,
}

/// Where a search goes from a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Next,
    Previous,
}

impl Search {
    /// `q=…`, `re=1` for a pattern, `case=1` where capitals matter.
    pub fn asked(asked: &Fields) -> Self {
        let text = asked.first("q").unwrap_or_default();
        let form = SearchForm {
            text: text.to_owned(),
            pattern: asked.filled("re").is_some(),
            exact: asked.filled("case").is_some(),
        };
        let case = if form.exact { Case::Exact } else { Case::Ignored };
        let query = (!text.trim().is_empty())
            .then(|| if form.pattern { Query::pattern(text, case) } else { Query::plain(text, case) });
        Self { form, query }
    }

    /// The query, where there is one that can be looked for.
    pub fn usable(&self) -> Option<&Query> {
        self.query.as_ref()?.as_ref().ok()
    }

    /// The fields that keep the search in an address.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        if self.query.is_some() {
            fields.push(("q", self.form.text.clone()));
            fields.extend(self.form.pattern.then(|| ("re", "1".to_owned())));
            fields.extend(self.form.exact.then(|| ("case", "1".to_owned())));
        }
        fields
    }

    /// The line of the next hit from `line` on, in either direction.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn step(&self, reader: &OutputReader, line: u64, way: Way) -> Result<Option<u64>, Problem> {
        let Some(query) = self.usable() else { return Ok(None) };
        let one = SearchLimits { hits_max: 1, bytes_max: SEARCH_BYTES_MAX };
        Ok(match way {
            Way::Next => {
                let page = reader.search(query, SearchFrom::Line(line.saturating_add(1)), one).await?;
                page.hits.first().map(|hit| hit.line)
            }
            Way::Previous => reader.last_hit(query, line, SEARCH_BYTES_MAX).await?.map(|hit| hit.line),
        })
    }

    /// What there is, from the beginning of the log or from where an answer before this one ended; `shown` is the line
    /// that the page stands at.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn found(
        &self,
        reader: &OutputReader,
        summary: &OutputSummary,
        address: &Address,
        from: Option<u64>,
        shown: Option<u64>,
    ) -> Result<Option<Found>, Problem> {
        let query = match &self.query {
            None => return Ok(None),
            Some(Err(wrong)) => return Ok(Some(Found::wrong(format!("Cannot look for this: {wrong}")))),
            Some(Ok(query)) => query,
        };
        let limits = SearchLimits { hits_max: HITS_MAX, bytes_max: SEARCH_BYTES_MAX };
        let page = reader.search(query, from.map_or(SearchFrom::Line(1), SearchFrom::Segment), limits).await?;
        let numbers: Vec<u64> = page.hits.iter().map(|hit| hit.line).collect();
        let at = |line: u64| address.with(&[("lines", line.to_string())]) + &format!("#L{line}");
        let step = |way: &str, line: u64| address.with(&[("find", way.to_owned()), ("line", line.to_string())]);
        let from_line = shown.unwrap_or(if from.is_some() { numbers.first().copied().unwrap_or(1) } else { 0 });
        let mut hits = Vec::new();
        for number in numbers.iter().take(HITS_LISTED_MAX) {
            hits.push(FoundLine { href: at(*number), number: *number, text: text_of(reader, *number).await? });
        }
        let go_on = page.next.map(|next| match next {
            SearchFrom::Segment(segment) => ("after", segment),
            SearchFrom::Line(line) => ("line", line),
        });
        Ok(Some(Found {
            words: words(self, &numbers, page.next.is_some(), from.is_some(), shown, summary),
            wrong: false,
            listed: hits.len() < numbers.len(),
            hits,
            next: Some(Link { href: step("next", from_line), words: "Next".to_owned() }),
            previous: Some(Link {
                href: step("previous", shown.unwrap_or(i64::MAX as u64)),
                words: "Previous".to_owned(),
            }),
            go_on: go_on.map(|(name, place)| Link {
                href: address.with(&[(name, place.to_string())]),
                words: "Search on from there".to_owned(),
            }),
            numbers: numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
        }))
    }
}

fn words(
    search: &Search,
    numbers: &[u64],
    is_cut: bool,
    goes_on: bool,
    shown: Option<u64>,
    summary: &OutputSummary,
) -> String {
    let count = format::count(numbers.len(), "line holds", "lines hold");
    let place = shown.and_then(|line| numbers.iter().position(|number| *number == line));
    let place = place.map(|place| format!("{} of ", place + 1)).unwrap_or_default();
    let until = numbers.last().filter(|_| is_cut).map(|last| format!(" up to line {last} of {}", summary.lines));
    let rest = match until {
        Some(until) => format!("{until}; not searched further"),
        None if is_cut => format!(" in what was searched; the log is longer ({} lines)", summary.lines),
        None if goes_on => " from there to the end".to_owned(),
        None => String::new(),
    };
    format!("{place}{count} “{}”{rest}", search.form.text)
}

async fn text_of(reader: &OutputReader, line: u64) -> Result<String, Problem> {
    let one = PageLimits { rows_max: 1, bytes_max: crate::engine::output::ROW_BYTES_MAX };
    let page = reader.lines(line, line, one).await?;
    let text = page.rows.first().map(|row| Painter::new().plain(&row.bytes, Keep::Nothing)).unwrap_or_default();
    Ok(text.chars().take(HIT_LETTERS_MAX).collect())
}
