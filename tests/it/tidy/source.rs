//! Rust source with what is not code blanked out, so that plain searches find code and nothing else.

use std::ops::Range;

/// One file of Rust source, read in two ways. Both texts keep the bytes and lines of the original.
#[derive(Debug)]
pub struct RustFile {
    /// Relative to the repository's top, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// Comments and the contents of strings are blanks.
    pub code: String,
    /// As `code`, and `#[cfg(test)]` items are blanks too; all blank in files of tests.
    pub production: String,
    /// Lines that are not in a `#[cfg(test)]` item.
    pub production_lines: usize,
}

impl RustFile {
    pub fn read(path: &str, text: &str) -> Self {
        let code = blank_what_is_not_code(text);
        let tests = if is_test_file(path) { std::iter::once(0..code.len()).collect() } else { test_items(&code) };
        let test_lines: usize = tests.iter().map(|range| lines_in(&text[range.clone()])).sum();
        let mut production = code.clone().into_bytes();
        for range in tests {
            blank(&mut production[range]);
        }
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            production: String::from_utf8(production).expect("blanks replace whole items"),
            production_lines: text.lines().count().saturating_sub(test_lines),
            code,
        }
    }

    /// Whether the product itself is built from this file.
    pub fn is_production(&self) -> bool {
        self.path.starts_with("src/") && !is_test_file(&self.path)
    }

    /// The module at the crate's top that this file belongs to: `engine` for `src/engine/ask.rs`.
    pub fn module(&self) -> Option<&str> {
        let below = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        Some(below.split('/').next().expect("split gives at least one part"))
    }
}

/// The line, from 1, of a byte.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where `needle` stands as a whole word.
pub fn words<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(needle).map(|(at, _)| at).filter(move |&at| {
        !text[..at].ends_with(is_part_of_word) && !text[at + needle.len()..].starts_with(is_part_of_word)
    })
}

/// From the `{` at `open` to one past its `}`; to the end if it has none.
pub fn braces(code: &str, open: usize) -> Range<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return open..at + 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    open..code.len()
}

fn is_test_file(path: &str) -> bool {
    !path.starts_with("src/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn lines_in(text: &str) -> usize {
    text.matches('\n').count() + 1
}

fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        if items.last().is_some_and(|item| item.contains(&start)) {
            continue;
        }
        let after = start + attribute.len();
        let end = match code[after..].find(['{', ';']).map(|offset| after + offset) {
            Some(open) if code.as_bytes()[open] == b'{' => braces(code, open).end,
            Some(semicolon) => semicolon + 1,
            None => code.len(),
        };
        items.push(start..end);
    }
    items
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

fn blank_what_is_not_code(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + not_code_at(&text.as_bytes()[at..], at > 0 && is_word(text.as_bytes()[at - 1]));
        if end > at {
            blank(&mut bytes[at..end]);
            at = end;
        } else {
            at += 1;
        }
    }
    String::from_utf8(bytes).expect("blanks replace whole comments and strings")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How long the comment or literal is that begins here; zero if code does.
fn not_code_at(rest: &[u8], after_word: bool) -> usize {
    match rest {
        [b'/', b'/', ..] => find(rest, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, 0, b'"'),
        [b'b' | b'c', b'"', ..] if !after_word => quoted(rest, 1, b'"'),
        [b'b', b'\'', ..] if !after_word => quoted(rest, 1, b'\''),
        [b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 2),
        // A character, not a lifetime: closed after one character or an escape.
        [b'\'', b'\\', ..] => quoted(rest, 0, b'\''),
        [b'\'', first, ..] => {
            let width = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote_at: usize, quote: u8) -> usize {
    let mut at = quote_at + 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Zero for a raw identifier such as `r#type`.
fn raw_string(rest: &[u8], hashes_at: usize) -> usize {
    let hashes = rest[hashes_at..].iter().take_while(|byte| **byte == b'#').count();
    let open = hashes_at + hashes;
    if rest.get(open) != Some(&b'"') {
        return 0;
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    find(&rest[open + 1..], &close).map_or(rest.len(), |offset| open + 1 + offset + close.len())
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_kept() {
    let text = "a /* x /* y */ z */ b // c\n\"d\\\"e\" 'f' '\\'' &'life r#\"g\"h\"# b\"i\" r#type é'ü' b'j'\n";
    let code = blank_what_is_not_code(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "&'life", "r#type", "é"]);
    assert_eq!(line_of(&code, code.find("life").expect("kept")), 2);
}

#[test]
fn items_for_tests_are_no_production_code() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { if x {} }\n}\nfn c() {}\n#[cfg(test)]\nmod d;\n";
    let file = RustFile::read("src/x.rs", text);
    assert_eq!(file.production.split_whitespace().collect::<String>(), "fna(){}fnc(){}");
    assert_eq!(file.production_lines, 2);
    assert!(file.code.contains("fn b()"));
    assert!(RustFile::read("src/x/tests.rs", text).production.trim().is_empty());
}

#[test]
fn a_file_belongs_to_the_module_at_the_top() {
    assert_eq!(RustFile::read("src/engine/ask.rs", "").module(), Some("engine"));
    assert_eq!(RustFile::read("src/engine.rs", "").module(), Some("engine"));
    assert_eq!(RustFile::read("tests/it/x.rs", "").module(), None);
}
