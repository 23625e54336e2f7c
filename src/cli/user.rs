//! `steadyhand user`: the accounts of people. Works beside a running server.

mod list;
mod password;

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::explain::{Explain, Explained};
use super::format::DataFormat;
use super::login_link;
use super::parts::DataOptions;
use super::terminal::Terminal;
use crate::access::account::{ADMIN, AccountName};
use crate::audit::entry::COMMAND_LINE;
use crate::clock::{Clock, System};
use crate::entropy;
use crate::store::Store;
use crate::store::people::{NewPerson, Person, Source};

/// What to do when the database refuses.
const NEXT: &str = "check the free space and the rights of the data folder, then try again";

/// Longest name for people and longest address, in characters.
const TEXT_MAX: usize = 200;

const AFTER_HELP: &str = "\
A name is the person's for ever: it stands in the record of what they did. So an account can be disabled, and
its name is never given to anybody else.

Examples:
  steadyhand user add anna --display-name 'Anna Bauer' --password --data DIR
  steadyhand user login anna --base https://ops.example.org --data DIR
  steadyhand user disable anna --data DIR";

/// Make, list and disable accounts of people; make a link that signs one in
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct User {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make an account; without a password the person sets one after `user login`
    Add {
        /// Lower-case letters, digits, `.`, `_` and `-`; never changes
        name: String,
        /// The name as people write it
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Where mail reaches the person
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Ask for a password; it is read from the terminal, or as one line of standard input
        #[arg(long)]
        password: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List accounts, also disabled ones
    List {
        #[command(flatten)]
        data: DataOptions,
        /// How to print them
        #[arg(long, value_enum, default_value_t)]
        format: DataFormat,
    },
    /// Show one account
    Show {
        /// The account
        name: String,
        #[command(flatten)]
        data: DataOptions,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        format: DataFormat,
    },
    /// Shut a person out: sessions and tokens end at once
    Disable {
        /// The account
        name: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Let a disabled person in again; ended sessions and tokens stay ended
    Enable {
        /// The account
        name: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Set a password, read from the terminal or as one line of standard input; ends the person's sessions
    SetPassword {
        /// The account
        name: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Forget the authenticator app and the recovery codes of a person who lost both
    ResetTotp {
        /// The account
        name: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Print a link that signs a person in once, within a day
    Login {
        /// The account; `admin` may do everything and needs none
        #[arg(default_value = ADMIN)]
        name: String,
        /// Where the server is reached
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7878")]
        base: String,
        /// Whatever access.yaml grants, the session may do everything; it is recorded as such
        #[arg(long)]
        break_glass: bool,
        #[command(flatten)]
        data: DataOptions,
    },
}

impl User {
    pub(super) fn run(self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            match self.what {
                What::Add { name, display_name, email, password, data } => {
                    add(terminal, &name, [display_name, email], password, &data).await?;
                }
                What::List { data, format } => list::all(terminal, &open(&data).await?, format).await?,
                What::Show { name, data, format } => {
                    let (_, person) = account(&name, &data).await?;
                    list::one(terminal, &person, format)?;
                }
                What::Disable { name, data } => disable(terminal, &name, &data).await?,
                What::Enable { name, data } => enable(terminal, &name, &data).await?,
                What::SetPassword { name, data } => set_password(terminal, &name, &data).await?,
                What::ResetTotp { name, data } => reset_totp(terminal, &name, &data).await?,
                What::Login { name, base, break_glass, data } => {
                    let link = login_link::make(&open(&data).await?, now_ms(), &base, &name, break_glass).await?;
                    writeln!(terminal.out, "{link}")?;
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn add(
    terminal: &mut Terminal,
    name: &str,
    about: [Option<String>; 2],
    ask_password: bool,
    data: &DataOptions,
) -> anyhow::Result<()> {
    let name: AccountName = name.parse()?;
    let [display_name, email] = about;
    for text in display_name.iter().chain(&email) {
        let plain = text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control);
        anyhow::ensure!(plain, "{text:?} is too long or holds control characters: at most {TEXT_MAX} characters");
    }
    let store = open(data).await?;
    // Before the password is asked for: nobody wants to type it for nothing.
    let taken = store.person_named(name.as_str()).await.explain("cannot read the accounts", NEXT)?;
    if taken.is_none() {
        let password_hash = match ask_password {
            true => Some(password::ask(terminal, &name)?.hash(entropy::fresh_token())),
            false => None,
        };
        let now_ms = now_ms();
        let person = NewPerson {
            id: entropy::fresh_uuid(now_ms),
            name: name.to_string(),
            display_name: display_name.unwrap_or_else(|| name.to_string()),
            email,
            password_hash,
            source: Source::Local,
            groups: Vec::new(),
            created_at_ms: now_ms,
        };
        if store.create_person(&person, COMMAND_LINE).await.explain("cannot store the account", NEXT)? {
            writeln!(terminal.out, "added {name}")?;
            if !ask_password {
                writeln!(terminal.err, "Make a link for {name} to sign in with: steadyhand user login {name}")?;
            }
            return Ok(());
        }
    }
    let next = "names are never used again, also those of disabled accounts: choose another one";
    Err(Explained::new(format!("there is an account {name} already"), next).into())
}

async fn disable(terminal: &mut Terminal, name: &str, data: &DataOptions) -> anyhow::Result<()> {
    let (store, person) = account(name, data).await?;
    if !store
        .disable_person(person.person.id, COMMAND_LINE, now_ms())
        .await
        .explain("cannot disable the account", NEXT)?
    {
        return Err(
            Explained::new(format!("{name} is disabled already"), "`steadyhand user show` says since when").into()
        );
    }
    writeln!(terminal.out, "disabled {name}: sessions and tokens are ended")?;
    Ok(())
}

async fn enable(terminal: &mut Terminal, name: &str, data: &DataOptions) -> anyhow::Result<()> {
    let (store, person) = account(name, data).await?;
    if !store
        .enable_person(person.person.id, COMMAND_LINE, now_ms())
        .await
        .explain("cannot enable the account", NEXT)?
    {
        return Err(Explained::new(format!("{name} is not disabled"), "there is nothing to do").into());
    }
    writeln!(terminal.out, "enabled {name}")?;
    Ok(())
}

async fn set_password(terminal: &mut Terminal, name: &str, data: &DataOptions) -> anyhow::Result<()> {
    let (store, person) = account(name, data).await?;
    if let Source::Provider { issuer, .. } = &person.person.source {
        let next = "change it there";
        return Err(Explained::new(format!("{name} signs in at {issuer}, which keeps the password"), next).into());
    }
    let hash = password::ask(terminal, &name.parse()?)?.hash(entropy::fresh_token());
    store
        .set_password(person.person.id, &hash, None, COMMAND_LINE, now_ms())
        .await
        .explain("cannot store the password", NEXT)?;
    writeln!(terminal.out, "set the password of {name}; earlier sessions are ended")?;
    Ok(())
}

async fn reset_totp(terminal: &mut Terminal, name: &str, data: &DataOptions) -> anyhow::Result<()> {
    let (store, person) = account(name, data).await?;
    store.forget_totp(person.person.id, COMMAND_LINE, now_ms()).await.explain("cannot change the account", NEXT)?;
    writeln!(terminal.out, "{name} signs in without a code until they set up an app again")?;
    Ok(())
}

/// The account of a name that somebody typed.
pub(super) async fn account(name: &str, data: &DataOptions) -> anyhow::Result<(Store, Person)> {
    let store = open(data).await?;
    let person = account_in(&store, name).await?;
    Ok((store, person))
}

/// The account of a name that somebody typed.
pub(super) async fn account_in(store: &Store, name: &str) -> anyhow::Result<Person> {
    let found = store.person_named(name).await.explain("cannot read the accounts", NEXT)?;
    let none = || Explained::new(format!("there is no account {name:?}"), "`steadyhand user list` shows them");
    found.ok_or_else(|| none().into())
}

async fn open(data: &DataOptions) -> anyhow::Result<Store> {
    data.open_store(&data.folder()?).await
}

fn now_ms() -> i64 {
    System::start().wall_ms()
}
