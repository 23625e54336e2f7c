//! `notify`: how people and channels are reached. Names stand in `oncall.yaml`, addresses here, and secrets nowhere:
//! only where they are.

use std::collections::BTreeMap;

use super::super::model::{Channel, Mail, MailTls, Notify};
use super::bounded_list;
use super::secrets::reference;
use crate::access::account::AccountName;
use crate::inventory::Base;
use crate::yaml::Item;

const CHANNELS_MAX: usize = 200;

const PEOPLE_MAX: usize = 1_000;

/// Channels of one person: whoever does not answer on five is not there.
pub const CHANNELS_OF_PERSON_MAX: usize = 5;

const ADDRESS_CHARACTERS_MAX: usize = 254;

pub(super) fn notify(item: Item<'_>, base: &Base) -> Option<Notify> {
    let mut fields = item.fields()?;
    let mail = fields.get("mail").map(|item| mail(item, base));
    let mut channels = BTreeMap::new();
    for (item, name) in fields.get("channels").and_then(|item| item.entries_up_to(CHANNELS_MAX)).unwrap_or_default() {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_name) {
            item.key_error("config[channel]", "this is not a valid name of a channel", "use letters, digits, `_`, `-`");
        }
        if let Some(channel) = channel(item, base) {
            channels.insert(name.to_owned(), channel);
        }
    }
    let mut people = BTreeMap::new();
    for (item, name) in fields.get("people").and_then(|item| item.entries_up_to(PEOPLE_MAX)).unwrap_or_default() {
        let account: Option<AccountName> = name.parse().ok();
        if account.is_none() {
            item.key_error("config[channel]", format!("{name:?} is not an account's name"), "write it as `anna`");
        }
        let of_person = bounded_list(item, |item| channel(item, base));
        if of_person.as_ref().is_some_and(|channels| channels.len() > CHANNELS_OF_PERSON_MAX) {
            item.error("schema[type]", format!("more than {CHANNELS_OF_PERSON_MAX} channels"), "remove some");
        }
        if let (Some(account), Some(of_person)) = (account, of_person) {
            people.insert(account, of_person);
        }
    }
    let needs_mail =
        channels.values().chain(people.values().flatten()).any(|channel| matches!(channel, Channel::Email(_)));
    if needs_mail && mail.is_none() {
        fields.missing("somebody is reached by mail, and no mail server is named", "add `mail: {host: …, from: …}`");
    }
    fields.finish();
    let mail = match mail {
        None => None,
        Some(mail) => Some(mail?),
    };
    Some(Notify { mail, channels, people })
}

fn mail(item: Item<'_>, base: &Base) -> Option<Mail> {
    let mut fields = item.fields()?;
    let from = fields.required("from").and_then(address);
    let host = fields.required("host").and_then(|item| item.line(ADDRESS_CHARACTERS_MAX)).map(str::to_owned);
    let tls = fields.get("tls").map(|item| {
        item.choice(&[("starttls", MailTls::Starttls), ("implicit", MailTls::Implicit), ("none", MailTls::None)])
    });
    let port = fields.get("port").map(|item| item.whole_number::<u16>());
    let user = fields.get("user").map(|item| item.line(ADDRESS_CHARACTERS_MAX).map(str::to_owned));
    let password = fields.get("password").map(|item| reference(item, base));
    if user.is_some() != password.is_some() {
        fields.missing("a user and a password go together", "write both, or none");
    }
    fields.finish();
    let tls = tls.unwrap_or(Some(MailTls::Starttls))?;
    let port = match (port, tls) {
        (Some(port), _) => port?,
        (None, MailTls::Starttls) => 587,
        (None, MailTls::Implicit) => 465,
        (None, MailTls::None) => 25,
    };
    let login = match (user, password) {
        (Some(user), Some(password)) => Some((user?, password?)),
        (Some(_), None) | (None, _) => None,
    };
    Some(Mail { from: from?, host: host?, port, tls, login })
}

/// `{email: …}`, `{slack: …}`, `{ntfy: …}` or `{webhook: …, key: …}`.
fn channel(item: Item<'_>, base: &Base) -> Option<Channel> {
    let mut fields = item.fields()?;
    let (email, slack) = (fields.get("email"), fields.get("slack"));
    let (ntfy, token) = (fields.get("ntfy"), fields.get("token"));
    let (webhook, key) = (fields.get("webhook"), fields.get("key"));
    let head = fields.head();
    fields.finish();
    match (email, slack, ntfy, webhook) {
        (Some(item), None, None, None) => address(item).map(Channel::Email),
        (None, Some(item), None, None) => reference(item, base).map(Channel::Slack),
        (None, None, Some(item), None) => {
            let token = match token {
                None => None,
                Some(token) => Some(reference(token, base)?),
            };
            Some(Channel::Ntfy { address: reference(item, base)?, token })
        }
        (None, None, None, Some(item)) => {
            let Some(key) = key else {
                let help = "add `key: {env: NAME}`: whoever receives it checks the signature with it";
                item.error("config[channel]", "a webhook is signed, and no key is named", help);
                return None;
            };
            Some(Channel::Webhook { address: reference(item, base)?, key: reference(key, base)? })
        }
        _ => {
            let help = "write one of `{email: ADDRESS}`, `{slack: {env: NAME}}`, `{ntfy: {env: NAME}}` and \
                        `{webhook: {env: NAME}, key: {env: NAME}}`";
            item.reader().error("config[channel]", head, "a channel is of one kind", Some(help.to_owned()));
            None
        }
    }
}

/// What can stand in the head of a mail without changing it.
fn address(item: Item<'_>) -> Option<String> {
    let text = item.line(ADDRESS_CHARACTERS_MAX)?;
    let letters = |letter: char| !letter.is_whitespace() && !letter.is_control() && !"<>,;:\"()[]\\".contains(letter);
    let parts: Vec<&str> = text.split('@').collect();
    let fits = matches!(parts.as_slice(), [local, domain] if !local.is_empty() && domain.contains(|l: char| l.is_ascii_alphanumeric()));
    if !fits || !text.chars().all(letters) {
        item.error("config[channel]", format!("{text:?} is not an address for mail"), "write it as anna@example.org");
        return None;
    }
    Some(text.to_owned())
}
