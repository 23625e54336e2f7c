//! One server and its hosts: an engine over a data folder, runbooks in a plain folder, and sshd fixtures.
//!
//! The engine has a runtime of its own. Dropping that ends every task where it waits, which is as near to a
//! death as one process allows; the crash test kills real processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use steadyhand::access::identity::Identity;
use steadyhand::audit::verdict::Verdict;
use steadyhand::clock;
use steadyhand::engine::ask::{ActError, HostsAsked, StartError, StartRequest};
use steadyhand::engine::output::{OutputReader, Source};
use steadyhand::engine::{Engine, NumberedEvent, Parts};
use steadyhand::id::{AttemptId, RunId};
use steadyhand::library::Library;
use steadyhand::redact::SecretText;
use steadyhand::run::action::{Action, Request};
use steadyhand::run::approval::Credentials;
use steadyhand::run::event::{Actor, Purpose, Resolution};
use steadyhand::run::outcome::Stream;
use steadyhand::run::plan::Pace;
use steadyhand::run::view::{CellView, Need, RunStateName, RunView};
use steadyhand::secrets::NamedSecrets;
use steadyhand::store::runs::{Filter, PAGE_MAX};
use steadyhand::store::{DatabaseUrl, EngineLock, Store};
use steadyhand::transport::recorded::Recorded;
use steadyhand::transport::router::Router;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::sshd::{Sshd, SshdBuilder};

/// For a test that fails; everything here takes a second or a few.
const LIMIT: Duration = Duration::from_secs(60);

/// Who does everything unless a test says otherwise.
pub const ANNA: &str = "user:anna";

/// Ben and Cleo may approve.
const APPROVERS: &str = "steadyhand: 1\ngrants: [{who: [user:ben, user:cleo], role: approver}]\n";

pub struct World {
    pub hosts: Vec<Sshd>,
    server: Option<Server>,
    pub folder: TempDir,
    data: PathBuf,
    secrets: Arc<NamedSecrets>,
}

/// An engine that is up.
pub struct Server {
    pub engine: Engine,
    runtime: Runtime,
}

