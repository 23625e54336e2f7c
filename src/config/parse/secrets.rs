//! `secrets` and `vault`: where secrets are. What they are stands nowhere in the file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::model::{Approle, Kubernetes, NamedSecret, SecretRef, SecretSource, Vault, VaultLogin};
use super::{bounded_list, path, url};
use crate::access::pattern::Books;
use crate::id::SecretName;
use crate::inventory::{Base, Selector};
use crate::yaml::{Fields, Item, Kind};

/// More secrets in one file belong into a vault.
const SECRETS_MAX: usize = 500;

/// A longer command belongs into a script.
const COMMAND_WORDS_MAX: usize = 64;

/// How long a command may take that does not say.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// A step waits for it, and a person for the step.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(120);

const NAME_CHARACTERS_MAX: usize = 200;

/// Where Kubernetes puts a pod's token.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

const KINDS: &str = "write `{env: NAME}`, `{file: PATH}`, `{command: [program, argument]}` or \
                     `{vault: {path: kv/web/db, field: password}}`";

pub(super) fn named(item: Item<'_>, base: &Base, has_vault: bool) -> Option<BTreeMap<SecretName, NamedSecret>> {
    let mut secrets = BTreeMap::new();
    for (item, name) in item.entries_up_to(SECRETS_MAX)? {
        let parsed: Result<SecretName, _> = name.parse();
        if parsed.is_err() {
            let help = "use lower-case letters, digits, `_` and `-`, beginning with a letter";
            item.key_error("config[secret]", "this is not a valid name of a secret", help);
        }
        let secret = secret(item, base, has_vault);
        if let (Ok(name), Some(secret)) = (parsed, secret) {
            secrets.insert(name, secret);
        }
    }
    Some(secrets)
}

fn secret(item: Item<'_>, base: &Base, has_vault: bool) -> Option<NamedSecret> {
    let mut fields = place_of_secret(item, KINDS)?;
    let source = source(&mut fields, item, base, has_vault);
    let runbooks = fields.get("runbooks").map(|item| bounded_list(item, books));
    let hosts = fields.get("hosts").map(selector);
    fields.finish();
    // A limit that cannot be read must not turn into none.
    let runbooks = match runbooks {
        None => None,
        Some(books) => Some(books?),
    };
    let hosts = match hosts {
        None => None,
        Some(selector) => Some(selector?),
    };
    Some(NamedSecret { source: source?, runbooks, hosts })
}

/// The fields that say where a secret is. A text in their place would be the secret itself.
fn place_of_secret<'r>(item: Item<'r>, kinds: &str) -> Option<Fields<'r>> {
    if let Kind::Scalar(_) = item.node.kind {
        let help = format!("change the secret, it is known now; say where it is instead: {kinds}");
        item.error("config[literal]", "a secret must not stand in this file", help);
        return None;
    }
    item.fields()
}

fn source(fields: &mut Fields<'_>, item: Item<'_>, base: &Base, has_vault: bool) -> Option<SecretSource> {
    let env = fields.get("env");
    let file = fields.get("file");
    let command = fields.get("command");
    let vault = fields.get("vault");
    let timeout = fields.get("timeout");
    if let (Some(timeout), None) = (timeout, command) {
        timeout.key_error("schema[unknown-key]", "only a command has a time-out", "remove it");
    }
    let given = [env, file, command, vault].iter().flatten().count();
    if given != 1 {
        let message = if given == 0 { "where the secret is, is not said" } else { "a secret is at one place" };
        item.reader().error("config[secret]", fields.head(), message, Some(KINDS.to_owned()));
        return None;
    }
    if let Some(item) = env {
        return variable(item).map(SecretSource::Env);
    }
    if let Some(item) = file {
        return path(item, base).map(SecretSource::File);
    }
    if let Some(item) = vault {
        return vault_place(item, has_vault);
    }
    let timeout = match timeout {
        None => COMMAND_TIME,
        Some(item) => item.positive_duration().filter(|time| {
            let fits = *time <= COMMAND_TIME_MAX;
            if !fits {
                item.error("schema[type]", "is longer than a step should wait", "write at most 2m");
            }
            fits
        })?,
    };
    let words = command_words(command?)?;
    Some(SecretSource::Command { words, folder: base.folder.clone(), timeout })
}

