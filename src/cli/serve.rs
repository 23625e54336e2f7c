//! `steadyhand serve`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use super::explain::Explain;
use super::listening::{ListenOptions, Listener};
use super::login_link;
use super::parts::{DataOptions, build_engine};
use super::settings::Settings;
use super::terminal::Terminal;
use crate::access::account::ADMIN;
use crate::audit::anchor::Anchor;
use crate::auditor;
use crate::auditor::keeper::Keeper;
use crate::auditor::key;
use crate::engine::Engine;
use crate::feeds::Fetcher;
use crate::library::GitRef;
use crate::notify;
use crate::notify::delivery::Delivery;
use crate::notify::pager::Pager;
use crate::web::{Tls, Web, WebOptions};

/// How long the keeper of the audit log may take to end what it is at.
const KEEPER_MAX: Duration = Duration::from_secs(5);

/// How long what else is at work may take to end.
const BESIDE_MAX: Duration = Duration::from_secs(2);

const AFTER_HELP: &str = "\
Until somebody has access, and with --login, the server prints a login link that works once.

Plain HTTP is served to this machine alone. For others give a certificate (--tls-cert, --tls-key), or
let a proxy end TLS (--behind-proxy, --public-url). SIGHUP reads the certificate again.

SIGTERM and Ctrl-C end it gracefully: what arrived is stored, commands on the hosts go on, and the next
start takes them up. A second signal ends it at once; nothing is lost by that either.

Exit codes: 0 ended by a signal, 2 could not start (the message says why)";

/// Run the server: pages, HTTP API, and the engine that carries runs on
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Serve {
    /// Folder with inventory.yaml and runbooks/, usually a git repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    listening: ListenOptions,

    /// Send each checkpoint of the audit log there too: file:PATH, syslog[:SOCKET], git:DIR; repeatable
    #[arg(long, value_name = "PLACE")]
    anchor: Vec<Anchor>,

    /// Commit each handoff that was taken, as Markdown, to this branch of --repo; nothing is pushed
    #[arg(long, value_name = "BRANCH")]
    handoffs_branch: Option<GitRef>,

    /// Where output is stored: not yet available, it lies in the data folder
    #[arg(long, value_name = "URL", hide = true)]
    blobs: Option<String>,

    /// Configuration file (format: steadyhand schema server); what is said here wins over it
    #[arg(long, value_name = "FILE", env = "STEADYHAND_CONFIG")]
    config: Option<PathBuf>,

    /// Print a fresh login link
    #[arg(long)]
    login: bool,

    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Human)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum LogFormat {
    Human,
    Json,
}

impl Serve {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        log_to_stderr(self.log_format, "info");
        let settings = Settings::load(self.config.as_deref(), terminal)?;
        super::runtime()?.block_on(self.serve(&settings, terminal))
    }

    async fn serve(self, settings: &Settings, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(self.blobs.is_none(), "--blobs is not yet available: output lies in the data folder");
        // Before anything is made: an address that is refused leaves nothing behind.
        let Listener { listener, tls, mut options, base } = self.listening.bind(&settings.config).await?;
        options.provider = settings.provider().await?;
        let engine = build_engine(&self.data, &self.repo, None, settings).await?;
        let taken = engine.recover().await.explain("cannot take up earlier runs", "see the cause above")?;
        if taken > 0 {
            tracing::info!(runs = taken, "took up runs that had not ended");
        }
        writeln!(terminal.out, "Steadyhand listens on {base}")?;
        let anybody =
            engine.store().anybody_has_access().await.explain("cannot read the data", "see the cause above")?;
        if self.login || !anybody {
            let link = admin_link(&engine, &base).await?;
            writeln!(terminal.out, "Log in, once, within a day: {link}")?;
        }
        say_what_is_missing(&self.repo);
        terminal.out.flush()?;
        let folder = self.data.folder()?;
        let next = "check the rights of the data folder and of the file";
        let key = key::load_or_make(&folder).explain("cannot sign checkpoints of the audit log", next)?;
        let mut anchors = if self.anchor.is_empty() { settings.config.anchors.clone() } else { self.anchor };
        if let Some(branch) = self.handoffs_branch {
            engine.keep_handoffs_on(branch);
        }
        anchors.push(auditor::own_anchor(&folder));
        let keeper = Keeper::new(engine.store().clone(), engine.clock().clone(), key, anchors);
        let secrets = settings.named_secrets(Arc::new(|_| Box::pin(async { Ok(()) })))?;
        let (store, clock) = (engine.store().clone(), engine.clock().clone());
        let feeds = settings.config.feeds.clone();
        let fetcher = Fetcher::new(store, clock, Arc::new(secrets), &settings.outgoing(), feeds);
        let fetcher = fetcher.explain("cannot fetch calendars", "see the cause above")?;
        options.directory.clone_from(&settings.config.notify);
        let delivery = delivery(&engine, settings, options.public_url.as_deref().unwrap_or(&base))?;
        let beside = Beside { keeper: Some(keeper), fetcher: Some(fetcher), delivery: Some(delivery) };
        serve_until_signal(engine, listener, options, tls, beside).await
    }
}

