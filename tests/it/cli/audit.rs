//! `steadyhand audit`, on data that the program itself has written.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use sqlx::{ConnectOptions as _, Connection as _};
use sqlx_sqlite::SqliteConnectOptions;

use super::{output, stderr, stdout, steadyhand};

fn audit(data: &Path, arguments: &[&str]) -> Output {
    let data = data.to_str().expect("temporary folders have plain names");
    output(&[&["audit"], arguments, &["--data", data]].concat())
}

/// Three entries (a token, its end, who asked for the checkpoint) in a checkpoint, and one more entry.
fn world() -> tempfile::TempDir {
    let data = tempfile::tempdir().expect("a temporary folder");
    let folder = data.path().to_str().expect("temporary folders have plain names").to_owned();
    for arguments in [["token", "create", "ci"].as_slice(), &["token", "revoke", "ci"], &["audit", "checkpoint"]] {
        let done = output(&[arguments, &["--data", &folder]].concat());
        assert!(done.status.success(), "{arguments:?}: {}", stderr(&done));
    }
    assert!(output(&["token", "create", "next", "--data", &folder]).status.success());
    data
}

/// The last entry is gone, and the end of the stream says that it never was.
const CUT_AND_REWIND: &str = "delete from audit_entry where seq = (select max(seq) from audit_entry); \
     update audit_head set last_seq = (select max(seq) from audit_entry), \
     head_hash = (select hash from audit_entry order by seq desc limit 1)";

/// A server that does not outlive its test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// What somebody with access to the file could do to it.
fn damage(data: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(data.join("steadyhand.db"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = options.connect().await.expect("the database is there");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("it can be damaged");
        connection.close().await.expect("it is closed");
    });
}

fn verdict(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let verified = audit(data, &[&["verify", "--format", "json"], arguments].concat());
    let found: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
    (verified.status.code(), found["verdict"].as_str().unwrap_or(stderr(&verified)).to_owned())
}

#[test]
fn each_verdict_has_its_exit_code_and_the_help_lists_them() {
    let cases = [
        ("select 1", 0, "intact"),
        ("update audit_entry set kind = 'signed-in' where seq = 2", 10, "altered"),
        ("delete from audit_entry where seq = 2", 11, "gap"),
        (
            "update audit_entry set seq = 9 where seq = 1; update audit_entry set seq = 1 where seq = 2; \
             update audit_entry set seq = 2 where seq = 9",
            12,
            "reordered",
        ),
        ("delete from audit_entry where seq = 4", 13, "truncated"),
        ("update audit_checkpoint set text = replace(text, 'server 3', 'server 2')", 14, "rewritten"),
    ];
    let help = output(&["audit", "verify", "--help"]);
    for (sql, code, word) in cases {
        let data = world();
        damage(data.path(), sql);
        assert_eq!(verdict(data.path(), &[]), (Some(code), word.to_owned()), "{sql}");
        assert!(stdout(&help).contains(&format!("{code}")), "the help says nothing of {code}");
    }
}

#[test]
fn a_log_that_was_signed_anew_is_found_by_the_key_that_was_kept_and_by_the_file_outside() {
    let data = world();
    let kept = stdout(&audit(data.path(), &["key"])).trim().to_owned();
    let outside = data.path().join("outside");
    let anchor = format!("file:{}", outside.display());
    assert!(audit(data.path(), &["checkpoint", "--anchor", &anchor]).status.success());
    assert_eq!(verdict(data.path(), &["--key", &kept, "--anchors", &anchor]), (Some(0), "intact".to_owned()));

    // Everything that lies in the data folder is made anew, by the same program.
    for file in ["steadyhand.db", "audit.key", "audit.anchor"] {
        std::fs::remove_file(data.path().join(file)).expect("it is there");
    }
    for _ in 0..2 {
        assert!(audit(data.path(), &["checkpoint"]).status.success());
    }
    assert_eq!(verdict(data.path(), &[]), (Some(0), "intact".to_owned()), "nothing inside tells");
    assert_eq!(verdict(data.path(), &["--key", &kept]), (Some(16), "key-mismatch".to_owned()));
    assert_eq!(verdict(data.path(), &["--anchors", &anchor]), (Some(15), "anchor-mismatch".to_owned()));
}

