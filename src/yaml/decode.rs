//! The tree into types: each access says what it wants, each mismatch becomes a diagnostic.

use std::cell::RefCell;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;

use super::scalar::quoted;
use super::units::{self, UnitError};
use super::{DIAGNOSTICS_MAX, Entry, Kind, Node, Plain, Scalar};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::id::InvalidId;

/// Collects the diagnostics of one file while its tree is decoded.
pub struct Reader<'a> {
    file: &'a str,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a str) -> Self {
        Self { file, diagnostics: RefCell::new(Vec::new()) }
    }

    /// Where decoding begins.
    pub fn item<'r>(&'r self, node: &'r Node) -> Item<'r> {
        Item { reader: self, node, key_span: node.span }
    }

    /// Notes an error at `span`.
    pub fn error(&self, rule: &str, span: Span, message: impl Into<String>, help: Option<String>) {
        let mut diagnostics = self.diagnostics.borrow_mut();
        if diagnostics.len() < DIAGNOSTICS_MAX {
            let mut diagnostic = Diagnostic::new(rule, Severity::Error, self.file, span, message);
            diagnostic.help = help;
            diagnostics.push(diagnostic);
        }
    }

    /// Whether anything was wrong so far.
    pub fn has_errors(&self) -> bool {
        !self.diagnostics.borrow().is_empty()
    }

    /// All that was wrong, in the order of the text.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics.into_inner();
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        diagnostics
    }
}

/// A value about to be decoded. Every method that returns `None` has noted why.
#[derive(Clone, Copy)]
pub struct Item<'r> {
    reader: &'r Reader<'r>,
    pub node: &'r Node,
    /// The key it stands under; its own place for items of a list.
    pub key_span: Span,
}

impl<'r> Item<'r> {
    pub fn span(&self) -> Span {
        self.node.span
    }

    /// Where notes are collected, for one about another place than this value.
    pub fn reader(&self) -> &'r Reader<'r> {
        self.reader
    }

    /// Notes an error about this value.
    pub fn error(&self, rule: &str, message: impl Into<String>, help: impl Into<String>) {
        self.reader.error(rule, self.node.span, message, Some(help.into()));
    }

    /// Notes an error about a part of this value: bytes of its text, where the file shows them as they are.
    pub fn error_within(
        &self,
        rule: &str,
        part: std::ops::Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.reader.error(rule, self.span_within(part), message, help);
    }

    /// The place of bytes of this value's text; the whole value where the file writes it differently.
    pub fn span_within(&self, part: std::ops::Range<usize>) -> Span {
        let whole = self.node.span;
        let Kind::Scalar(scalar) = &self.node.kind else { return whole };
        if !scalar.verbatim || part.end > scalar.text.len() || part.start >= part.end {
            return whole;
        }
        let Some(before) = scalar.text.get(..part.start) else { return whole };
        Span {
            start: whole.start + part.start,
            end: whole.start + part.end,
            line: whole.line,
            column: whole.column + before.chars().count(),
        }
    }

    /// Notes that this value is not `wanted`.
    pub fn mismatch(&self, wanted: &str, help: Option<String>) {
        if self.node.kind != Kind::Refused {
            let message = format!("needs {wanted}, but is {}", self.node.describe());
            self.reader.error("schema[type]", self.node.span, message, help);
        }
    }

