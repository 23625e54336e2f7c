//! Every page but the run's.

use serde::Serialize;

use super::{NOW_MS, Sample, runs};
use crate::web::format::Moment;
use crate::web::page::{Frame, Place, draw};
use crate::web::view::audit::{AnchorLine, AuditPage, EntryLine, Standing, kind_options};
use crate::web::view::components::ComponentsPage;
use crate::web::view::lists::{BookLine, DiagnosticLine, HomePage, RunLine, RunbooksPage, RunsPage, state_options};
use crate::web::view::login::LoginPage;
use crate::web::view::need::ChoiceOption;
use crate::web::view::output::chunks;
use crate::web::view::run::{InputLine, Message};
use crate::web::view::runbook::{
    HostAbout, HostPick, InputField, InputNote, PlanCard, RunbookPage, StartPage, StepText,
};
use crate::web::view::share::{
    FindingLine, ProblemPage, ShareLine, ShareMadePage, ShareNewPage, SharedCell, SharedLog, SharedPage, SharedStep,
    expiries,
};

pub fn all() -> Vec<Sample> {
    let empty_home =
        HomePage { headline: "Nothing waits".to_owned(), waiting: Vec::new(), running: Vec::new(), recent: Vec::new() };
    vec![
        page("home", "home", Place::Home, &home()),
        page("home", "home-empty", Place::Home, &empty_home),
        page("runbooks", "runbooks", Place::Runbooks, &runbooks()),
        page("runbook", "runbook", Place::Runbooks, &runbook()),
        page("start", "start", Place::Runbooks, &start(None)),
        page("start", "start-plan", Place::Runbooks, &start(Some(plan()))),
        page("runs", "runs", Place::Runs, &history()),
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

fn run_line(state: &str, tone: &'static str) -> RunLine {
    RunLine {
        href: "/runs/0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned(),
        title: "Disk full on a web host".to_owned(),
        place: "web-1, web-2 and 3 more".to_owned(),
        state: state.to_owned(),
        tone,
        waiting: (tone == "wait").then(|| "type the name of the host".to_owned()),
        progress: "step 4 of 8".to_owned(),
        started: moment(),
        by: "user:anna".to_owned(),
    }
}

fn home() -> HomePage {
    HomePage {
        headline: "1 run waits for a person".to_owned(),
        waiting: vec![run_line("Waits", "wait")],
        running: vec![run_line("Running", "run")],
        recent: vec![run_line("Succeeded", "good"), run_line("Failed", "bad"), run_line("Aborted", "still")],
    }
}

fn history() -> RunsPage {
    RunsPage {
        query: "disk \"full\"".to_owned(),
        runbook: String::new(),
        host: "web-1".to_owned(),
        states: state_options("failed"),
        runs: home().recent,
        older: Some("/runs?cursor=x".to_owned()),
    }
}

fn diagnostic() -> DiagnosticLine {
    DiagnosticLine {
        severity: "error",
        place: "runbooks/web/broken.yaml:12:5".to_owned(),
        message: "unknown field \"timeuot\"".to_owned(),
        help: Some("did you mean \"timeout\"?".to_owned()),
        rule: "schema[unknown-key]".to_owned(),
    }
}

fn runbooks() -> RunbooksPage {
    let book = |broken: bool| BookLine {
        path: if broken { "web/broken" } else { "web/disk-full" }.to_owned(),
        name: if broken { "web/broken" } else { "Disk full on a web host" }.to_owned(),
        summary: "Free space on one web host so that nginx and the app can write again.".to_owned(),
        owner: Some("team:web".to_owned()),
        tags: vec!["disk".to_owned(), "web".to_owned()],
        overdue: Some("review was due 2026-03-01".to_owned()),
        broken,
        problems: "1 problem".to_owned(),
        diagnostics: if broken { vec![diagnostic()] } else { Vec::new() },
    };
    RunbooksPage {
        query: "disk".to_owned(),
        words: "2 of 7 runbooks".to_owned(),
        commit: Some("4f1c2d9e8b7a".to_owned()),
        books: vec![book(false), book(true)],
        empty: Some("No runbook speaks of “dsik”.".to_owned()),
    }
}

fn step_text(name: &str, effect: &'static str, effect_words: &'static str) -> StepText {
    StepText {
        name: name.to_owned(),
        effect,
        effect_words,
        friction: (effect == "destroys").then(|| "type the host's name".to_owned()),
        why: Some("Old releases take most of the space.".to_owned()),
        instruction: (effect_words == "by hand").then(|| "Open the dashboard.".to_owned()),
        body: (effect_words != "by hand").then(|| "df -P \"$mount\" | awk 'NR==2 {print $5}'".to_owned()),
    }
}

fn step_texts() -> Vec<StepText> {
    vec![
        step_text("Measure how full the filesystem is", "reads", "only reads"),
        step_text("Delete releases older than the newest three", "destroys", "destructive"),
        step_text("Read the error rate on the web dashboard", "reads", "by hand"),
    ]
}

fn runbook() -> RunbookPage {
    RunbookPage {
        path: "web/disk-full".to_owned(),
        name: "Disk full on a web host".to_owned(),
        summary: "Free space on one web host so that nginx and the app can write again.".to_owned(),
        message: None,
        startable: true,
        places: "1 of 3 hosts that match role=web".to_owned(),
        risk: "destructive",
        problems: "1 finding".to_owned(),
        diagnostics: vec![diagnostic()],
        inputs: vec![InputNote {
            name: "mount".to_owned(),
            label: "Filesystem".to_owned(),
            hint: "default /".to_owned(),
        }],
        preconditions: vec![step_text("This is a web host", "reads", "only reads")],
        steps: step_texts(),
        runs: home().recent,
        owner: Some("team:web".to_owned()),
        review_by: Some("2027-03-01".to_owned()),
        commit: Some("4f1c2d9e8b7a".to_owned()),
        tags: "disk, web".to_owned(),
        alerts: "NodeFilesystemAlmostOutOfSpace".to_owned(),
    }
}

fn field(name: &str) -> InputField {
    InputField {
        name: name.to_owned(),
        label: format!("What {name} is"),
        hint: "a whole number".to_owned(),
        choice: name == "colour",
        options: vec![ChoiceOption { value: "green".to_owned(), chosen: true }],
        secret: name == "password",
        long: name == "text",
        given: "/var & <x>".to_owned(),
        error: (name == "mount").then(|| "does not match /[A-Za-z0-9/_.-]*".to_owned()),
    }
}

fn start(plan: Option<PlanCard>) -> StartPage {
    StartPage {
        path: "web/disk-full".to_owned(),
        name: "Disk full on a web host".to_owned(),
        summary: "Free space on one web host so that nginx and the app can write again.".to_owned(),
        message: plan
            .is_none()
            .then(|| Message::refused("Not started", Some("input mount: does not match".to_owned()))),
        key: "k".to_owned(),
        continues: plan.is_some().then(|| "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01".to_owned()),
        from: plan.is_some().then(|| "journal".to_owned()),
        git_ref: Some("main".to_owned()),
        inputs: ["mount", "colour", "password", "text"].map(field).to_vec(),
        local: false,
        hosts_words: "3 hosts that match role=web".to_owned(),
        picked_words: "1 chosen".to_owned(),
        hosts: ["web-1", "web-2", "web-3"]
            .map(|name| HostPick {
                name: name.to_owned(),
                about: "ops@10.0.4.17 · env=prod".to_owned(),
                chosen: name == "web-3",
            })
            .to_vec(),
        no_hosts: None,
        hosts_error: Some("choose at least one host".to_owned()),
        auto: false,
        auto_forbidden: true,
        confirm_hosts: String::new(),
        guarded: true,
        reason: String::new(),
        plan,
    }
}

fn plan() -> PlanCard {
    PlanCard {
        words: "2 steps change something on web-3.".to_owned(),
        digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        short_digest: "9f86d081884c".to_owned(),
        commit: Some("4f1c2d9e8b7a".to_owned()),
        hosts: vec![HostAbout { name: "web-3".to_owned(), about: "ops@10.0.4.17:22".to_owned() }],
        inputs: vec![InputLine { name: "mount".to_owned(), value: "/var".to_owned() }],
        steps: step_texts(),
        button: "Start on web-3".to_owned(),
    }
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
