//! Builds the parts of a server and hands them to each other: the only place that does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::explain::Explain;
use super::settings::Settings;
use crate::audit::entry::{Kind, NewEntry};
use crate::clock::{Clock, System};
use crate::engine::{Engine, Parts};
use crate::environment;
use crate::library::Library;
use crate::secrets::{NamedSecrets, Recorder, Why};
use crate::store::{DatabaseUrl, EngineLock, Store};
use crate::transport::recorded::Recorded;
use crate::transport::router::Router;

/// Where a server keeps what survives.
#[derive(Args, Clone, Debug)]
pub(super) struct DataOptions {
    /// Folder for the database and stored output [default: ~/.local/state/steadyhand]
    #[arg(long, value_name = "DIR", env = "STEADYHAND_DATA")]
    pub data: Option<PathBuf>,

    /// sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the data folder]
    #[arg(long, value_name = "URL", env = "STEADYHAND_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
}

impl DataOptions {
    /// The data folder, made private if it is new.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.data {
            return Ok(folder.clone());
        }
        let state = environment::os_text("XDG_STATE_HOME").map(PathBuf::from);
        let home = || environment::os_text("HOME").map(|home| Path::new(&home).join(".local/state"));
        let state = state.or_else(home);
        state
            .map(|state| state.join("steadyhand"))
            .ok_or_else(|| anyhow::anyhow!("neither HOME nor XDG_STATE_HOME is set"))
            .explain("cannot find a folder for the data", "name one: --data DIR")
    }

    /// Opens the store.
    pub async fn open_store(&self, folder: &Path) -> anyhow::Result<Store> {
        let next = "check the folder's owner, rights and free space, or name another with --data";
        let url = self.database_url(folder)?;
        Store::open(&url, folder).await.explain(format!("cannot open the data in {}", folder.display()), next)
    }

    /// Opens the store to read from it alone; nothing is made.
    pub async fn open_store_read_only(&self, folder: &Path) -> anyhow::Result<Store> {
        let url = self.database_url(folder)?;
        let next = "name the server's folder with --data, or its database with --database";
        Store::open_read_only(&url).await.explain(format!("cannot read the data in {url}"), next)
    }

    fn database_url(&self, folder: &Path) -> anyhow::Result<DatabaseUrl> {
        match &self.database {
            Some(url) => url.parse().explain("cannot use the database", "see --help for the forms of --database"),
            None => Ok(DatabaseUrl::in_data_dir(folder)),
        }
    }

    fn is_sqlite(&self) -> bool {
        self.database.as_deref().is_none_or(|url| url.starts_with("sqlite"))
    }
}

/// Builds an engine over a data folder and a runbook repository. Nothing is taken up yet.
///
/// `local_homes` gives each host that is the server itself its own home in that folder (the demo's throwaway ones).
pub(super) async fn build_engine(
    options: &DataOptions,
    repo: &Path,
    local_homes: Option<PathBuf>,
    settings: &Settings,
) -> anyhow::Result<Engine> {
    let folder = options.folder()?;
    let library = Library::open(repo)
        .await
        .explain("cannot open the runbooks", "name their folder with --repo, or make one: steadyhand init DIR")?;
    let store = options.open_store(&folder).await?;
    let lock = match options.is_sqlite() {
        true => Some(EngineLock::acquire(&folder).explain(
            format!("cannot work on the data in {}", folder.display()),
            "stop the other one, talk to it with --server, or use another folder with --data",
        )?),
        false => None,
    };
    let ssh = folder.join("ssh");
    let router = Router::new(&ssh, Recorded::new())
        .explain(format!("cannot prepare ssh connections in {}", ssh.display()), "check the folder's rights")?;
    let router = match local_homes {
        Some(folder) => router.with_local_homes_in(folder),
        None => router,
    };
    let clock: Arc<dyn Clock> = Arc::new(System::start());
    let secrets = Arc::new(settings.named_secrets(secret_recorder(store.clone(), clock.clone()))?);
    Ok(Engine::new(Parts { store, library, transport: Arc::new(router), clock, secrets, lock }))
}

/// Records each use of a named secret in the audit log: which one, for which command; never its value.
fn secret_recorder(store: Store, clock: Arc<dyn Clock>) -> Recorder {
    Arc::new(move |used| {
        let (store, now_ms) = (store.clone(), clock.wall_ms());
        let why = match used.why {
            Why::Command => "command",
            Why::Masking => "masking",
        };
        let entry = NewEntry::new(now_ms, Kind::SecretUsed, used.by.0, format!("secret:{}", used.secret))
            .with("run", used.run.to_string())
            .with("runbook", used.runbook.to_string())
            .with("step", used.step.to_string())
            .with("host", used.host.to_string())
            .with("attempt", used.attempt.to_string())
            .with("why", why);
        Box::pin(async move { store.record(&entry).await.map(drop).map_err(|error| error.to_string()) })
    })
}

/// Builds an engine that is only asked what it sees: another one may work on the same data meanwhile. It reaches no
/// hosts, so that the other one's connections are not touched.
pub(super) async fn build_reader(options: &DataOptions, repo: &Path) -> anyhow::Result<Engine> {
    let folder = options.folder()?;
    let library = Library::open(repo).await.explain("cannot open the runbooks", "name their folder with --repo")?;
    let store = options.open_store(&folder).await?;
    let clock: Arc<dyn Clock> = Arc::new(System::start());
    let secrets = Arc::new(NamedSecrets::none());
    Ok(Engine::new(Parts { store, library, transport: Arc::new(Recorded::new()), clock, secrets, lock: None }))
}
