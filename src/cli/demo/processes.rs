//! Which processes belong to a demo: its SSH servers and connections, the services of its hosts, and what runs
//! on them, however they detached themselves.
//!
//! Each has `HOME` below the demo's folder, or is a program of OpenSSH that names the folder in its arguments, or
//! descends from one of these. Read from `/proc`; without one (not Linux) nothing is found: the SSH servers end with
//! the demo then, and the services within two seconds of their folder's removal.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::Pid;

/// The living processes of the demo in `folder`.
pub(super) fn of_folder(folder: &Path) -> Vec<Pid> {
    let all = all();
    let mut found: Vec<i32> = all.iter().filter(|process| process.is_of(folder)).map(|process| process.id).collect();
    let mut looked_at = 0;
    while let Some(&parent) = found.get(looked_at) {
        let children = all.iter().filter(|process| process.parent == parent).map(|process| process.id);
        let children: Vec<i32> = children.filter(|id| !found.contains(id)).collect();
        found.extend(children);
        looked_at += 1;
    }
    found.into_iter().filter_map(Pid::from_raw).collect()
}

struct Process {
    id: i32,
    parent: i32,
    name: String,
}

impl Process {
    fn is_of(&self, folder: &Path) -> bool {
        let folder = [folder.as_os_str().as_bytes(), b"/"].concat();
        let home = [b"HOME=", folder.as_slice()].concat();
        // What belongs to another account cannot be read, and cannot be ended either.
        let read = |file: &str| fs::read(format!("/proc/{}/{file}", self.id)).unwrap_or_default();
        let lives_there = read("environ").split(|byte| *byte == 0).any(|variable| variable.starts_with(&home));
        lives_there || (self.name.starts_with("ssh") && contains(&read("cmdline"), &folder))
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id| parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)).collect()
}

/// `12 (name) S 1 …`, where the name may hold anything, also brackets. Zombies have ended already.
fn parse(id: i32, stat: &str) -> Option<Process> {
    let (before, after) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once('(')?;
    let mut fields = after.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then(|| Process { id, parent, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let process = parse(7, "7 (a) b (c) S 3 7 7 0").expect("it lives");
        assert_eq!((process.id, process.parent, process.name.as_str()), (7, 3, "a) b (c"));
        assert!(parse(7, "7 (gone) Z 3 7 7 0").is_none());
    }

    #[tokio::test]
    async fn a_process_with_its_home_below_the_folder_is_found_with_its_children_and_others_are_not() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let home = folder.path().join("hosts/web-1");
        let mut command = crate::process::command("sh");
        // The child has another HOME; it belongs to the demo as its parent does.
        command.arg("-c").arg("HOME=/ sleep 60; :").env("HOME", &home);
        let mut child = command.spawn().expect("a shell starts");
        let begin = tokio::time::Instant::now();
        while of_folder(folder.path()).len() < 2 {
            assert!(begin.elapsed().as_secs() < 30, "the shell starts sleep");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(of_folder(&folder.path().join("hosts/web")).is_empty(), "a path that only begins the same");
        for process in of_folder(folder.path()) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        child.wait().await.expect("it ends");
        assert!(of_folder(folder.path()).is_empty());
    }
}
