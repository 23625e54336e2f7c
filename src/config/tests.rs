//! Facts about configuration files: what each section means, and that every problem is told without telling a secret.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::model::{Allowed, SecretRef, SecretSource, VaultLogin};
use super::{ParsedConfig, parse, schema};
use crate::audit::anchor::Anchor;
use crate::inventory::Base;
use crate::yaml;

const WHOLE: &str = include_str!("../../tests/fixtures/config/whole.yaml");

fn parsed(text: &str) -> ParsedConfig {
    let base = Base { folder: PathBuf::from("/etc/steadyhand"), home: None };
    parse("steadyhand.server.yaml", text.as_bytes(), &base)
}

fn schema_takes(text: &str) -> bool {
    let root = yaml::read("f.yaml", text.as_bytes()).root.expect("it is YAML");
    jsonschema::draft7::new(&schema::schema()).expect("a draft-07 schema").is_valid(&root.to_json())
}

#[test]
fn a_whole_file_means_what_it_says() {
    let read = parsed(WHOLE);
    assert_eq!(read.diagnostics, []);
    assert!(schema_takes(WHOLE));
    let config = read.config.expect("nothing is wrong");
    assert_eq!(config.listen.map(|address| address.port()), Some(443));
    assert_eq!(config.public_url.as_deref(), Some("https://ops.example.org"));
    assert_eq!(config.tls.map(|tls| tls.key), Some(PathBuf::from("/etc/steadyhand/tls/key.pem")));
    assert_eq!(config.trusted_proxies.len(), 2);
    let oidc = config.oidc.expect("it is there");
    assert_eq!(oidc.client_secret, Some(SecretRef::Env("OIDC_SECRET".to_owned())));
    assert_eq!((oidc.groups_claim.as_str(), oidc.scopes.len()), ("groups", 3));
    let vault = config.vault.expect("it is there");
    assert_eq!(vault.login, VaultLogin::Token(SecretRef::File(PathBuf::from("/run/steadyhand/vault-token"))));
    assert_eq!(config.secrets.len(), 4);
    let command = &config.secrets[&"from_program".parse().expect("a name")];
    let SecretSource::Command { words, folder, timeout } = &command.source else { panic!("{command:?}") };
    assert_eq!((words.len(), folder.as_path(), *timeout), (3, Path::new("/etc/steadyhand"), Duration::from_secs(5)));
    let db = &config.secrets[&"db_password".parse().expect("a name")];
    assert!(db.runbooks.as_ref().is_some_and(|books| books.len() == 2) && db.hosts.is_some());
    assert_eq!(config.outgoing_allow[0], Allowed::Host("vault.internal".to_owned()));
    assert_eq!(config.anchors.len(), 3);
    assert!(matches!(config.anchors[1], Anchor::Syslog(_)));
    assert!(config.shares_require_login);
    assert_eq!(config.feeds["pagerduty-db"], SecretRef::Env("PAGERDUTY_CALENDAR".to_owned()));
}

#[test]
fn every_problem_is_told_at_once_and_no_secret_with_it() {
    let text = "steadyhand: 1\nlisen: 127.0.0.1:80\npublic_url: https://me:hunter2@x\ntls: {certificate: a}\n\
                behind_proxy: yes\ntrusted_proxies: [10.0.0.1/8]\n\
                login: {oidc: {issuer: 'https://x', client_id: a, client_secret: hunter2}}\n\
                vault: {address: 'https://v', token: hunter2}\n\
                secrets:\n  a: hunter2\n  b: {env: hunter2-x}\n  c: {}\n  d: {env: A, file: b}\n  E: {env: A}\n\
                \x20 f: {env: A, runbooks: [/x]}\n  g: {env: A, hosts: 'role in ('}\n  h: {command: pass show}\n\
                \x20 i: {vault: {path: ../../sys, field: x}}\n  j: {env: A, timeout: 5s}\n  k: {comand: [a]}\n\
                outgoing: {allow: ['127.1', 'http://x']}\naudit: {anchors: [sysloog, {}]}\n\
                feeds: {a: 'https://x.example.org/hunter2', b c: {env: A}, d: {secret: nowhere}}\n";
    let read = parsed(text);
    assert_eq!(read.config, None);
    let told: Vec<String> = read
        .diagnostics
        .iter()
        .map(|found| {
            format!(
                "{}:{} {} {} ({})",
                found.span.line,
                found.span.column,
                found.rule,
                found.message,
                found.help.as_deref().unwrap_or("")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    assert!(!told.join("\n").contains("hunter2"), "{told:#?}");
    assert!(!schema_takes(text));
}

#[test]
fn a_limit_that_cannot_be_read_leaves_no_secret_without_a_limit() {
    for limit in ["runbooks: [../x]", "hosts: '='", "runbooks: web", "hosts: [a]"] {
        let read = parsed(&format!("steadyhand: 1\nsecrets: {{a: {{env: A, {limit}}}}}\n"));
        assert_eq!(read.config, None, "{limit}");
    }
}

#[test]
fn what_opens_the_vault_and_the_vault_itself_must_be_said() {
    for text in [
        "secrets: {a: {vault: {path: kv/a, field: b}}}",
        "vault: {address: 'https://v'}",
        "vault: {address: 'https://v', token: {env: T}, approle: {role_id: a, secret_id: {env: S}}}",
        "vault: {address: 'https://v', token: {secret: x}}",
        "login: {oidc: {issuer: 'https://x', client_id: a, client_secret: {secret: nowhere}}}",
        "tls: {certificate: a, key: b}\nbehind_proxy: true",
    ] {
        assert_ne!(parsed(&format!("steadyhand: 1\n{text}\n")).diagnostics, [], "{text}");
    }
    for text in [
        "vault: {address: 'https://v', approle: {role_id: a, secret_id: {env: S}}}",
        "vault: {address: 'https://v', kubernetes: {role: a}}",
        "",
    ] {
        assert_eq!(parsed(&format!("steadyhand: 1\n{text}\n")).diagnostics, [], "{text}");
    }
}
