//! Every page but the run's.

use serde::Serialize;

use super::{NOW_MS, Sample, runs};
use crate::web::format::Moment;
use crate::web::page::{Frame, Place, draw};
use crate::web::view::audit::{AnchorLine, AuditPage, EntryLine, Standing, kind_options};
use crate::web::view::components::ComponentsPage;
use crate::web::view::login::LoginPage;
use crate::web::view::output::chunks;
use crate::web::view::run::Message;
use crate::web::view::share::{
    FindingLine, ProblemPage, ShareLine, ShareMadePage, ShareNewPage, SharedCell, SharedLog, SharedPage, SharedStep,
    expiries,
};

pub fn all() -> Vec<Sample> {
    vec![
        page("share-new", "share-new", Place::Runs, &share_new()),
        page("share-made", "share-made", Place::Runs, &share_made()),
        page("components", "components", Place::Account, &ComponentsPage::sample()),
        page("audit", "audit", Place::Audit, &audit(true)),
        page("audit", "audit-empty", Place::Audit, &audit(false)),
        public("shared", "shared", &shared()),
        public("login", "login", &LoginPage::default()),
        public("login", "login-link", &LoginPage { token: Some("shlogin_…".to_owned()), ..LoginPage::default() }),
        public("problem", "problem", &problem()),
        public("share-gone", "share-gone", &()),
    ]
}

pub(super) fn page<V: Serialize>(template: &'static str, name: &str, place: Place, view: &V) -> Sample {
    let frame = Frame::of(&runs::actor(), place, name);
    Sample { template, name: name.to_owned(), html: draw(template, &frame, view) }
}

pub(super) fn public<V: Serialize>(template: &'static str, name: &str, view: &V) -> Sample {
    Sample { template, name: name.to_owned(), html: draw(template, &Frame::public(name), view) }
}

pub(super) fn moment() -> Moment {
    Moment::new(NOW_MS - 240_000, NOW_MS)
}

fn share_new() -> ShareNewPage {
    ShareNewPage {
        run: "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        title: "Disk full on a web host".to_owned(),
        what: "step largest on web-3".to_owned(),
        message: Some(Message::refused("Not shared", None)),
        findings: vec![FindingLine { place: "web-3, line 12".to_owned(), kind: "private key".to_owned() }],
        step: Some("largest".to_owned()),
        host: Some("web-3".to_owned()),
        attempt: Some("1".to_owned()),
        lines: "1-20".to_owned(),
        label: "Disk of web-3".to_owned(),
        expiries: expiries("24h"),
        requires_login: false,
        login_forced: false,
        shares: vec![ShareLine {
            id: "s".to_owned(),
            run: "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
            label: "Disk of web-3".to_owned(),
            what: "the run".to_owned(),
            standing: "works",
            tone: "good",
            by: "user:anna".to_owned(),
            views: "seen 3 times".to_owned(),
            expires: moment(),
            revocable: true,
        }],
    }
}

/// With entries, and an anchor that fails; or a server that has just been started.
fn audit(filled: bool) -> AuditPage {
    let anchor = |fails: bool| AnchorLine {
        anchor: if fails { "git:/srv/anchors.git" } else { "file:/mnt/log/anchors" }.to_owned(),
        tone: if fails { "bad" } else { "good" },
        standing: if fails { "fails" } else { "works" },
        words: if fails { "nothing there yet; 12 more waiting" } else { "there up to checkpoint 812" }.to_owned(),
        at: (!fails).then(moment),
        error: fails.then(|| "could not run git in /srv/anchors.git: No such file or directory".to_owned()),
    };
    let entry = |kind: &str, object: &str| EntryLine {
        kind: kind.to_owned(),
        actor: (kind != "run-ended").then(|| "user:anna".to_owned()),
        object: object.to_owned(),
        href: object.strip_prefix("run:").map(|run| format!("/runs/{run}")),
        detail: (kind == "signed-in").then(|| "from 192.0.2.1".to_owned()),
        at: moment(),
        place: "server 120".to_owned(),
    };
    let run = "run:0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01";
    AuditPage {
        standing: Standing {
            number: filled.then(|| "812".to_owned()),
            made: filled.then(moment),
            key: filled.then(|| "ab".repeat(32)),
            anchors: if filled { vec![anchor(false), anchor(true)] } else { Vec::new() },
        },
        person: "anna".to_owned(),
        object: String::new(),
        since: if filled { "2026-11-23" } else { "yesterday" }.to_owned(),
        until: String::new(),
        kinds: kind_options("share-made"),
        problem: (!filled).then(|| "since=yesterday is no time: write 2026-11-23".to_owned()),
        entries: if filled {
            vec![entry("signed-in", "user:anna"), entry("step-confirmed", run), entry("run-ended", run)]
        } else {
            Vec::new()
        },
        older: filled.then(|| "/audit?cursor=x".to_owned()),
        as_json: "/audit/export?format=json".to_owned(),
        as_csv: "/audit/export?format=csv".to_owned(),
    }
}

fn share_made() -> ShareMadePage {
    ShareMadePage {
        run: "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        title: "Disk full on a web host".to_owned(),
        link: format!("https://ops.example.org/s/{}", "ab".repeat(32)),
        expires: moment(),
        requires_login: true,
    }
}

fn shared() -> SharedPage {
    SharedPage {
        label: "Disk of web-3".to_owned(),
        by: "user:anna".to_owned(),
        expires: moment(),
        taken: moment(),
        title: "Disk full on a web host".to_owned(),
        runbook: "web/disk-full".to_owned(),
        run: "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        commit: Some("4f1c2d9e8b7a".to_owned()),
        state: "Running".to_owned(),
        tone: "run".to_owned(),
        hosts: "web-3".to_owned(),
        started: moment(),
        steps: vec![SharedStep {
            name: "List the ten largest directories".to_owned(),
            mark: "✓".to_owned(),
            tone: "good".to_owned(),
            state: "done".to_owned(),
            command: Some("du -xh".to_owned()),
            cells: vec![SharedCell { host: "web-3".to_owned(), outcome: "succeeded".to_owned() }],
            logs: vec![SharedLog {
                title: "web-3".to_owned(),
                outcome: "exit 0".to_owned(),
                note: Some("the last 5,000 lines".to_owned()),
                prefix: "2-".to_owned(),
                chunks: chunks(runs::lines(40)),
            }],
        }],
        raw: "/shared/s/raw".to_owned(),
    }
}

fn problem() -> ProblemPage {
    ProblemPage {
        title: "There is nothing here".to_owned(),
        detail: "there is no run 0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        next_step: Some("Look in the list of runs.".to_owned()),
        request_id: Some("0198c5a0".to_owned()),
    }
}
