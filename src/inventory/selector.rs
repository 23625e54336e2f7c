//! Kubernetes label selectors: text in, a [`Selector`] or the place and cause of what is wrong.
//!
//! The grammar is that of `kubectl -l` (apimachinery `labels.Parse`): requirements joined by `,`, all of
//! which must hold: `role=web`, `role==web`, `role!=web`, `env in (prod, staging)`, `env notin (dev)`,
//! `zone` (the label is there), `!zone` (it is not). As there, `!=` and `notin` also hold where the label
//! is missing. Unlike there, an empty selector is refused: it would quietly choose every host.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

/// The longest label value, and the longest name part of a label key, in characters (as Kubernetes).
pub const LABEL_LENGTH_MAX: usize = 63;

/// The longest prefix of a label key (`example.org/role`), in characters (as Kubernetes).
pub const LABEL_PREFIX_LENGTH_MAX: usize = 253;

/// The most bytes of a selector. Kubernetes has no limit; a longer text is a mistake.
pub const SELECTOR_BYTES_MAX: usize = 8 * 1024;

/// Requirements on labels, all of which must hold; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// One requirement on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What must hold for it.
    pub holds: Holds,
}

/// What a requirement asks of a label. `=` is `In` with one value, `!=` is `NotIn` with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    Exists,
    Missing,
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
}

/// Why a text is not a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// Bytes of the selector's text that are wrong; empty at the end where something is missing.
    pub at: Range<usize>,
    /// What is wrong, without a final stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in `text`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.len() > SELECTOR_BYTES_MAX {
            let message = format!("the selector has {} bytes; at most {SELECTOR_BYTES_MAX} are read", text.len());
            return Err(SelectorError { at: 0..text.len(), message, help: None });
        }
        Parser { text, tokens: tokens(text), position: 0 }.selector()
    }

    /// Whether every requirement holds for these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// The requirements in the order written.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }
}

impl Requirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match &self.holds {
            Holds::Exists => value.is_some(),
            Holds::Missing => value.is_none(),
            Holds::In(values) => value.is_some_and(|value| values.contains(value)),
            Holds::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
        }
    }
}

/// The canonical spelling, which parses to an equal selector.
impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, holds }) in self.requirements.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            match holds {
                Holds::Exists => write!(formatter, "{key}")?,
                Holds::Missing => write!(formatter, "!{key}")?,
                Holds::In(values) => write!(formatter, "{key} in ({})", joined(values))?,
                Holds::NotIn(values) => write!(formatter, "{key} notin ({})", joined(values))?,
            }
        }
        Ok(())
    }
}

/// Values as they stand in brackets. The empty value alone is `(,)`, since `()` is refused.
fn joined(values: &BTreeSet<String>) -> String {
    let joined = values.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    if joined.is_empty() { ",".to_owned() } else { joined }
}

/// Says what is wrong with a label's key, or nothing: `[prefix/]name` as Kubernetes has it.
pub fn label_key_fault(key: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let prefix_is_good = prefix.is_none_or(|prefix| {
        prefix.len() <= LABEL_PREFIX_LENGTH_MAX
            && prefix.split('.').all(|part| is_framed(part, |c| c.is_ascii_lowercase() || c.is_ascii_digit(), "-"))
    });
    let name_is_good = name.len() <= LABEL_LENGTH_MAX && is_framed(name, |c| c.is_ascii_alphanumeric(), "-_.");
    (!prefix_is_good || !name_is_good).then(|| {
        format!(
            "{key:?} is not a label key: letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit, \
             at most {LABEL_LENGTH_MAX}; a DNS name and `/` may stand before it"
        )
    })
}

/// Says what is wrong with a label's value, or nothing: empty, or as a key's name part.
pub fn label_value_fault(value: &str) -> Option<String> {
    let is_good =
        value.is_empty() || value.len() <= LABEL_LENGTH_MAX && is_framed(value, |c| c.is_ascii_alphanumeric(), "-_.");
    (!is_good).then(|| {
        format!(
            "{value:?} is not a label value: letters, digits, `-`, `_` and `.`, beginning and ending with a letter or \
             digit, at most {LABEL_LENGTH_MAX}"
        )
    })
}

fn is_framed(text: &str, edge: fn(char) -> bool, inner: &str) -> bool {
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || inner.contains(c))
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token<'text> {
    text: &'text str,
    start: usize,
}

/// Splits as `labels.Lexer` does: symbols, and words of everything else but white space.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let length = match first {
            ' ' | '\t' | '\r' | '\n' => {
                start += 1;
                continue;
            }
            '=' if rest.starts_with("==") => 2,
            '!' if rest.starts_with("!=") => 2,
            symbol if is_symbol(symbol) => 1,
            _ => rest.find(|c| is_symbol(c) || " \t\r\n".contains(c)).unwrap_or(rest.len()),
        };
        tokens.push(Token { text: &rest[..length], start });
        start += length;
    }
    tokens
}

fn is_symbol(symbol: char) -> bool {
    "=!(),<>".contains(symbol)
}

struct Parser<'text> {
    text: &'text str,
    tokens: Vec<Token<'text>>,
    position: usize,
}