/// What a test starts; the defaults are those of somebody who knows what they do.
pub struct Start {
    pub runbook: String,
    pub inputs: Vec<(&'static str, String)>,
    pub secrets: Vec<(&'static str, String)>,
    pub pace: Pace,
    pub hosts: HostsAsked,
    pub confirm_hosts: Option<u32>,
    pub continues: Option<(RunId, &'static str)>,
    pub key: Option<String>,
    pub reason: Option<String>,
    pub override_windows: Vec<String>,
}

impl World {
    /// A server with hosts of these names, which are up.
    pub fn with_hosts(names: &[&str]) -> Self {
        Self::with_built(names.iter().map(|name| Sshd::named(name)).collect())
    }

    pub fn with_built(builders: Vec<SshdBuilder>) -> Self {
        Self::in_data(builders, None)
    }

    /// The same with the data somewhere else, on a small disk say.
    pub fn in_data(builders: Vec<SshdBuilder>, data: Option<PathBuf>) -> Self {
        let starting: Vec<_> =
            builders.into_iter().map(|builder| std::thread::spawn(move || builder.start())).collect();
        let hosts = starting.into_iter().map(|thread| thread.join().expect("the host starts")).collect();
        let folder = tempfile::Builder::new().prefix("sh").tempdir().expect("a temporary folder");
        let data = data.unwrap_or_else(|| folder.path().join("data"));
        std::fs::create_dir_all(folder.path().join("repo/runbooks")).expect("a new folder");
        let secrets = Arc::new(NamedSecrets::none());
        let mut world = Self { hosts, server: None, folder, data, secrets };
        world.write_inventory(|text| text);
        std::fs::write(world.repo().join("access.yaml"), APPROVERS).expect("it is written");
        world.come_up();
        world
    }

    /// Writes `inventory.yaml` for the hosts; `change` may falsify it.
    pub fn write_inventory(&self, change: impl Fn(String) -> String) {
        std::fs::write(self.repo().join("inventory.yaml"), change(inventory(&self.hosts))).expect("it is written");
    }

    pub fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Writes a runbook for all hosts, from its steps, and gives its name.
    pub fn runbook(&self, name: &str, steps: &str) -> String {
        self.runbook_with(name, "hosts: {select: test=yes}\n", steps)
    }

    /// The same with more at the top.
    pub fn runbook_with(&self, name: &str, top: &str, steps: &str) -> String {
        let file = self.repo().join(format!("runbooks/{name}.yaml"));
        std::fs::write(file, runbook_text(name, top, steps)).expect("it is written");
        name.to_owned()
    }

    fn come_up(&mut self) {
        self.server = Some(Server::begin(&self.data, &self.repo(), self.secrets.clone()));
    }

    /// The server is started again with these secrets, which runbooks may use by name.
    pub fn use_secrets(&mut self, secrets: NamedSecrets) {
        self.secrets = Arc::new(secrets);
        self.restart();
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server is up")
    }

    /// Makes an account.
    pub fn account(&self, name: &str) {
        let server = self.server();
        server.runtime.block_on(crate::accounts::make(server.engine.store(), &[name]));
    }

    /// Shuts somebody out, as the command line does.
    pub fn disable(&self, name: &str) {
        let server = self.server();
        let store = server.engine.store();
        let account = server.runtime.block_on(store.person_named(name)).expect("the store is there");
        let id = account.expect("there is such an account").person.id;
        let done = server.runtime.block_on(store.disable_person(id, "command-line", 1)).expect("the store is there");
        assert!(done, "{name} was not disabled before");
    }

    /// Ends everything at once, where it waits.
    pub fn die(&mut self) {
        if let Some(server) = self.server.take() {
            server.die();
        }
    }

    /// As on SIGTERM.
    pub fn drain(&mut self) {
        if let Some(server) = self.server.take() {
            server.runtime.block_on(server.engine.drain());
            server.die();
        }
    }

    /// A new engine over the same data.
    pub fn restart(&mut self) {
        self.die();
        self.come_up();
    }

    pub fn try_start(&self, start: Start) -> Result<RunId, StartError> {
        let server = self.server();
        let request = start.request();
        server.runtime.block_on(server.engine.start(request)).map(|started| started.run)
    }

    /// The same in the name of somebody else.
    pub fn try_start_as(&self, start: Start, who: Identity) -> Result<RunId, StartError> {
        let server = self.server();
        let request = StartRequest { who, ..start.request() };
        server.runtime.block_on(server.engine.start(request)).map(|started| started.run)
    }

    pub fn start(&self, start: Start) -> RunId {
        self.try_start(start).unwrap_or_else(|error| panic!("it does not start: {error}{}", details(&error)))
    }

    pub fn view(&self, run: RunId) -> RunView {
        let server = self.server();
        let view = server.runtime.block_on(server.engine.view(run)).expect("the store is there");
        view.expect("there is such a run")
    }

    /// Waits until the run looks like this.
    pub fn until(&self, run: RunId, what: &str, mut holds: impl FnMut(&RunView) -> bool) -> RunView {
        let deadline = Instant::now() + LIMIT;
        loop {
            let view = self.view(run);
            if holds(&view) {
                return view;
            }
            if Instant::now() > deadline || view.ended_at_ms.is_some() {
                // It may have ended between the look and the question.
                let view = self.view(run);
                assert!(holds(&view), "never: {what}\n{}\n{:#?}", brief(&view), self.kinds(run));
                return view;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end, whatever it is.
    pub fn end(&self, run: RunId) -> RunView {
        self.until(run, "its end", |view| view.ended_at_ms.is_some())
    }

    /// Waits until it has succeeded.
    pub fn succeeds(&self, run: RunId) -> RunView {
        let view = self.end(run);
        assert_eq!(view.state, RunStateName::Succeeded, "{}", brief(&view));
        view
    }

    /// Waits until it needs a person.
    pub fn waits(&self, run: RunId) -> (RunView, Need) {
        let view = self.until(run, "it waits for a person", |view| view.waiting.is_some());
        let need = view.waiting.clone().expect("it waits");
        (view, need)
    }

    /// The same by somebody of whom more is known.
    pub fn try_act_as(&self, run: RunId, by: &str, who: Credentials, action: Action) -> Result<RunView, ActError> {
        let seen_seq = self.view(run).seq;
        let request = Request { by: Actor(by.to_owned()), who, seen_seq, action };
        let server = self.server();
        server.runtime.block_on(server.engine.act(run, request, Vec::new()))
    }

    /// Sends all of these at once, and says how many were followed.
    pub fn all_at_once(&self, run: RunId, requests: impl Iterator<Item = Request>) -> usize {
        let server = self.server();
        let tasks: Vec<_> = requests
            .map(|request| {
                let engine = server.engine.clone();
                server.runtime.spawn(async move { engine.act(run, request, Vec::new()).await.is_ok() })
            })
            .collect();
        let followed = tasks.into_iter().map(|task| server.runtime.block_on(task).expect("no task panics"));
        followed.filter(|followed| *followed).count()
    }

    pub fn try_act(&self, run: RunId, by: &str, action: Action, secrets: &[(&str, &str)]) -> Result<RunView, ActError> {
        let seen_seq = self.view(run).seq;
        let request = Request { by: Actor(by.to_owned()), who: Default::default(), seen_seq, action };
        let secrets = secrets.iter().map(|(name, text)| secret(name, text)).collect();
        let server = self.server();
        server.runtime.block_on(server.engine.act(run, request, secrets))
    }

    pub fn act(&self, run: RunId, action: Action) -> RunView {
        let told = format!("{action:?}");
        self.try_act(run, ANNA, action, &[])
            .unwrap_or_else(|error| panic!("{told} is refused: {error}\n{}", brief(&self.view(run))))
    }

    /// The stored bytes of the newest attempt of the step's own command.
    pub fn stored(&self, run: RunId, step: &str, host: &str, stream: Stream) -> Vec<u8> {
        let view = self.view(run);
        let attempts = cell(&view, step, host).attempts.clone();
        let attempt = attempts.iter().rfind(|attempt| attempt.purpose == Purpose::Main).expect("it was tried");
        self.output_of(attempt.id, stream)
    }

    pub fn stdout(&self, run: RunId, step: &str, host: &str) -> String {
        String::from_utf8_lossy(&self.stored(run, step, host, Stream::Stdout)).into_owned()
    }

    pub fn output_of(&self, attempt: AttemptId, stream: Stream) -> Vec<u8> {
        let server = self.server();
        let reader = OutputReader::new(server.engine.store().clone(), attempt);
        let all = async {
            let mut bytes = Vec::new();
            loop {
                let part = reader.raw(Source::One(stream), bytes.len() as u64, 1 << 20).await.expect("it can be read");
                assert_eq!(part.offset, bytes.len() as u64, "nothing was dropped");
                if part.bytes.is_empty() {
                    return bytes;
                }
                bytes.extend(part.bytes);
            }
        };
        server.runtime.block_on(all)
    }

    pub fn events(&self, run: RunId) -> Vec<NumberedEvent> {
        let server = self.server();
        server.runtime.block_on(server.engine.events(run, 0, 1000)).expect("the log can be read")
    }

    pub fn kinds(&self, run: RunId) -> Vec<String> {
        self.events(run).into_iter().map(|numbered| numbered.kind).collect()
    }

    pub fn assert_chain(&self, run: RunId) {
        let server = self.server();
        let verified = server.runtime.block_on(server.engine.store().verify(run)).expect("the log can be read");
        assert!(matches!(verified, Verdict::Intact { .. }), "{verified:?}");
    }

    /// How many runs the store knows.
    pub fn run_count(&self) -> usize {
        let server = self.server();
        let store = server.engine.store();
        let (filter, mut cursor, mut count) = (Filter::default(), None, 0);
        loop {
            let page = server.runtime.block_on(store.list_runs(&filter, cursor, PAGE_MAX));
            let page = page.expect("the list can be read");
            count += page.runs.len();
            cursor = page.next;
            if cursor.is_none() {
                return count;
            }
        }
    }

    pub fn host(&self, name: &str) -> &Sshd {
        self.hosts.iter().find(|host| host.target().name.as_str() == name).expect("the test has this host")
    }

    /// A file below a host's home, empty if it is not there.
    pub fn file_on(&self, host: &str, file: &str) -> String {
        std::fs::read_to_string(self.host(host).home().join(file)).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.die();
    }
}

impl Server {
    /// Opens the data, takes up what is there.
    pub fn begin(data: &Path, repo: &Path, secrets: Arc<NamedSecrets>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let engine = runtime.block_on(async {
            let lock = lock(data).await;
            let store = Store::open(&DatabaseUrl::in_data_dir(data), data).await.expect("the store opens");
            let engine = Engine::new(Parts {
                store,
                library: Library::open(repo).await.expect("the folder is there"),
                transport: Arc::new(Router::new(&data.join("ssh"), Recorded::new()).expect("the folder is ours")),
                secrets,
                clock: Arc::new(clock::System::start()),
                lock: Some(lock),
            });
            crate::accounts::make(engine.store(), &["ben", "cleo"]).await;
            engine.recover().await.expect("the store can be read");
            engine
        });
        Self { engine, runtime }
    }

    fn die(self) {
        let Self { engine, runtime } = self;
        runtime.shutdown_timeout(Duration::from_secs(10));
        drop(engine);
    }
}

/// The engine that died lets go of the lock when the last of it is dropped.
async fn lock(data: &Path) -> EngineLock {
    let deadline = Instant::now() + LIMIT;
    loop {
        match EngineLock::acquire(data) {
            Ok(lock) => return lock,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Start {
    /// All hosts, pace `auto`, the number of hosts stated.
    pub fn of(world: &World, runbook: &str) -> Self {
        let confirm_hosts = Some(u32::try_from(world.hosts.len()).expect("few hosts"));
        Self { runbook: runbook.to_owned(), confirm_hosts, ..Self::plain() }
    }

    pub fn plain() -> Self {
        Self {
            runbook: String::new(),
            inputs: Vec::new(),
            secrets: Vec::new(),
            pace: Pace::Auto,
            hosts: HostsAsked::AsSelected,
            confirm_hosts: None,
            continues: None,
            key: None,
            reason: None,
            override_windows: Vec::new(),
        }
    }

    pub fn input(mut self, name: &'static str, value: &str) -> Self {
        self.inputs.push((name, value.to_owned()));
        self
    }

    pub fn secret(mut self, name: &'static str, value: &str) -> Self {
        self.secrets.push((name, value.to_owned()));
        self
    }

    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    pub fn continues(mut self, run: RunId, step: &'static str) -> Self {
        self.continues = Some((run, step));
        self
    }

    pub fn request(self) -> StartRequest {
        let inputs: BTreeMap<_, _> =
            self.inputs.into_iter().map(|(name, value)| (name.parse().expect("a name"), value)).collect();
        StartRequest {
            runbook: self.runbook.parse().expect("a runbook's name"),
            git_ref: None,
            inputs,
            secrets: self.secrets.iter().map(|(name, text)| secret(name, text)).collect(),
            hosts: self.hosts,
            pace: self.pace,
            confirm_hosts: self.confirm_hosts,
            who: Identity::within(Actor(ANNA.to_owned())),
            reason: self.reason,
            override_windows: self.override_windows,
            continues: self.continues.map(|(run, step)| (run, step.parse().expect("a step's name"))),
            idempotency_key: self.key,
        }
    }
}

fn secret(name: &str, text: &str) -> (steadyhand::id::ValueName, SecretText) {
    (name.parse().expect("a name"), SecretText::new(text.to_owned()))
}

/// A whole runbook around these steps.
pub fn runbook_text(name: &str, top: &str, steps: &str) -> String {
    format!(
        "steadyhand: 1\nname: {name}\nsummary: A test.\nowner: team:test\nreview_by: 2099-01-01\n{top}steps:\n{steps}"
    )
}

/// `inventory.yaml` of these hosts.
pub fn inventory(hosts: &[Sshd]) -> String {
    let mut text = "steadyhand: 1\nhosts:\n".to_owned();
    for host in hosts {
        let name = host.target().name;
        text.push_str(&format!(
            "  {name}:\n    address: {}\n    port: {}\n    user: {}\n    identity: {}\n    host_key: {}\n    \
             labels: {{test: \"yes\"}}\n    expect: {{hostname: {name}}}\n",
            host.address().ip(),
            host.address().port(),
            host.user(),
            host.identity().display(),
            host.host_key(),
        ));
    }
    text
}

pub fn cell<'v>(view: &'v RunView, step: &str, host: &str) -> &'v CellView {
    let step = view.steps.iter().find(|view| view.id.as_str() == step).expect("the run has this step");
    step.cells.iter().find(|cell| cell.host.as_str() == host).expect("the step has this host")
}

/// `retry`, `skip` and the like, for the step of this name.
pub fn retry(step: &str) -> Action {
    Action::Retry { step: step.parse().expect("a step"), hosts: vec![] }
}

pub fn skip(step: &str, reason: &str) -> Action {
    Action::Skip { step: step.parse().expect("a step"), hosts: vec![], reason: reason.to_owned() }
}

pub fn resolve(step: &str, host: &str, resolution: Resolution) -> Action {
    Action::Resolve {
        step: step.parse().expect("a step"),
        host: host.parse().expect("a host"),
        resolution,
        note: "looked at it".to_owned(),
    }
}

/// The run in a few lines, for failures.
pub fn brief(view: &RunView) -> String {
    let mut text = format!("{:?}, waits for {:?}, ended because {:?}\n", view.state, view.waiting, view.ended_because);
    for host in &view.hosts {
        text.push_str(&format!("  host {} {:?} {:?}\n", host.name, host.standing, host.note));
    }
    for step in &view.steps {
        for cell in &step.cells {
            let outcomes: Vec<_> =
                cell.attempts.iter().map(|attempt| format!("{:?} {}", attempt.purpose, attempt.outcome)).collect();
            text.push_str(&format!(
                "  {} on {}: {:?} {:?} {outcomes:?}\n",
                step.id, cell.host, cell.state, cell.detail
            ));
        }
    }
    text
}

fn details(error: &StartError) -> String {
    match error {
        StartError::Broken { diagnostics, .. } => format!(" {diagnostics:#?}"),
        _ => String::new(),
    }
}
