//! Handlebars for people's text: instructions, messages, prompts. Never for commands.
//!
//! The one module that knows the Handlebars library. A small part of the language is let through:
//! `{{name}}`, `{{host.name}}`, `{{host.labels.env}}`, comments, and `if`/`unless` with `else`. Everything
//! else is refused before the library sees it: a recursive partial aborts the process, nested loops fill
//! the memory, and its parser recurses on nested brackets. `each` is refused too: no value is a list.
//! The output is plain text; whoever shows it escapes it.

use std::io;

use handlebars::Handlebars;
use handlebars::template::{Parameter, Template, TemplateElement};
use serde_json::json;

use super::condition::undefined;
use super::scope::{Names, Problem, ProblemKind, Scope, ValueType};
use super::value::display_text;

/// A longer text is not read by anyone in an incident.
pub const BYTES_MAX: usize = 16 * 1024;
/// `if` inside `if`. The library recurses for each.
const NESTING_MAX: usize = 5;
/// A text with a 64 KiB value in it, several times over.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// Why a text could not be rendered in a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Never for a text that [`check`] has passed.
    #[error("the text does not parse: {reason}")]
    Syntax { reason: String },
    #[error("`{name}` has no value: the step that captures it did not run, or captured nothing")]
    NoValue { name: String },
    #[error("the text is longer than {} KiB with its values", OUTPUT_BYTES_MAX / 1024)]
    TooLong,
    #[error("the text cannot be filled in: {reason}")]
    Failed { reason: String },
}

/// Checks that `text` uses only known names and the part of Handlebars that is let through.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(text: &str, names: &Names) -> Result<(), Vec<Problem>> {
    let tags = tags(text)?;
    let problems: Vec<Problem> = tags.iter().filter_map(|tag| name_problem(tag, names)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    parsed(text).map(|_| ()).map_err(|reason| vec![syntax(0..text.len(), reason, None)])
}

/// The text with the values of `scope` in it.
///
/// # Errors
/// When a value is missing: an instruction with a hole in it misleads.
pub fn render(text: &str, scope: &Scope<'_>) -> Result<String, TemplateError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let used = tags(text).map_err(|problems| TemplateError::Syntax { reason: problems[0].message.clone() })?;
    parsed(text).map_err(|reason| TemplateError::Syntax { reason })?;
    let data = data(scope);
    if let Some(missing) = used.iter().find_map(|tag| tag.missing_in(&data)) {
        return Err(TemplateError::NoValue { name: missing.to_owned() });
    }
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(handlebars::no_escape);
    let mut output = Bounded(Vec::new());
    match registry.render_template_to_write(text, &data, &mut output) {
        Ok(()) => String::from_utf8(output.0).map_err(|error| TemplateError::Failed { reason: error.to_string() }),
        Err(_) if output.0.len() >= OUTPUT_BYTES_MAX => Err(TemplateError::TooLong),
        Err(error) => Err(TemplateError::Failed { reason: error.to_string().chars().take(200).collect() }),
    }
}

/// Takes no more than [`OUTPUT_BYTES_MAX`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = OUTPUT_BYTES_MAX - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room { Err(io::Error::other("too long")) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn data(scope: &Scope<'_>) -> serde_json::Value {
    let mut data: serde_json::Map<String, serde_json::Value> =
        scope.values.iter().map(|(name, value)| (name.to_string(), shown(value))).collect();
    data.insert("host".to_owned(), json!({"name": scope.host, "labels": scope.labels}));
    data.into()
}

/// Truth values stay such, so that `if` sees them; everything else is the text that people see.
fn shown(value: &super::model::Value) -> serde_json::Value {
    match value {
        super::model::Value::Boolean(truth) => (*truth).into(),
        other => display_text(other).into(),
    }
}

/// One `{{…}}` of a text.
struct Tag<'t> {
    /// The name in it, if there is one, and its place.
    name: Option<(&'t str, std::ops::Range<usize>)>,
    /// `if` and `unless` may ask for a value that is not there.
    asks: bool,
}

impl<'t> Tag<'t> {
    fn missing_in(&self, data: &serde_json::Value) -> Option<&'t str> {
        let (name, _) = self.name.as_ref()?;
        let found = name.split('.').try_fold(data, |data, part| data.get(part)).is_some();
        (!found && !self.asks).then_some(name)
    }
}

fn syntax(part: std::ops::Range<usize>, message: impl Into<String>, help: Option<&str>) -> Problem {
    Problem { kind: ProblemKind::Syntax, part, message: message.into(), help: help.map(str::to_owned) }
}

/// All tags of a text, if each of them is let through.
fn tags(text: &str) -> Result<Vec<Tag<'_>>, Vec<Problem>> {
    if text.len() > BYTES_MAX {
        let message = format!("the text has {} bytes, more than {BYTES_MAX}", text.len());
        return Err(vec![syntax(0..text.len(), message, Some("shorten it, or put it beside the runbook"))]);
    }
    let mut tags = Vec::new();
    let mut problems = Vec::new();
    let mut open: Vec<(&str, std::ops::Range<usize>)> = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("{{").map(|at| from + at) {
        let Some(end) = text[at..].find("}}").map(|end| at + end + 2) else {
            problems.push(syntax(at..at + 2, "`{{` is not closed", Some("close it with `}}`")));
            break;
        };
        match tag(text, at..end, &mut open) {
            Ok(tag) => tags.push(tag),
            Err(problem) => problems.push(problem),
        }
        from = end;
    }
    problems.extend(open.into_iter().map(|(block, part)| {
        syntax(part, format!("`{{{{#{block}}}}}` is not closed"), Some("close it with `{{/if}}` or `{{/unless}}`"))
    }));
    if problems.is_empty() { Ok(tags) } else { Err(problems) }
}

