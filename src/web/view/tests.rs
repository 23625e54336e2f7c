//! Every template is rendered from sample values, and what comes out is held to the rules of the pages.

use std::collections::BTreeSet;
use std::path::Path;

use super::samples;
use crate::web::templates;

/// Parts that are drawn inside pages only.
const PARTIALS: &[&str] = &[
    "act-button",
    "approval-difference",
    "book-line",
    "cells",
    "chunks",
    "components/bars",
    "components/blank",
    "components/crumbs",
    "components/effect",
    "components/field",
    "components/meter",
    "components/pages",
    "components/progress",
    "components/severity",
    "components/tabs",
    "components/timeline",
    "diagnostic",
    "diff",
    "facets",
    "frame",
    "handoff-body",
    "handoff-finding",
    "handoff-item",
    "handoff-line",
    "handoff-write",
    "host-mark",
    "lines",
    "log",
    "message",
    "moment",
    "moment-ago",
    "need",
    "need-lock",
    "output-part",
    "pieces",
    "run-line",
    "run-parts",
    "runbook-step",
    "shares-list",
    "sprite",
    "step-card",
    "step-evidence",
    "step-forms",
    "step-line",
    "tail",
];

fn drawn() -> Vec<(String, String)> {
    let samples = samples::all();
    samples
        .into_iter()
        .map(|sample| {
            let html = sample.html.unwrap_or_else(|problem| panic!("{}: {}", sample.name, problem.detail));
            (sample.name, html)
        })
        .collect()
}

#[test]
fn every_template_is_drawn_from_samples() {
    let pages: BTreeSet<String> = samples::all().iter().map(|sample| sample.template.to_owned()).collect();
    let known: BTreeSet<String> = templates::names().into_iter().collect();
    let covered: BTreeSet<String> = pages.into_iter().chain(PARTIALS.iter().map(|name| (*name).to_owned())).collect();
    assert_eq!(known, covered);
    // They are left beside the build, to be looked at in a browser.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (name, html) in drawn() {
        std::fs::write(folder.join(format!("{name}.html")), html).expect("the page can be written");
    }
}

#[test]
fn no_page_has_inline_script_or_style_or_leads_elsewhere() {
    for (name, html) in drawn() {
        for forbidden in [" style=\"", "<style", " onclick=", "javascript:", "href=\"//", "src=\"http"] {
            assert!(!html.contains(forbidden), "{name} has {forbidden}");
        }
        for script in html.match_indices("<script") {
            assert!(html[script.0..].starts_with("<script src=\"/assets/"), "{name} has an inline script");
        }
    }
}

#[test]
fn a_page_without_output_is_small() {
    for (name, html) in drawn() {
        let output: usize = html.split("<pre").skip(1).filter_map(|part| part.find("</pre>")).sum();
        assert!(html.len() - output < 40_000, "{name}: {} bytes", html.len() - output);
    }
}

#[test]
fn the_host_is_on_the_button_that_changes_it() {
    for name in ["run-confirm-press", "run-confirm-host"] {
        let (_, html) = drawn().into_iter().find(|(drawn, _)| drawn == name).expect("it is among the samples");
        let button = "Delete releases older than the newest three on <span class=\"one\"><span class=\"host\">web-<b>3</b></span>";
        assert!(html.contains(button), "{name}");
    }
}

#[test]
fn every_form_of_a_run_carries_the_event_that_was_seen() {
    for (name, html) in drawn() {
        for form in
            html.split("<form ").skip(1).filter(|form| form.contains("action=\"/runs/") && form.contains("/actions\""))
        {
            let form = &form[..form.find("</form>").expect("forms are closed")];
            assert!(form.contains("name=\"seq\" value=\"42\""), "{name}: {form}");
        }
    }
}

#[test]
fn the_page_of_components_shows_every_component() {
    let page = include_str!("../templates/components.hbs");
    let components: Vec<String> =
        templates::names().into_iter().filter(|name| name.starts_with("components/")).collect();
    assert!(components.len() > 8, "{components:?}");
    for name in components {
        assert!(page.contains(&format!("{{{{> {name}")), "{name} is missing on the page of components");
    }
}

#[test]
fn every_icon_that_a_page_uses_is_in_the_sprite() {
    for (name, html) in drawn() {
        for used in html.split("<use href=\"#").skip(1) {
            let id = used.split('"').next().unwrap_or_default();
            assert!(html.contains(&format!("<symbol id=\"{id}\"")), "{name} uses the icon {id}");
        }
    }
}
