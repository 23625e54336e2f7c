//! Events of the YAML parser into a [`Node`] tree, with everything refused that our files do not use.

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError};

use super::scalar::quoted;
use super::{BYTES_MAX, Comment, DEPTH_MAX, DIAGNOSTICS_MAX, Document, Entry, Kind, NODES_MAX, Node, Scalar, Style};
use crate::diagnostic::{Diagnostic, Severity, Span};

mod places;

use places::Places;

/// Where the parser itself gives up. Above [`DEPTH_MAX`], so that depth is refused in our words first.
const PARSER_NESTING_MAX: usize = 255;

pub(super) fn read(file: &str, bytes: &[u8]) -> Document {
    match text_of(file, bytes) {
        Ok(text) => Builder::new(file, text).read(),
        Err(diagnostic) => Document { root: None, diagnostics: vec![*diagnostic], comments: Vec::new() },
    }
}

/// The bytes as text that the parser may see, or why not.
fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Box<Diagnostic>> {
    let refuse = |span, message: String, help: &str| {
        Err(Box::new(Diagnostic::new("syntax", Severity::Error, file, span, message).help(help)))
    };
    let file_start = Span { start: 0, end: 0, line: 1, column: 1 };
    if bytes.len() > BYTES_MAX {
        let message = format!("the file has {} bytes, more than {} KiB", bytes.len(), BYTES_MAX / 1024);
        return refuse(file_start, message, "split it into several files");
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let at = Span::within(&valid, valid.len(), valid.len());
            return refuse(at, "the file is not UTF-8 text from here on".to_owned(), "save it as UTF-8");
        }
    };
    if text.starts_with('\u{feff}') {
        let span = Span { end: 3, ..file_start };
        return refuse(span, "the file begins with a byte order mark".to_owned(), "save it as UTF-8 without BOM");
    }
    if let Some(at) = text.find('\0') {
        let span = Span::within(text, at, at + 1);
        return refuse(span, "the file holds a NUL character".to_owned(), "remove it");
    }
    Ok(text)
}

/// A collection whose end has not come yet.
enum Open {
    Sequence { start: usize, items: Vec<Node> },
    Mapping { start: usize, entries: Vec<Entry>, key: Option<(String, Span)>, lines: BTreeMap<String, usize> },
}

struct Builder<'a> {
    file: &'a str,
    text: &'a str,
    places: Places<'a>,
    open: Vec<Open>,
    /// Collections inside one that is too deep and therefore passed over.
    skipped_depth: usize,
    node_count: usize,
    root: Option<Node>,
    /// Text in which a tab is no layout: scalars and comments, in the order of the text.
    tab_free_zones: Vec<(usize, usize)>,
    diagnostics: Vec<Diagnostic>,
    comments: Vec<Comment>,
}

/// Reading goes on, or has ended early with its reason noted.
enum Step {
    On,
    End,
}

