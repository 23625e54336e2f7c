//! Which calls change a host. A table, and a few lines for programs that both read and change.
//!
//! Only what surely changes something is listed: a rule that cries wolf is switched off. A program that is
//! not listed reads, as far as we know.

use super::{Call, UNKNOWN, Word};

/// Programs that change something whatever their arguments are, and what to say of them.
const ALWAYS: &[(&str, &str)] = &[
    ("rm", "deletes files"),
    ("rmdir", "deletes folders"),
    ("unlink", "deletes a file"),
    ("shred", "destroys files"),
    ("truncate", "changes the size of files"),
    ("mv", "moves files"),
    ("cp", "writes files"),
    ("install", "writes files"),
    ("ln", "makes links"),
    ("mkdir", "makes folders"),
    ("mkfifo", "makes a pipe"),
    ("mknod", "makes a device"),
    ("touch", "changes files"),
    ("chmod", "changes permissions"),
    ("chown", "changes owners"),
    ("chgrp", "changes groups"),
    ("chattr", "changes attributes"),
    ("setfacl", "changes permissions"),
    ("pkill", "signals processes"),
    ("killall", "signals processes"),
    ("reboot", "restarts the host"),
    ("shutdown", "stops the host"),
    ("poweroff", "stops the host"),
    ("halt", "stops the host"),
    ("wipefs", "erases signatures of file systems"),
    ("mkswap", "overwrites a device"),
    ("swapon", "changes swap"),
    ("swapoff", "changes swap"),
    ("umount", "unmounts a file system"),
    ("useradd", "adds a user"),
    ("userdel", "deletes a user"),
    ("usermod", "changes a user"),
    ("groupadd", "adds a group"),
    ("groupdel", "deletes a group"),
    ("passwd", "changes a password"),
    ("chpasswd", "changes passwords"),
    ("lvextend", "changes a volume"),
    ("lvremove", "deletes a volume"),
    ("lvcreate", "makes a volume"),
    ("resize2fs", "changes a file system"),
    ("rsync", "writes files"),
    ("scp", "writes files"),
];

/// Programs whose first argument that is not an option says what they do; these verbs only read.
const READING_VERBS: &[(&str, &[&str])] = &[
    ("systemctl", &["status", "show", "cat", "help", "get-default"]),
    ("apt", &["list", "show", "search", "policy", "depends", "rdepends", "changelog"]),
    ("apt-get", &["check", "changelog", "indextargets"]),
    ("dnf", &["list", "info", "search", "repolist", "repoquery", "check-update", "provides", "history", "check"]),
    ("yum", &["list", "info", "search", "repolist", "check-update", "provides", "history"]),
    ("zypper", &["list-updates", "lu", "info", "search", "se", "repos", "lr"]),
    ("apk", &["info", "list", "search", "policy", "version", "stats"]),
    ("ufw", &["status", "show", "version"]),
    ("nft", &["list", "describe"]),
    ("supervisorctl", &["status", "tail", "avail", "pid", "maintail", "version"]),
];

/// Programs whose verbs mostly read; these change.
const CHANGING_VERBS: &[(&str, &[&str])] = &[
    ("docker", CONTAINER_VERBS),
    ("podman", CONTAINER_VERBS),
    (
        "kubectl",
        &[
            "annotate",
            "apply",
            "autoscale",
            "cordon",
            "create",
            "delete",
            "drain",
            "edit",
            "expose",
            "label",
            "patch",
            "replace",
            "run",
            "scale",
            "set",
            "taint",
            "uncordon",
        ],
    ),
    ("helm", &["install", "rollback", "uninstall", "upgrade"]),
    ("git", &["checkout", "clean", "commit", "merge", "pull", "push", "rebase", "reset", "restore", "switch"]),
    ("snap", &["install", "refresh", "remove", "revert", "restart", "start", "stop"]),
    ("pip", &["install", "uninstall"]),
    ("npm", &["ci", "install", "uninstall", "update"]),
    ("ipset", &["add", "create", "del", "destroy", "flush", "swap"]),
    ("redis-cli", &["FLUSHALL", "FLUSHDB", "SHUTDOWN", "DEL", "SET", "flushall", "flushdb", "shutdown", "del", "set"]),
    ("zpool", &["add", "clear", "create", "destroy", "offline", "online", "remove", "replace", "scrub"]),
    ("zfs", &["create", "destroy", "rollback", "set", "snapshot"]),
];

const CONTAINER_VERBS: &[&str] =
    &["kill", "pause", "prune", "pull", "restart", "rm", "rmi", "run", "start", "stop", "unpause", "update"];

/// Programs that change something only with one of these options (or a longer one that begins so with `=`).
const CHANGING_OPTIONS: &[(&str, &[&str], &str)] = &[
    ("find", &["-delete"], "deletes files"),
    ("journalctl", &["--vacuum-size", "--vacuum-time", "--vacuum-files", "--rotate"], "deletes or rotates journals"),
    ("dpkg", &["-i", "--install", "-r", "--remove", "-P", "--purge", "--configure"], "changes packages"),
    ("rpm", &["-i", "-U", "-e", "-F", "-ivh", "-Uvh", "--install", "--upgrade", "--erase"], "changes packages"),
    ("sysctl", &["-w", "--write", "-p", "--load", "--system"], "changes kernel parameters"),
    ("sed", &["-i", "--in-place"], "rewrites files"),
    ("perl", &["-i", "-pi"], "rewrites files"),
    ("nginx", &["-s"], "signals the server"),
    ("postsuper", &["-d", "-r", "-h"], "changes the mail queue"),
    (
        "iptables",
        &["-A", "-D", "-F", "-I", "-N", "-P", "-R", "-X", "-Z", "--append", "--delete", "--flush", "--insert"],
        "changes the firewall",
    ),
    ("ip6tables", &["-A", "-D", "-F", "-I", "-N", "-P", "-R", "-X", "-Z"], "changes the firewall"),
    ("crontab", &["-r", "-e"], "changes scheduled jobs"),
];