#[test]
fn a_database_that_was_set_back_is_told_from_the_file_beside_its_key() {
    let data = world();
    assert_eq!(verdict(data.path(), &[]), (Some(0), "intact".to_owned()));
    let files = ["steadyhand.db", "steadyhand.db-wal", "steadyhand.db-shm"].map(|name| data.path().join(name));
    let before = files.clone().map(|file| std::fs::read(file).ok());
    assert!(audit(data.path(), &["checkpoint"]).status.success());
    for (file, before) in files.iter().zip(before) {
        let _may_be_gone = std::fs::remove_file(file);
        if let Some(bytes) = before {
            std::fs::write(file, bytes).expect("it can be set back");
        }
    }
    assert_eq!(verdict(data.path(), &[]), (Some(15), "anchor-mismatch".to_owned()));
    std::fs::write(data.path().join("audit.anchor"), "").expect("it can be emptied");
    assert_eq!(verdict(data.path(), &[]), (Some(15), "anchor-mismatch".to_owned()), "nor is an empty one silence");
}

#[test]
fn verifying_writes_nothing_and_needs_a_key_to_judge_checkpoints() {
    let data = world();
    std::fs::remove_file(data.path().join("audit.key")).expect("it is there");
    let (code, says) = verdict(data.path(), &[]);
    assert_eq!(code, Some(2));
    assert!(says.contains("--key"), "{says}");
    assert!(!data.path().join("audit.key").exists());
    let nowhere = data.path().join("nowhere");
    assert_eq!(verdict(&nowhere, &[]).0, Some(2));
    assert!(!nowhere.exists(), "nothing is made");
}

#[test]
fn an_export_is_itself_an_entry_and_a_list_is_not() {
    let data = world();
    for _ in 0..2 {
        let listed = audit(data.path(), &["list"]);
        assert_eq!(stdout(&listed).lines().count(), 4, "{}", stdout(&listed));
    }
    let lines = audit(data.path(), &["export", "--kind", "token-made"]);
    assert_eq!(stdout(&lines).lines().count(), 2);
    let csv = audit(data.path(), &["export", "--format", "csv"]);
    let kinds: Vec<_> = stdout(&csv).lines().skip(1).filter_map(|line| line.split(',').nth(3)).collect();
    let expected = ["audit-exported", "audit-exported", "token-made", "checkpoint-made", "token-revoked", "token-made"];
    assert_eq!(kinds, expected);
    let none = audit(data.path(), &["list", "--since", "2099-01-01"]);
    assert!(none.status.success() && stdout(&none).is_empty());
    assert_eq!(audit(data.path(), &["list", "--since", "soon"]).status.code(), Some(2));
}

#[test]
fn an_anchor_that_fails_is_named_and_gets_the_checkpoint_later() {
    let data = world();
    let folder = data.path().join("mount");
    let anchor = format!("file:{}/anchors", folder.display());
    let refused = audit(data.path(), &["checkpoint", "--anchor", &anchor]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains(&anchor), "{}", stderr(&refused));
    damage(data.path(), "update audit_anchor set next_try_ms = 0");
    std::fs::create_dir(&folder).expect("it can be made");
    assert!(audit(data.path(), &["checkpoint", "--anchor", &anchor]).status.success());
    let sent = std::fs::read_to_string(folder.join("anchors")).expect("it is there");
    let numbers: Vec<_> =
        sent.lines().filter_map(|line| line.split(' ').find(|word| word.starts_with("number="))).collect();
    assert_eq!(numbers, ["number=2", "number=3"], "{sent}");
}

#[test]
fn a_server_makes_its_last_checkpoint_when_it_ends_and_can_be_verified_while_it_runs() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let anchor = format!("file:{}", data.path().join("outside").display());
    let folder = data.path().to_str().expect("temporary folders have plain names");
    let arguments = ["serve", "--repo", folder, "--data", folder, "--listen", "127.0.0.1:0", "--anchor", &anchor];
    let server = steadyhand(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut server = Running(server.expect("it starts"));
    let mut lines = BufReader::new(server.0.stdout.take().expect("it is piped")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("Log in, once"))), "it says how to log in");
    assert_eq!(verdict(data.path(), &[]), (Some(0), "intact".to_owned()), "beside the running server");
    let made = output(&["token", "create", "late", "--data", folder]);
    assert!(made.status.success(), "{}", stderr(&made));
    let pid = server.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().expect("kill starts").success());
    assert!(server.0.wait().expect("it ends").success());

    let verified = audit(data.path(), &["verify", "--anchors", &anchor, "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&verified.stdout).expect("it is JSON");
    assert_eq!(found["verdict"], "intact", "{found}");
    // To an anchor that is new the newest alone is sent: it stands for those before it.
    let outside = std::fs::read_to_string(data.path().join("outside")).expect("it is there");
    let last = format!(" number={} ", found["checkpoints"]);
    assert!(outside.lines().last().is_some_and(|line| line.contains(&last)), "the last was sent: {found}, {outside}");
    damage(data.path(), CUT_AND_REWIND);
    assert_eq!(verdict(data.path(), &[]).1, "truncated", "the last entry is in the last checkpoint");
}
