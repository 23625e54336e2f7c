//! `feeds` and `people`: calendars of other systems, and by what they name our people.

use std::collections::BTreeMap;

use super::{NAMED_MAX, account, is_name, named};
use crate::access::account::AccountName;
use crate::oncall::Oncall;
use crate::oncall::model::{Aliases, Feed};
use crate::yaml::{Fields, Item};

const PEOPLE_MAX: usize = 1_000;

/// Names of one person in one field.
const ALIASES_MAX: usize = 20;

const ALIAS_CHARACTERS_MAX: usize = 200;

pub(super) fn read(fields: &mut Fields<'_>, oncall: &mut Oncall) {
    for (item, name) in named(fields, "feeds", "feed", NAMED_MAX) {
        if let Some(feed) = feed(item) {
            oncall.feeds.insert(name.to_owned(), feed);
        }
    }
    let people = fields.get("people").and_then(|item| item.entries_up_to(PEOPLE_MAX)).unwrap_or_default();
    let mut owners: BTreeMap<String, AccountName> = BTreeMap::new();
    for (item, name) in people {
        let account = account(item, name);
        let aliases = aliases(item);
        if let (Some(account), Some(aliases)) = (account, aliases) {
            is_nobody_elses(item, &account, &aliases, &mut owners);
            oncall.people.insert(account, aliases);
        }
    }
}

fn feed(item: Item<'_>) -> Option<Feed> {
    let mut fields = item.fields()?;
    let (file, server) = (fields.get("file"), fields.get("server"));
    let feed = match (file, server) {
        (Some(file), None) => repository_file(file).map(Feed::File),
        (None, Some(server)) => server_name(server).map(Feed::Server),
        (Some(_), Some(_)) | (None, None) => {
            let help = "write `{file: calendars/web.ics}`, or `{server: NAME}` for an address in the server's \
                        configuration file";
            fields.missing("a feed is either a file or an address that the server knows", help);
            None
        }
    };
    if let Some(url) = fields.get("url") {
        // Whoever reads the repository could read the calendar.
        let help = "change the address, it is known now; put it into the server's configuration file below `feeds`, \
                    and write `{server: NAME}` here";
        url.error("oncall[feed-address]", "the address of a calendar is a secret and must not stand here", help);
    }
    fields.finish();
    feed
}

fn repository_file(item: Item<'_>) -> Option<String> {
    let text = item.line(ALIAS_CHARACTERS_MAX)?;
    let inside = !text.starts_with('/') && text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if !inside {
        item.error("oncall[feed]", format!("{text:?} is no file of the repository"), "write it as calendars/web.ics");
        return None;
    }
    Some(text.to_owned())
}

fn server_name(item: Item<'_>) -> Option<String> {
    let name = item.filled_text()?;
    if !is_name(name) {
        item.error("oncall[feed]", "this is no name for a feed", "write its name, never its address");
        return None;
    }
    Some(name.to_owned())
}

fn aliases(item: Item<'_>) -> Option<Aliases> {
    let mut fields = item.fields()?;
    let mut list = |name| fields.get(name).map_or(Some(Vec::new()), |item| texts(item));
    let (emails, ids, names) = (list("emails"), list("ids"), list("names"));
    fields.finish();
    Some(Aliases { emails: emails?, ids: ids?, names: names? })
}

fn texts(item: Item<'_>) -> Option<Vec<String>> {
    let items = item.list()?;
    if items.len() > ALIASES_MAX {
        item.error("schema[type]", format!("has {} entries, more than {ALIASES_MAX}", items.len()), "remove some");
        return None;
    }
    item.list_of(|item| item.line(ALIAS_CHARACTERS_MAX).map(str::to_owned))
}

/// A name that two people have would put the wrong one on call.
fn is_nobody_elses(item: Item<'_>, who: &AccountName, aliases: &Aliases, owners: &mut BTreeMap<String, AccountName>) {
    for (kind, texts) in [("email", &aliases.emails), ("id", &aliases.ids), ("name", &aliases.names)] {
        for text in texts {
            let key = format!("{kind} {}", text.trim().to_lowercase());
            match owners.get(&key) {
                Some(owner) if owner != who => {
                    let message = format!("the {kind} {text:?} is also that of {owner}");
                    item.key_error("oncall[ambiguous]", message, "leave it with one of them");
                }
                Some(_) => {}
                None => drop(owners.insert(key, who.clone())),
            }
        }
    }
}
