//! The command line, through the real program.

mod access;
mod audit;
mod check;
mod config;
mod diff;
mod token;
mod user;

use std::process::{Command, Output, Stdio};

/// The program with no colours and without the caller's environment getting in the way.
fn steadyhand(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadyhand"));
    command.args(arguments).env_remove("FORCE_COLOR").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    steadyhand(arguments).output().expect("the program starts")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("output is UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("output is UTF-8")
}

fn subcommands() -> Vec<String> {
    steadyhand::cli::command().get_subcommands().map(|subcommand| subcommand.get_name().to_owned()).collect()
}

#[test]
fn every_help_text_fits_in_100_columns() {
    let mut pages = vec![vec!["--help".to_owned()]];
    pages.extend(subcommands().into_iter().map(|name| vec![name, "--help".to_owned()]));
    for page in pages {
        let arguments: Vec<&str> = page.iter().map(String::as_str).collect();
        let output = output(&arguments);
        assert!(output.status.success(), "{arguments:?}");
        for line in stdout(&output).lines() {
            assert!(line.chars().count() <= 100, "{arguments:?}: {line}");
        }
    }
}

#[test]
fn every_subcommand_has_a_description() {
    for subcommand in steadyhand::cli::command().get_subcommands() {
        assert!(subcommand.get_about().is_some(), "{}", subcommand.get_name());
    }
}

#[test]
fn help_names_the_exit_codes_where_they_matter() {
    for (name, codes) in [
        ("check", ["0  ", "1  ", "2  "].as_slice()),
        ("run", &["0  ", "1  ", "2  ", "3  ", "4  ", "5  ", "6  "]),
        ("act", &["0 ", "2 ", "3 "]),
    ] {
        let help = output(&[name, "--help"]);
        let (_, listed) = stdout(&help).split_once("Exit codes:").expect("the help lists exit codes");
        for code in codes {
            assert!(listed.contains(code), "{name} --help says nothing of exit code {code}");
        }
    }
}

#[test]
fn a_wrong_argument_exits_with_2_and_is_named() {
    let output = output(&["version", "--wrong"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--wrong"), "{}", stderr(&output));
}

#[test]
fn version_is_printed_for_people_and_for_programs() {
    assert_eq!(stdout(&output(&["version"])), concat!("steadyhand ", env!("CARGO_PKG_VERSION"), "\n"));
    let json: serde_json::Value =
        serde_json::from_slice(&output(&["version", "--format", "json"]).stdout).expect("it is JSON");
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["runbook_format"], 1);
}

/// Runs the program with a standard output that nobody reads any more.
fn output_without_reader(command: &mut Command) -> Output {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    command.stdout(writer).stderr(Stdio::piped()).spawn().expect("it starts").wait_with_output().expect("it ends")
}

#[test]
fn a_reader_that_leaves_ends_the_program_without_a_panic() {
    let output = output_without_reader(&mut steadyhand(&["completions", "bash"]));
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(141));
}

#[test]
fn bash_accepts_the_completions_for_bash() {
    let script = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(script.path(), &output(&["completions", "bash"]).stdout).expect("the script is written");
    let status = Command::new("bash").arg("-n").arg(script.path()).status().expect("bash starts");
    assert!(status.success());
}

#[test]
fn colours_follow_the_environment() {
    let coloured = steadyhand(&["--help"]).env("FORCE_COLOR", "1").output().expect("the program starts");
    assert!(stdout(&coloured).contains('\x1b'));
    assert!(!stdout(&output(&["--help"])).contains('\x1b'), "a pipe is not coloured");
}

#[test]
fn schemas_are_json_schemas_of_draft_07() {
    for arguments in [["schema"].as_slice(), &["schema", "runbook"], &["schema", "inventory"], &["schema", "server"]] {
        let schema: serde_json::Value = serde_json::from_slice(&output(arguments).stdout).expect("it is JSON");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "{arguments:?}");
        assert!(schema["properties"]["steadyhand"].is_object(), "{arguments:?}");
    }
}
