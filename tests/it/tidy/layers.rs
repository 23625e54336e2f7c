//! Who may use whom. The table of ARCHITECTURE.md, as data.

use super::Finding;
use super::source::{RustFile, line_of, words};

/// Pure: no I/O, no async, no clock, no randomness.
const CORE: &[&str] = &[
    "access",
    "audit",
    "check",
    "diagnostic",
    "difference",
    "handoff",
    "id",
    "inventory",
    "oncall",
    "redact",
    "review",
    "run",
    "runbook",
    "side_by_side",
    "yaml",
];

/// What each module outside the core may use besides the core.
const MAY_USE: &[(&str, &[&str])] = &[
    ("auditor", &["clock", "entropy", "environment", "process", "store"]),
    ("clock", &[]),
    ("config", &["environment", "network"]),
    ("engine", &["clock", "entropy", "library", "secrets", "store", "transport"]),
    ("entropy", &[]),
    ("environment", &[]),
    ("feeds", &["clock", "config", "outgoing", "secrets", "store"]),
    ("library", &["environment", "process"]),
    ("main", &["cli"]),
    ("network", &[]),
    ("notify", &["clock", "config", "engine", "entropy", "outgoing", "secrets", "store"]),
    ("outgoing", &["config", "network"]),
    ("process", &[]),
    ("secrets", &["config", "outgoing", "process"]),
    ("sign_on", &["outgoing"]),
    ("store", &[]),
    ("telemetry", &["environment"]),
    ("transport", &["clock", "entropy", "environment", "process"]),
    ("web", &["clock", "engine", "entropy", "library", "notify", "sign_on", "store"]),
];

/// The one module that builds the parts and hands them to each other.
const BUILDER: &str = "cli";

/// Libraries that have a place, and the paths that are this place.
const PLACES: &[(&str, &[&str])] = &[
    ("annotate_snippets", &["src/cli"]),
    ("anyhow", &["src/cli", "src/main.rs"]),
    ("argon2", &["src/access/password.rs"]),
    ("axum", &["src/web"]),
    ("axum_extra", &["src/web"]),
    ("axum_server", &["src/web"]),
    ("brush_parser", &["src/check/shell", "src/runbook/shell.rs"]),
    ("calcard", &["src/oncall/calendar.rs"]),
    ("cel", &["src/runbook/condition"]),
    ("clap", &["src/cli"]),
    ("clap_complete", &["src/cli"]),
    ("ed25519_dalek", &["src/audit/checkpoint.rs"]),
    ("getrandom", &["src/entropy.rs"]),
    ("governor", &["src/web"]),
    ("handlebars", &["src/handoff/form.rs", "src/runbook", "src/web"]),
    ("hmac", &["src/notify/channel.rs"]),
    ("ipnet", &["src/cli", "src/config", "src/web"]),
    ("lettre", &["src/notify/mail.rs"]),
    ("object_store", &["src/store"]),
    ("openssh", &["src/transport/ssh.rs"]),
    ("openidconnect", &["src/sign_on"]),
    ("qrcode", &["src/access/totp.rs"]),
    ("reqwest", &["src/cli", "src/outgoing.rs", "src/outgoing/"]),
    ("rust_embed", &["src/cli/demo", "src/web"]),
    ("granit_parser", &["src/yaml.rs", "src/yaml/"]),
    ("similar", &["src/difference.rs", "src/review/command.rs", "src/side_by_side.rs", "src/web/pages/handoff.rs"]),
    ("sqlx", &["src/store"]),
    ("sqlx_postgres", &["src/store"]),
    ("sqlx_sqlite", &["src/store"]),
    ("totp_rs", &["src/access/totp.rs"]),
    ("tower_http", &["src/web"]),
    ("utoipa", &["src/web"]),
    ("zstd", &["src/engine/output/segment.rs"]),
];

/// Libraries that one file each may use in one of these places, because their traps are written down there.
const ONE_FILE: &[(&str, &str)] = &[("handlebars", "src/web"), ("handlebars", "src/runbook"), ("openssh", "src/")];

/// What reaches the world outside, or asks for the time, as it is written in a path.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "async fn",
    "async_trait",
];

/// Modules that a file uses against the table.
pub fn modules(file: &RustFile) -> Vec<Finding> {
    let Some(module) = file.module().filter(|module| *module != "lib" && file.is_production()) else {
        return Vec::new();
    };
    let own_name = if module == "main" { "steadyhand::" } else { "crate::" };
    used_below(&file.production, own_name)
        .into_iter()
        .filter(|(_, used)| used != module && !may_use(module, used))
        .map(|(at, used)| Finding {
            file: file.path.clone(),
            line: line_of(&file.production, at),
            rule: "layers",
            what_to_do: format!(
                "`{module}` may not use `{used}`: take what is needed as an argument, or move it (the table stands in \
                 ARCHITECTURE.md and tests/it/tidy/layers.rs)"
            ),
        })
        .collect()
}

fn may_use(module: &str, used: &str) -> bool {
    let is_core = CORE.contains(&used);
    if module == BUILDER {
        return is_core || MAY_USE.iter().any(|(known, _)| known == &used);
    }
    match MAY_USE.iter().find(|(known, _)| *known == module) {
        Some((_, others)) => others.contains(&used) || (is_core && module != "main"),
        None => CORE.contains(&module) && is_core,
    }
}

