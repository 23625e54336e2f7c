//! Inventory files, Ansible listings and ssh configurations into targets, and the ways they are wrong.

use std::path::{Path, PathBuf};

use super::entry::{Loaded, Place};
use super::ssh_config::ConfigText;
use super::target::{HostKey, SshTarget, Target, Via};
use super::*;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::runbook::model::HostChoice;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

fn base() -> Base {
    Base { folder: PathBuf::from("/repo"), home: Some(PathBuf::from("/srv/ops")) }
}

fn place(source: &str) -> Place {
    Place { file: "inventory.yaml".to_owned(), span: Span::default(), source: Some(source.to_owned()) }
}

fn read(text: &str) -> (Inventory, Vec<Diagnostic>) {
    parse("inventory.yaml", text.as_bytes(), &base()).with_sources(Vec::new())
}

fn good(text: &str) -> Inventory {
    let (inventory, diagnostics) = read(text);
    assert_eq!(diagnostics, []);
    inventory
}

fn host<'a>(inventory: &'a Inventory, name: &str) -> &'a Target {
    inventory.get(&name.parse().unwrap()).unwrap_or_else(|| panic!("no host {name}"))
}

fn ssh<'a>(inventory: &'a Inventory, name: &str) -> &'a SshTarget {
    match &host(inventory, name).via {
        Via::Ssh(target) => target,
        Via::Local | Via::Recorded => panic!("{name} is not reached by ssh"),
    }
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.targets().iter().map(|target| target.name.as_str()).collect()
}

/// `the underlined text | message`, one a diagnostic.
fn problems(text: &str) -> Vec<String> {
    let (_, diagnostics) = read(text);
    diagnostics.iter().map(|found| format!("{} | {}", &text[found.span.start..found.span.end], found.message)).collect()
}

#[test]
fn a_host_takes_what_it_does_not_say_from_the_defaults() {
    let inventory = good(&format!(
        "steadyhand: 1
defaults: {{user: ops, port: 2022, identity: ~/.ssh/id_ed25519, jump: bastion-1}}
hosts:
  bastion-1: {{address: 192.0.2.1}}
  web-1:
    address: 127.0.10.1
    port: 2222
    user: root
    identity: keys/./id_ed25519
    host_key: {KEY} root@web-1
    labels: {{role: web, rack: 12, empty: }}
    expect: {{hostname: web-1}}
  db.example.org:
  alone: {{jump: [], known_hosts: /etc/known}}
  here: {{transport: local, labels: {{role: controller}}}}
"
    ));
    assert_eq!(names(&inventory), ["bastion-1", "web-1", "db.example.org", "alone", "here"]);
    let web = ssh(&inventory, "web-1");
    assert_eq!((web.address.as_str(), web.port), ("127.0.10.1", 2222));
    assert_eq!(web.user.as_ref().map(|user| user.as_str()), Some("root"));
    assert_eq!(web.identity.as_deref(), Some(Path::new("/repo/keys/id_ed25519")));
    assert_eq!(web.host_key, HostKey::Pinned(vec![KEY.to_owned()]));
    assert_eq!(web.jump.iter().map(|hop| hop.address.as_str()).collect::<Vec<_>>(), ["192.0.2.1"]);
    assert_eq!(host(&inventory, "web-1").labels["rack"], "12");
    assert_eq!(host(&inventory, "web-1").labels["empty"], "");
    assert_eq!(host(&inventory, "web-1").expect.hostname.as_deref(), Some("web-1"));
    let db = ssh(&inventory, "db.example.org");
    assert_eq!((db.address.as_str(), db.port), ("db.example.org", 2022));
    assert_eq!(db.identity.as_deref(), Some(Path::new("/srv/ops/.ssh/id_ed25519")));
    assert_eq!(db.host_key, HostKey::UserKnownHosts);
    assert_eq!(ssh(&inventory, "alone").host_key, HostKey::KnownHosts("/etc/known".into()));
    assert!(ssh(&inventory, "alone").jump.is_empty());
    assert!(ssh(&inventory, "bastion-1").jump.is_empty(), "the default jump leads to itself");
    assert_eq!(host(&inventory, "here").via, Via::Local);
}

