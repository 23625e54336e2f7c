//! YAML text into a tree with a place for everything, or all that is wrong with it.
//!
//! The one module that knows the YAML parser. It works in two stages, so that a file's problems are told
//! all at once and in our words:
//!
//! 1. [`read`] makes a [`Node`] tree, with the span of each key and value, and refuses what our files do
//!    not use: duplicate keys, anchors, aliases, merge keys, tags, tabs, a second document, and anything
//!    over the bounds below.
//! 2. [`Reader`], [`Item`] and [`Fields`] decode the tree: each access states the type it wants, each
//!    mismatch becomes a diagnostic, and decoding goes on.
//!
//! ```
//! use steadyhand::yaml;
//!
//! let document = yaml::read("hosts.yaml", b"port: 22x\nuesr: ops\n");
//! let reader = yaml::Reader::new("hosts.yaml");
//! let root = document.root.expect("the text is a mapping");
//! let mut fields = reader.item(&root).fields().expect("the root is a mapping");
//! let port = fields.get("port").and_then(|item| item.whole_number::<u16>());
//! let user = fields.get("user").and_then(|item| item.text());
//! fields.finish();
//! assert_eq!((port, user), (None, None));
//! let problems: Vec<String> = reader.finish().into_iter().map(|problem| problem.message).collect();
//! assert_eq!(problems, ["needs a whole number, but is the text \"22x\"", "unknown field \"uesr\""]);
//! ```

use crate::diagnostic::{Diagnostic, Span};

mod decode;
mod scalar;
mod tree;
pub mod units;

pub use decode::{Fields, Item, Reader, nearest, suggestion};
pub use scalar::Plain;

/// A longer file is refused unread: a runbook a person can follow has a few kilobytes.
pub const BYTES_MAX: usize = 256 * 1024;
/// Sequences and mappings inside one another. The format itself needs seven.
pub const DEPTH_MAX: usize = 32;
/// Keys and values together, so that a file of `[,,,` cannot make a tree of a hundred times its size.
pub const NODES_MAX: usize = 20_000;
/// One file never has more diagnostics than this: nobody reads on, and the memory stays bounded.
pub const DIAGNOSTICS_MAX: usize = 200;

/// What [`read`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `None` where the text is no YAML at all. Present also when there are diagnostics about keys or
    /// anchors, so that decoding can find the other problems.
    pub root: Option<Node>,
    /// In the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every comment, in the order of the text: checks are ignored by them.
    pub comments: Vec<Comment>,
}

/// A comment; the text is what follows the `#`, the span begins with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub text: String,
    pub span: Span,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// Refused already (an alias, something too deep): decoding passes over it without another word.
    Refused,
}

/// One key of a mapping with its value. Keys are unique: of duplicates, the first stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

/// A scalar: its text after unfolding and unescaping, and whether it was plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// For a plain scalar exactly as written: `1.10` stays `1.10`.
    pub text: String,
    pub style: Style,
    /// Whether the text stands in the file byte for byte, so that an offset in one is an offset in the other.
    pub verbatim: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Quoted,
    /// `|` or `>`.
    Block,
}

impl Node {
    /// What the node is, for messages: `a list`, `the number 5`.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.describe(),
            Kind::Sequence(_) => "a list".to_owned(),
            Kind::Mapping(_) => "a mapping".to_owned(),
            Kind::Refused => "not readable".to_owned(),
        }
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            Kind::Scalar(_) | Kind::Sequence(_) | Kind::Refused => None,
        }
    }

    /// The value as JSON, by the rules of YAML 1.2: what an editor's schema check sees.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.to_json(),
            Kind::Sequence(items) => items.iter().map(Node::to_json).collect(),
            Kind::Mapping(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
            Kind::Refused => serde_json::Value::Null,
        }
    }
}

/// Reads one YAML document; an empty one has an empty mapping as its root.
///
/// Never panics; time and memory are bounded by [`BYTES_MAX`], [`DEPTH_MAX`] and [`NODES_MAX`].
pub fn read(file: &str, bytes: &[u8]) -> Document {
    tree::read(file, bytes)
}

#[cfg(test)]
mod tests;
