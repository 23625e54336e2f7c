//! The names that are known at each point of the walk.

use std::collections::BTreeMap;

use super::super::scope::{Names, ValueType};
use crate::id::ValueName;
use crate::yaml::{Item, Kind, Node};

/// Names with a meaning of their own in conditions, texts or every run.
const TAKEN: [&str; 34] = [
    "host",
    "exit",
    "stdout",
    "stderr",
    "json",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "this",
    "unless",
    "each",
    "size",
    "int",
    "double",
    "string",
    "duration",
];

pub(super) struct Known {
    names: Names,
    inputs: Vec<String>,
    default_shell: String,
}

impl Known {
    /// Nothing is known yet; every capture and answer of the text is known to come.
    pub(super) fn new(root: &Node) -> Self {
        let mut names = Names::default();
        if let Some(Node { kind: Kind::Sequence(steps), .. }) = root.get("steps") {
            for (index, step) in steps.iter().enumerate() {
                let id = match step.get("id").map(|id| &id.kind) {
                    Some(Kind::Scalar(id)) => id.text.clone(),
                    Some(_) | None => (index + 1).to_string(),
                };
                let nodes =
                    [step.get("capture"), step.get("ask"), step.get("verify").and_then(|verify| verify.get("capture"))];
                for node in nodes.into_iter().flatten() {
                    if let Kind::Mapping(entries) = &node.kind {
                        for entry in entries {
                            names.later.entry(entry.key.clone()).or_insert_with(|| id.clone());
                        }
                    }
                }
            }
        }
        Self { names, inputs: Vec::new(), default_shell: "sh".to_owned() }
    }

    pub(super) fn set_default_shell(&mut self, shell: &str) {
        shell.clone_into(&mut self.default_shell);
    }

    pub(super) fn default_shell(&self) -> &str {
        &self.default_shell
    }

    /// What is known outside of `expect`.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// What is known once a command has ended and `captured` was read from it.
    pub(super) fn with_outcome(&self, captured: &BTreeMap<String, ValueType>) -> Names {
        Names { outcome: true, ..self.with(captured) }
    }

    /// What is known with `captured` beside the rest.
    pub(super) fn with(&self, captured: &BTreeMap<String, ValueType>) -> Names {
        let mut names = self.names.clone();
        names.values.extend(captured.iter().map(|(name, kind)| (name.clone(), *kind)));
        names
    }

    /// From here on these are known.
    pub(super) fn add(&mut self, captured: BTreeMap<String, ValueType>) {
        self.names.values.extend(captured);
    }

    /// Declares an input. It is known even where its declaration is wrong.
    pub(super) fn add_input(&mut self, item: &Item<'_>, name: &str, kind: ValueType) -> Option<ValueName> {
        self.inputs.push(name.to_owned());
        self.names.values.insert(name.to_owned(), kind);
        value_name(item, name)
    }

    /// The name of a capture or an answer; it may be captured again, but is no input.
    pub(super) fn captured_name(&self, item: &Item<'_>, name: &str) -> Option<ValueName> {
        if self.inputs.iter().any(|input| input == name) {
            item.key_error("duplicate-id", format!("\"{name}\" is an input already"), "give the capture another name");
            return None;
        }
        value_name(item, name)
    }
}

/// A name that a shell, a condition and a text can all use.
fn value_name(item: &Item<'_>, name: &str) -> Option<ValueName> {
    if TAKEN.contains(&name) {
        item.key_error("schema[type]", format!("\"{name}\" has a meaning of its own"), "choose another name");
        return None;
    }
    match name.parse() {
        Ok(name) => Some(name),
        Err(crate::id::InvalidId { rule, text, .. }) => {
            item.key_error("schema[type]", format!("{text:?} is not a valid name of a value"), format!("use {rule}"));
            None
        }
    }
}
