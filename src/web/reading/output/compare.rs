//! A step's output beside that of the last good run, of another attempt, or of another host.

use crate::id::HostName;
use crate::run::view::{AttemptView, CellView, RunView, StepView};
use crate::side_by_side::{Noise, side_by_side};
use crate::web::authority::{Authorised, TheCell};
use crate::web::format::Moment;
use crate::web::limits::{COMPARE_BYTES_MAX, COMPARE_LINES_MAX, COMPARE_ROWS_MAX};
use crate::web::problem::Problem;
use crate::web::query::Fields;
use crate::web::reading::output::text::{self, Text, newest};
use crate::web::reading::{output, runs};
use crate::web::state::Web;
use crate::web::view::compare::{CompareOption, ComparePage, DiffBlock, Side, blocks};
use crate::web::view::grid::worst_first;
use crate::web::view::output::grouped;
use crate::web::view::step::{attempt_words, output_page};

/// Hosts that the form offers; any other may be written into the address.
const HOSTS_OFFERED_MAX: usize = 50;

/// What the right side is: the one that is looked at. The left is what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum With {
    LastGood,
    Attempt(u32),
    Host(HostName),
}

impl With {
    /// `last`, `attempt:2`, `host:web-2`.
    fn named(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "last").then_some(Self::LastGood),
            Some(("attempt", number)) => number.parse().ok().map(Self::Attempt),
            Some(("host", host)) => host.parse().ok().map(Self::Host),
            Some(_) => None,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::LastGood => "last".to_owned(),
            Self::Attempt(number) => format!("attempt:{number}"),
            Self::Host(host) => format!("host:{host}"),
        }
    }
}

/// The page of a comparison.
///
/// # Errors
/// There is no such step, host or attempt, or the store cannot be read.
pub async fn page<P>(
    who: &Authorised<P, TheCell>,
    web: &Web,
    view: &RunView,
    asked: &Fields,
) -> Result<ComparePage, Problem> {
    let (step, cell) = output::cell(view, &who.on.step, &who.on.host)?;
    let attempt = output::attempt(cell, asked.first("attempt"))?;
    let with = asked.filled("with").map_or(Some(With::LastGood), With::named);
    let with = with.ok_or_else(|| Problem::bad_request("with is last, attempt:2 or host:web-2"))?;
    let ignores_noise = asked.filled("noise").is_some();
    let mut page = ComparePage {
        run: view.id.to_string(),
        title: view.title.clone(),
        step_name: step.name.clone(),
        host: cell.host.to_string(),
        here: output_page(view, step, cell),
        attempt: attempt.map(|attempt| attempt.id.to_string()),
        options: options(step, cell, attempt, &with),
        noise: ignores_noise,
        left: None,
        right: None,
        words: String::new(),
        cut: None,
        same: false,
        blocks: Vec::new(),
    };
    let Some(attempt) = attempt else {
        page.words = "The step has not run on this host, so there is nothing to compare.".to_owned();
        return Ok(page);
    };
    let other = match other(who, web, view, (step, cell), &with).await? {
        Ok(other) => other,
        Err(why) => {
            page.words = why;
            return Ok(page);
        }
    };
    let _turn = web.limits().search().await;
    let left = text::read(web, &other.attempt, COMPARE_LINES_MAX, COMPARE_BYTES_MAX).await?;
    let right = text::read(web, attempt, COMPARE_LINES_MAX, COMPARE_BYTES_MAX).await?;
    let noise = if ignores_noise { Noise::ignoring([other.host.as_str(), cell.host.as_str()]) } else { Noise::Counts };
    compare(&mut page, &left, &right, &noise);
    let when = |attempt: &AttemptView| Moment::new(attempt.started_at_ms, web.now_ms());
    let words = format!("{} · this run", cell.host);
    page.left = Some(Side {
        href: other.href,
        words: other.words,
        outcome: other.attempt.outcome.clone(),
        started: when(&other.attempt),
    });
    let href = format!("{}?attempt={}", page.here, attempt.id);
    page.right = Some(Side { href, words, outcome: attempt.outcome.clone(), started: when(attempt) });
    Ok(page)
}

struct Other {
    attempt: AttemptView,
    host: HostName,
    href: String,
    words: String,
}