/// What a call changes, as the end of a sentence that begins with the call: `deletes files`.
pub fn change_by(call: &Call) -> Option<String> {
    let program = call.program();
    by_name(program)
        .or_else(|| by_verb(call, program))
        .or_else(|| by_option(call, program))
        .or_else(|| by_arguments(call, program))
}

/// The redirection writes to a real file: not to `/dev/null`, a terminal or an open descriptor.
pub fn file_written(target: &Word) -> bool {
    !is_no_file(&target.text)
}

fn is_no_file(path: &str) -> bool {
    matches!(path, "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty" | "-") || path.starts_with("/dev/fd/")
}

fn by_name(program: &str) -> Option<String> {
    if program.starts_with("mkfs") {
        return Some("makes a file system".to_owned());
    }
    ALWAYS.iter().find(|(name, _)| *name == program).map(|(_, what)| (*what).to_owned())
}

fn by_verb(call: &Call, program: &str) -> Option<String> {
    let verb = call.verb()?;
    // A verb that is only known at run time is not guessed at.
    if verb.contains(UNKNOWN) {
        return None;
    }
    let reads = READING_VERBS.iter().find(|(name, _)| *name == program).map(|(_, verbs)| {
        verbs.contains(&verb) || (program == "systemctl" && (verb.starts_with("is-") || verb.starts_with("list-")))
    });
    let changes = CHANGING_VERBS.iter().find(|(name, _)| *name == program).map(|(_, verbs)| verbs.contains(&verb));
    let simulated = call.has_option(&["--dry-run", "-s", "--simulate", "--just-print"]);
    (!simulated && (reads == Some(false) || changes == Some(true))).then(|| format!("changes something with `{verb}`"))
}

fn by_option(call: &Call, program: &str) -> Option<String> {
    let (_, options, what) = CHANGING_OPTIONS.iter().find(|(name, ..)| *name == program)?;
    let glued = (program == "sed" || program == "perl") && call.arguments().any(|argument| argument.starts_with("-i"));
    (glued || call.has_option(options)).then(|| (*what).to_owned())
}

fn by_arguments(call: &Call, program: &str) -> Option<String> {
    let changes = match program {
        "dd" => call.arguments().any(|argument| argument.strip_prefix("of=").is_some_and(|file| !is_no_file(file))),
        "tee" => call.arguments().any(|argument| !argument.starts_with('-') && !is_no_file(argument)),
        // `kill -0` and `kill -l` only ask.
        "kill" => !call.has_option(&["-0", "-l", "-L"]) && call.verb().is_some(),
        "service" => {
            let action = call.arguments().nth(1);
            action.is_some_and(|action| action != "status" && !action.contains(UNKNOWN))
        }
        "sysctl" => call.arguments().any(|argument| argument.contains('=') && !argument.starts_with('-')),
        "mount" => {
            call.arguments().filter(|argument| !argument.starts_with('-')).count() >= 2 || call.has_option(&["-a"])
        }
        "curl" => curl_changes(call),
        "wget" => !wget_reads(call),
        "ip" => {
            call.arguments().any(|argument| matches!(argument, "add" | "del" | "delete" | "set" | "flush" | "replace"))
        }
        "tc" => call.arguments().any(|argument| matches!(argument, "add" | "del" | "change" | "replace")),
        "kubectl" => {
            call.verb() == Some("rollout")
                && call.arguments().any(|argument| matches!(argument, "restart" | "undo" | "pause" | "resume"))
        }
        _ => false,
    };
    changes.then(|| what_arguments_do(program).to_owned())
}

fn what_arguments_do(program: &str) -> &'static str {
    match program {
        "kill" => "signals processes",
        "service" => "changes a service",
        "sysctl" => "changes kernel parameters",
        "mount" => "mounts a file system",
        "curl" => "sends a request that changes something, or writes a file",
        "ip" | "tc" => "changes the network",
        "kubectl" => "changes a rollout",
        _ => "writes to a file or a device",
    }
}

fn curl_changes(call: &Call) -> bool {
    let mut arguments = call.arguments().peekable();
    while let Some(argument) = arguments.next() {
        let value = arguments.peek().copied().unwrap_or_default();
        let changes = match argument {
            "-X" | "--request" => matches!(value, "POST" | "PUT" | "PATCH" | "DELETE"),
            "-XPOST" | "-XPUT" | "-XPATCH" | "-XDELETE" => true,
            "-o" | "--output" => !is_no_file(value),
            "-O" | "--remote-name" | "-T" | "--upload-file" => true,
            // With -G the same words are a query.
            "-d" | "--data" | "--data-raw" | "--data-binary" | "-F" | "--form" | "--json" => {
                !call.has_option(&["-G", "--get"])
            }
            _ => false,
        };
        if changes {
            return true;
        }
    }
    false
}

fn wget_reads(call: &Call) -> bool {
    let to_stdout =
        |argument: &str| argument.starts_with('-') && !argument.starts_with("--") && argument.ends_with("O-");
    call.has_option(&["--spider", "--help", "--version"])
        || call.arguments().any(to_stdout)
        || call.arguments().zip(call.arguments().skip(1)).any(|(option, value)| {
            (option == "--output-document" || (option.starts_with('-') && option.ends_with('O'))) && is_no_file(value)
        })
}