impl<'a> Builder<'a> {
    fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            places: Places::of(text),
            open: Vec::new(),
            skipped_depth: 0,
            node_count: 0,
            root: None,
            tab_free_zones: Vec::new(),
            diagnostics: Vec::new(),
            comments: Vec::new(),
        }
    }

    fn read(mut self) -> Document {
        let complete = self.read_events();
        self.refuse_tabs(complete);
        if !complete {
            self.root = None;
        } else if self.root.as_ref().is_none_or(is_empty) {
            self.root = Some(Node { kind: Kind::Mapping(Vec::new()), span: self.places.span(0, 0) });
        }
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        self.diagnostics.truncate(DIAGNOSTICS_MAX);
        Document { root: self.root, diagnostics: self.diagnostics, comments: self.comments }
    }

    /// Whether the text was read to its end.
    fn read_events(&mut self) -> bool {
        let mut documents: usize = 0;
        for event in Parser::new_from_str_with_options(self.text, parser_options()) {
            let step = match event {
                Ok((Event::DocumentStart(..), span)) => {
                    documents += 1;
                    self.second_document(documents, span)
                }
                Ok((event, span)) => self.event(event, span),
                Err(error) => {
                    self.scan_error(&error);
                    Step::End
                }
            };
            if let Step::End = step {
                return false;
            }
        }
        true
    }

    fn second_document(&mut self, documents: usize, span: granit_parser::Span) -> Step {
        if documents < 2 {
            return Step::On;
        }
        let (start, end) = bytes_of(span);
        self.refuse(start, end, "a second document begins here", "one file holds one document: use a file for each");
        Step::End
    }

    fn event(&mut self, event: Event<'_>, span: granit_parser::Span) -> Step {
        let (start, end) = bytes_of(span);
        if let Some(tag) = span.tag_span() {
            let (tag_start, tag_end) = bytes_of(tag);
            let help = "remove it; put a text in quotes to keep it a text";
            self.refuse(tag_start, tag_end, "tags are not part of this format", help);
        }
        match event {
            Event::Scalar(text, style, ..) => {
                self.tab_free_zones.push((start, end));
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let source = self.text.get(start..end).unwrap_or_default();
                let (start, end) =
                    if style == Style::Block { (start, start + source.trim_end().len()) } else { (start, end) };
                let verbatim = style == Style::Plain && source == text;
                // The parser writes `~` for a value that is not there.
                let text = if style == Style::Plain && start == end { String::new() } else { text.into_owned() };
                let kind = Kind::Scalar(Scalar { text, style, verbatim });
                self.place(kind, start, end)
            }
            Event::SequenceStart(..) => self.begin(Open::Sequence { start, items: Vec::new() }),
            Event::MappingStart(..) => {
                self.begin(Open::Mapping { start, entries: Vec::new(), key: None, lines: BTreeMap::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(end),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let help = "write the value out, or use a `defaults` field";
                self.refuse(start, end, "aliases are not part of this format", help);
                self.place(Kind::Refused, start, end)
            }
            Event::Anchor(..) => {
                self.refuse(start, end, "anchors are not part of this format", "remove it");
                Step::On
            }
            Event::Comment(text, _) => {
                self.tab_free_zones.push((start, end));
                self.comments.push(Comment { text: text.into_owned(), span: self.places.span(start, end) });
                Step::On
            }
            // The enum is open: `_` stands for these and for kinds of events that a later parser may add.
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd | _ => Step::On,
        }
    }

    fn begin(&mut self, collection: Open) -> Step {
        let start = match &collection {
            Open::Sequence { start, .. } | Open::Mapping { start, .. } => *start,
        };
        if self.skipped_depth > 0 || self.open.len() == DEPTH_MAX {
            if self.skipped_depth == 0 {
                let message = format!("nested more than {DEPTH_MAX} deep");
                self.refuse(start, start + 1, message, "flatten it");
            }
            self.skipped_depth += 1;
            return Step::On;
        }
        self.open.push(collection);
        Step::On
    }

    fn end(&mut self, end: usize) -> Step {
        if self.skipped_depth > 0 {
            self.skipped_depth -= 1;
            return if self.skipped_depth == 0 { self.place(Kind::Refused, end, end) } else { Step::On };
        }
        match self.open.pop() {
            Some(Open::Sequence { start, items }) => {
                let end = collection_end(self.text, items.last().map(|item| item.span.end), start, end);
                self.place(Kind::Sequence(items), start, end)
            }
            Some(Open::Mapping { start, entries, .. }) => {
                let end = collection_end(self.text, entries.last().map(|entry| entry.value.span.end), start, end);
                self.place(Kind::Mapping(entries), start, end)
            }
            None => Step::On,
        }
    }

    /// Puts a finished node where it belongs: into the innermost open collection, or at the root.
    fn place(&mut self, kind: Kind, start: usize, end: usize) -> Step {
        if self.skipped_depth > 0 {
            return Step::On;
        }
        self.node_count += 1;
        if self.node_count > NODES_MAX {
            self.refuse(start, end, format!("more than {NODES_MAX} keys and values"), "split it into several files");
            return Step::End;
        }
        let node = Node { kind, span: self.places.span(start, end) };
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, lines, .. }) => match key.take() {
                Some((key, key_span)) => {
                    if let Some(first_line) = lines.insert(key.clone(), key_span.line) {
                        let message = format!("{} is given twice", quoted(&key));
                        let help = format!("it was given on line {} already: keep one", first_line);
                        self.refuse(key_span.start, key_span.end, message, help);
                    } else {
                        entries.push(Entry { key, key_span, value: node });
                    }
                }
                None => {
                    let text = self.key_text(&node);
                    if let Some(Open::Mapping { key, .. }) = self.open.last_mut() {
                        *key = Some((text, node.span));
                    }
                }
            },
        }
        Step::On
    }

    /// The text of a key; what cannot be a key is refused, and its text stands in.
    fn key_text(&mut self, node: &Node) -> String {
        let (start, end) = (node.span.start, node.span.end);
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "<<" && scalar.style == Style::Plain => {
                self.refuse(start, end, "merge keys are not part of this format", "write the fields out");
                scalar.text.clone()
            }
            Kind::Scalar(scalar) if scalar.text.is_empty() => {
                self.refuse(start, end, "a key is missing", "write a name before the `:`");
                scalar.text.clone()
            }
            Kind::Scalar(scalar) => scalar.text.clone(),
            Kind::Sequence(_) | Kind::Mapping(_) => {
                self.refuse(start, end, format!("{} cannot be a key", node.describe()), "a key is a plain name");
                self.text.get(start..end).unwrap_or_default().to_owned()
            }
            Kind::Refused => self.text.get(start..end).unwrap_or_default().to_owned(),
        }
    }

    fn scan_error(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(self.text.len());
        let end = self.text[self.places.boundary(at)..].chars().next().map_or(at, |letter| at + letter.len_utf8());
        let (message, help) = scan_error_words(error);
        self.refuse(at, end, message, help);
    }

    /// Tabs look like spaces and are not: refused wherever they are layout. After an error the rest of the
    /// text is unknown, so only tabs that begin a line before it are told.
    fn refuse_tabs(&mut self, complete: bool) {
        let limit = if complete {
            self.text.len()
        } else {
            self.diagnostics.last().map_or(0, |diagnostic| self.places.line_end(diagnostic.span.start))
        };
        self.tab_free_zones.sort_unstable();
        let mut zones = std::mem::take(&mut self.tab_free_zones).into_iter().peekable();
        let mut line_told = 0;
        for (at, _) in self.text.match_indices('\t').take_while(|(at, _)| *at < limit) {
            while zones.peek().is_some_and(|(_, end)| *end <= at) {
                zones.next();
            }
            let span = self.places.span(at, at + 1);
            let inside = zones.peek().is_some_and(|(start, _)| *start <= at);
            let layout = complete || self.places.begins_line(at);
            if inside || !layout || line_told == span.line || self.diagnostics.len() >= DIAGNOSTICS_MAX {
                continue;
            }
            line_told = span.line;
            self.diagnostics.retain(|diagnostic| diagnostic.span.line != span.line);
            self.refuse(at, at + 1, "a tab stands where spaces belong", "replace it with spaces");
        }
    }

    fn refuse(&mut self, start: usize, end: usize, message: impl Into<String>, help: impl Into<String>) {
        // One more than is shown, so that nothing shown is cut by a later, earlier-placed problem.
        if self.diagnostics.len() <= DIAGNOSTICS_MAX {
            let span = self.places.span(start, end);
            self.diagnostics.push(Diagnostic::new("syntax", Severity::Error, self.file, span, message).help(help));
        }
    }
}

