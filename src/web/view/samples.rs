//! One of each page, from plain pictures: the test that renders every template draws these, and so does whoever
//! changes a template and wants to look at it.

mod account;
mod handoffs;
mod lists;
mod on_call;
mod output;
mod pages;
mod runs;

use crate::web::page::{Frame, Place, draw};
use crate::web::problem::Problem;
use crate::web::view::components::SAMPLE_NOW_MS;
use crate::web::view::rights::Rights;
use crate::web::view::run::{Message, RunPage};

const EVERYTHING: Rights = Rights { act: true, approve: true, share: true };
const NOTHING: Rights = Rights { act: false, approve: false, share: false };

pub use output::grid_run;

/// The moment at which the samples are seen.
pub const NOW_MS: i64 = SAMPLE_NOW_MS;

/// A page that was drawn: the template, a name that tells it from others of the template, and its HTML.
pub struct Sample {
    pub template: &'static str,
    pub name: String,
    pub html: Result<String, Problem>,
}

/// Every page with sample values.
pub fn all() -> Vec<Sample> {
    let mut samples = pages::all();
    samples.extend(account::all());
    samples.extend(handoffs::all());
    samples.extend(on_call::all());
    samples.extend(output::all());
    samples.extend(lists::all());
    for (name, view, tails) in runs::all() {
        let message =
            (name == "confirm-host").then(|| Message::refused("Refused", Some("“web3” is not “web-3”".to_owned())));
        for (may, rights) in [("", EVERYTHING), ("-watched", NOTHING)] {
            let page = RunPage::new(&view, &runs::actor(), &runs::around(&view), tails.clone(), message.clone());
            let page = page.limited_to(rights, &view, &runs::actor());
            let frame = Frame::of(&runs::actor(), Place::Runs, page.band.title.clone());
            samples.push(Sample {
                template: "run",
                name: format!("run-{name}{may}"),
                html: draw("run", &frame, &page),
            });
        }
    }
    samples
}
