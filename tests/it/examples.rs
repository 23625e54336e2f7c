//! The example runbooks and the throwaway state that they work on.

mod checked;
mod played;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::sshd::Shell;

/// How soon a service must end once its directory is gone: it looks each second.
const SERVICE_END_MAX: Duration = Duration::from_secs(10);

/// Puts the examples' state below `home`, as the demo does on each of its hosts.
pub fn prepare(home: &Path, shell: Shell) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo/prepare-host.sh");
    let mut command = match shell {
        Shell::Dash => Command::new("dash"),
        Shell::Bash => Command::new("bash"),
        Shell::Busybox => {
            let mut busybox = Command::new("busybox");
            busybox.arg("sh");
            busybox
        }
    };
    // A stand-in for the home of whoever runs the tests: it must stay empty.
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let output = command
        .arg(script)
        .arg(home)
        .current_dir(elsewhere.path())
        .env("HOME", elsewhere.path())
        .output()
        .expect("the shell starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_dir(elsewhere.path()).expect("it is there").count(), 0, "it wrote outside {home:?}");
    output
}

fn service(home: &Path, name: &str, verb: &str) -> Option<i32> {
    Command::new(home.join("app/bin").join(name))
        .arg(verb)
        .output()
        .expect("the service's program starts")
        .status
        .code()
}

fn pid(home: &Path, name: &str) -> String {
    let pid = fs::read_to_string(home.join("app/run").join(name).join("pid")).expect("a started service has one");
    pid.trim().to_owned()
}

fn wait_until(what: &str, limit: Duration, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn contents(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![home.join("app")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("heartbeat") && !path.ends_with("heartbeat.new") {
                found.insert(path.clone(), fs::read(path).expect("a file can be read"));
            }
        }
    }
    found
}

#[test]
fn a_prepared_host_has_a_service_that_answers_and_one_that_hangs_under_every_shell() {
    for shell in Shell::ALL {
        let home = tempfile::tempdir().expect("a temporary directory");
        prepare(home.path(), shell);
        wait_until("web answers", SERVICE_END_MAX, || service(home.path(), "web", "status") == Some(0));
        assert_eq!(service(home.path(), "worker", "status"), Some(4), "{shell:?}");
        assert_eq!(service(home.path(), "worker", "restart"), Some(0), "{shell:?}");
        wait_until("worker answers", SERVICE_END_MAX, || service(home.path(), "worker", "status") == Some(0));
        assert_eq!(service(home.path(), "worker", "stop"), Some(0), "{shell:?}");
        assert_eq!(service(home.path(), "worker", "status"), Some(3), "{shell:?}");
    }
}

#[test]
fn preparing_a_host_again_changes_nothing() {
    let home = tempfile::tempdir().expect("a temporary directory");
    prepare(home.path(), Shell::Dash);
    let before = contents(home.path());
    prepare(home.path(), Shell::Dash);
    assert!(before == contents(home.path()), "a second time must leave all files as they are");
    assert!(before.len() > 15, "{:?}", before.keys());
}

#[test]
fn the_services_of_a_prepared_host_end_when_its_directory_is_removed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    prepare(home.path(), Shell::Dash);
    let pids = ["web", "worker"].map(|name| pid(home.path(), name));
    let runs = |pid: &String| Path::new("/proc").join(pid).join("cmdline").exists();
    assert!(pids.iter().all(runs));
    home.close().expect("the directory can be removed");
    wait_until("the services end", SERVICE_END_MAX, || !pids.iter().any(runs));
}

#[test]
fn a_broken_configuration_fails_the_services_own_test() {
    let home = tempfile::tempdir().expect("a temporary directory");
    prepare(home.path(), Shell::Dash);
    assert_eq!(service(home.path(), "web", "configtest"), Some(0));
    fs::write(home.path().join("app/web.conf"), "listen 127.0.0.1\n").expect("the file can be written");
    assert_eq!(service(home.path(), "web", "configtest"), Some(1));
}
