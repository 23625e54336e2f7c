//! Which hosts said the same in a step, and how the others differ.

use std::collections::HashMap;

use crate::id::Digest;
use crate::run::view::{AttemptView, CellView, RunView, StepView};
use crate::side_by_side::Noise;
use crate::web::format;
use crate::web::limits::{
    GROUP_BYTES_MAX, GROUP_HOSTS_MAX, GROUP_LINES_MAX, GROUP_ROWS_MAX, GROUP_SHOWN_LINES, GROUPS_MAX,
};
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::reading::output;
use crate::web::reading::output::compare::small;
use crate::web::reading::output::text::{self, Text, newest};
use crate::web::state::Web;
use crate::web::view::grid::{groups_page, number};
use crate::web::view::groups::{Group, GroupsPage};
use crate::web::view::output::{Link, grouped};
use crate::web::view::step::output_page;

/// Hosts that said the same.
struct Said<'a> {
    hosts: Vec<(&'a CellView, &'a AttemptView)>,
    text: Text,
}

/// The page of a step.
///
/// # Errors
/// The store cannot be read.
pub async fn page(web: &Web, view: &RunView, step: &StepView, ignores_noise: bool) -> Result<GroupsPage, Problem> {
    let noise =
        if ignores_noise { Noise::ignoring(view.hosts.iter().map(|host| host.name.as_str())) } else { Noise::Counts };
    let _turn = web.limits().search().await;
    let mut said: HashMap<Digest, Said<'_>> = HashMap::new();
    let mut not_run = 0;
    for cell in step.cells.iter().take(GROUP_HOSTS_MAX) {
        let Some(attempt) = newest(cell) else {
            not_run += 1;
            continue;
        };
        let text = text::read(web, attempt, GROUP_LINES_MAX, GROUP_BYTES_MAX).await?;
        let key = key(attempt, &text, &noise);
        said.entry(key).or_insert_with(|| Said { hosts: Vec::new(), text }).hosts.push((cell, attempt));
    }
    let mut said: Vec<Said<'_>> = said.into_values().collect();
    // By size; what stands first in the plan decides between equals, so that a reload shows the same.
    let place = |said: &Said<'_>| step.cells.iter().position(|cell| cell.host == said.hosts[0].0.host);
    said.sort_by_key(|said| (std::cmp::Reverse(said.hosts.len()), place(said)));
    let groups = said.iter().take(GROUPS_MAX).enumerate();
    let shown = groups.map(|(position, of)| group(view, step, (position, of), said.first(), &noise)).collect();
    let more_hosts: usize = said.iter().skip(GROUPS_MAX).map(|of| of.hosts.len()).sum();
    Ok(GroupsPage {
        run: view.id.to_string(),
        title: view.title.clone(),
        step: step.id.to_string(),
        step_number: number(step),
        step_name: step.name.clone(),
        headline: headline(&said),
        noise: ignores_noise,
        note: note(not_run, step.cells.len()),
        groups: shown,
        more: (more_hosts > 0).then(|| {
            let groups = format::count(said.len() - GROUPS_MAX, "more group", "more groups");
            format!(
                "{groups} of {} are not shown. Ignoring numbers and names may bring them together.",
                format::count(more_hosts, "host", "hosts")
            )
        }),
        steps: view
            .steps
            .iter()
            .map(|other| Link {
                href: groups_page(view, &other.id),
                words: format!("{} {}", number(other), other.name),
            })
            .collect(),
    })
}

/// What is the same for hosts of one group: how it ended, and what it said, as far as it was read.
fn key(attempt: &AttemptView, text: &Text, noise: &Noise) -> Digest {
    let said = match noise {
        Noise::Counts => {
            let digest = text.digest.as_ref().map(Digest::to_string).unwrap_or_default();
            format!("{digest}\n{}", if text.is_cut { text.bytes } else { 0 })
        }
        Noise::Ignored { .. } => text.lines.iter().map(|line| noise.key(line) + "\n").collect(),
    };
    Digest::of(format!("{}\n{said}", attempt.outcome).as_bytes())
}

fn headline(said: &[Said<'_>]) -> String {
    let all: usize = said.iter().map(|of| of.hosts.len()).sum();
    match said {
        [] => "This step has not run anywhere yet.".to_owned(),
        [one] if all == 1 => format!("Only {} has run this step.", one.hosts[0].0.host),
        [_] => format!("All {} hosts said the same.", grouped(all as u64)),
        [largest, ..] if largest.hosts.len() == 1 => {
            format!("Each of the {} hosts said something else.", grouped(all as u64))
        }
        [largest, ..] => {
            let differ = all - largest.hosts.len();
            format!(
                "{} hosts said this, {differ} {}.",
                grouped(largest.hosts.len() as u64),
                if differ == 1 { "differs" } else { "differ" }
            )
        }
    }
}

fn note(not_run: usize, hosts: usize) -> Option<String> {
    let mut notes = Vec::new();
    if not_run > 0 {
        notes.push(format!("It has not run on {}.", format::count(not_run, "host", "hosts")));
    }
    if hosts > GROUP_HOSTS_MAX {
        notes.push(format!("Only the first {GROUP_HOSTS_MAX} of {hosts} hosts were looked at."));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}

fn group(
    view: &RunView,
    step: &StepView,
    (position, said): (usize, &Said<'_>),
    largest: Option<&Said<'_>>,
    noise: &Noise,
) -> Group {
    let (cell, attempt) = said.hosts[0];
    let names: Vec<&str> = said.hosts.iter().map(|(cell, _)| cell.host.as_str()).collect();
    let here = output_page(view, step, cell);
    let other = largest.filter(|_| position > 0);
    let (blocks, differing, is_cut) =
        other.map(|other| small(&other.text, &said.text, noise, GROUP_ROWS_MAX)).unwrap_or_default();
    let shown: Vec<String> = said.text.lines.iter().take(GROUP_SHOWN_LINES).cloned().collect();
    let rest = said.text.total.saturating_sub(shown.len() as u64);
    let with = |other: &Said<'_>| format!("host:{}", other.hosts[0].0.host);
    Group {
        id: format!("group-{}", position + 1),
        count: format::count(names.len(), "host", "hosts"),
        names_id: format!("names-{}", position + 1),
        names_rows: names.len().clamp(2, 10),
        hosts: format::names(names.iter().copied()),
        names: names.join("\n"),
        outcome: attempt.outcome.clone(),
        tone: output::outcome_tone(attempt),
        href: format!("{here}?attempt={}", attempt.id),
        compare: other.map(|other| format!("{here}/compare?{}", query::encode([("with", with(other))]))),
        lines: shown,
        more_lines: (rest > 0).then(|| format!("{} more {}", grouped(rest), if rest == 1 { "line" } else { "lines" })),
        is_largest: position == 0,
        differs: match (position, differing) {
            (0, _) => String::new(),
            (_, 0) if other.is_some_and(|other| other.hosts[0].1.outcome != attempt.outcome) => {
                "It said the same, and ended otherwise.".to_owned()
            }
            (_, 0) => "It differs behind what was compared, or in white space alone.".to_owned(),
            (_, 1) => "1 line differs from the largest group.".to_owned(),
            (_, lines) => format!("{lines} lines differ from the largest group."),
        },
        blocks,
        is_cut,
    }
}
