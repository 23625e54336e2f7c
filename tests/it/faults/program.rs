//! The program itself as a process, over the folders of a test's world, and an HTTP client that is not ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use steadyhand::id::RunId;

use super::world::World;
use crate::sshd::{free_loopback_address, kill};

pub struct Program {
    data: PathBuf,
    repo: PathBuf,
    address: SocketAddr,
    token: String,
    child: Option<Child>,
}

fn steadyhand() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadyhand"));
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

impl Program {
    /// Not up yet. The world's own engine must be down.
    pub fn over(world: &World) -> Self {
        let data = world.data().to_owned();
        let mut create = steadyhand();
        create.args(["token", "create", "tests", "--data"]).arg(&data);
        let output = create.output().expect("the program starts");
        assert!(output.status.success(), "no token is made");
        let token = String::from_utf8(output.stdout).expect("a token is text").trim().to_owned();
        Self { data, repo: world.repo(), address: free_loopback_address(), token, child: None }
    }

    pub fn spawn(&mut self) {
        let mut serve = steadyhand();
        serve.arg("serve").arg("--repo").arg(&self.repo).arg("--data").arg(&self.data);
        serve.args(["--listen", &self.address.to_string()]).stdout(Stdio::null());
        self.child = Some(serve.spawn().expect("the program starts"));
    }

    pub fn is_up(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_none()))
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our child");
            child.wait().expect("our child");
        }
    }

    pub fn end_with_term(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it is up");
        kill(child.id(), "TERM");
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = child.try_wait().expect("our child") {
                return status;
            }
            if Instant::now() > deadline {
                child.kill().expect("our child");
                panic!("it does not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks for a run; none if the server did not say which one it is. May be asked again with the same key.
    pub fn start(&self, key: &str, body: &str, deadline: Instant) -> Option<RunId> {
        let answer = self.post("/api/v1/runs", key, body, deadline).ok()?;
        let is_taken = answer.starts_with("HTTP/1.1 201") || answer.starts_with("HTTP/1.1 200");
        assert!(is_taken || answer.is_empty() || answer.starts_with("HTTP/1.1 5"), "{answer}");
        let (_, rest) = answer.split_once("\"id\":\"")?;
        rest.split_once('"')?.0.parse().ok()
    }

    fn post(&self, path: &str, key: &str, body: &str, deadline: Instant) -> std::io::Result<String> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let mut stream = TcpStream::connect_timeout(&self.address, left)?;
        stream.set_read_timeout(Some(left))?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Idempotency-Key: {key}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
