//! Each example is run to its end on real sshd hosts by the real engine, with a person who answers as told.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use steadyhand::access::identity::Identity;
use steadyhand::clock::System;
use steadyhand::engine::ask::{HostsAsked, StartRequest};
use steadyhand::engine::{Engine, Parts};
use steadyhand::id::RunId;
use steadyhand::library::Library;
use steadyhand::run::action::{Action, Request};
use steadyhand::run::approval::Credentials;
use steadyhand::run::event::Actor;
use steadyhand::run::plan::Pace;
use steadyhand::run::view::{CellStateName, Need, RunStateName, RunView};
use steadyhand::store::{DatabaseUrl, EngineLock, Store};
use steadyhand::transport::recorded::Recorded;
use steadyhand::transport::router::Router;
use tempfile::TempDir;

use super::checked::examples;
use super::prepare;
use crate::sshd::{Shell, Sshd};

/// How long a run may take on a busy machine.
const RUN_MAX: Duration = Duration::from_secs(180);

/// The second person may still approve when their word is used.
const ACCESS: &str = "steadyhand: 1\nteams: {platform: [ben], web: [ben]}\ngrants: [{who: user:ben, role: approver}]\n";

/// A server's parts over throwaway data, with prepared hosts that runbooks for `role=web` select.
struct Stage {
    engine: Engine,
    hosts: Vec<Sshd>,
    _folders: [TempDir; 2],
}

impl Stage {
    async fn with_hosts(names: &[&str]) -> Self {
        let hosts: Vec<Sshd> = names.iter().map(|name| Sshd::named(name).start()).collect();
        for host in &hosts {
            prepare(&host.home(), Shell::Dash);
        }
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary directory"));
        let (repository, data) = (folders[0].path(), folders[1].path());
        for (name, text) in examples() {
            let file = repository.join("runbooks").join(format!("{name}.yaml"));
            fs::create_dir_all(file.parent().expect("it has one")).expect("a new folder");
            fs::write(file, text).expect("a new file");
        }
        fs::write(repository.join("inventory.yaml"), inventory(&hosts)).expect("a new file");
        fs::write(repository.join("access.yaml"), ACCESS).expect("a new file");
        let lock = EngineLock::acquire(data).expect("nobody else uses this data");
        let engine = Engine::new(Parts {
            store: Store::open(&DatabaseUrl::in_data_dir(data), data).await.expect("a new store opens"),
            library: Library::open(repository).await.expect("the examples are a library"),
            transport: Arc::new(Router::new(&data.join("ssh"), Recorded::new()).expect("a new folder")),
            secrets: Arc::new(steadyhand::secrets::NamedSecrets::none()),
            clock: Arc::new(System::start()),
            lock: Some(lock),
        });
        crate::accounts::make(engine.store(), &["ben"]).await;
        Self { engine, hosts, _folders: folders }
    }

    fn home(&self) -> std::path::PathBuf {
        self.hosts[0].home()
    }

    /// Runs it on all hosts; confirms what is asked, and answers questions by their names.
    async fn play(&self, runbook: &str, answers: &[(&str, &str)]) -> RunView {
        let started = self.engine.start(self.request(runbook)).await.expect("it starts");
        let run = self.to_the_end(started.run, answers);
        tokio::time::timeout(RUN_MAX, run).await.unwrap_or_else(|_| panic!("{runbook} did not end in {RUN_MAX:?}"))
    }

    fn request(&self, runbook: &str) -> StartRequest {
        StartRequest {
            runbook: runbook.parse().expect("a valid runbook path"),
            git_ref: None,
            inputs: BTreeMap::new(),
            secrets: Vec::new(),
            hosts: HostsAsked::Names(self.hosts.iter().map(|host| host.target().name).collect()),
            pace: Pace::Step,
            confirm_hosts: None,
            who: Identity::within(person()),
            reason: None,
            override_windows: Vec::new(),
            continues: None,
            idempotency_key: None,
        }
    }

    async fn to_the_end(&self, run: RunId, answers: &[(&str, &str)]) -> RunView {
        loop {
            let mut stored = self.engine.watch(run);
            let view = self.engine.view(run).await.expect("the store can be read").expect("there is this run");
            if view.ended_at_ms.is_some() {
                return view;
            }
            match &view.waiting {
                Some(need) => {
                    let action = answer(need, answers).unwrap_or_else(|| panic!("nobody expected this: {view:#?}"));
                    let request = match &action {
                        Action::Approve { .. } => Request {
                            by: Actor("user:ben".to_owned()),
                            who: second_person(self.engine.clock().wall_ms()),
                            seen_seq: view.seq,
                            action,
                        },
                        _ => Request { by: person(), who: Default::default(), seen_seq: view.seq, action },
                    };
                    // The run may have moved on meanwhile; the next look says what it needs then.
                    let _ = self.engine.act(run, request, Vec::new()).await;
                }
                None => {
                    let _ = tokio::time::timeout(Duration::from_secs(1), stored.changed()).await;
                }
            }
        }
    }
}

fn person() -> Actor {
    Actor("user:anna".to_owned())
}

/// Somebody of the owner's team who has just signed in.
fn second_person(now_ms: i64) -> Credentials {
    Credentials {
        teams: vec!["platform".to_owned()],
        authenticated_at_ms: Some(now_ms),
        may_approve: true,
        ..Credentials::default()
    }
}

