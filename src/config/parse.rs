//! A configuration file: text in, what it says out, or everything that is wrong with it.

mod feeds;
mod notify;
mod secrets;
mod sign_in;

use std::net::SocketAddr;

use super::model::{Allowed, Config, SecretRef, Tls};
use crate::audit::anchor::Anchor;
use crate::diagnostic::Diagnostic;
use crate::inventory::Base;
use crate::network::Network;
use crate::yaml::{self, Item, Reader};

/// The version of the format.
pub const VERSION: i64 = 1;

/// Characters of an address; browsers end there too.
const URL_CHARACTERS_MAX: usize = 2_000;

/// Entries of a list here: more is no list that anybody reads.
pub(super) const LIST_MAX: usize = 200;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedConfig {
    /// Whatever could be read; only to be used if nothing is wrong.
    pub config: Option<Config>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a configuration file. `file` is its name in diagnostics; paths in it are relative to `base`.
pub fn parse(file: &str, bytes: &[u8], base: &Base) -> ParsedConfig {
    let document = yaml::read(file, bytes);
    let mut diagnostics = document.diagnostics;
    let reader = Reader::new(file);
    let config = document.root.and_then(|root| config(reader.item(&root), base));
    diagnostics.append(&mut reader.finish());
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    ParsedConfig { config: config.filter(|_| diagnostics.is_empty()), diagnostics }
}

fn config(root: Item<'_>, base: &Base) -> Option<Config> {
    let mut fields = root.fields()?;
    if let Some(version) = fields.required("steadyhand")
        && let Some(number) = version.integer()
        && number != VERSION
    {
        let message = format!("version {number} of the configuration format is not known here");
        version.error("schema[version]", message, format!("write `steadyhand: {VERSION}`"));
    }
    let vault = fields.get("vault").and_then(|item| secrets::vault(item, base));
    let has_vault = fields.names().any(|name| name == "vault");
    let config = Config {
        listen: fields.get("listen").and_then(listen),
        public_url: fields.get("public_url").and_then(url),
        tls: fields.get("tls").and_then(|item| tls(item, base)),
        behind_proxy: fields.get("behind_proxy").and_then(|item| item.boolean()).unwrap_or(false),
        trusted_proxies: fields.get("trusted_proxies").and_then(networks).unwrap_or_default(),
        oidc: fields.get("login").and_then(|item| sign_in::login(item, base)),
        secrets: fields.get("secrets").and_then(|item| secrets::named(item, base, has_vault)).unwrap_or_default(),
        vault,
        outgoing_allow: fields.get("outgoing").and_then(outgoing).unwrap_or_default(),
        anchors: fields.get("audit").and_then(|item| audit(item, base)).unwrap_or_default(),
        shares_require_login: fields.get("shares").and_then(shares).unwrap_or(false),
        feeds: fields.get("feeds").and_then(|item| feeds::feeds(item, base)).unwrap_or_default(),
        notify: fields.get("notify").and_then(|item| notify::notify(item, base)).unwrap_or_default(),
    };
    if let (Some(tls), true) = (fields.get("tls"), config.behind_proxy) {
        let message = "\"tls\" and \"behind_proxy\" are both given";
        tls.key_error("config[tls]", message, "keep one: either this server ends TLS or the proxy does");
    }
    if config.oidc.as_ref().is_some_and(|oidc| is_unknown(oidc.client_secret.as_ref(), &config)) {
        fields.key_error("login", "config[secret]", "its client secret names none of `secrets`", "declare it there");
    }
    for (feed, _) in config.feeds.iter().filter(|(_, address)| is_unknown(Some(address), &config)) {
        let message = format!("the feed {feed} names none of `secrets`");
        fields.key_error("feeds", "config[secret]", message, "declare it there");
    }
    if config.notify.secrets().into_iter().any(|secret| is_unknown(Some(secret), &config)) {
        fields.key_error("notify", "config[secret]", "a channel names none of `secrets`", "declare it there");
    }
    fields.finish();
    Some(config)
}

fn is_unknown(secret: Option<&SecretRef>, config: &Config) -> bool {
    match secret {
        Some(SecretRef::Named(name)) => !config.secrets.contains_key(name),
        Some(SecretRef::Env(_) | SecretRef::File(_)) | None => false,
    }
}

fn listen(item: Item<'_>) -> Option<SocketAddr> {
    let text = item.filled_text()?;
    let address = text.parse().ok();
    if address.is_none() {
        item.error(
            "schema[type]",
            format!("{text:?} is not where one can listen"),
            "write `127.0.0.1:7878` or `[::]:443`",
        );
    }
    address
}

/// `https://…` without a user, a query or a fragment, and without a slash at its end.
pub(super) fn url(item: Item<'_>) -> Option<String> {
    let text = item.line(URL_CHARACTERS_MAX)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fits = rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty() && !rest.contains(['@', '?', '#', ' ', '\\']) && !rest.chars().any(char::is_control)
    });
    if !fits {
        // Never the text itself: a password may be in it.
        let help = "write `https://host` or `https://host/path`, without a user and without `?` or `#`";
        item.error("schema[type]", "this is not an address that can be used here", help);
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn tls(item: Item<'_>, base: &Base) -> Option<Tls> {
    let mut fields = item.fields()?;
    let certificate = fields.required("certificate").and_then(|item| path(item, base));
    let key = fields.required("key").and_then(|item| path(item, base));
    fields.finish();
    Some(Tls { certificate: certificate?, key: key? })
}

pub(super) fn path(item: Item<'_>, base: &Base) -> Option<std::path::PathBuf> {
    match base.path(item.filled_text()?) {
        Ok(path) => Some(path),
        Err(message) => {
            item.error("config[path]", message, "write a path, absolute or relative to this file");
            None
        }
    }
}

pub(super) fn bounded_list<'r, T>(item: Item<'r>, decode: impl Fn(Item<'r>) -> Option<T>) -> Option<Vec<T>> {
    let list = item.list_of(decode)?;
    if list.len() > LIST_MAX {
        item.error("schema[type]", format!("has {} entries, more than {LIST_MAX}", list.len()), "remove some");
        return None;
    }
    Some(list)
}

fn networks(item: Item<'_>) -> Option<Vec<Network>> {
    bounded_list(item, |item| {
        let text = item.text()?;
        text.parse()
            .map_err(|error: crate::network::InvalidNetwork| {
                item.error("config[network]", error.to_string(), "e.g. `10.0.0.0/8`, or one address");
            })
            .ok()
    })
}

fn outgoing(item: Item<'_>) -> Option<Vec<Allowed>> {
    let mut fields = item.fields()?;
    let allow = fields.get("allow").and_then(|item| bounded_list(item, allowed));
    fields.finish();
    Some(allow.unwrap_or_default())
}

/// An address, a range or a name. A name of digits and dots alone would be an address in disguise (`127.1`).
fn allowed(item: Item<'_>) -> Option<Allowed> {
    let text = item.text()?;
    if let Ok(network) = text.parse() {
        return Some(Allowed::Network(network));
    }
    let name = text.trim_end_matches('.').to_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    let letters = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if name.is_empty() || name.len() > 253 || name.starts_with(['.', '-']) || !name.chars().all(letters) || is_number {
        let help = "write a host's name without a port, an address, or a range: `vault.internal`, `10.0.0.0/8`";
        item.error("config[network]", format!("{text:?} is neither a host nor a range of addresses"), help);
        return None;
    }
    Some(Allowed::Host(name))
}

fn audit(item: Item<'_>, base: &Base) -> Option<Vec<Anchor>> {
    let mut fields = item.fields()?;
    let anchors = fields.get("anchors").and_then(|item| bounded_list(item, |item| anchor(item, base)));
    fields.finish();
    Some(anchors.unwrap_or_default())
}

fn anchor(item: Item<'_>, base: &Base) -> Option<Anchor> {
    if let yaml::Kind::Scalar(_) = item.node.kind {
        return item.choice(&[("syslog", "syslog")])?.parse().ok();
    }
    let mut fields = item.fields()?;
    let file = fields.get("file");
    let git_tag = fields.get("git_tag");
    let head = fields.head();
    fields.finish();
    match (file, git_tag) {
        (Some(item), None) => path(item, base).map(Anchor::File),
        (None, Some(item)) => path(item, base).map(Anchor::Git),
        (None, None) | (Some(_), Some(_)) => {
            let help = "write `syslog`, `{file: PATH}` or `{git_tag: FOLDER}`".to_owned();
            item.reader().error("config[anchor]", head, "an anchor is one place", Some(help));
            None
        }
    }
}

fn shares(item: Item<'_>) -> Option<bool> {
    let mut fields = item.fields()?;
    let require_login = fields.get("require_login").and_then(|item| item.boolean());
    fields.finish();
    require_login
}