    /// The scalar, or a note that `wanted` was needed.
    pub fn scalar(&self, wanted: &str) -> Option<&'r Scalar> {
        match &self.node.kind {
            Kind::Scalar(scalar) if scalar.plain() != Plain::Null => Some(scalar),
            Kind::Scalar(_) | Kind::Sequence(_) | Kind::Mapping(_) | Kind::Refused => {
                self.mismatch(wanted, None);
                None
            }
        }
    }

    /// A text; numbers and truth values count as the text they are written as.
    pub fn text(&self) -> Option<&'r str> {
        let text = self.scalar("a text")?.text.as_str();
        if text.contains('\0') {
            self.error("schema[type]", "the text holds a NUL character", "remove it");
            return None;
        }
        Some(text)
    }

    /// A text that says something.
    pub fn filled_text(&self) -> Option<&'r str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.error("schema[type]", "needs a text, but is empty", "write it, or remove the field");
            return None;
        }
        Some(text)
    }

    /// A text of at most `characters_max`, on one line.
    pub fn line(&self, characters_max: usize) -> Option<&'r str> {
        let text = self.short_text(characters_max)?;
        if text.trim_end_matches('\n').contains(['\n', '\r']) {
            self.error("schema[type]", "must be on one line", "shorten it, or join its lines with `>-`");
            return None;
        }
        Some(text.trim_end_matches('\n'))
    }

    /// A text of at most `characters_max`.
    pub fn short_text(&self, characters_max: usize) -> Option<&'r str> {
        let text = self.filled_text()?;
        let characters = text.chars().count();
        if characters > characters_max {
            let message = format!("has {characters} characters, more than {characters_max}");
            self.error("schema[type]", message, "shorten it");
            return None;
        }
        Some(text)
    }

    pub fn boolean(&self) -> Option<bool> {
        let scalar = self.scalar("true or false")?;
        if let Plain::Boolean(truth) = scalar.plain() {
            return Some(truth);
        }
        let help = match scalar.text.to_lowercase().as_str() {
            "yes" | "on" | "y" => Some("write true".to_owned()),
            "no" | "off" | "n" => Some("write false".to_owned()),
            _ => None,
        };
        self.mismatch("true or false", help);
        None
    }

    pub fn integer(&self) -> Option<i64> {
        if let Plain::Integer(integer) = self.scalar("a whole number")?.plain() {
            return Some(integer);
        }
        self.mismatch("a whole number", None);
        None
    }

    /// A whole number that fits `T`.
    pub fn whole_number<T: TryFrom<i64>>(&self) -> Option<T> {
        let integer = self.integer()?;
        let fitting = T::try_from(integer).ok();
        if fitting.is_none() {
            self.error("schema[type]", format!("{integer} is out of range"), "choose another number");
        }
        fitting
    }

    /// A finite number.
    pub fn number(&self) -> Option<f64> {
        match self.scalar("a number")?.plain() {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the field is a floating-point number; JSON rounds the same"
            )]
            Plain::Integer(integer) => Some(integer as f64),
            Plain::Number(number) if number.is_finite() => Some(number),
            Plain::Number(_) | Plain::Null | Plain::Boolean(_) | Plain::Text(_) => {
                self.mismatch("a number", None);
                None
            }
        }
    }

    /// `250ms`, `30s`, `5m`, `2h`, `1d`.
    pub fn duration(&self) -> Option<Duration> {
        self.unit("duration", units::duration)
    }

    /// A duration over zero.
    pub fn positive_duration(&self) -> Option<Duration> {
        let duration = self.duration()?;
        if duration.is_zero() {
            self.error("schema[type]", "must be longer than zero", "write how long, such as 30s");
            return None;
        }
        Some(duration)
    }

    /// `64KiB`, `10MiB`, in bytes.
    pub fn size(&self) -> Option<u64> {
        self.unit("size", units::size)
    }

    /// `25%`.
    pub fn percent(&self) -> Option<u8> {
        self.unit("percentage", units::percent)
    }

    fn unit<T>(&self, what: &str, parse: fn(&str) -> Result<T, UnitError>) -> Option<T> {
        let text = &self.scalar(&format!("a {what}"))?.text;
        match parse(text) {
            Ok(value) => return Some(value),
            Err(UnitError::Missing(likely)) => {
                let message = format!("{} has no unit", quoted(text));
                self.error("unit-missing", message, format!("did you mean {}?", any_of(&likely)));
            }
            Err(UnitError::Malformed(help)) => {
                self.error("schema[type]", format!("{} is not a {what}", quoted(text)), help);
            }
        }
        None
    }

    /// `2027-03-01`.
    pub fn date(&self) -> Option<Date> {
        let text = &self.scalar("a date")?.text;
        let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date = text.parse::<Date>().ok().filter(|_| shaped);
        if date.is_none() {
            let message = format!("{} is not a date", quoted(text));
            self.error("schema[type]", message, "write year, month and day: 2027-03-01");
        }
        date
    }

    /// One of a few words.
    pub fn choice<T: Clone>(&self, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let text = &self.scalar(&format!("one of {}", words.join(", ")))?.text;
        let chosen = choices.iter().find(|(word, _)| word == text).map(|(_, value)| value.clone());
        if chosen.is_none() {
            let message = format!("{} is none of {}", quoted(text), words.join(", "));
            self.reader.error("schema[type]", self.node.span, message, suggestion(text, &words));
        }
        chosen
    }

    /// A name or another type that knows its own syntax.
    pub fn id<T: FromStr<Err = InvalidId>>(&self) -> Option<T> {
        match self.text()?.parse() {
            Ok(id) => Some(id),
            Err(InvalidId { what, text, rule }) => {
                let message = format!("{} is not a valid {what}", quoted(&text));
                self.error("schema[type]", message, format!("use {rule}"));
                None
            }
        }
    }

    /// The items of a list.
    pub fn list(&self) -> Option<Vec<Item<'r>>> {
        match &self.node.kind {
            Kind::Sequence(items) => Some(items.iter().map(|node| self.reader.item(node)).collect()),
            Kind::Scalar(_) | Kind::Mapping(_) | Kind::Refused => {
                self.mismatch("a list", Some("write each item on its own line after `- `, or all in [ ]".to_owned()));
                None
            }
        }
    }

    /// The items of a list; any other value alone.
    pub fn list_or_one(&self) -> Vec<Item<'r>> {
        match &self.node.kind {
            Kind::Sequence(items) => items.iter().map(|node| self.reader.item(node)).collect(),
            Kind::Scalar(_) | Kind::Mapping(_) | Kind::Refused => vec![*self],
        }
    }

    /// A list of which every item decodes; all items are tried, so that all problems are told.
    pub fn list_of<T>(&self, decode: impl Fn(Item<'r>) -> Option<T>) -> Option<Vec<T>> {
        let decoded: Vec<Option<T>> = self.list()?.into_iter().map(decode).collect();
        decoded.into_iter().collect()
    }

    /// The names and values of a mapping whose names are the user's.
    pub fn entries(&self) -> Option<Vec<(Item<'r>, &'r str)>> {
        let entries = self.mapping()?;
        Some(entries.iter().map(|entry| (self.entry(entry), entry.key.as_str())).collect())
    }

    /// The same, of at most `entries_max`.
    pub fn entries_up_to(&self, entries_max: usize) -> Option<Vec<(Item<'r>, &'r str)>> {
        let entries = self.entries()?;
        if entries.len() > entries_max {
            self.error(
                "schema[type]",
                format!("has {} entries, more than {entries_max}", entries.len()),
                "remove some",
            );
            return None;
        }
        Some(entries)
    }

    /// The fields of a mapping whose names are ours. Call [`Fields::finish`] when all are read.
    pub fn fields(&self) -> Option<Fields<'r>> {
        let entries = self.mapping()?;
        Some(Fields { reader: self.reader, entries, span: self.node.span, key_span: self.key_span, known: Vec::new() })
    }

    fn mapping(&self) -> Option<&'r [Entry]> {
        match &self.node.kind {
            Kind::Mapping(entries) => Some(entries),
            Kind::Scalar(_) | Kind::Sequence(_) | Kind::Refused => {
                self.mismatch("a mapping (`name: value` lines)", None);
                None
            }
        }
    }

    fn entry(&self, entry: &'r Entry) -> Item<'r> {
        Item { reader: self.reader, node: &entry.value, key_span: entry.key_span }
    }

    /// Notes an error about the key this value stands under.
    pub fn key_error(&self, rule: &str, message: impl Into<String>, help: impl Into<String>) {
        self.reader.error(rule, self.key_span, message, Some(help.into()));
    }
}

