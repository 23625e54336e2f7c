//! The configuration file, through the real program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use super::{stderr, stdout, steadyhand};

const SECRET: &str = "hunter2-of-the-environment";

struct Place(TempDir);

impl Place {
    /// A repository with one host, this machine, and a runbook that uses a named secret.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir_all(place.path("repo/runbooks")).expect("it is new");
        place.write("repo/inventory.yaml", "steadyhand: 1\nhosts: {here: {transport: local, labels: {role: web}}}\n");
        place.write(
            "repo/runbooks/named.yaml",
            "steadyhand: 1\nname: A test\nsummary: Uses a secret.\nowner: team:web\nreview_by: 2099-01-01\n\
             hosts: {select: role=web}\ninputs: {token: {description: T, type: secret, from_secret: deploy}}\nsteps:\n\
             \x20 - {id: use, name: Use it, check: 'printf %s \"$token\" | wc -c; echo \"$token\"'}\n\
             \x20 - {id: other, name: Look around, check: 'env | grep -c hunter2 || true'}\n",
        );
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).expect("the folder is ours");
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o644)).expect("the file is ours");
        self.path(name)
    }

    fn serve(&self, config: &Path) -> std::process::Command {
        let mut command = steadyhand(&["serve", "--config"]);
        command.arg(config).arg("--repo").arg(self.path("repo")).arg("--data").arg(self.path("data"));
        command
    }
}

#[test]
fn a_named_secret_leaves_the_environment_before_anything_inherits_it() {
    let place = Place::new();
    let config = place.write("my.server.yaml", "steadyhand: 1\nsecrets: {deploy: {env: DEPLOY_TOKEN}}\n");
    let mut run = steadyhand(&["run", "named", "--auto", "--no-input", "--format", "json", "--config"]);
    run.arg(&config).arg("--repo").arg(place.path("repo")).arg("--data").arg(place.path("data"));
    let output = run.env("DEPLOY_TOKEN", SECRET).env("HOME", place.0.path()).output().expect("the program starts");
    assert!(output.status.success(), "{} {}", stdout(&output), stderr(&output));
    let view: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let id = view["id"].as_str().expect("it has an id");
    for (step, expected) in [("use", format!("{}\n[redacted: token]\n", SECRET.len())), ("other", "0\n".to_owned())] {
        let mut shown = steadyhand(&["output", id, step, "--repo"]);
        let shown = shown.arg(place.path("repo")).arg("--data").arg(place.path("data")).output().expect("it starts");
        assert_eq!(stdout(&shown), expected, "{step}: {}", stderr(&shown));
    }
    assert!(!stdout(&output).contains(SECRET) && !stderr(&output).contains(SECRET));
    let held = fs::read(place.path("data/steadyhand.db")).unwrap_or_default();
    let wal = fs::read(place.path("data/steadyhand.db-wal")).unwrap_or_default();
    let recorded = [held, wal].concat();
    assert!(memchr::memmem::find(&recorded, b"secret:deploy").is_some(), "the use is in the audit log");
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let place = Place::new();
    let config = place.write("my.server.yaml", "steadyhand: 1\n");
    for mode in [0o664, 0o646, 0o666] {
        fs::set_permissions(&config, fs::Permissions::from_mode(mode)).expect("the file is ours");
        // Nothing to serve: it ends also where the file is taken.
        let mut serve = steadyhand(&["serve", "--repo", "/nowhere", "--config"]);
        let output = serve.arg(&config).arg("--data").arg(place.path("data")).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{mode:o}");
        assert!(stderr(&output).contains("chmod go-w"), "{}", stderr(&output));
    }
}

#[test]
fn every_problem_is_told_at_start_and_by_check_and_a_literal_secret_by_neither() {
    let place = Place::new();
    let text = "steadyhand: 1\nlisen: 127.0.0.1:0\nsecrets: {deploy: hunter2, other: {file: x, runbook: [a]}}\n";
    let config = place.write("my.server.yaml", text);
    let output = place.serve(&config).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    for said in ["did you mean \"listen\"?", "must not stand in this file", "did you mean \"runbooks\"?", ":2:1:"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
    let checked = steadyhand(&["check", "--format", "json"]).arg(&config).output().expect("the program starts");
    assert_eq!(checked.status.code(), Some(1));
    assert!(stdout(&checked).contains("did you mean") && !stdout(&checked).contains("hunter2"), "{}", stdout(&checked));
}

#[test]
fn the_file_says_where_to_listen_and_the_command_line_wins() {
    let place = Place::new();
    let text = "steadyhand: 1\nlisten: 127.0.0.2:0\npublic_url: https://ops.example.org/\n";
    let config = place.write("my.server.yaml", text);
    for (arguments, expected) in [
        (&[][..], "https://ops.example.org"),
        (&["--public-url", "https://other.example.org"][..], "https://other.example.org"),
    ] {
        let mut serve = place.serve(&config);
        let child = serve.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it was asked for")).read_line(&mut line).expect("it speaks");
        child.kill().expect("our child");
        child.wait().expect("our child");
        assert_eq!(line, format!("Steadyhand listens on {expected}\n"));
    }
}

#[test]
fn a_provider_that_cannot_be_used_is_told_at_the_start() {
    let place = Place::new();
    for (login, said) in [
        (
            "{issuer: 'https://id.example.org', client_id: a, client_secret: {env: STEADYHAND_NO_SUCH_SECRET}}",
            "client secret",
        ),
        ("{issuer: 'http://id.example.org', client_id: a}", "https"),
    ] {
        let config = place.write("my.server.yaml", &format!("steadyhand: 1\nlogin: {{oidc: {login}}}\n"));
        let output = place.serve(&config).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(2), "{login}");
        assert!(stderr(&output).contains(said), "{login}: {}", stderr(&output));
    }
}