/// What is compared with, or why there is nothing.
async fn other<P>(
    who: &Authorised<P, TheCell>,
    web: &Web,
    view: &RunView,
    (step, cell): (&StepView, &CellView),
    with: &With,
) -> Result<Result<Other, String>, Problem> {
    let of = |view: &RunView, step: &StepView, cell: &CellView, attempt: &AttemptView, words: String| Other {
        attempt: attempt.clone(),
        host: cell.host.clone(),
        href: format!("{}?attempt={}", output_page(view, step, cell), attempt.id),
        words,
    };
    Ok(match with {
        With::Attempt(number) => match cell.attempts.iter().find(|attempt| attempt.number == *number) {
            Some(attempt) => Ok(of(view, step, cell, attempt, format!("{} · attempt {number}", cell.host))),
            None => Err(format!("This step has no attempt {number} on {}.", cell.host)),
        },
        With::Host(host) => {
            let other = step.cells.iter().find(|cell| cell.host == *host);
            match other.and_then(|cell| Some((cell, newest(cell)?))) {
                Some((other, attempt)) => Ok(of(view, step, other, attempt, format!("{host} · this run"))),
                None => Err(format!("This step has not run on {host}.")),
            }
        }
        With::LastGood => {
            let none = || {
                format!(
                    "No earlier run of this runbook succeeded with this step on {}, so there is no last good output.",
                    cell.host
                )
            };
            let Some(good) = runs::last_good(who, web, view).await? else { return Ok(Err(none())) };
            let (step, cell) = output::cell(&good, &step.id, &cell.host)?;
            newest(cell)
                .map(|attempt| of(&good, step, cell, attempt, format!("{} · last good run", cell.host)))
                .ok_or_else(none)
        }
    })
}

fn compare(page: &mut ComparePage, left: &Text, right: &Text, noise: &Noise) {
    let mut compared = side_by_side(&left.lines, &right.lines, noise);
    let is_long = left.is_cut || right.is_cut;
    let rows_cut = compared.truncate(COMPARE_ROWS_MAX);
    page.same = compared.differing == 0 && !is_long;
    page.words = match compared.differing {
        0 if is_long => "What was compared is the same.".to_owned(),
        0 if page.noise => "Both are the same but for white space, numbers and names of hosts.".to_owned(),
        0 => "Both are the same.".to_owned(),
        1 => "1 line differs.".to_owned(),
        lines => format!("{} lines differ.", grouped(lines as u64)),
    };
    page.cut = is_long.then(|| {
        format!(
            "Too long to compare whole: these are the first {} of {} lines and the first {} of {}.",
            grouped(left.lines.len() as u64),
            grouped(left.total),
            grouped(right.lines.len() as u64),
            grouped(right.total)
        )
    });
    if rows_cut && page.cut.is_none() {
        page.cut = Some(format!("Too much differs to show: these are the first {COMPARE_ROWS_MAX} rows."));
    }
    page.blocks = blocks(compared.blocks);
}

fn options(step: &StepView, cell: &CellView, shown: Option<&AttemptView>, with: &With) -> Vec<CompareOption> {
    let mut options = vec![(With::LastGood, "the last good run".to_owned())];
    for (position, attempt) in cell.attempts.iter().enumerate() {
        if shown.is_none_or(|shown| shown.id != attempt.id) {
            options.push((With::Attempt(attempt.number), attempt_words(cell, position)));
        }
    }
    let others = worst_first(&step.cells).into_iter().filter(|other| other.host != cell.host);
    let others = others.filter(|other| !other.attempts.is_empty()).take(HOSTS_OFFERED_MAX);
    options.extend(others.map(|other| (With::Host(other.host.clone()), other.host.to_string())));
    if !options.iter().any(|(option, _)| option == with) {
        options.push((with.clone(), with.name()));
    }
    options
        .into_iter()
        .map(|(option, words)| CompareOption { value: option.name(), words, chosen: option == *with })
        .collect()
}

/// Blocks of another page that shows a difference.
pub fn small(left: &Text, right: &Text, noise: &Noise, rows_max: usize) -> (Vec<DiffBlock>, usize, bool) {
    let mut compared = side_by_side(&left.lines, &right.lines, noise);
    compared.blocks.retain(|block| !block.folded);
    let is_cut = compared.truncate(rows_max);
    (blocks(compared.blocks), compared.differing, is_cut)
}
