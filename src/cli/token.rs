//! `steadyhand token`: API tokens, and the link that signs a person in. Works beside a running server.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::duration::milliseconds;
use super::explain::{Explain, Explained};
use super::format::DataFormat;
use super::parts::DataOptions;
use super::terminal::{Terminal, without_controls};
use crate::access::secret::{self, Door};
use crate::access::session::LOGIN_LINK_MS;
use crate::audit::entry::COMMAND_LINE;
use crate::clock::{Clock, System};
use crate::entropy;
use crate::store::Store;
use crate::store::access::{ApiToken, NewApiToken};

/// The only scope there is until roles come; kept with its version so that later ones can tell.
const SCOPES: &str = r#"{"v":1,"all":true}"#;

const NAME_MAX: usize = 80;

/// What to do when the database refuses.
const NEXT: &str = "check the free space and the rights of the data folder, then try again";

const AFTER_HELP: &str = "\
Examples:
  export STEADYHAND_TOKEN=$(steadyhand token create deploy --expires 30d --data DIR)
  steadyhand token login --data DIR --base https://ops.example.org";

/// Make, list and revoke API tokens; make a link that signs a person in
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Token {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a token and print it, alone: it is shown this once
    Create {
        /// What it is for; runs that it starts are started by `token:NAME`
        name: String,
        /// How long it works: 12h, 90d
        #[arg(long, default_value = "90d", value_name = "TIME", value_parser = milliseconds)]
        expires: i64,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List tokens, also revoked and expired ones
    List {
        #[command(flatten)]
        data: DataOptions,
        /// How to print them
        #[arg(long, value_enum, default_value_t)]
        format: DataFormat,
    },
    /// End a token, by its name or its id
    Revoke {
        /// The name or the id
        token: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Print a link that signs a person in once, within a day
    Login {
        /// Where the server is reached
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7878")]
        base: String,
        /// Who signs in with it
        #[arg(long, value_name = "NAME", default_value = "admin")]
        user: String,
        #[command(flatten)]
        data: DataOptions,
    },
}

impl Token {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            match self.what {
                What::Create { name, expires, data } => create(terminal, &name, expires, &data).await?,
                What::List { data, format } => list(terminal, &data, format).await?,
                What::Revoke { token, data } => revoke(terminal, &token, &data).await?,
                What::Login { base, user, data } => login(terminal, &base, &user, &data).await?,
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn create(terminal: &mut Terminal, name: &str, lasts_ms: i64, data: &DataOptions) -> anyhow::Result<()> {
    let name = plain_name(name)?;
    let store = open(data).await?;
    let now_ms = System::start().wall_ms();
    let (text, token) = new_token(name, lasts_ms, now_ms);
    store.create_api_token(&token, COMMAND_LINE).await.explain("cannot store the token", NEXT)?;
    store.close().await;
    writeln!(terminal.out, "{text}")?;
    Ok(())
}

/// A fresh token: its text, and what the store keeps.
fn new_token(name: &str, lasts_ms: i64, now_ms: i64) -> (String, NewApiToken) {
    let text = secret::text(Door::Api, entropy::fresh_token());
    let token = NewApiToken {
        id: entropy::fresh_uuid(now_ms),
        name: name.to_owned(),
        token_hash: secret::hash(Door::Api, &text).expect("a fresh secret has the form of its door"),
        actor: format!("token:{name}"),
        scopes: SCOPES.to_owned(),
        created_at_ms: now_ms,
        expires_at_ms: Some(now_ms.saturating_add(lasts_ms)),
    };
    (text, token)
}

/// Names end up in lists and logs, as who did something.
fn plain_name(name: &str) -> anyhow::Result<&str> {
    let plain = |letter: char| letter.is_alphanumeric() || "._@-".contains(letter);
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(plain) {
        bail!("{name:?} is not a name: use letters, digits, `.`, `_`, `@` and `-`, at most {NAME_MAX}");
    }
    Ok(name)
}

async fn list(terminal: &mut Terminal, data: &DataOptions, format: DataFormat) -> anyhow::Result<()> {
    let store = open(data).await?;
    let tokens = store.api_tokens().await.explain("cannot list the tokens", NEXT)?;
    let now_ms = System::start().wall_ms();
    match format {
        DataFormat::Json => {
            let tokens: Vec<_> = tokens.iter().map(|token| as_json(token, now_ms)).collect();
            writeln!(terminal.out, "{}", json!({ "tokens": tokens }))?;
        }
        DataFormat::Human if tokens.is_empty() => writeln!(terminal.err, "There are no tokens yet.")?,
        DataFormat::Human => {
            writeln!(terminal.out, "{:<36}  {:<20}  {:<8}  {:<16}  LAST USED", "ID", "NAME", "STATE", "EXPIRES")?;
            for token in &tokens {
                let of = &token.token;
                let [expires, used] = [of.expires_at_ms, token.last_used_ms].map(day);
                writeln!(
                    terminal.out,
                    "{}  {:<20}  {:<8}  {expires:<16}  {used}",
                    of.id,
                    without_controls(&of.name),
                    standing(token, now_ms)
                )?;
            }
        }
    }
    Ok(())
}

fn as_json(token: &ApiToken, now_ms: i64) -> serde_json::Value {
    let of = &token.token;
    json!({
        "id": of.id, "name": of.name, "state": standing(token, now_ms), "created_at_ms": of.created_at_ms,
        "expires_at_ms": of.expires_at_ms, "last_used_ms": token.last_used_ms, "revoked_at_ms": token.revoked_at_ms,
    })
}

fn standing(token: &ApiToken, now_ms: i64) -> &'static str {
    match (token.revoked_at_ms, token.token.expires_at_ms) {
        (Some(_), _) => "revoked",
        (None, Some(expires_at_ms)) if expires_at_ms <= now_ms => "expired",
        (None, _) => "valid",
    }
}

fn day(at_ms: Option<i64>) -> String {
    let at = at_ms.and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
    at.map_or_else(|| "never".to_owned(), |at| at.strftime("%Y-%m-%d %H:%MZ").to_string())
}

async fn revoke(terminal: &mut Terminal, wanted: &str, data: &DataOptions) -> anyhow::Result<()> {
    let store = open(data).await?;
    let tokens = store.api_tokens().await.explain("cannot list the tokens", NEXT)?;
    let named = |token: &&ApiToken| token.token.name == wanted || token.token.id.to_string() == wanted;
    let valid: Vec<_> = tokens.iter().filter(named).filter(|token| token.revoked_at_ms.is_none()).collect();
    let [token] = valid.as_slice() else {
        let (what, next) = match valid.len() {
            0 => (format!("there is no token {wanted:?} to revoke"), "`steadyhand token list` shows them"),
            count => (format!("{count} tokens are called {wanted:?}"), "give the id: `steadyhand token list` shows it"),
        };
        return Err(anyhow::Error::new(Explained::new(what, next)));
    };
    let revoked = store.revoke_api_token(token.token.id, COMMAND_LINE, System::start().wall_ms()).await;
    revoked.explain("cannot revoke the token", NEXT)?;
    writeln!(terminal.out, "revoked {}", token.token.name)?;
    Ok(())
}

async fn login(terminal: &mut Terminal, base: &str, user: &str, data: &DataOptions) -> anyhow::Result<()> {
    let actor = format!("user:{}", plain_name(user)?);
    let store = open(data).await?;
    let text = secret::text(Door::Login, entropy::fresh_token());
    let hash = secret::hash(Door::Login, &text).expect("a fresh secret has the form of its door");
    let now_ms = System::start().wall_ms();
    let stored = store.create_login_link(hash, &actor, now_ms, now_ms + LOGIN_LINK_MS).await;
    stored.explain("cannot store a login link", NEXT)?;
    writeln!(terminal.out, "{}/login?token={text}", base.trim_end_matches('/'))?;
    Ok(())
}

async fn open(data: &DataOptions) -> anyhow::Result<Store> {
    data.open_store(&data.folder()?).await
}
