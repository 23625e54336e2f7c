//! `steadyhand token`: API tokens and login links, made beside a running server or without one.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::explain::Explain;
use super::parts::DataOptions;
use super::terminal::{Terminal, without_controls};
use crate::access::secret::{self, Door};
use crate::clock::{Clock, System};
use crate::entropy;
use crate::store::Store;
use crate::store::access::NewApiToken;

/// An API token lives this long unless `--expires` says otherwise.
const EXPIRES_DAYS: u32 = 90;

const AFTER_HELP: &str = "\
Examples:
  STEADYHAND_TOKEN=$(steadyhand token create ci --data /var/lib/steadyhand)
  steadyhand token login --data /var/lib/steadyhand --base https://ops.example.org";

/// Make, list and revoke API tokens; make a login link
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a token and print it, alone, on standard output. It is not shown again
    Create {
        /// What it is for; acts as token:NAME
        name: String,
        /// Days until it ends
        #[arg(long, value_name = "DAYS", default_value_t = EXPIRES_DAYS)]
        expires: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List the tokens
    List {
        #[command(flatten)]
        data: DataOptions,
    },
    /// End a token
    Revoke {
        /// Its id, as `list` shows it
        id: Uuid,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Print a login link that works once, within a day
    Login {
        /// Where the server is reached
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7878")]
        base: String,
        /// Who logs in with it
        #[arg(long, value_name = "NAME", default_value = "admin")]
        user: String,
        #[command(flatten)]
        data: DataOptions,
    },
}

impl Token {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(self.action.run(terminal))
    }
}

impl Action {
    async fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let now_ms = System::start().wall_ms();
        match self {
            Self::Create { name, expires, data } => {
                let text = create(&open(&data).await?, &name, expires, now_ms).await?;
                writeln!(terminal.out, "{text}")?;
            }
            Self::List { data } => list(&open(&data).await?, now_ms, terminal).await?,
            Self::Revoke { id, data } => {
                let ended = open(&data).await?.revoke_api_token(id, now_ms).await;
                let ended = ended.explain("cannot revoke the token", "see the cause above")?;
                anyhow::ensure!(ended, "there is no token {id} that has not ended");
            }
            Self::Login { base, user, data } => {
                let link = login_link(&open(&data).await?, &base, &user, now_ms).await?;
                writeln!(terminal.out, "{link}")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn open(data: &DataOptions) -> anyhow::Result<Store> {
    data.open_store(&data.folder()?).await
}

async fn create(store: &Store, name: &str, days: u32, now_ms: i64) -> anyhow::Result<String> {
    let text = secret::text(Door::Api, entropy::fresh_token());
    let token = NewApiToken {
        id: entropy::fresh_uuid(now_ms),
        name: name.to_owned(),
        token_hash: secret::hash(Door::Api, &text).expect("a fresh token has the form of its door"),
        actor: format!("token:{name}"),
        scopes: r#"{"v":1,"all":true}"#.to_owned(),
        created_at_ms: now_ms,
        expires_at_ms: Some(now_ms + i64::from(days) * 24 * 60 * 60 * 1000),
    };
    store.create_api_token(&token).await.explain("cannot store the token", "see the cause above")?;
    Ok(text)
}

async fn list(store: &Store, now_ms: i64, terminal: &mut Terminal) -> anyhow::Result<()> {
    let tokens = store.api_tokens().await.explain("cannot list the tokens", "see the cause above")?;
    for entry in tokens {
        let expired = entry.token.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        let standing = match (entry.revoked_at_ms, expired) {
            (Some(_), _) => "revoked",
            (None, true) => "expired",
            (None, false) => "valid",
        };
        writeln!(terminal.out, "{}  {standing:8} {}", entry.token.id, without_controls(&entry.token.name))?;
    }
    Ok(())
}

async fn login_link(store: &Store, base: &str, user: &str, now_ms: i64) -> anyhow::Result<String> {
    let text = secret::text(Door::Login, entropy::fresh_token());
    let hash = secret::hash(Door::Login, &text).expect("a fresh token has the form of its door");
    let expires_at_ms = now_ms + crate::access::session::LOGIN_LINK_MS;
    let stored = store.create_login_link(hash, &format!("user:{user}"), now_ms, expires_at_ms).await;
    stored.explain("cannot store a login link", "see the cause above")?;
    Ok(format!("{}/login?token={text}", base.trim_end_matches('/')))
}
