//! Requests to the tether, as shell text. Pure: an order in, bytes out.
//!
//! Everything from outside stands in single quotes, where a shell gives nothing a meaning but the closing quote.
//! (Not a here-document: bash keeps those in temporary files and each costs a process; a quoted word is passed
//! to the built-in `printf` and arrives byte for byte, also without a last newline.)

use sha2::{Digest as _, Sha256};

use crate::id::{AttemptId, Digest};
use crate::run::outcome::{Offsets, Stream};
use crate::transport::AttemptOrder;

/// Starts an attempt, or finds that it was started before.
///
/// # Errors
/// A text for people when no host could take this order.
pub(super) fn start(order: &AttemptOrder) -> Result<Vec<u8>, &'static str> {
    let command = command_words(order)?;
    let id = order.key.attempt;
    let mut text = Vec::with_capacity(order.script.len() + order.stdin.len() + 1024);
    text.extend_from_slice(format!("th_try {id} {} {} && (\n", order.epoch, digest(order)).as_bytes());
    if !order.stdin.is_empty() {
        text.extend_from_slice(b"th_stdin() { ");
        push_print(&mut text, &order.stdin);
        text.extend_from_slice(b"; }\n");
    }
    for (name, value) in &order.secrets {
        if value.expose().contains('\0') {
            return Err("a secret holds a NUL byte, which no environment can carry");
        }
        text.extend_from_slice(format!("{name}=").as_bytes());
        push_quoted(&mut text, value.expose().as_bytes());
        text.extend_from_slice(format!("\nexport {name}\n").as_bytes());
    }
    text.extend_from_slice(b"TH_SCRIPT=");
    push_quoted(&mut text, order.script.as_bytes());
    text.extend_from_slice(format!("\nth_run {}", u8::from(order.merge)).as_bytes());
    for word in command {
        text.push(b' ');
        match word {
            Word::Script => text.extend_from_slice(b"\"$TH_D.script\""),
            Word::Text(word) => push_quoted(&mut text, word.as_bytes()),
        }
    }
    text.extend_from_slice(format!("\n) </dev/null 3>&1 >/dev/null 2>&1\nth_answer {id} $?\n").as_bytes());
    Ok(text)
}

/// Waits for the end of an attempt that was begun earlier.
pub(super) fn follow(attempt: AttemptId) -> Vec<u8> {
    format!("th_follow {attempt}\n").into_bytes()
}

/// Asks for `length` raw bytes of a stream.
pub(super) fn read(attempt: AttemptId, stream: Stream, offset: u64, length: u64) -> Vec<u8> {
    let file = match stream {
        Stream::Stdout => "out",
        Stream::Stderr => "err",
    };
    format!("th_read {attempt} {file} {offset} {length}\n").into_bytes()
}

/// Stops an attempt, giving it `grace_tenths` tenths of a second between TERM and KILL.
pub(super) fn stop(attempt: AttemptId, grace_tenths: u128) -> Vec<u8> {
    format!("th_stop {attempt} {grace_tenths}\n").into_bytes()
}

pub(super) fn void(attempt: AttemptId) -> Vec<u8> {
    format!("th_void {attempt}\n").into_bytes()
}

pub(super) fn release(attempts: &[AttemptId]) -> Vec<u8> {
    let ids: Vec<String> = attempts.iter().map(ToString::to_string).collect();
    format!("th_release {}\n", ids.join(" ")).into_bytes()
}

/// A follower: both files from `offsets` on, each to its own descriptor, until its standard input ends, which it
/// does also when the connection dies. `token` stands before the bytes, because start-up files may print too.
pub(super) fn tail(attempt: AttemptId, offsets: Offsets, token: &str) -> Vec<u8> {
    format!(
        "cd \"${{XDG_STATE_HOME:-$HOME/.local/state}}/steadyhand/attempts\" || exit\n\
         printf '%s\\n' {token}; printf '%s\\n' {token} >&2\n\
         tail -c +{} -f {attempt}.out 2>/dev/null & TH_A=$!\n\
         tail -c +{} -f {attempt}.err >&2 2>/dev/null & TH_B=$!\n\
         read -r TH_X\nkill $TH_A $TH_B\nexit\n",
        offsets.stdout + 1,
        offsets.stderr + 1
    )
    .into_bytes()
}