#[test]
fn every_problem_of_a_file_is_told_at_its_place() {
    let text = "steadyhand: 2
defaults: {usr: ops}
hosts:
  -oProxyCommand=x: {}
  web-1: {adress: a, port: 0, user: \"a b\", host_key: ssh-ed25519 AAAA}
  web-2: {transport: local, port: 22, labels: {\"a b\": c, d: \"e f\"}}
  web-3: {known_hosts: k, host_key: [], identity: ~bob/key, expect: {machine_id: x}}
  web-4: {jump: web-9}
from:
  - {ansible: a, command: [b]}
  - command: ./hosts.sh
";
    let found = problems(text);
    for expected in [
        "2 | version 2",
        "usr | unknown field",
        "-oProxyCommand=x | ",
        "adress | unknown field",
        "0 | 0 is not a port",
        "ssh-ed25519 AAAA | ",
        "port | \"port\" has no meaning",
        "\"a b\" | \"a b\" is not a valid user name",
        "\"a b\" | \"a b\" is not a label key",
        "\"e f\" | \"e f\" is not a label value",
        "known_hosts | \"host_key\" and",
        "[] | no key",
        "~bob/key | ",
        "x | \"x\" is not a machine id",
        "ansible | each source is one of",
        "./hosts.sh | needs a list",
        "web-9 | the jump host web-9 of web-4 is not in the inventory",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{expected:?} is not in {found:#?}");
    }
}

#[test]
fn the_place_of_a_problem_is_kept_when_sources_may_still_add_hosts() {
    let text = "steadyhand: 1\nhosts: {web-1: {jump: far}}\nfrom: [{ssh_config: ~/.ssh/config}]\n";
    assert_eq!(parse("inventory.yaml", text.as_bytes(), &base()).check(), []);
    let without = parse("inventory.yaml", text.split("from").next().unwrap().as_bytes(), &base()).check();
    assert_eq!(without.len(), 1, "{without:?}");
}

#[test]
fn jumps_that_lead_back_are_refused_and_long_ways_are_followed() {
    let found = problems("steadyhand: 1\nhosts:\n  a: {jump: b}\n  b: {jump: c}\n  c: {jump: a}\n  d: {jump: d}\n");
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().all(|problem| problem.contains("lead back")), "{found:#?}");
    assert!(found[0].contains("a → b → c → a"), "{found:#?}");

    let inventory = good("steadyhand: 1\nhosts:\n  a: {jump: [b, c]}\n  b: {jump: d}\n  c: {jump: e}\n  d:\n  e:\n");
    let way: Vec<&str> = ssh(&inventory, "a").jump.iter().map(|hop| hop.address.as_str()).collect();
    assert_eq!(way, ["d", "b", "c"]);
    let found = problems("steadyhand: 1\nhosts:\n  a: {jump: here}\n  here: {transport: local}\n");
    assert!(found[0].contains("the server itself"), "{found:#?}");
}

#[test]
fn the_same_name_from_two_sources_is_an_error_that_names_both() {
    let parsed = parse("inventory.yaml", b"steadyhand: 1\nhosts: {web-1: }\n", &base());
    let json = br#"{"all": {"hosts": ["web-1", "web-2"]}}"#;
    let (inventory, diagnostics) =
        parsed.with_sources(vec![ansible::read(json, &place("ansible: hosts.ini"), &base())]);
    assert_eq!(names(&inventory), ["web-1", "web-2"]);
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].message.contains("inventory.yaml line 2 and "), "{}", diagnostics[0].message);
    assert!(diagnostics[0].message.contains("ansible: hosts.ini"), "{}", diagnostics[0].message);
}

#[test]
fn a_choice_says_what_it_did_not_find() {
    let inventory = good(
        "steadyhand: 1\nhosts:\n  web-1: {labels: {role: web}}\n  web-2: {labels: {role: web, env: prod}}\n  db-1:\n",
    );
    let chosen = |selector: &str, excluded: &[&str]| {
        let excluded: Vec<HostName> = excluded.iter().map(|name| name.parse().unwrap()).collect();
        inventory
            .choose(&HostChoice::Select(selector.to_owned()), &excluded)
            .map(|targets| targets.into_iter().map(|target| target.name.to_string()).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    assert_eq!(chosen("role=web", &["web-1"]), Ok(vec!["web-2".to_owned()]));
    let nothing = chosen("role=cache", &[]).unwrap_err();
    assert!(nothing.contains("env (prod), role (web)"), "{nothing}");
    assert!(chosen("role=web", &["wbe-1"]).unwrap_err().contains("did you mean \"web-1\"?"));
    assert!(chosen("env=prod", &["web-2"]).unwrap_err().contains("excluded"));
    assert!(chosen("env in", &[]).unwrap_err().contains("`(` is missing"));
    let names = ["db-1", "web-1", "db-1"].map(|name| name.parse().unwrap());
    assert_eq!(inventory.by_names(&names).unwrap().len(), 2);
    let error = inventory.by_names(&["web1".parse().unwrap()]).unwrap_err().to_string();
    assert!(error.contains("no host web1") && error.contains("did you mean"), "{error}");
    assert_eq!(inventory.by_names(&[]), Err(ChoiceError::NothingNamed));
}

#[test]
fn an_ansible_listing_gives_hosts_and_its_groups_become_labels() {
    let json = include_bytes!("../../tests/fixtures/inventory/ansible-2.19-list.json");
    let loaded = ansible::read(json, &place("ansible: hosts.ini"), &base());
    let messages: Vec<String> = loaded.diagnostics.iter().map(|found| found.message.clone()).collect();
    let (inventory, _) = ParsedInventory::default().with_sources(vec![loaded]);
    assert_eq!(names(&inventory), ["localhost", "web-1", "web-2"]);
    assert_eq!(host(&inventory, "localhost").via, Via::Local);
    let web = ssh(&inventory, "web-1");
    assert_eq!((web.address.as_str(), web.port), ("127.0.10.1", 2222));
    let key = ssh(&inventory, "web-2").identity.as_deref();
    assert_eq!(key, Some(Path::new("/srv/ops/.ssh/web")));
    let labels: Vec<&String> = host(&inventory, "web-1").labels.keys().collect();
    assert_eq!(labels, ["group_europe", "group_prod", "group_web"]);
    assert_eq!(inventory.select(&Selector::parse("group_europe,!group_db").unwrap()).unwrap().len(), 2);
    for expected in [
        "\"$(touch_x)\" is left out",
        "\"-oProxyCommand=x\" is left out",
        "\"web 3\" is left out",
        "\"db-1\" is left out: ansible_host is a template",
        "\"win-1\" is left out: ansible_connection is \"winrm\"",
        "ansible_ssh_common_args is ignored for \"web-2\"",
    ] {
        assert!(messages.iter().any(|message| message.contains(expected)), "{expected:?} is not in {messages:#?}");
    }
}

#[test]
fn a_listing_that_is_no_listing_is_a_diagnostic() {
    let circle = br#"{"a": {"children": ["b"], "hosts": ["h"]}, "b": {"children": ["a"]}, "old": ["h"], "odd group": {"hosts": ["h"]}}"#;
    let loaded = ansible::read(circle, &place("x"), &base());
    assert_eq!(loaded.hosts[0].labels.keys().collect::<Vec<_>>(), ["group_a", "group_b", "group_old"]);
    assert!(loaded.diagnostics[0].message.contains("\"odd group\""), "{:?}", loaded.diagnostics);
    for json in ["", "[]", "null", "{\"_meta\": 3", "\u{0}"] {
        let loaded = ansible::read(json.as_bytes(), &place("x"), &base());
        assert_eq!((loaded.hosts.len(), loaded.diagnostics.len()), (0, 1), "{json:?}");
    }
    let odd = br#"{"_meta": {"hostvars": {"h": {"ansible_port": "x"}, "i": {"ansible_port": 70000}, "j": {"ansible_host": ["a"]},
        "k": {"ansible_host": "-oProxyCommand=x"}, "l": {"ansible_user": "a b"}, "m": 3}}, "g": {"hosts": [1, null, {}]}}"#;
    let loaded = ansible::read(odd, &place("x"), &base());
    assert_eq!((loaded.hosts.len(), loaded.diagnostics.len()), (1, 5), "{loaded:#?}");
}