/// What the person does; none where nobody should have been needed.
fn answer(need: &Need, answers: &[(&str, &str)]) -> Option<Action> {
    match need {
        Need::Approve(asked) => Some(Action::Approve { step: Some(asked.step.clone()), note: None }),
        Need::Confirm { step, expected, .. } => Some(Action::Confirm { step: step.clone(), typed: expected.clone() }),
        Need::Answer { step, ask, .. } => {
            let given = ask.iter().map(|ask| {
                let (_, value) = answers.iter().find(|(name, _)| *name == ask.name.as_str())?;
                Some((ask.name.clone(), (*value).to_owned()))
            });
            Some(Action::Answer { step: step.clone(), values: given.collect::<Option<_>>()?, note: None })
        }
        Need::Decide { .. }
        | Need::ResolveUnknown { .. }
        | Need::ReachHosts { .. }
        | Need::Secrets { .. }
        | Need::ManualUndo { .. }
        | Need::Storage { .. }
        | Need::AskAgain { .. }
        | Need::Window { .. }
        | Need::Lock { .. }
        | Need::Resume { .. } => None,
    }
}

fn inventory(hosts: &[Sshd]) -> String {
    let entries = hosts.iter().map(|host| {
        let target = host.target();
        format!(
            "  {name}: {{address: {address}, port: {port}, user: {user}, identity: {identity}, host_key: {key}, \
             labels: {{role: web}}, expect: {{hostname: {name}}}}}\n",
            name = target.name,
            address = host.address().ip(),
            port = host.address().port(),
            user = host.user(),
            identity = host.identity().display(),
            key = host.host_key(),
        )
    });
    format!("steadyhand: 1\nhosts:\n{}", entries.collect::<String>())
}

/// The states of a step's cells, in the order of the hosts.
fn cells(view: &RunView, step: &str) -> Vec<CellStateName> {
    let step = view.steps.iter().find(|seen| seen.id.as_str() == step).expect("the step is in the runbook");
    step.cells.iter().map(|cell| cell.state).collect()
}

fn assert_succeeded(view: &RunView) {
    assert_eq!(view.state, RunStateName::Succeeded, "{view:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_example_compresses_logs_and_deletes_all_but_the_newest_archives() {
    let stage = Stage::with_hosts(&["web-1"]).await;
    let view = stage.play("disk/filling-up", &[("cause", "debug logging")]).await;
    assert_succeeded(&view);
    assert_eq!(cells(&view, "delete"), [CellStateName::Succeeded]);
    let logs = stage.home().join("app/logs");
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let newest = ["web-2026-10-06.log.gz", "web-2026-10-07.log.gz", "web-2026-10-08.log.gz"];
    assert_eq!(names(&logs.join("archive")), newest);
    assert!(names(&logs).iter().all(|name| !name.contains(".log.") || name.ends_with(".gz")), "{:?}", names(&logs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_example_brings_back_a_service_that_hangs() {
    let stage = Stage::with_hosts(&["web-1"]).await;
    assert_eq!(super::service(&stage.home(), "worker", "status"), Some(4));
    let view = stage.play("service/not-answering", &[("restart", "restart it"), ("error_rate", "0.2")]).await;
    assert_succeeded(&view);
    assert_eq!(super::service(&stage.home(), "worker", "status"), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_example_stops_where_the_service_answers() {
    let stage = Stage::with_hosts(&["web-1"]).await;
    assert_eq!(super::service(&stage.home(), "worker", "restart"), Some(0));
    let running = || super::service(&stage.home(), "worker", "status") == Some(0);
    super::wait_until("worker answers", super::SERVICE_END_MAX, running);
    let before = super::pid(&stage.home(), "worker");
    let view = stage.play("service/not-answering", &[]).await;
    assert_eq!(view.state, RunStateName::Failed, "{view:#?}");
    assert_eq!(super::pid(&stage.home(), "worker"), before, "nothing was restarted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_example_installs_a_new_certificate_and_keeps_the_old_one() {
    let stage = Stage::with_hosts(&["web-1"]).await;
    let tls = stage.home().join("app/tls");
    let old = fs::read(tls.join("certificate.pem")).expect("it is there");
    let view = stage.play("tls/certificate-expiring", &[("expires_on", "2027-02-21")]).await;
    assert_succeeded(&view);
    assert_ne!(fs::read(tls.join("certificate.pem")).expect("it is there"), old);
    assert_eq!(fs::read(tls.join("certificate.pem.old")).expect("it is there"), old);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_triage_example_reads_three_hosts_and_changes_none() {
    let stage = Stage::with_hosts(&["web-1", "web-2", "web-3"]).await;
    let before: Vec<_> = stage.hosts.iter().map(|host| super::contents(&host.home())).collect();
    let view = stage.play("host/slow", &[("cause", "processor")]).await;
    assert_succeeded(&view);
    assert_eq!(cells(&view, "memory"), [CellStateName::Succeeded; 3]);
    for (host, before) in stage.hosts.iter().zip(before) {
        assert!(before == super::contents(&host.home()), "a file was changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rolling_restart_restarts_each_host_once_and_one_host_first() {
    let stage = Stage::with_hosts(&["web-1", "web-2", "web-3"]).await;
    let pids = || stage.hosts.iter().map(|host| super::pid(&host.home(), "web")).collect::<Vec<_>>();
    let before = pids();
    let view = stage.play("service/rolling-restart", &[("first_host", "as well as the others")]).await;
    assert_succeeded(&view);
    let (skipped, done) = (CellStateName::Skipped, CellStateName::Succeeded);
    assert_eq!(cells(&view, "others"), [skipped, done, done], "{view:#?}");
    assert!(pids().iter().zip(before).all(|(now, before)| *now != before), "each was restarted");
}