fn variable(item: Item<'_>) -> Option<String> {
    let name = item.line(NAME_CHARACTERS_MAX)?;
    let fits = !name.starts_with(|letter: char| letter.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !fits {
        // Somebody may have written the value here.
        item.error("config[secret]", "this is not the name of a variable", "use letters, digits and `_`");
        return None;
    }
    Some(name.to_owned())
}

fn command_words(item: Item<'_>) -> Option<Vec<String>> {
    if !matches!(item.node.kind, Kind::Sequence(_)) {
        item.mismatch("a list", Some("no shell reads it: write `[pass, show, db]`".to_owned()));
        return None;
    }
    let words = item.list_of(|word| word.text().map(str::to_owned))?;
    if words.first().is_none_or(String::is_empty) || words.len() > COMMAND_WORDS_MAX {
        let message = format!("a command is a program and at most {} arguments", COMMAND_WORDS_MAX - 1);
        item.error("config[secret]", message, "e.g. `[pass, show, db]`");
        return None;
    }
    Some(words)
}

fn vault_place(item: Item<'_>, has_vault: bool) -> Option<SecretSource> {
    let mut fields = item.fields()?;
    let path = fields.required("path").and_then(vault_path);
    let field = fields.required("field").and_then(|item| item.line(NAME_CHARACTERS_MAX)).map(str::to_owned);
    fields.finish();
    if !has_vault {
        item.key_error(
            "config[vault]",
            "no vault is declared",
            "add `vault: {address: …, token: {file: …}}` at the top",
        );
    }
    Some(SecretSource::Vault { path: path?, field: field? })
}

/// A path becomes part of an address: nothing in it may lead elsewhere there.
fn vault_path(item: Item<'_>) -> Option<String> {
    let text = item.line(NAME_CHARACTERS_MAX)?;
    let part_fits = |part: &str| {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "._-+@=".contains(letter);
        !part.is_empty() && part.chars().all(letters) && part.chars().any(|letter| letter != '.')
    };
    if text.split('/').count() < 2 || !text.split('/').all(part_fits) {
        let message = format!("{text:?} is not the path of a secret");
        item.error(
            "config[vault]",
            message,
            "write mount and path: `kv/web/db`, without `data/` and without `/` at its ends",
        );
        return None;
    }
    Some(text.to_owned())
}

/// Paths only: whoever may edit a runbook may also give it a tag.
fn books(item: Item<'_>) -> Option<Books> {
    let help = "write paths below runbooks/: `web/**`, `db/backup`";
    match Books::parse(item.text()?) {
        Ok(Books::Tag(_)) => {
            item.error("config[runbooks]", "a tag is no limit: whoever edits a runbook gives it tags", help);
            None
        }
        Ok(books) => Some(books),
        Err(error) => {
            item.error("config[runbooks]", error.to_string(), help);
            None
        }
    }
}

fn selector(item: Item<'_>) -> Option<Selector> {
    match Selector::parse(item.filled_text()?) {
        Ok(selector) => Some(selector),
        Err(error) => {
            item.error_within("config[hosts]", error.at.clone(), error.message, error.help);
            None
        }
    }
}

/// A secret of the server itself: `{env: …}`, `{file: …}`, `{secret: …}`.
pub(super) fn reference(item: Item<'_>, base: &Base) -> Option<SecretRef> {
    let kinds = "write `{env: NAME}`, `{file: PATH}` or `{secret: NAME}`";
    let mut fields = place_of_secret(item, kinds)?;
    let (env, file, secret) = (fields.get("env"), fields.get("file"), fields.get("secret"));
    let head = fields.head();
    fields.finish();
    match (env, file, secret) {
        (Some(item), None, None) => variable(item).map(SecretRef::Env),
        (None, Some(item), None) => path(item, base).map(SecretRef::File),
        (None, None, Some(item)) => item.id().map(SecretRef::Named),
        (None, None, None) | (Some(_), _, _) | (_, Some(_), _) => {
            item.reader().error("config[secret]", head, "a secret is at one place", Some(kinds.to_owned()));
            None
        }
    }
}

pub(super) fn vault(item: Item<'_>, base: &Base) -> Option<Vault> {
    let mut fields = item.fields()?;
    let address = fields.required("address").and_then(url);
    let namespace = fields.get("namespace").and_then(vault_namespace);
    let login = login(&mut fields, item, base);
    let authority = fields.get("ca").and_then(|item| path(item, base));
    fields.finish();
    Some(Vault { address: address?, namespace, login: login?, authority })
}

fn vault_namespace(item: Item<'_>) -> Option<String> {
    let text = item.line(NAME_CHARACTERS_MAX)?;
    let fits = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/_-".contains(letter));
    if !fits {
        item.error("config[vault]", format!("{text:?} is not a namespace"), "e.g. `ops` or `ops/web`");
    }
    fits.then(|| text.trim_matches('/').to_owned())
}

fn login(fields: &mut Fields<'_>, item: Item<'_>, base: &Base) -> Option<VaultLogin> {
    let (token, approle, kubernetes) = (fields.get("token"), fields.get("approle"), fields.get("kubernetes"));
    match (token, approle, kubernetes) {
        (Some(item), None, None) => own_reference(item, base).map(VaultLogin::Token),
        (None, Some(item), None) => {
            let mut fields = item.fields()?;
            let mount = fields.get("mount").map_or_else(|| Some("approle".to_owned()), mount);
            let role_id = fields.required("role_id").and_then(|item| item.line(NAME_CHARACTERS_MAX));
            let secret_id = fields.required("secret_id").and_then(|item| own_reference(item, base));
            fields.finish();
            let approle = Approle { mount: mount?, role_id: role_id?.to_owned(), secret_id: secret_id? };
            Some(VaultLogin::Approle(approle))
        }
        (None, None, Some(item)) => {
            let mut fields = item.fields()?;
            let mount = fields.get("mount").map_or_else(|| Some("kubernetes".to_owned()), mount);
            let role = fields.required("role").and_then(|item| item.line(NAME_CHARACTERS_MAX));
            let token = fields.get("token").map_or_else(|| Some(POD_TOKEN.into()), |item| path(item, base));
            fields.finish();
            Some(VaultLogin::Kubernetes(Kubernetes { mount: mount?, role: role?.to_owned(), token: token? }))
        }
        (None, None, None) | (Some(_), _, _) | (_, Some(_), _) => {
            let help = "write one of `token: {file: PATH}`, `approle:` and `kubernetes:`".to_owned();
            item.reader().error("config[vault]", fields.head(), "how to sign in to the vault is not clear", Some(help));
            None
        }
    }
}

/// What opens the vault cannot lie in it.
fn own_reference(item: Item<'_>, base: &Base) -> Option<SecretRef> {
    let reference = reference(item, base)?;
    if let SecretRef::Named(_) = reference {
        item.error(
            "config[vault]",
            "what opens the vault cannot be a named secret",
            "write `{env: NAME}` or `{file: PATH}`",
        );
        return None;
    }
    Some(reference)
}

fn mount(item: Item<'_>) -> Option<String> {
    let text = item.line(NAME_CHARACTERS_MAX)?;
    let fits = text.split('/').all(|part| {
        !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
    });
    if !fits {
        item.error("config[vault]", format!("{text:?} is not where an auth method is mounted"), "e.g. `approle`");
    }
    fits.then(|| text.to_owned())
}
