//! Now: who is on call, what waits for whoever looks, what runs, what was.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::web::authority::{Authorised, Each, ReadRuns};
use crate::web::format;
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::reading::now;
use crate::web::state::Web;
use crate::web::view::now::{NowPage, Section};

/// `GET /`
pub async fn show(who: Authorised<ReadRuns, Each>, State(web): State<Web>) -> Result<Page, Problem> {
    // Before what it stands for is read: a change in between is shown once more, and none is missed.
    let pulse = now::pulse(&who, &web).await?;
    let sections = now::of_runs(&who, &web).await?.sections();
    let waits_for_me = count(&sections, "mine");
    let page = NowPage {
        pulse,
        headline: headline(&sections),
        waits_for_me,
        on_call: now::on_call(&who, &web),
        empty: sections
            .iter()
            .all(|section| section.rows.is_empty())
            .then(|| "There is no run yet that you may see. Choose a runbook to start one.".to_owned()),
        sections,
    };
    let title = if waits_for_me > 0 { format!("({waits_for_me}) Now") } else { "Now".to_owned() };
    Page::new("home", &who.frame(Place::Home, title), &page)
}

/// What the open page asks again and again.
#[derive(Debug, Serialize)]
pub struct Pulse {
    pulse: String,
}

/// `GET /now/pulse`
pub async fn pulse(who: Authorised<ReadRuns, Each>, State(web): State<Web>) -> Result<Json<Pulse>, Problem> {
    Ok(Json(Pulse { pulse: now::pulse(&who, &web).await? }))
}

fn count(sections: &[Section], id: &str) -> usize {
    sections.iter().find(|section| section.id == id).map_or(0, |section| section.rows.len())
}

fn headline(sections: &[Section]) -> String {
    let running = match count(sections, "running") {
        0 => String::new(),
        running => format!(" {}.", format::count(running, "run goes on", "runs go on")),
    };
    match (count(sections, "mine"), count(sections, "others")) {
        (0, 0) if running.is_empty() => {
            let last = sections.iter().find(|section| section.id == "ended").and_then(|ended| ended.rows.first());
            match last {
                Some(last) => format!("Nothing waits. Last run {}.", last.since.ago),
                None => "Nothing waits.".to_owned(),
            }
        }
        (0, 0) => format!("Nothing waits.{running}"),
        (0, others) => {
            format!("Nothing waits for you. {} for others.{running}", format::count(others, "run waits", "runs wait"))
        }
        (mine, _) => format!("{} for you.{running}", format::count(mine, "run waits", "runs wait")),
    }
}
