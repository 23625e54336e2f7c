//! Whether a command is valid shell, and whether text for people strayed into it.
//!
//! The one module that knows the shell parser. It reads bash, of which sh is a part; other shells are
//! not judged. What it cannot read within its bounds is let through: the shell itself has the last word.

use std::panic::{AssertUnwindSafe, catch_unwind};

use brush_parser::{ParseError, Parser, ParserOptions};

/// A longer command is a file beside the runbook.
pub const BYTES_MAX: usize = 64 * 1024;
/// Brackets, and compound commands, inside one another. The parser recurses, and tries `((` twice.
const NESTING_MAX: usize = 12;
/// Room for the parser's recursion, whatever the thread that asks has left.
const STACK_BYTES: usize = 16 << 20;

/// Why a command is no valid shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellProblem {
    /// In the command, from 1; `None` at its end.
    pub line: Option<usize>,
    /// Without a final stop.
    pub message: String,
}

/// Whether `shell`, a name or a path, is one that [`check`] can judge.
pub fn is_judged(shell: &str) -> bool {
    let name = shell.split_ascii_whitespace().next().unwrap_or_default();
    matches!(name.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash"))
}

/// Checks the syntax of a command.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(command: &str) -> Result<(), ShellProblem> {
    if command.len() > BYTES_MAX || nesting(command) > NESTING_MAX {
        return Ok(());
    }
    // A thread of its own: a stack overflow would end the process, and the caller may be deep in one.
    let result = std::thread::scope(|threads| {
        let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
        let parsing = worker.spawn_scoped(threads, || catch_unwind(AssertUnwindSafe(|| parse(command))).ok());
        parsing.ok().and_then(|thread| thread.join().ok()).flatten()
    });
    result.unwrap_or(Ok(()))
}

fn parse(command: &str) -> Result<(), ShellProblem> {
    let mut parser = Parser::new(command.as_bytes(), &ParserOptions::default());
    match parser.parse_program() {
        Ok(_) => Ok(()),
        Err(ParseError::ParsingNear(position)) => {
            let near = command.lines().nth(position.line.saturating_sub(1)).unwrap_or_default();
            let near: String = near.chars().skip(position.column.saturating_sub(1)).take(20).collect();
            let message = format!("the shell would not understand this near `{}`", near.trim_end());
            Err(ShellProblem { line: Some(position.line), message })
        }
        Err(ParseError::ParsingAtEndOfInput) => {
            Err(ShellProblem { line: None, message: "the command ends in the middle".to_owned() })
        }
        Err(ParseError::Tokenizing { inner, position }) => {
            Err(ShellProblem { line: position.map(|position| position.line), message: inner.to_string() })
        }
    }
}

/// The deepest nesting, counted without regard to quotes: a bound, not a parse.
fn nesting(command: &str) -> usize {
    let mut depth: usize = 0;
    let mut deepest = 0;
    for byte in command.bytes() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let opening =
        |word: &&str| matches!(*word, "if" | "while" | "until" | "for" | "case" | "select" | "!" | "function");
    let keywords = command.split(|letter: char| letter.is_whitespace() || ";&|".contains(letter));
    let backquotes = command.bytes().filter(|byte| *byte == b'`').count();
    deepest + keywords.filter(|word| opening(word)).count() / 4 + backquotes / 8
}