/// A folder without runbooks is served: they may be written while it runs. But it is more often a slip.
fn say_what_is_missing(repo: &Path) {
    if !repo.join("runbooks").is_dir() && !repo.join("HEAD").is_file() {
        let repo = repo.display();
        tracing::warn!(
            "{repo} has no folder runbooks/: there is nothing to run (make a repository: steadyhand init DIR)"
        );
    }
}

/// What is at work beside the pages.
#[derive(Default)]
pub(super) struct Beside {
    pub keeper: Option<Keeper>,
    pub fetcher: Option<Fetcher>,
    pub delivery: Option<Delivery>,
}

/// What takes messages to people, from where the configuration file says.
fn delivery(engine: &Engine, settings: &Settings, base: &str) -> anyhow::Result<Delivery> {
    let secrets = settings.named_secrets(Arc::new(|_| Box::pin(async { Ok(()) })))?;
    let (store, clock) = (engine.store().clone(), engine.clock().clone());
    let directory = settings.config.notify.clone();
    let made = Delivery::new(store, clock, Arc::new(secrets), &settings.outgoing(), directory, base);
    made.explain("cannot send messages", "see the cause above")
}

/// Serves pages and API until SIGTERM or SIGINT, then drains. A second signal ends the process at once.
pub(super) async fn serve_until_signal(
    engine: Engine,
    listener: TcpListener,
    options: WebOptions,
    tls: Option<Tls>,
    beside: Beside,
) -> anyhow::Result<ExitCode> {
    let shutdown = CancellationToken::new();
    let clock = engine.clock().clone();
    let options = within_open_files(options);
    let told = shutdown.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending; commands on the hosts go on");
        told.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    if let Some(tls) = tls.clone() {
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hang_up.recv().await.is_some() {
                tls.look_again();
            }
        });
    }
    let telling = beside.delivery.map(|delivery| {
        let (pager, stop) = (Pager::new(engine.clone(), options.directory.clone()), shutdown.clone());
        tokio::spawn(notify::keep(pager, delivery, stop))
    });
    let fetching = beside.fetcher.map(|fetcher| {
        let stop = shutdown.clone();
        tokio::spawn(async move { fetcher.keep(stop).await })
    });
    let keeping = beside.keeper.map(|keeper| Keeping::start(keeper, shutdown.clone()));
    let web = Web::new(engine.clone(), clock, options);
    let served = crate::web::serve(listener, web, tls, shutdown.clone()).await;
    shutdown.cancel();
    engine.settle().await;
    for task in [fetching, telling].into_iter().flatten() {
        let _ = tokio::time::timeout(BESIDE_MAX, task).await;
    }
    if let Some(keeping) = keeping {
        keeping.finish().await;
    }
    engine.drain().await;
    served.explain("cannot go on serving", "see the cause above")?;
    Ok(ExitCode::SUCCESS)
}

/// As many connections as the system gives open files for.
fn within_open_files(options: WebOptions) -> WebOptions {
    let files_max = crate::process::open_files_max();
    let bounds = options.bounds.within(files_max);
    if bounds.connections < options.bounds.connections {
        tracing::warn!(
            files_max,
            connections = bounds.connections,
            viewers = bounds.viewers,
            "the system gives few open files, so few may look at once (LimitNOFILE= in a systemd unit, ulimit -n in a shell)"
        );
    }
    WebOptions { bounds, ..options }
}

/// The keeper of the audit log, at work beside what is served.
struct Keeping {
    keeper: Arc<Keeper>,
    task: tokio::task::JoinHandle<()>,
}

impl Keeping {
    fn start(keeper: Keeper, stop: CancellationToken) -> Self {
        let keeper = Arc::new(keeper);
        let task = tokio::spawn({
            let keeper = keeper.clone();
            async move { keeper.keep(stop).await }
        });
        Self { keeper, task }
    }

    /// After everything else has stored what it held.
    async fn finish(self) {
        // It may be in the middle of sending; a second one beside it would send the same twice.
        let _ = tokio::time::timeout(KEEPER_MAX, self.task).await;
        self.keeper.finish().await;
    }
}

/// A link that lets its holder do everything, once.
pub(super) async fn admin_link(engine: &Engine, base: &str) -> anyhow::Result<String> {
    login_link::make(engine.store(), engine.clock().wall_ms(), base, ADMIN, true).await
}

/// The log, on standard error: `RUST_LOG` chooses, `level` unless set.
///
/// Libraries never say more than `info`, whatever was chosen: the one that draws pages would write each page's contents
/// into the log, login links and output among them.
pub(super) fn log_to_stderr(format: LogFormat, level: &str) {
    let chosen = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let discreet = filter_fn(|about| about.target().starts_with("steadyhand") || *about.level() <= Level::INFO);
    let log = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let log = match format {
        LogFormat::Human => log.boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    // A second initialisation in one process would be a test's; the first one stands.
    let _ = registry().with(log.with_filter(discreet).with_filter(chosen)).try_init();
}
