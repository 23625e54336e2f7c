//! What a server did with files and programs, as strace saw it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::corpus::CANARY;

/// System calls that name files or start programs; `?` where an architecture may not have one.
const CALLS: &str = "trace=?open,openat,?openat2,?creat,execve,?execveat,?mkdir,mkdirat,?rename,?renameat,renameat2,\
                     ?symlink,symlinkat,?link,linkat,?unlink,unlinkat,truncate";

/// The beginning of a command line; the server stays our child and gets our signals (`-D`).
pub fn command(trace: &Path) -> Vec<String> {
    let trace = trace.to_str().expect("temporary paths are UTF-8");
    ["strace", "-D", "-f", "-q", "-y", "--seccomp-bpf", "-s", "16384", "-e", CALLS, "-e", "signal=none", "-o", trace]
        .map(str::to_owned)
        .to_vec()
}

/// The C library reads it when it gives memory back.
const OF_THE_ALLOCATOR: &str = "/proc/sys/vm/overcommit_memory";

#[derive(Debug, Default)]
pub struct Watched {
    pub lines: usize,
    /// Files that were opened, as the kernel resolved them.
    opened: BTreeSet<String>,
    /// Programs, and their options before `--end-of-options` or `--`.
    started: BTreeSet<String>,
    /// Calls on files whose arguments name the canary.
    reached_out: Vec<String>,
}

impl Watched {
    pub fn read(trace: &Path) -> Self {
        let mut watched = Self::default();
        let text = fs::read(trace).expect("strace writes its file: is it allowed to trace here?");
        for line in String::from_utf8_lossy(&text).lines() {
            watched.lines += 1;
            let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
            if let Some(arguments) = call.strip_prefix("execve(") {
                watched.started.extend(options(arguments));
            } else if call.contains(CANARY) {
                watched.reached_out.push(line.to_owned());
            }
            if let Some(path) = opened(line) {
                watched.opened.insert(path);
            }
        }
        watched
    }

    /// What happened since `known` that may not: with files outside `roots`, with programs, with their options.
    pub fn outside(&self, known: &Self, folder: &Path) -> Vec<String> {
        let roots = ["data", "repository", "log"].map(|root| format!("{}/{root}", folder.display()));
        let is_inside = |path: &str| roots.iter().any(|root| path == root || path.starts_with(&format!("{root}/")));
        let opened = self.opened.difference(&known.opened).filter(|path| !is_inside(path) && *path != OF_THE_ALLOCATOR);
        let opened = opened.map(|path| format!("opened {path}"));
        let started = self.started.difference(&known.started).map(|what| format!("started with {what}"));
        opened.chain(started).chain(self.reached_out.clone()).collect()
    }
}

/// `… = 9</etc/hosts>`, with the numbers of processes made alike.
fn opened(line: &str) -> Option<String> {
    let (_, result) = line.rsplit_once(" = ")?;
    let (number, path) = result.split_once('<')?;
    number.parse::<u32>().ok()?;
    let path = path.strip_suffix('>')?;
    let parts = path
        .split('/')
        .map(|part| if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) { "N" } else { part });
    Some(parts.collect::<Vec<_>>().join("/"))
}

/// `"/usr/bin/git", ["git", "rev-parse", "--verify", …], …`: the program, and each option of it.
fn options(arguments: &str) -> Vec<String> {
    let Some((program, rest)) = arguments.split_once(", [") else { return vec![arguments.to_owned()] };
    let list = rest.rsplit_once(']').map_or(rest, |(list, _)| list);
    let list = list.split("\", \"").map(|word| word.trim_matches('"'));
    let before = list.take_while(|word| !["--end-of-options", "--"].contains(word));
    let options = before.filter(|word| word.starts_with('-')).map(|option| format!("{program} {option}"));
    std::iter::once(program.to_owned()).chain(options).collect()
}

#[test]
fn what_strace_writes_is_understood() {
    assert_eq!(opened("12 openat(AT_FDCWD</x>, \"a\", O_RDONLY) = 9</proc/12/stat>").as_deref(), Some("/proc/N/stat"));
    assert_eq!(opened("12 openat(AT_FDCWD</x>, \"a\", O_RDONLY) = -1 ENOENT (No such file or directory)"), None);
    assert_eq!(opened("12 <... openat resumed>) = 9</etc/passwd>").as_deref(), Some("/etc/passwd"));
    let git = "\"/usr/bin/git\", [\"git\", \"log\", \"-z\", \"--end-of-options\", \"--evil\"], 0x1 /* 9 vars */) = 0";
    assert_eq!(options(git), ["\"/usr/bin/git\"", "\"/usr/bin/git\" -z"]);
    let injected = "\"/usr/bin/git\", [\"git\", \"log\", \"--evil\"], 0x1 /* 9 vars */) = 0";
    assert!(options(injected).contains(&"\"/usr/bin/git\" --evil".to_owned()));
}