fn ssh_config(text: &str) -> (Inventory, Vec<String>) {
    let loaded: Loaded = ssh_config::read(
        &ConfigText { name: "config".to_owned(), text: text.to_owned() },
        &|pattern| match pattern {
            "more" => Ok(vec![ConfigText {
                name: "more".to_owned(),
                text: "Host inner\n  Port 2\nHost *\n  User inc\n".to_owned(),
            }]),
            "circle" => Ok(vec![ConfigText { name: "circle".to_owned(), text: "Include circle\n".to_owned() }]),
            other => Err(format!("no {other}")),
        },
        &place("ssh_config: config"),
        &base(),
    );
    let messages = loaded.diagnostics.iter().map(|found| found.message.clone()).collect();
    let (inventory, diagnostics) = ParsedInventory::default().with_sources(vec![loaded]);
    assert!(
        diagnostics.iter().all(|found| found.severity <= Severity::Warning || found.rule == "inventory[ssh-config]")
    );
    (inventory, messages)
}

#[test]
fn an_ssh_config_is_read_as_ssh_reads_it() {
    let (inventory, messages) = ssh_config(
        "# comment
Host web-1 web-2 *.example.org !x
  HostName=%h.example.org
  Port 2222
  ForwardAgent yes
Host web-1
  Port 9999
  User \"root\"
  IdentityFile %d/.ssh/web
  ProxyJump ops@gate:2200
  UserKnownHostsFile ~/.ssh/known_web
Host gate
  HostName 192.0.2.9
Match originalhost web-2 all
  User matched
Host *
  User everyone
  UserKnownHostsFile /dev/null
",
    );
    assert_eq!(messages, Vec::<String>::new());
    assert_eq!(names(&inventory), ["web-1", "web-2", "gate"]);
    let web = ssh(&inventory, "web-1");
    assert_eq!((web.address.as_str(), web.port), ("web-1.example.org", 2222));
    assert_eq!(web.user.as_ref().map(|user| user.as_str()), Some("root"));
    assert_eq!(web.identity.as_deref(), Some(Path::new("/srv/ops/.ssh/web")));
    assert_eq!(web.host_key, HostKey::KnownHosts("/srv/ops/.ssh/known_web".into()));
    let gate = &web.jump[0];
    assert_eq!((gate.address.as_str(), gate.port), ("192.0.2.9", 2200));
    assert_eq!(gate.user.as_ref().map(|user| user.as_str()), Some("ops"));
    let second = ssh(&inventory, "web-2");
    assert_eq!(second.user.as_ref().map(|user| user.as_str()), Some("matched"));
    assert_eq!(second.host_key, HostKey::UserKnownHosts, "a turned-off check stays on");
}

