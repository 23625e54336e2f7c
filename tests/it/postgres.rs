//! A real PostgreSQL for a test: its own cluster in a temporary folder, on a Unix socket only, gone afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Starting a cluster takes about a second; much more when the machine is busy with all tests at once.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server. Dropping it ends the server and deletes its data.
pub struct Postgres {
    server: Child,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and waits until it answers.
    pub fn start() -> Self {
        let bin = newest_bin();
        let folder = tempfile::Builder::new().prefix("pg-").tempdir().expect("a temporary folder");
        let account = Account::choose();
        account.give(folder.path());
        let data = folder.path().join("data");
        let made = account
            .command(&bin.join("initdb"))
            .args(["--username=steadyhand", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--pgdata"])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let log = fs::File::create(folder.path().join("log")).expect("a log file");
        let server = account
            .command(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres starts");
        let mut postgres = Self { server, folder };
        postgres.wait_until_ready(&bin);
        postgres
    }

    /// Where to connect.
    pub fn url(&self) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://steadyhand@{socket}/postgres")
    }

    fn wait_until_ready(&mut self, bin: &Path) {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let answer = Command::new(bin.join("pg_isready"))
                .arg("-h")
                .arg(self.folder.path())
                .stdout(Stdio::null())
                .status()
                .expect("pg_isready starts");
            if answer.success() {
                return;
            }
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(self.server.try_wait().expect("its state is known").is_none(), "postgres ended: {}", log());
            assert!(Instant::now() < deadline, "postgres does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT, "immediate shutdown": the server ends its own children, which SIGKILL would leave behind.
        let pid = self.server.id().to_string();
        let asked = Command::new("kill").args(["-s", "QUIT", &pid]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _already_gone = self.server.kill();
        }
        let _status = self.server.wait();
    }
}

/// The server refuses to run as root; then it runs as the account that its package made.
enum Account {
    Own,
    Postgres,
}

impl Account {
    fn choose() -> Self {
        let id = Command::new("id").arg("-u").output().expect("id starts");
        if id.stdout.trim_ascii() == b"0" { Self::Postgres } else { Self::Own }
    }

    fn give(&self, folder: &Path) {
        if matches!(self, Self::Postgres) {
            let given = Command::new("chown").arg("postgres").arg(folder).status().expect("chown starts");
            assert!(given.success(), "the account `postgres` exists where its package is installed");
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("our own folder");
    }

    /// `setpriv` replaces itself, so that the child is the server and not something that started it.
    fn command(&self, program: &Path) -> Command {
        match self {
            Self::Own => Command::new(program),
            Self::Postgres => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
                command
            }
        }
    }
}

/// Debian keeps the server's programs out of `PATH`, by version.
fn newest_bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed: run `make setup`");
    let newest = versions.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    let newest = newest.expect("a version of PostgreSQL is installed");
    PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"))
}