/// What makes two orders the same work. Secrets are left out: a hash of a short one on the host would give it away.
fn digest(order: &AttemptOrder) -> Digest {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    add(order.script.as_bytes());
    add(order.shell.as_deref().unwrap_or_default().as_bytes());
    add(&order.stdin);
    add(&[u8::from(order.merge)]);
    for argument in &order.args {
        add(argument.as_bytes());
    }
    Digest(hash.finalize().into())
}

enum Word<'a> {
    Text(&'a str),
    Script,
}

/// The command line: interpreter, script, arguments. A script file without `shell` is started by what its `#!` line
/// names, as the kernel would do it (one argument, which may hold blanks), so that it also works on storage that is
/// mounted `noexec`.
fn command_words(order: &AttemptOrder) -> Result<Vec<Word<'_>>, &'static str> {
    if order.script.contains('\0') || order.args.iter().any(|argument| argument.contains('\0')) {
        return Err("the script or an argument holds a NUL byte, which no shell can take");
    }
    let mut words = Vec::new();
    let first_line = order.script.lines().next().unwrap_or_default();
    match (&order.shell, first_line.strip_prefix("#!")) {
        (Some(shell), _) => words.push(Word::Text(shell)),
        (None, Some(interpreter)) => {
            let (program, argument) = interpreter.trim().split_once([' ', '\t']).unwrap_or((interpreter.trim(), ""));
            words.push(Word::Text(program));
            if !argument.trim().is_empty() {
                words.push(Word::Text(argument.trim()));
            }
        }
        (None, None) => words.push(Word::Text("sh")),
    }
    if matches!(words.first(), Some(Word::Text(program)) if program.is_empty() || program.starts_with('-')) {
        return Err("the interpreter of the script is not a program's name");
    }
    words.push(Word::Script);
    words.extend(order.args.iter().map(|argument| Word::Text(argument)));
    Ok(words)
}

/// `'…'`, in which only the quote itself needs care.
fn push_quoted(text: &mut Vec<u8>, bytes: &[u8]) {
    text.push(b'\'');
    for (index, part) in bytes.split(|byte| *byte == b'\'').enumerate() {
        if index > 0 {
            text.extend_from_slice(b"'\\''");
        }
        text.extend_from_slice(part);
    }
    text.push(b'\'');
}

/// A `printf` that prints `bytes`, NUL included, which no shell word can hold.
fn push_print(text: &mut Vec<u8>, bytes: &[u8]) {
    if !bytes.contains(&0) {
        text.extend_from_slice(b"printf %s ");
        push_quoted(text, bytes);
        return;
    }
    let mut escaped = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    for byte in bytes {
        match byte {
            0 => escaped.extend_from_slice(b"\\0000"),
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            _ => escaped.push(*byte),
        }
    }
    text.extend_from_slice(b"printf %b ");
    push_quoted(text, &escaped);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::transport::AttemptKey;

    fn order(script: &str) -> AttemptOrder {
        AttemptOrder {
            key: AttemptKey { attempt: AttemptId(uuid::Uuid::nil()), run_as: None },
            epoch: 3,
            script: script.to_owned(),
            shell: None,
            args: vec!["it's".to_owned()],
            stdin: Bytes::new(),
            secrets: vec![],
            merge: false,
            direct: false,
        }
    }

    fn run_line(order: &AttemptOrder) -> String {
        let text = String::from_utf8(start(order).expect("a good order")).expect("text");
        text.lines().find(|line| line.starts_with("th_run")).expect("it runs").to_owned()
    }

    #[test]
    fn a_script_is_started_by_what_its_first_line_names() {
        assert_eq!(run_line(&order("echo")), "th_run 0 'sh' \"$TH_D.script\" 'it'\\''s'");
        assert_eq!(
            run_line(&order("#! /usr/bin/env python3 -u \nx")),
            "th_run 0 '/usr/bin/env' 'python3 -u' \"$TH_D.script\" 'it'\\''s'"
        );
    }

    #[test]
    fn what_no_shell_can_take_is_refused() {
        assert!(start(&order("a\0b")).is_err());
        assert!(start(&order("#!-x\n")).is_err());
        let with_shell = AttemptOrder { shell: Some("-c".to_owned()), ..order("x") };
        assert!(start(&with_shell).is_err());
    }

    #[test]
    fn another_script_has_another_digest_and_another_secret_has_not() {
        let with_secret = AttemptOrder {
            secrets: vec![("pin".parse().expect("a name"), crate::redact::SecretText::new("1234".to_owned()))],
            ..order("a")
        };
        assert_ne!(digest(&order("a")), digest(&order("b")));
        assert_eq!(digest(&order("a")), digest(&with_secret));
    }
}
