//! Programs that call other programs: what stands behind `sudo`, `xargs`, `find -exec` or `sh -c`.

use super::{Call, Word};

/// What a wrapper calls.
pub(super) enum Called {
    Program(Call),
    /// Text for another shell: `sh -c '…'`.
    Script(Word),
}

/// Wrappers whose call follows their options, with the options that take a value as the next word.
const PREFIXES: &[(&str, &[&str])] = &[
    ("command", &[]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "--unset", "-C", "--chdir"]),
    ("exec", &["-a"]),
    ("ionice", &["-c", "-n", "--class", "--classdata"]),
    ("nice", &["-n", "--adjustment"]),
    ("nohup", &[]),
    ("setsid", &[]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("sudo", &["-u", "--user", "-g", "--group", "-C", "-D", "-h", "-p", "-r", "-t", "-T", "-U"]),
    ("time", &["-f", "-o"]),
    ("timeout", &["-k", "--kill-after", "-s", "--signal"]),
    ("xargs", &["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s", "--max-args", "--max-procs", "--delimiter"]),
];

const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "ksh", "zsh"];

/// The calls that a call makes, as far as its words say.
pub(super) fn called_by(call: &Call) -> Vec<Called> {
    let program = call.program();
    if program == "find" {
        return found_by_find(call);
    }
    if SHELLS.contains(&program) {
        return script_of_shell(call).into_iter().collect();
    }
    let Some((_, valued)) = PREFIXES.iter().find(|(name, _)| *name == program) else {
        return Vec::new();
    };
    let mut words = after_options(&call.words[1..], valued);
    if program == "timeout" {
        words = words.get(1..).unwrap_or_default();
    }
    if words.is_empty() || (program == "command" && call.has_option(&["-v", "-V"])) {
        return Vec::new();
    }
    vec![Called::Program(Call { words: words.to_vec(), bounded: call.bounded || program == "timeout" })]
}

/// Skips `-x`, `--long`, `-n VALUE` and `NAME=value`.
fn after_options<'w>(mut words: &'w [Word], valued: &[&str]) -> &'w [Word] {
    while let Some(word) = words.first() {
        let text = word.text.as_str();
        if text == "--" {
            return &words[1..];
        }
        let is_assignment = text.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        });
        if !text.starts_with('-') && !is_assignment {
            return words;
        }
        let skipped = if valued.contains(&text) { 2 } else { 1 };
        words = words.get(skipped..).unwrap_or_default();
    }
    words
}

fn found_by_find(call: &Call) -> Vec<Called> {
    let is_exec = |word: &Word| matches!(word.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir");
    call.words
        .iter()
        .enumerate()
        .filter(|(_, word)| is_exec(word))
        .map(|(index, _)| {
            call.words[index + 1..].iter().take_while(|word| word.text != ";" && word.text != "+").cloned().collect()
        })
        .filter(|words: &Vec<Word>| !words.is_empty())
        .map(|words| Called::Program(Call { words, bounded: call.bounded }))
        .collect()
}

fn script_of_shell(call: &Call) -> Option<Called> {
    let flag = call.words.iter().position(|word| {
        let text = word.text.as_str();
        text.starts_with('-') && !text.starts_with("--") && text.contains('c')
    })?;
    call.words.get(flag + 1).cloned().map(Called::Script)
}
