//! Starting a runbook as another commit has it: whose inventory, whose tags, and what is asked before anything is read.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::engine::Engine;
use steadyhand::engine::ask::{HostsAsked, StartError, StartRequest};
use steadyhand::run::event::Actor;
use steadyhand::run::plan::{Pace, Plan};

use super::server::Server;

const ACCESS: &str = "\
steadyhand: 1
grants:
  - {who: [user:olga, user:amir], role: operator, runbooks: web/**, hosts: role=web}
  - {who: user:amir, role: author, runbooks: web/**, hosts: role=web}
";

/// A database host in the clothes of a web host, and a program that an inventory may start.
const EVIL_INVENTORY: &str = "\
steadyhand: 1
hosts:
  web-1: {transport: local, labels: {role: web}}
  db-1: {transport: local, labels: {role: web}}
from:
  - command: [./started.sh]
";

fn git(folder: &Path, arguments: &[&str]) {
    let named = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
    let output = Command::new("git").args(named).args(arguments).current_dir(folder).output().expect("git starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The server's runbooks as a repository: `main` is served, `evil` is somebody's branch.
async fn engine(server: &Server) -> Engine {
    let repository = server.folder.path().join("repository");
    server.grant(ACCESS);
    git(&repository, &["init", "-q", "-b", "main"]);
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-q", "-m", "served"]);
    git(&repository, &["checkout", "-q", "-b", "evil"]);
    let started = server.folder.path().join("started");
    let program = format!("#!/bin/sh\necho x > '{}'\necho '{{}}'\n", started.display());
    std::fs::write(repository.join("started.sh"), program).expect("a file can be written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(repository.join("started.sh"), executable).expect("our own file");
    std::fs::write(repository.join("inventory.yaml"), EVIL_INVENTORY).expect("a file can be written");
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-q", "-m", "evil"]);
    git(&repository, &["checkout", "-q", "main"]);
    server.restarted_engine().await
}

async fn plan(engine: &Engine, who: &str, host: &str, git_ref: Option<&str>) -> Result<Plan, StartError> {
    let who = Identity {
        actor: Actor(format!("user:{who}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(0),
    };
    let request = StartRequest {
        runbook: "web/tour".parse().expect("a path"),
        git_ref: git_ref.map(str::to_owned),
        inputs: [("folder".parse().expect("a name"), "/nowhere".to_owned())].into(),
        secrets: Vec::new(),
        hosts: HostsAsked::Names(vec![host.parse().expect("a name")]),
        pace: Pace::Step,
        confirm_hosts: None,
        who,
        reason: None,
        override_windows: Vec::new(),
        continues: None,
        idempotency_key: None,
    };
    engine.dry_run(&request).await
}

#[tokio::test]
async fn another_commit_takes_leave_and_brings_neither_hosts_nor_programs() {
    let server = Server::start().await;
    let engine = engine(&server).await;
    assert!(plan(&engine, "olga", "web-1", None).await.is_ok());
    assert!(plan(&engine, "olga", "web-1", Some("main")).await.is_ok(), "that is the served one");
    let refused = plan(&engine, "olga", "web-1", Some("evil")).await;
    assert!(matches!(refused, Err(StartError::NotAllowed(_))), "{refused:?}");
    let planned = plan(&engine, "amir", "web-1", Some("evil")).await.expect("an author may");
    assert!(planned.commit.is_some());
    // That branch calls it a web host; the served inventory knows better.
    let refused = plan(&engine, "amir", "db-1", Some("evil")).await;
    assert!(matches!(&refused, Err(StartError::Hosts(why)) if why.contains("not among")), "{refused:?}");
    assert!(!server.folder.path().join("started").exists(), "no program of the branch was started");
}
