//! The real program as a server, for what only it shows: its log, its certificate, the files that it opens.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::sshd::kill;

use super::server::PATIENCE;

const INVENTORY: &str = "steadyhand: 1\nhosts:\n  web-1: {transport: local, labels: {role: web}}\n";

const RUNBOOK: &str = "\
steadyhand: 1
name: Look around
summary: Prints two lines, then waits for a person. A minute.
owner: team:web
review_by: 2099-01-01
hosts: {names: [web-1]}
steps:
  - id: look
    name: Look around
    check: echo first && echo second
  - id: judge
    name: Say how it looks
    manual: Look at it.
";

/// One server process with a git repository and data of its own.
pub struct Program {
    child: Child,
    pub folder: TempDir,
    /// `http://127.0.0.1:4711`
    pub base: String,
    /// The secret of the login link.
    pub login: String,
}

impl Program {
    /// Starts `steadyhand serve` with `arguments` more, as `before` (strace, say) has it, logging at `level`.
    pub fn start(before: &[&str], arguments: &[&str], level: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder can be made"), before, arguments, level)
    }

    pub fn start_in(folder: TempDir, before: &[&str], arguments: &[&str], level: &str) -> Self {
        repository(&folder.path().join("repository"));
        let mut line: Vec<&str> = before.to_vec();
        line.push(env!("CARGO_BIN_EXE_steadyhand"));
        let log = File::create(folder.path().join("log")).expect("a file can be made");
        let mut child = Command::new(line[0])
            .args(&line[1..])
            .args(["serve", "--repo"])
            .arg(folder.path().join("repository"))
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("RUST_LOG", level)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("it was asked for"));
        let login = loop {
            let read = lines.read_line(&mut said).expect("it speaks UTF-8");
            assert_ne!(read, 0, "it ended before its welcome: {said}{}", read_text(&folder.path().join("log")));
            if let Some((_, login)) = said.split_once("/login?token=") {
                break login.trim().to_owned();
            }
        };
        let base = said.split_whitespace().find(|word| word.contains("://")).expect("it says where it is").to_owned();
        Self { child, folder, base, login }
    }

    pub fn log(&self) -> String {
        read_text(&self.folder.path().join("log"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        kill(self.child.id(), name);
    }

    /// A token made on the server's own command line, beside it.
    pub fn token(&self, name: &str) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_steadyhand"))
            .args(["token", "create", name, "--data"])
            .arg(self.folder.path().join("data"))
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a token is text").trim().to_owned()
    }

    /// Ends it as a service manager does; its exit code.
    pub fn end(&mut self) -> Option<i32> {
        self.signal("TERM");
        until("it ends", || self.child.try_wait().expect("it is our child")).code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What `look` finds, as soon as it finds something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it did not come to this in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read_text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn repository(folder: &PathBuf) {
    fs::create_dir_all(folder.join("runbooks/web")).expect("a folder can be made");
    fs::write(folder.join("inventory.yaml"), INVENTORY).expect("a file can be written");
    fs::write(folder.join("runbooks/web/look.yaml"), RUNBOOK).expect("a file can be written");
    for arguments in [
        ["init", "--quiet", "--initial-branch=main"].as_slice(),
        &["add", "."],
        &["-c", "user.name=Anna", "-c", "user.email=anna@example.org", "commit", "--quiet", "-m", "Look around"],
    ] {
        let done = Command::new("git").arg("-C").arg(folder).args(arguments).status().expect("git starts");
        assert!(done.success(), "git {arguments:?}");
    }
}
