//! `steadyhand access`, and `access.yaml` in `check` and `schema`.

use std::fs;
use std::path::Path;

use super::{output, stderr, stdout};
use steadyhand::{access, yaml};

const ACCESS: &str = "\
steadyhand: 1
teams: {web: [anna], dba: [group:dbas]}
grants:
  - {who: team:web, role: operator, runbooks: web/**, hosts: role=web}
  - {who: team:dba, role: approver, hosts: role=db}
";
const INVENTORY: &str = "\
steadyhand: 1
hosts:
  web-1: {transport: local, labels: {role: web}}
  db-1: {transport: local, labels: {role: db}}
";
const RUNBOOK: &str = "\
steadyhand: 1
name: Look around
summary: Looks. About a minute.
owner: team:web
review_by: 2099-01-01
hosts: {select: \"role in (web, db)\"}
steps:
  - {id: look, name: Look around, check: uptime}
";

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir_all(folder.path().join("runbooks/web")).expect("it is new");
    for (path, text) in [("access.yaml", ACCESS), ("inventory.yaml", INVENTORY), ("runbooks/web/look.yaml", RUNBOOK)] {
        fs::write(folder.path().join(path), text).expect("it is new");
    }
    folder
}

fn explain(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let folder = folder.to_str().expect("temporary folders have plain names");
    output(&[&["access", "explain"], arguments, &["--repo", folder]].concat())
}

#[test]
fn explain_names_the_line_that_lets_somebody_in() {
    let folder = repository();
    let yes = explain(folder.path(), &["anna", "web/look", "--on", "web-1", "--to", "start"]);
    assert!(yes.status.success(), "{}", stderr(&yes));
    let line = "access.yaml:4: team:web is operator for web/** on hosts role in (web)";
    assert!(stdout(&yes).contains("yes  start") && stdout(&yes).contains(line), "{}", stdout(&yes));
}

#[test]
fn explain_says_no_with_the_host_and_who_could() {
    let folder = repository();
    let no = explain(folder.path(), &["anna", "web/look", "--on", "web-1,db-1", "--to", "start"]);
    assert_eq!(no.status.code(), Some(1));
    let said = stdout(&no);
    assert!(said.contains("no   start") && said.contains("on db-1") && said.contains("operator or admin"), "{said}");
    let by_group = explain(folder.path(), &["frank", "web/look", "--on", "db-1", "--to", "approve", "--group", "dbas"]);
    assert!(by_group.status.success(), "{}", stdout(&by_group));
}

#[test]
fn explain_in_json_answers_for_every_verb() {
    let folder = repository();
    let said = explain(folder.path(), &["anna", "web/look", "--on", "web-1", "--format", "json"]);
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("it is JSON");
    let answers = said["answers"].as_array().expect("a list");
    let of = |verb: &str| answers.iter().find(|answer| answer["to"] == verb).map(|answer| answer["allowed"].clone());
    assert_eq!(of("start"), Some(true.into()));
    assert_eq!(of("approve"), Some(false.into()));
    assert_eq!(said["teams"], serde_json::json!(["web"]));
}

#[test]
fn explain_without_a_file_or_a_runbook_says_what_is_missing() {
    let folder = repository();
    let none = explain(folder.path(), &["anna", "web/none"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("cannot read web/none"), "{}", stderr(&none));
    fs::remove_file(folder.path().join("access.yaml")).expect("it is there");
    let none = explain(folder.path(), &["anna", "web/look"]);
    assert!(stderr(&none).contains("access.yaml") && stderr(&none).contains("init"), "{}", stderr(&none));
}

#[test]
fn check_finds_what_is_wrong_with_who_may_do_what() {
    let folder = repository();
    let path = folder.path().to_str().expect("temporary folders have plain names").to_owned();
    let good = output(&["check", &path]);
    assert!(good.status.success(), "{}", stdout(&good));
    fs::write(folder.path().join("access.yaml"), ACCESS.replace("team:web,", "team:wep,")).expect("it can be written");
    let bad = output(&["check", &path]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(stdout(&bad).contains("there is no team \"wep\"") && stdout(&bad).contains("team:web"), "{}", stdout(&bad));
}

#[test]
fn schema_and_parser_take_the_same_files() {
    let validator = jsonschema::draft7::new(&access::schema()).expect("the schema is a draft-07 schema");
    let init = include_str!("../../../src/cli/init/access.yaml");
    for (text, good) in [
        (ACCESS, true),
        (init, true),
        ("steadyhand: 1\ngrants: []\n", true),
        ("steadyhand: 1\n", false),
        ("steadyhand: 2\ngrants: []\n", false),
        ("steadyhand: 1\ngrants: [{who: everyone}]\n", false),
        ("steadyhand: 1\ngrants: [{who: anna, role: viewer}]\n", false),
        ("steadyhand: 1\ngrants: [{who: [], role: viewer}]\n", false),
        ("steadyhand: 1\ngrants: [{who: everyone, role: root}]\n", false),
        ("steadyhand: 1\ngrants: [{who: everyone, role: viewer, runbook: x}]\n", false),
        ("steadyhand: 1\ngrants: [{who: everyone, role: viewer, override: freeze}]\n", false),
        ("steadyhand: 1\nteam: {}\ngrants: []\n", false),
    ] {
        let json = yaml::read("access.yaml", text.as_bytes()).root.expect("it is YAML").to_json();
        assert_eq!(validator.is_valid(&json), good, "the schema on {text}");
        assert_eq!(access::parse("access.yaml", text.as_bytes()).policy.is_some(), good, "the parser on {text}");
    }
}