#[test]
fn a_hop_without_a_host_line_takes_what_the_patterns_give() {
    let (inventory, _) = ssh_config("Host a\n  ProxyJump b.example.org\nHost *.example.org\n  Port 2200\n");
    assert_eq!(names(&inventory), ["a"]);
    assert_eq!(ssh(&inventory, "a").jump[0].port, 2200);
}

#[test]
fn an_include_stands_where_it_is_written() {
    let (inventory, messages) = ssh_config("Include more\nHost a\n  User own\n");
    assert_eq!(messages, Vec::<String>::new());
    assert_eq!(names(&inventory), ["inner", "a"]);
    assert_eq!(ssh(&inventory, "a").user.as_ref().map(|user| user.as_str()), Some("inc"), "the first value wins");
    let (inventory, messages) = ssh_config("Include circle\nHost a\n");
    assert!(inventory.targets().is_empty() && messages[0].contains("deeper"), "{messages:?}");
}

#[test]
fn a_host_that_would_need_a_command_is_left_out_and_the_reason_told() {
    for (text, reason) in [
        ("Host a\n  ProxyCommand nc %h %p\n", "ProxyCommand"),
        ("Host a\nHost *\n  LocalCommand touch x\n", "LocalCommand"),
        ("Host a\n  KnownHostsCommand x\n", "KnownHostsCommand"),
        ("Host a\nMatch exec \"touch x\"\n  User b\n", "Match on \"exec\""),
        ("Host a\nMatch final\n  ProxyJump b\n", "Match on \"final\""),
        ("Host a\n  HostKeyAlias b\n", "HostKeyAlias"),
        ("Host a\n  HostName %L\n", "HostName"),
        ("Host a\n  IdentityFile ~/%r\n", "tokens"),
        ("Host a\n  IdentityFile key\n", "absolute"),
        ("Host a\n  Port 0\n", "port"),
        ("Host a\n  User -x\n", "User"),
        ("Host a\n  ProxyJump -oProxyCommand=x\n", "ProxyJump"),
        ("Host a\n  ProxyJump [::1]:22\n", "ProxyJump"),
        ("Host -oProxyCommand=x\n", "host name"),
        ("Host \"a b\"\n", "host name"),
    ] {
        let (inventory, messages) = ssh_config(text);
        assert!(inventory.targets().is_empty(), "{text:?}");
        assert!(messages.len() == 1 && messages[0].contains(reason), "{text:?}: {messages:?}");
    }
    let (inventory, messages) = ssh_config("Host a\n  ProxyCommand none\nMatch host b exec x\n  User c\n");
    assert_eq!((names(&inventory), messages.len()), (vec!["a"], 0));
    let (_, messages) = ssh_config("Host \"a\n");
    assert!(messages[0].contains("line 1: a quote is not closed"), "{messages:?}");
}

