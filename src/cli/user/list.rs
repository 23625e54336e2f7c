//! Prints accounts, for people and for programs. Never what proves them.

use std::io::Write;

use serde_json::json;

use super::NEXT;
use crate::cli::explain::Explain;
use crate::cli::format::DataFormat;
use crate::cli::terminal::{Terminal, without_controls};
use crate::cli::token::day;
use crate::store::Store;
use crate::store::people::{Person, Source};

pub(super) async fn all(terminal: &mut Terminal, store: &Store, format: DataFormat) -> anyhow::Result<()> {
    let people = store.people().await.explain("cannot list the accounts", NEXT)?;
    match format {
        DataFormat::Json => {
            let people: Vec<_> = people.iter().map(as_json).collect();
            writeln!(terminal.out, "{}", json!({ "people": people }))?;
        }
        DataFormat::Human if people.is_empty() => {
            writeln!(terminal.err, "There are no accounts yet: steadyhand user add NAME")?;
        }
        DataFormat::Human => {
            writeln!(
                terminal.out,
                "{:<20}  {:<8}  {:<18}  {:<17}  DISPLAY NAME",
                "NAME", "STATE", "SIGNS IN WITH", "LAST LOGIN"
            )?;
            for person in &people {
                writeln!(
                    terminal.out,
                    "{:<20}  {:<8}  {:<18}  {:<17}  {}",
                    person.person.name,
                    standing(person),
                    proof(person),
                    day(person.last_login_ms),
                    without_controls(&person.person.display_name)
                )?;
            }
        }
    }
    Ok(())
}

pub(super) fn one(terminal: &mut Terminal, person: &Person, format: DataFormat) -> anyhow::Result<()> {
    if let DataFormat::Json = format {
        writeln!(terminal.out, "{}", as_json(person))?;
        return Ok(());
    }
    let of = &person.person;
    let provider = match &of.source {
        Source::Local => "none".to_owned(),
        Source::Provider { issuer, subject } => format!("{issuer}, there {subject}"),
    };
    for (label, value) in [
        ("Name", of.name.clone()),
        ("Display name", of.display_name.clone()),
        ("Email", of.email.clone().unwrap_or_else(|| "none".to_owned())),
        ("State", standing(person).to_owned()),
        ("Signs in with", proof(person).to_owned()),
        ("Provider", provider),
        ("Groups", if of.groups.is_empty() { "none".to_owned() } else { of.groups.join(", ") }),
        ("Made", day(Some(of.created_at_ms))),
        ("Last login", day(person.last_login_ms)),
        ("Disabled", day(person.disabled_at_ms)),
    ] {
        writeln!(terminal.out, "{label:<14} {}", without_controls(&value))?;
    }
    Ok(())
}

fn standing(person: &Person) -> &'static str {
    if person.is_disabled() { "disabled" } else { "active" }
}

fn proof(person: &Person) -> &'static str {
    match (&person.person.source, person.person.password_hash.is_some(), person.confirmed_totp().is_some()) {
        (Source::Provider { .. }, _, _) => "provider",
        (Source::Local, true, true) => "password and code",
        (Source::Local, true, false) => "password",
        (Source::Local, false, _) => "links only",
    }
}

fn as_json(person: &Person) -> serde_json::Value {
    let of = &person.person;
    let (issuer, subject) = match &of.source {
        Source::Local => (None, None),
        Source::Provider { issuer, subject } => (Some(issuer), Some(subject)),
    };
    json!({
        "id": of.id, "name": of.name, "display_name": of.display_name, "email": of.email,
        "state": standing(person), "signs_in_with": proof(person), "issuer": issuer, "subject": subject,
        "groups": of.groups, "created_at_ms": of.created_at_ms, "last_login_ms": person.last_login_ms,
        "disabled_at_ms": person.disabled_at_ms,
    })
}