impl<'text> Parser<'text> {
    fn selector(mut self) -> Result<Selector, SelectorError> {
        if self.tokens.is_empty() {
            return Err(self.fault_here("the selector is empty", "write at least one requirement, e.g. `role=web`"));
        }
        let mut requirements = vec![self.requirement()?];
        loop {
            match self.peek() {
                None => return Ok(Selector { requirements }),
                Some(",") => {
                    self.position += 1;
                    requirements.push(self.requirement()?);
                }
                Some(found) => {
                    let message = format!("found `{found}` where `,` or the end was expected");
                    return Err(self.fault_here(message, "requirements are joined by `,` and must all hold"));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.peek() == Some("!") {
            self.position += 1;
            return Ok(Requirement { key: self.key()?, holds: Holds::Missing });
        }
        let key = self.key()?;
        let holds = match self.peek() {
            None | Some(",") => Holds::Exists,
            Some("=" | "==") => {
                self.position += 1;
                Holds::In(BTreeSet::from([self.single_value()?]))
            }
            Some("!=") => {
                self.position += 1;
                Holds::NotIn(BTreeSet::from([self.single_value()?]))
            }
            Some("in") => {
                self.position += 1;
                Holds::In(self.value_list()?)
            }
            Some("notin") => {
                self.position += 1;
                Holds::NotIn(self.value_list()?)
            }
            Some(found) => return Err(self.not_an_operator(found)),
        };
        Ok(Requirement { key, holds })
    }

    fn not_an_operator(&self, found: &str) -> SelectorError {
        let help = match found {
            "<" | ">" => "labels are compared as text; there is no `<` or `>`",
            "&&" | "&" | "and" | "AND" => "requirements are joined by `,`",
            "||" | "|" | "or" | "OR" => "there is no \"or\" between requirements; for one label use `key in (a,b)`",
            "not" | "NOT" => "write `key notin (a,b)`, `key!=a` or `!key`",
            _ => "after a key: `=`, `==`, `!=`, `in (…)`, `notin (…)`, `,` or the end",
        };
        self.fault_here(format!("`{found}` is not an operator"), help)
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        let Some(found) = self.peek() else {
            return Err(self.fault_here("a label key is missing at the end", "write a key, or take away what precedes"));
        };
        if found.starts_with(is_symbol) || found == "in" || found == "notin" {
            return Err(self.fault_here(format!("found `{found}` where a label key was expected"), "e.g. `role=web`"));
        }
        if let Some(message) = label_key_fault(found) {
            return Err(self.fault_here(message, "e.g. `role=web`"));
        }
        self.position += 1;
        Ok(found.to_owned())
    }

    /// What follows `=`: nothing means the empty value, as in Kubernetes.
    fn single_value(&mut self) -> Result<String, SelectorError> {
        match self.peek() {
            None | Some(",") => Ok(String::new()),
            Some(_) => self.value(),
        }
    }

    fn value(&mut self) -> Result<String, SelectorError> {
        let found = self.peek().unwrap_or_default();
        if found.is_empty() || found.starts_with(is_symbol) {
            return Err(self.fault_here(format!("found `{found}` where a value was expected"), "e.g. `role=web`"));
        }
        if let Some(message) = label_value_fault(found) {
            return Err(self.fault_here(message, "quotes are not used in selectors; write the value as it is"));
        }
        self.position += 1;
        Ok(found.to_owned())
    }

    /// `(a, b)`. An empty place between commas is the empty value, as in Kubernetes.
    fn value_list(&mut self) -> Result<BTreeSet<String>, SelectorError> {
        const SPELLING: &str = "values stand in brackets: `env in (prod,staging)`";
        if self.peek() != Some("(") {
            return Err(self.fault_here("`(` is missing", SPELLING));
        }
        self.position += 1;
        if self.peek() == Some(")") {
            return Err(self.fault_here("the list of values is empty", SPELLING));
        }
        let mut values = BTreeSet::new();
        loop {
            match self.peek() {
                None => return Err(self.fault_here("`)` is missing", SPELLING)),
                Some("," | ")") => _ = values.insert(String::new()),
                Some(_) => _ = values.insert(self.value()?),
            }
            match self.peek() {
                Some(",") => self.position += 1,
                Some(")") => {
                    self.position += 1;
                    return Ok(values);
                }
                Some(found) => {
                    let message = format!("found `{found}` where `,` or `)` was expected");
                    return Err(self.fault_here(message, SPELLING));
                }
                None => return Err(self.fault_here("`)` is missing", SPELLING)),
            }
        }
    }

    fn peek(&self) -> Option<&'text str> {
        self.tokens.get(self.position).map(|token| token.text)
    }

    fn fault_here(&self, message: impl Into<String>, help: &str) -> SelectorError {
        let at = match self.tokens.get(self.position) {
            Some(token) => token.start..token.start + token.text.len(),
            None => self.text.len()..self.text.len(),
        };
        SelectorError { at, message: message.into(), help: Some(help.to_owned()) }
    }
}

#[cfg(test)]
mod tests;