#[test]
fn patterns_match_as_in_ssh_and_quickly() {
    for (pattern, name, matches) in [
        ("*", "", true),
        ("*.org", "a.org", true),
        ("a?c", "aBC", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b", "acd", false),
        ("", "a", false),
        ("a", "", false),
    ] {
        assert_eq!(ssh_config::glob_matches(pattern, name), matches, "{pattern} {name}");
    }
    assert!(!ssh_config::glob_matches(&"*a".repeat(50), &"a".repeat(49)));
    assert!(!ssh_config::glob_matches(&format!("{}b", "*a".repeat(200)), &"a".repeat(20_000)));
}

/// The names that the parser says it knows where an unknown one stands.
fn known_names(text: &str) -> std::collections::BTreeSet<String> {
    let (_, diagnostics) = read(text);
    let help = diagnostics.iter().find_map(|found| found.help.as_ref()?.strip_prefix("known here: "));
    help.expect("the parser lists what it knows").split(", ").map(str::to_owned).collect()
}

#[test]
fn the_schema_and_the_parser_know_the_same_fields() {
    let schema = schema();
    for (pointer, text) in [
        ("/properties", "steadyhand: 1\nqqqqqq: 1\n"),
        ("/properties/defaults/properties", "steadyhand: 1\ndefaults: {qqqqqq: 1}\n"),
        ("/properties/hosts/additionalProperties/oneOf/1/properties", "steadyhand: 1\nhosts: {a: {qqqqqq: 1}}\n"),
        (
            "/properties/hosts/additionalProperties/oneOf/1/properties/expect/properties",
            "steadyhand: 1\nhosts: {a: {expect: {qqqqqq: 1}}}\n",
        ),
    ] {
        let properties = schema.pointer(pointer).and_then(serde_json::Value::as_object).expect(pointer);
        assert_eq!(known_names(text), properties.keys().cloned().collect(), "{pointer}");
    }
    let sources = schema.pointer("/properties/from/items/oneOf").and_then(serde_json::Value::as_array).unwrap();
    let sources = sources.iter().flat_map(|source| source["properties"].as_object().unwrap().keys().cloned()).collect();
    assert_eq!(known_names("steadyhand: 1\nfrom: [{qqqqqq: 1}]\n"), sources);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,80}|(Host|Match|Include|Port|User|ProxyJump|HostName|=|\"|#| |\n|all|host|\\*|a){0,40}") {
        let _ = ssh_config(&text);
        let _ = ansible::read(text.as_bytes(), &place("x"), &base());
        let _ = read(&text);
        let _ = host_key::parse(&text);
    }
}
