//! `steadyhand token`: API tokens, and the link that signs a person in. Works beside a running server.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::duration::milliseconds;
use super::explain::{Explain, Explained};
use super::format::DataFormat;
use super::parts::DataOptions;
use super::terminal::{Terminal, without_controls};
use super::{login_link, user};
use crate::access::account::{ADMIN, AccountName, TokenName};
use crate::access::identity::Scopes;
use crate::access::secret::{self, Door};
use crate::audit::entry::COMMAND_LINE;
use crate::clock::{Clock, System};
use crate::entropy;
use crate::store::Store;
use crate::store::access::{ApiToken, NewApiToken, TOKENS_OF_ONE_MAX};

/// What to do when the database refuses.
const NEXT: &str = "check the free space and the rights of the data folder, then try again";

const AFTER_HELP: &str = "\
Examples:
  export STEADYHAND_TOKEN=$(steadyhand token create deploy --expires 30d --data DIR)
  steadyhand token create ci --owner anna --scope read-runs start-runs --runbooks 'web/**' --on role=web
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
        /// What it is for; runs that it starts are started by `token:NAME`, or by `user:OWNER/NAME`
        name: String,
        /// Whose it is: it may do what its owner may, and ends when the owner is disabled
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// What it may do [default: all that a token can]
        #[arg(long, value_name = "VERB", num_args = 1.., value_delimiter = ',')]
        scope: Vec<String>,
        /// With which runbooks: web/** [default: all]
        #[arg(long, value_name = "GLOB", num_args = 1.., value_delimiter = ',')]
        runbooks: Vec<String>,
        /// On which hosts, by their labels: role=web [default: all]
        #[arg(long, value_name = "SELECTOR")]
        on: Option<String>,
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
    /// The same as `steadyhand user login`
    Login {
        /// Where the server is reached
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7878")]
        base: String,
        /// The account; `admin` may do everything and needs none
        #[arg(long, value_name = "NAME", default_value = ADMIN)]
        user: String,
        #[command(flatten)]
        data: DataOptions,
    },
}

impl Token {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            match self.what {
                What::Create { name, owner, scope, runbooks, on, expires, data } => {
                    let scopes = Scopes::typed(&scope, &runbooks, on.as_deref())?;
                    create(terminal, &name.parse()?, owner.as_deref(), &scopes, expires, &data).await?;
                }
                What::List { data, format } => list(terminal, &data, format).await?,
                What::Revoke { token, data } => revoke(terminal, &token, &data).await?,
                What::Login { base, user, data } => {
                    let now_ms = System::start().wall_ms();
                    let link = login_link::make(&open(&data).await?, now_ms, &base, &user, false).await?;
                    writeln!(terminal.out, "{link}")?;
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn create(
    terminal: &mut Terminal,
    name: &TokenName,
    owner: Option<&str>,
    scopes: &Scopes,
    lasts_ms: i64,
    data: &DataOptions,
) -> anyhow::Result<()> {
    let store = open(data).await?;
    let (actor, owner) = match owner {
        None => (name.actor(), None),
        Some(owner) => {
            let person = user::account_in(&store, owner).await?;
            (owner.parse::<AccountName>()?.actor_of_token(name), Some(person.person.id))
        }
    };
    let text = secret::text(Door::Api, entropy::fresh_token());
    let now_ms = System::start().wall_ms();
    let token = NewApiToken {
        id: entropy::fresh_uuid(now_ms),
        name: name.as_str().to_owned(),
        token_hash: secret::hash(Door::Api, &text).expect("a fresh secret has the form of its door"),
        actor: actor.to_string(),
        owner,
        scopes: scopes.to_stored(),
        created_at_ms: now_ms,
        expires_at_ms: Some(now_ms.saturating_add(lasts_ms)),
    };
    let made = store.create_api_token(&token, COMMAND_LINE).await.explain("cannot store the token", NEXT)?;
    store.close().await;
    if !made {
        let what = format!("the owner is disabled or has {TOKENS_OF_ONE_MAX} tokens already");
        return Err(Explained::new(what, "`steadyhand token list` shows them: revoke those that nobody uses").into());
    }
    writeln!(terminal.out, "{text}")?;
    Ok(())
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
            writeln!(
                terminal.out,
                "{:<36}  {:<20}  {:<8}  {:<17}  {:<17}  MAY",
                "ID", "WHO", "STATE", "EXPIRES", "LAST USED"
            )?;
            for token in &tokens {
                let of = &token.token;
                let [expires, used] = [of.expires_at_ms, token.last_used_ms].map(day);
                writeln!(
                    terminal.out,
                    "{}  {:<20}  {:<8}  {expires:<17}  {used:<17}  {}",
                    of.id,
                    without_controls(&of.actor),
                    standing(token, now_ms),
                    may(token)
                )?;
            }
        }
    }
    Ok(())
}

fn as_json(token: &ApiToken, now_ms: i64) -> serde_json::Value {
    let of = &token.token;
    json!({
        "id": of.id, "name": of.name, "actor": of.actor, "may": may(token), "state": standing(token, now_ms), "created_at_ms": of.created_at_ms,
        "expires_at_ms": of.expires_at_ms, "last_used_ms": token.last_used_ms, "revoked_at_ms": token.revoked_at_ms,
    })
}

/// What it may be used for, in words.
fn may(token: &ApiToken) -> String {
    Scopes::from_stored(&token.token.scopes).map_or_else(|error| format!("nothing: {error}"), |scopes| scopes.words())
}

fn standing(token: &ApiToken, now_ms: i64) -> &'static str {
    match (token.revoked_at_ms, token.token.expires_at_ms) {
        (Some(_), _) => "revoked",
        (None, Some(expires_at_ms)) if expires_at_ms <= now_ms => "expired",
        (None, _) => "valid",
    }
}

pub(super) fn day(at_ms: Option<i64>) -> String {
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

async fn open(data: &DataOptions) -> anyhow::Result<Store> {
    data.open_store(&data.folder()?).await
}
