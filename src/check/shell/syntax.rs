//! The shell parser, kept from using up the stack.
//!
//! It goes down one level of its own with each level of the syntax, and an overflow ends the whole process, the
//! server included. So whatever could open a level is counted before, and a text with too many is not read: the
//! count never goes down, because a text that closes what it did not open must not be able to hide depth.

use brush_parser::ast::Program;
use brush_parser::word::{self, WordPieceWithSource};
use brush_parser::{ParserOptions, Token, parse_tokens, tokenize_str};

/// Brackets, `if`, `while` and the like that stand as words of their own. A debug build with 2 MB of stack
/// overflows between 100 and 200.
const COMPOUNDS_MAX: usize = 64;

/// `$(`, `<(` and backquotes; `${name}` is none. The tokenizer overflows the same stack between 100 and 200.
const SUBSTITUTIONS_MAX: usize = 64;

/// Every `(`, also in quotes: inside `$(` the tokenizer goes down with each of them, though less far.
const BRACKETS_MAX: usize = 200;

/// `${name:-…}`: each takes the parser several times as long as the one around it.
const EXPANSIONS_MAX: usize = 24;

/// The syntax tree; `None` if it has none, or too deep a one.
pub(super) fn parse(script: &str) -> Option<Program> {
    if too_many_substitutions(script) {
        return None;
    }
    let tokens = tokenize_str(script).ok()?;
    let compounds = tokens.iter().filter(|token| opens_compound(token)).count();
    if compounds > COMPOUNDS_MAX {
        return None;
    }
    parse_tokens(&tokens, &ParserOptions::default()).ok()
}

/// The pieces of a word.
pub(super) fn parse_word(word: &str) -> Option<Vec<WordPieceWithSource>> {
    if too_many_substitutions(word) {
        return None;
    }
    word::parse(word, &ParserOptions::default()).ok()
}

fn opens_compound(token: &Token) -> bool {
    const WORDS: &[&str] =
        &["(", "((", "{", "!", "if", "elif", "while", "until", "for", "case", "select", "coproc", "time"];
    WORDS.contains(&token.to_str())
}

fn too_many_substitutions(text: &str) -> bool {
    let substitutions = text.bytes().filter(|byte| *byte == b'`').count()
        + ["$(", "<(", ">(", "$["].iter().map(|opening| text.matches(opening).count()).sum::<usize>();
    let expansions = text.match_indices("${").filter(|(at, _)| !is_plain_name(&text[at + 2..])).count();
    let brackets = text.matches('(').count();
    brackets > BRACKETS_MAX || substitutions > SUBSTITUTIONS_MAX || expansions > EXPANSIONS_MAX
}

/// `name}…`
fn is_plain_name(rest: &str) -> bool {
    rest.split_once('}').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}
