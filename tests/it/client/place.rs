//! A repository of runbooks, data and a home for one test, with or without a server that works on them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything that a test waits for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const INVENTORY: &str = "\
steadyhand: 1
hosts:
  web-1: {transport: local, labels: {role: web}}
  web-2: {transport: local, labels: {role: web}}
";

const HEAD: &str = "\
steadyhand: 1
name: A test
summary: Does what a test needs. About a second.
owner: team:web
review_by: 2099-01-01
hosts: {select: role=web}
";

/// Path and what follows the head.
const RUNBOOKS: &[(&str, &str)] = &[
    (
        "well",
        r"
steps:
  - id: talk
    name: Say something
    check: printf 'first\n\033[31m\377red\033[0m\nlast'; echo oops >&2
",
    ),
    ("fails", "steps:\n  - {id: fail, name: Fail, check: 'test -e ~/mended', on_failure: stop}\n"),
    ("decide", "steps:\n  - {id: fail, name: Fail, check: 'test -e ~/mended'}\n"),
    (
        "refused",
        "preconditions:\n  - {name: Never holds, check: 'false'}\nsteps:\n  - {id: a, name: Say, check: echo hi}\n",
    ),
    // It ends what watches over it, and then itself: nobody can know more.
    ("unknown", "steps:\n  - {id: die, name: Die, check: 'kill -KILL $PPID; kill -KILL 0'}\n"),
    (
        "long",
        "steps:\n  - {id: hold, name: Hold, check: 'printf x >>~/begun; until test -e ~/go; do sleep 0.1; done; echo held'}\n",
    ),
    (
        "secret",
        "inputs:\n  password: {description: To be hidden, type: secret}\nsteps:\n  - {id: tell, name: Tell it, check: 'echo it is \"$password\"'}\n",
    ),
    (
        "change",
        r#"
inputs:
  note: {description: What to write, type: string, default: nothing}
  times: {description: How often, type: integer, default: 1}
steps:
  - id: write
    name: Write the note
    run: printf '%s' "$note" > "$HOME/$host"
    undo: none
  - id: judge
    name: Say how it looks
    manual: Look at it.
    ask: {looks: {description: How it looks, type: choice, options: [well, badly]}}
"#,
    ),
];

pub struct Place {
    folder: TempDir,
    server: Option<Server>,
}

struct Server {
    process: Child,
    url: String,
    token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Place {
    /// Commands work in their own process.
    pub fn in_process() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let runbooks = folder.path().join("repository/runbooks");
        std::fs::create_dir_all(&runbooks).expect("a folder can be made");
        std::fs::create_dir(folder.path().join("home")).expect("a folder can be made");
        std::fs::write(folder.path().join("repository/inventory.yaml"), INVENTORY).expect("a file can be written");
        for (name, text) in RUNBOOKS {
            std::fs::write(runbooks.join(format!("{name}.yaml")), format!("{HEAD}{text}"))
                .expect("a file can be written");
        }
        Self { folder, server: None }
    }

    /// Commands talk to a server, which is a process of its own.
    pub fn with_server() -> Self {
        let mut place = Self::in_process();
        let mut process = place
            .command(&["serve", "--listen", "127.0.0.1:0", "--repo", "."])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut said = BufReader::new(process.stdout.take().expect("its output is piped")).lines();
        let line = said.next().expect("it says where it listens").expect("it is text");
        let url = line.strip_prefix("Steadyhand listens on ").expect("it says where it listens").to_owned();
        // What it prints later must find a reader.
        std::thread::spawn(move || said.for_each(drop));
        let token = stdout(&place.steadyhand(&["token", "create", "test"])).trim().to_owned();
        place.server = Some(Server { process, url, token });
        place
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// What a runbook has written for a host.
    pub fn written(&self, host: &str) -> String {
        std::fs::read_to_string(self.home().join(host)).expect("it was written")
    }

    /// Waits until a runbook has written a file into the home.
    pub fn until_written(&self, file: &str) {
        let begun = Instant::now();
        while !self.home().join(file).exists() {
            assert!(begun.elapsed() < PATIENCE, "nobody wrote {file}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steadyhand"));
        command.args(arguments).current_dir(self.folder.path().join("repository")).stdin(Stdio::null());
        command.env("HOME", self.home()).env("STEADYHAND_DATA", self.folder.path().join("data"));
        for name in ["FORCE_COLOR", "NO_COLOR", "RUST_LOG", "STEADYHAND_SERVER", "STEADYHAND_TOKEN"] {
            command.env_remove(name);
        }
        if let Some(server) = &self.server {
            command.env("STEADYHAND_SERVER", &server.url).env("STEADYHAND_TOKEN", &server.token);
        }
        command
    }

    pub fn steadyhand(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Starts a run on web-1 that waits for a person, and gives its id.
    pub fn waiting(&self, runbook: &str) -> String {
        let output = self.steadyhand(&["run", runbook, "--on", "web-1"]);
        assert_eq!(code(&output), 4, "{}{}", stdout(&output), stderr(&output));
        self.newest()
    }

    /// The id of the newest run.
    pub fn newest(&self) -> String {
        let listed = json(&self.steadyhand(&["runs", "--limit", "1", "--format", "json"]));
        listed["runs"][0]["id"].as_str().expect("there is a run").to_owned()
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("it is text")
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("it is text")
}

pub fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|wrong| panic!("{wrong}: {}", stderr(output)))
}