fn tag<'t>(
    text: &'t str,
    part: std::ops::Range<usize>,
    open: &mut Vec<(&'t str, std::ops::Range<usize>)>,
) -> Result<Tag<'t>, Problem> {
    const ALLOWED: &str = "write {{name}}, {{host.name}}, or {{#if name}} … {{else}} … {{/if}}";
    if text[..part.start].ends_with('\\') {
        return Err(syntax(part, "a `\\` before `{{` is not part of these texts", Some("put something between them")));
    }
    let inner = text[part.start + 2..part.end - 2].trim();
    let words: Vec<&str> = inner.split_ascii_whitespace().collect();
    let refused = |message: String| Err(syntax(part.clone(), message, Some(ALLOWED)));
    match words.as_slice() {
        _ if inner.starts_with('!') => {
            // `{{!-- … --}}` may hold `}}`, which ends it for us and not for the library.
            if inner.starts_with("!--") {
                refused("comments are written {{! … }}".to_owned())
            } else {
                Ok(Tag { name: None, asks: true })
            }
        }
        [block @ ("#if" | "#unless"), name] if is_name(name) => {
            if open.len() >= NESTING_MAX {
                return refused(format!("`if` is nested more than {NESTING_MAX} deep"));
            }
            open.push((&block[1..], part.clone()));
            Ok(Tag { name: Some((name, place_in(text, &part, name))), asks: true })
        }
        ["else"] if !open.is_empty() => Ok(Tag { name: None, asks: true }),
        [close @ ("/if" | "/unless")] => match open.pop() {
            Some((block, _)) if block == &close[1..] => Ok(Tag { name: None, asks: true }),
            Some(_) | None => refused(format!("`{{{{{close}}}}}` closes nothing")),
        },
        ["else" | "if" | "unless" | "each" | "this"] => refused(format!("`{inner}` stands alone")),
        [name] if is_name(name) => Ok(Tag { name: Some((name, place_in(text, &part, name))), asks: false }),
        _ => {
            let shown: String = inner.chars().take(40).collect();
            refused(format!("`{{{{{shown}}}}}` is not part of these texts"))
        }
    }
}

fn place_in(text: &str, part: &std::ops::Range<usize>, name: &str) -> std::ops::Range<usize> {
    // The last occurrence: `{{#if if_so}}`.
    let start = text[part.clone()].rfind(name).map_or(part.start, |at| part.start + at);
    start..start + name.len()
}

/// Letters, digits, `_`, and for labels `-`; parts joined by dots.
fn is_name(name: &str) -> bool {
    name.len() <= 200
        && name.split('.').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        })
}

fn name_problem(tag: &Tag<'_>, names: &Names) -> Option<Problem> {
    let (name, part) = tag.name.as_ref()?;
    let problem = |kind, message, help| Some(Problem { kind, part: part.clone(), message, help });
    match names.values.get(*name) {
        Some(ValueType::Secret) => problem(
            ProblemKind::Type,
            format!("`{name}` is a secret and is never shown"),
            Some("leave it out".to_owned()),
        ),
        Some(_) => None,
        None if *name == "host.name" || name.starts_with("host.labels.") => None,
        None if *name == "host" || name.starts_with("host.") => problem(
            ProblemKind::UndefinedName,
            format!("`{name}` is not known here"),
            Some("did you mean \"host.name\"? A label is {{host.labels.env}}".to_owned()),
        ),
        None => {
            let (message, help) = undefined(name, names);
            problem(ProblemKind::UndefinedName, message, help)
        }
    }
}

/// The library's own parse, with a second look at what it understood.
fn parsed(text: &str) -> Result<Template, String> {
    let template = Template::compile(text).map_err(|error| error.reason().to_string())?;
    if allowed(&template) { Ok(template) } else { Err("it uses more of Handlebars than these texts may".to_owned()) }
}

fn allowed(template: &Template) -> bool {
    template.elements.iter().all(|element| match element {
        TemplateElement::RawString(_) | TemplateElement::Comment(_) => true,
        TemplateElement::Expression(value) => value.params.is_empty() && value.hash.is_empty() && !value.block,
        TemplateElement::HelperBlock(block) => {
            matches!(block.name.as_name(), Some("if" | "unless"))
                && block.params.len() == 1
                && matches!(block.params[0], Parameter::Path(_))
                && block.hash.is_empty()
                && block.template.as_ref().is_none_or(allowed)
                && block.inverse.as_ref().is_none_or(allowed)
        }
        TemplateElement::HtmlExpression(_)
        | TemplateElement::DecoratorExpression(_)
        | TemplateElement::DecoratorBlock(_)
        | TemplateElement::PartialExpression(_)
        | TemplateElement::PartialBlock(_)
        | _ => false,
    })
}

#[cfg(test)]
mod tests;