fn is_empty(root: &Node) -> bool {
    matches!(&root.kind, Kind::Scalar(scalar) if scalar.text.is_empty() && scalar.style == Style::Plain)
}

fn parser_options() -> Options {
    granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: true,
        // A file may open with a page of comments; the file's size bounds them.
        max_buffered_comment_events: BYTES_MAX,
        flow_nesting_limit: PARSER_NESTING_MAX,
        block_nesting_limit: PARSER_NESTING_MAX,
    }
}

fn bytes_of(span: granit_parser::Span) -> (usize, usize) {
    let start = span.start.byte_offset().unwrap_or(0);
    (start, span.end.byte_offset().unwrap_or(start).max(start))
}

/// A flow collection ends with its bracket; a block collection with its last item, not with the blank
/// lines and comments that the parser counts to it.
fn collection_end(text: &str, last_item_end: Option<usize>, start: usize, end: usize) -> usize {
    let flow = text.as_bytes().get(start).is_some_and(|byte| matches!(byte, b'[' | b'{'))
        && text.as_bytes().get(end.wrapping_sub(1)).is_some_and(|byte| matches!(byte, b']' | b'}'));
    if flow { end } else { last_item_end.unwrap_or(end).min(end).max(start) }
}

/// The parser's words, and ours where people stumble most.
fn scan_error_words(error: &ScanError) -> (String, String) {
    let quote = "put a text that holds `: ` or ` #`, or begins with a special character, in quotes";
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation => {
            ("a tab stands where spaces belong".to_owned(), "replace it with spaces".to_owned())
        }
        ErrorKind::RecursionLimitExceeded => (format!("nested more than {DEPTH_MAX} deep"), "flatten it".to_owned()),
        ErrorKind::UnclosedQuotedScalar => {
            ("a quoted text has no end".to_owned(), "close it with the quote it began with".to_owned())
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            let close = if *open == '[' { ']' } else { '}' };
            (format!("`{open}` is not closed"), format!("close it with `{close}`"))
        }
        ErrorKind::InvalidIndentation | ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry => {
            (error.info(), "fields of one mapping, and items of one list, begin in the same column".to_owned())
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("unknown escape in a double-quoted text".to_owned(), "double the `\\`, or use single quotes".to_owned())
        }
        _ => (error.info(), quote.to_owned()),
    }
}