/// The fields of one mapping. Each name asked for is a known one.
pub struct Fields<'r> {
    reader: &'r Reader<'r>,
    entries: &'r [Entry],
    span: Span,
    key_span: Span,
    known: Vec<&'static str>,
}

impl<'r> Fields<'r> {
    /// The field, if it is there.
    pub fn get(&mut self, name: &'static str) -> Option<Item<'r>> {
        self.known.push(name);
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        Some(Item { reader: self.reader, node: &entry.value, key_span: entry.key_span })
    }

    /// The field, or a note that it is missing.
    pub fn required(&mut self, name: &'static str) -> Option<Item<'r>> {
        let item = self.get(name);
        if item.is_none() {
            self.missing(format!("field \"{name}\" is missing"), format!("add `{name}:`"));
        }
        item
    }

    /// Notes that something is missing in this mapping.
    pub fn missing(&self, message: impl Into<String>, help: impl Into<String>) {
        self.reader.error("schema[missing]", self.head(), message, Some(help.into()));
    }

    /// Names that are known here and read elsewhere.
    pub fn know(&mut self, names: &[&'static str]) {
        self.known.extend_from_slice(names);
    }

    /// A place that stands for the whole mapping: its key, or its first line.
    pub fn head(&self) -> Span {
        if self.key_span == self.span {
            self.entries.first().map_or(self.span, |entry| entry.key_span)
        } else {
            self.key_span
        }
    }

    /// The names that are there, known or not.
    pub fn names(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Notes an error about the key of a field that is there.
    pub fn key_error(&self, name: &str, rule: &str, message: impl Into<String>, help: impl Into<String>) {
        let span =
            self.entries.iter().find(|entry| entry.key == name).map_or_else(|| self.head(), |entry| entry.key_span);
        self.reader.error(rule, span, message, Some(help.into()));
    }

    /// Notes every field that was not asked for.
    pub fn finish(self) {
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            // A merge key was refused already.
            if entry.key == "<<" || entry.key.is_empty() {
                continue;
            }
            let help =
                suggestion(&entry.key, &self.known).unwrap_or_else(|| format!("known here: {}", self.known.join(", ")));
            let message = format!("unknown field {}", quoted(&entry.key));
            self.reader.error("schema[unknown-key]", entry.key_span, message, Some(help));
        }
    }
}

/// `did you mean "timeout"?`, where one of `known` is near.
pub fn suggestion<T: AsRef<str>>(text: &str, known: &[T]) -> Option<String> {
    let nearest = nearest(text, known)?;
    Some(format!("did you mean \"{nearest}\"?"))
}

/// The one of `known` that is most like `text`, if any is like it at all.
pub fn nearest<'k, T: AsRef<str>>(text: &str, known: &'k [T]) -> Option<&'k str> {
    // A longer text is no slip of the keyboard; comparing it would only cost.
    const CHARACTERS_MAX: usize = 64;
    const LIKENESS_MIN: f64 = 0.7;
    if text.len() > CHARACTERS_MAX {
        return None;
    }
    let lower = text.to_lowercase();
    known
        .iter()
        .map(|word| {
            (
                strsim::damerau_levenshtein(&lower, word.as_ref()),
                strsim::jaro_winkler(&lower, word.as_ref()),
                word.as_ref(),
            )
        })
        .filter(|(distance, likeness, word)| *distance <= 1.max(word.chars().count() / 3) || *likeness >= 0.9)
        .filter(|(_, likeness, _)| *likeness >= LIKENESS_MIN)
        .min_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)))
        .map(|(_, _, word)| word)
}

fn any_of(words: &[impl Display]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