/// The names that follow `prefix`, also in `{…}` groups, with the place of each.
fn used_below(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for at in words(code, prefix.trim_end_matches(':')) {
        let Some(rest) = code[at..].strip_prefix(prefix) else { continue };
        if let Some(group) = rest.strip_prefix('{') {
            used.extend(top_of_group(group).into_iter().map(|name| (at, name)));
        } else {
            used.push((at, first_name(rest)));
        }
    }
    used.retain(|(_, name)| !name.is_empty());
    used
}

fn first_name(text: &str) -> String {
    text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// `a, b::{c, d}}…` → a, b
fn top_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut starts, mut end) = (0_usize, vec![0], group.len());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                end = at;
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts.into_iter().map(|start| first_name(&group[start..end])).collect()
}

/// Libraries that a file uses outside their place.
pub fn libraries(file: &RustFile) -> Vec<Finding> {
    if !file.is_production() {
        return Vec::new();
    }
    PLACES
        .iter()
        .filter(|(_, places)| !places.iter().any(|place| file.path.starts_with(place)))
        .filter_map(|(library, places)| {
            let at = first_use(&file.production, library)?;
            Some(Finding {
                file: file.path.clone(),
                line: line_of(&file.production, at),
                rule: "library",
                what_to_do: format!("`{library}` is used only in {}: ask that module instead", places.join(", ")),
            })
        })
        .collect()
}

fn first_use(code: &str, library: &str) -> Option<usize> {
    words(code, library).find(|at| code[at + library.len()..].starts_with("::") && !code[..*at].ends_with("::"))
}

/// Second files that use a library which has one file.
pub fn one_file_each(files: &[RustFile]) -> Vec<Finding> {
    ONE_FILE
        .iter()
        .flat_map(|(library, place)| {
            let users = files.iter().filter(|file| file.is_production() && file.path.starts_with(place));
            let users: Vec<_> =
                users.filter_map(|file| first_use(&file.production, library).map(|at| (file, at))).collect();
            users.into_iter().skip(1).map(move |(file, at)| Finding {
                file: file.path.clone(),
                line: line_of(&file.production, at),
                rule: "library",
                what_to_do: format!("a second file below {place} uses `{library}`: its traps are dealt with in one"),
            })
        })
        .collect()
}

/// Where a core module reaches outside.
pub fn core_is_pure(file: &RustFile) -> Vec<Finding> {
    if !file.is_production() || !file.module().is_some_and(|module| CORE.contains(&module)) {
        return Vec::new();
    }
    IMPURE
        .iter()
        .flat_map(|path| words(&file.production, path).map(move |at| (path, at)))
        .map(|(path, at)| Finding {
            file: file.path.clone(),
            line: line_of(&file.production, at),
            rule: "pure-core",
            what_to_do: format!("`{path}` in the core: take the result as an argument from the layer that may ask"),
        })
        .collect()
}

#[test]
fn a_use_against_the_table_is_found_however_it_is_written() {
    let bad = [
        ("src/web/x.rs", "use crate::transport::Transport;"),
        ("src/web/x.rs", "fn f() { crate::process::command(\"git\") }"),
        ("src/store/x.rs", "use crate::{id::RunId, engine::{Engine, Ask}};"),
        ("src/run/x.rs", "use crate::clock::Clock;"),
        ("src/newcomer.rs", "use crate::id::RunId;"),
        ("src/engine/x.rs", "use crate::newcomer::X;"),
        ("src/main.rs", "fn main() { steadyhand::engine::start() }"),
    ];
    for (path, text) in bad {
        assert_eq!(modules(&RustFile::read(path, text)).len(), 1, "{path}: {text}");
    }
    let good = [
        ("src/web/x.rs", "use crate::{engine::Engine, id::RunId, web::view};\n#[cfg(test)]\nuse crate::process::X;"),
        ("src/cli/x.rs", "use crate::store::Store; // crate::nothing::here"),
        ("src/main.rs", "fn main() { steadyhand::cli::main() }"),
        ("src/run/x.rs", "use crate::runbook::model::Runbook;"),
    ];
    for (path, text) in good {
        assert_eq!(modules(&RustFile::read(path, text)), [], "{path}: {text}");
    }
}

#[test]
fn a_library_outside_its_place_is_found() {
    let file = RustFile::read("src/web/x.rs", "//! x\nuse sqlx::query;\n");
    assert_eq!(
        libraries(&file)[0].to_string().split(':').take(3).collect::<Vec<_>>(),
        ["src/web/x.rs", "2", " library"]
    );
    assert_eq!(libraries(&RustFile::read("src/store/x.rs", "use sqlx::query;")), []);
    assert_eq!(libraries(&RustFile::read("src/run/x.rs", "use crate::runbook::cel::Condition;")), []);
}

#[test]
fn a_second_file_with_a_library_of_one_file_is_found() {
    let files = ["src/transport/ssh.rs", "src/transport/other.rs"];
    let files = files.map(|path| RustFile::read(path, "use openssh::Session;"));
    assert_eq!(one_file_each(&files[..1]), []);
    assert_eq!(one_file_each(&files).len(), 1);
}

#[test]
fn input_output_in_the_core_is_found() {
    for text in ["use std::fs;", "async fn f() {}", "fn f() { std::time::Instant::now(); }", "use tokio::sync::mpsc;"] {
        assert_eq!(core_is_pure(&RustFile::read("src/run/x.rs", text)).len(), 1, "{text}");
        assert_eq!(core_is_pure(&RustFile::read("src/engine/x.rs", text)), [], "{text}");
    }
}