/// A `{{name}}` of our own texts in a command: its place, and the name. Templates of other programs, such
/// as `docker ps --format '{{.Names}}'`, hold a dot or a `$` before the name and are let be.
pub fn template_in(command: &str) -> Option<(std::ops::Range<usize>, &str)> {
    let mut from = 0;
    while let Some(at) = command[from..].find("{{").map(|at| from + at) {
        let end = command[at..].find("}}").map_or(command.len(), |end| at + end + 2);
        let inner = command[at..end].trim_matches(['{', '}']).trim();
        let of_another_program = inner.split_ascii_whitespace().any(|word| {
            let word = word.trim_start_matches(['(', '-']);
            word.starts_with('.') || word.starts_with('$')
        });
        let of_ours = inner.starts_with(|first: char| first.is_ascii_alphabetic() || "_#/&>!".contains(first));
        if of_ours && !of_another_program {
            return Some((at..end, inner));
        }
        from = at + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_users_write_them_are_valid() {
        for command in [
            "df -P \"$mount\" | awk 'NR==2 {print $5+0}'",
            "test \"$(ls /srv/app/releases | wc -l)\" -gt 3",
            "cd /srv && ls -1t | tail -n +4 | xargs -r rm -rf --",
            "for f in *.log; do\n  gzip \"$f\"\ndone\n",
            "if [ -f /x ]; then echo a; elif true; then :; else echo b; fi",
            "cat <<'EOF'\n{{ not a template }}\nEOF",
            "echo $(( (1 + 2) * 3 )) ${x:-y} ${x#*=}",
            "case $x in a|b) echo 1;; *) echo 2;; esac",
            "{ a; b; } 2>&1 | tee /tmp/x &",
            "f() { echo \"$1\"; }; f x",
            "[[ $x =~ ^a+$ ]] && echo \"${BASH_REMATCH[0]}\"",
            "x=`date` && echo é | cut -d'\t' -f1",
            "# only a comment",
            "",
        ] {
            assert_eq!(check(command), Ok(()), "{command}");
        }
    }

    #[test]
    fn what_a_shell_would_refuse_is_refused() {
        for command in
            ["echo 'x", "echo \"x", "if true; then", "for x in; do", "a | | b", "( a", "a )", "echo $(x", "case x in"]
        {
            assert!(check(command).is_err(), "{command} was taken");
        }
        let problem = check("true\nif x; fi\n").unwrap_err();
        assert_eq!(problem.line, Some(2));
    }

    #[test]
    fn hostile_commands_neither_panic_nor_hang() {
        for command in [
            "(".repeat(60_000),
            "((".repeat(12),
            "$((".repeat(2000),
            "if ".repeat(20_000),
            "! ".repeat(30_000),
            "`".repeat(60_000),
            "\\".repeat(60_001),
            "{ ".repeat(12),
            "a && ".repeat(10_000),
            "a | ".repeat(10_000),
            "<<a ".repeat(1000),
            "'".to_owned(),
            "${".repeat(5),
            "\"$(".repeat(11),
            "a=(".repeat(11),
            "\u{0}\u{1}".to_owned(),
            "é\\".to_owned(),
            "2147483648>x 99999999999999999999>y".to_owned(),
        ] {
            let _either = check(&command);
        }
    }

    #[test]
    fn only_our_own_templates_are_found_in_commands() {
        assert_eq!(template_in("df {{ mount }}"), Some((3..14, "mount")));
        assert_eq!(template_in("df {{mount"), Some((3..10, "mount")));
        assert_eq!(template_in("df {{{mount}}}"), Some((3..13, "mount")));
        assert_eq!(template_in("ssh {{host.name}} x"), Some((4..17, "host.name")));
        for command in [
            "docker ps --format '{{.Names}}'",
            "docker inspect -f '{{json .State}} {{range .Mounts}}{{$x := .Name}}{{end}}'",
            "awk '{{print}}' x y z {a,b}",
            "echo ${x} {{}}",
        ] {
            if let Some((_, name)) = template_in(command) {
                assert!(matches!(name, "end" | "print"), "{command} gave {name}");
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
        #[test]
        fn no_command_makes_the_parser_panic(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "if ", "then ", "fi", ";", "\n", "(", ")", "((", "$(", "${", "}", "{ ", "'", "\"", "`", "\\", "<<E", "E\n", "|", "&", "&&",
                "$", "x", "=", "[[ ", " ]]", "case ", " in ", "esac", "for ", "do ", "done", "0", ">", "<(", "é", "#", "!", "*", "~",
            ]), 0..30)
        ) {
            let _either = check(&pieces.concat());
        }
    }
}
