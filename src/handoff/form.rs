//! A handoff as Markdown, through templates in `handoffs/*.hbs`: ours, or those of the served repository.
//!
//! The one file here that knows Handlebars. A template from a repository is not trusted: a recursive partial aborts
//! the process, nested loops take for ever, and the library's parser recurses on brackets. So partials, decorators,
//! raw blocks and sub-expressions are refused before the library sees the text, loops in loops are counted, and what
//! comes out is bounded.

use std::io;

use handlebars::Handlebars;
use serde::Serialize;

use crate::handoff::view::{HandoffView, ItemView};
use crate::run::words::moment;

/// The templates that are in the program, by name.
pub const OWN: &[(&str, &str)] =
    &[(DEFAULT, include_str!("../../handoffs/default.hbs")), ("short", include_str!("../../handoffs/short.hbs"))];

/// The one that is used unless said.
pub const DEFAULT: &str = "default";

/// The folder in a repository.
pub const FOLDER: &str = "handoffs";

/// A longer template is none for people.
pub const TEMPLATE_BYTES_MAX: usize = 64 * 1024;

const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// Blocks in blocks, and of these loops: thirty items of twenty lines are six hundred turns.
const BLOCKS_MAX: usize = 8;
const LOOPS_MAX: usize = 3;

/// Why there is no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the template {name} has {bytes} bytes; at most {TEMPLATE_BYTES_MAX} are read")]
    TooLong { name: String, bytes: usize },
    #[error("the template {name} may not use {what}: write values, if, unless and each")]
    Forbidden { name: String, what: &'static str },
    #[error("the template {name} has loops in loops in loops in loops: at most {LOOPS_MAX} deep")]
    TooDeep { name: String },
    #[error("the template {name} cannot be used: {reason}")]
    Unfit { name: String, reason: String },
}

/// What templates write: the picture, and its moments in words.
#[derive(Serialize)]
struct Page<'a> {
    handoff: &'a HandoffView,
    items: Vec<Line<'a>>,
    boundary: String,
    signed: Option<String>,
    acknowledged: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "of")]
    line: &'a ItemView,
    severity: &'static str,
    facts: Vec<&'a str>,
    carried: Option<String>,
}

/// The handoff as Markdown. Values are escaped, so that no name or output can pass for markup.
///
/// # Errors
/// The template is not one of those that can be used.
pub fn markdown(name: &str, template: &str, handoff: &HandoffView) -> Result<String, FormError> {
    check(name, template)?;
    let unfit = |reason: String| FormError::Unfit { name: name.to_owned(), reason };
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escaped);
    registry.register_template_string("form", template).map_err(|error| unfit(error.to_string()))?;
    let mut output = Bounded(Vec::new());
    registry.render_to_write("form", &page(handoff), &mut output).map_err(|error| unfit(error.to_string()))?;
    Ok(tidied(&String::from_utf8_lossy(&output.0)))
}

fn page(handoff: &HandoffView) -> Page<'_> {
    Page {
        handoff,
        items: handoff.items.iter().map(line).collect(),
        boundary: moment(handoff.shift.ends_ms),
        signed: handoff.signed.as_ref().map(|signed| moment(signed.at_ms)),
        acknowledged: handoff.acknowledged_ms.map(moment),
    }
}

fn line(line: &ItemView) -> Line<'_> {
    let shown = line.item.summary.history.iter().filter(|fact| fact.hidden.is_none());
    Line {
        line,
        severity: line.item.severity.map_or("not judged", crate::handoff::record::Severity::word),
        facts: shown.map(|fact| fact.text.as_str()).collect(),
        carried: line
            .item
            .carried
            .as_ref()
            .map(|carried| format!("handed on {} times since {}", carried.times, moment(carried.since_ms))),
    }
}

/// Refuses what the library would trip over, before it sees it.
fn check(name: &str, template: &str) -> Result<(), FormError> {
    let name = || name.to_owned();
    if template.len() > TEMPLATE_BYTES_MAX {
        return Err(FormError::TooLong { name: name(), bytes: template.len() });
    }
    if template.contains("{{{{") {
        return Err(FormError::Forbidden { name: name(), what: "raw blocks" });
    }
    let forbid = |what| Err(FormError::Forbidden { name: name(), what });
    // Of each block: whether it is a loop, and how many `else if` hang on it, each of which lies within the one before.
    let mut blocks: Vec<(bool, usize)> = Vec::new();
    for (before, piece) in template.split("{{").zip(template.split("{{").skip(1)) {
        // What is counted here must be what the library sees: it takes none of these for the tags they look like.
        let Some((tag, _)) = piece.split_once("}}") else { return forbid("tags within tags or comments") };
        if before.ends_with('\\') {
            return forbid("a backslash before a tag");
        }
        if let Some(comment) = tag.strip_prefix('!') {
            let is_dashed = comment.trim_start().starts_with("--");
            if is_dashed && !(comment.starts_with("--") && comment.len() >= 4 && comment.ends_with("--")) {
                return forbid("tags within tags or comments");
            }
            continue;
        }
        let tag = tag.trim_matches(|letter: char| letter.is_whitespace() || letter == '~' || letter == '{');
        let (singles, doubles) = (tag.matches('\'').count(), tag.matches('"').count());
        if tag.contains('\\') || singles % 2 + doubles % 2 > 0 || singles.min(doubles) > 0 {
            return forbid("quotes within quotes");
        }
        let kinds = [('>', "partials"), ('*', "decorators"), ('&', "values without escaping")];
        let forbidden = kinds.iter().find(|(sign, _)| tag.trim_start_matches('#').trim_start().starts_with(*sign));
        if let Some((_, what)) = forbidden {
            return forbid(what);
        }
        if tag.contains(['(', '[', '|']) {
            return forbid("brackets");
        }
        if let Some(block) = tag.strip_prefix('#') {
            blocks.push((block.trim_start().starts_with("each"), 0));
        } else if tag.starts_with('/') {
            blocks.pop();
        } else if let Some(chained) = tag.strip_prefix("else").or_else(|| tag.strip_prefix('^')).map(str::trim) {
            // `{{else each …}}` would be a loop that no `#` opens; `else` and its word need no space between them.
            match chained.split_whitespace().next() {
                None => {}
                Some("if" | "unless") if tag.starts_with("else") => {
                    if let Some((_, links)) = blocks.last_mut() {
                        *links += 1;
                    }
                }
                Some(_) => return forbid("else with another block than if or unless"),
            }
        }
        let loops = blocks.iter().filter(|(is_loop, _)| *is_loop).count();
        let depth: usize = blocks.iter().map(|(_, links)| links + 1).sum();
        if loops > LOOPS_MAX || depth > BLOCKS_MAX {
            return Err(FormError::TooDeep { name: name() });
        }
    }
    if template.contains("{{{") {
        return forbid("values without escaping");
    }
    Ok(())
}

/// Text as Markdown that means only itself. Lines stay lines, within the paragraph.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(letter);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("<br>"),
            letter if letter.is_control() => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

/// No more than one blank line, and none at the ends: what conditions leave behind.
fn tidied(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || out.last().is_some_and(|last| !last.is_empty()) {
            out.push(line);
        }
    }
    format!("{}\n", out.join("\n").trim())
}

/// Takes so much and no more.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::Error::other(format!("it makes more than {} KiB", OUTPUT_BYTES_MAX / 1024)));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample;
    use crate::handoff::view::view;

    fn handoff() -> HandoffView {
        let (mut state, _) = sample::world_of(sample::record());
        state.record.items[0].summary.tried = "<b># rotated `logs`</b>\n* twice".to_owned();
        view(&state, &[])
    }

    #[test]
    fn both_templates_write_the_five_elements_and_no_text_passes_for_markup() {
        for (name, template) in OWN {
            let text = markdown(name, template, &handoff()).expect(name);
            for part in ["watcher", "Disk of web-1", "Delete releases older than three", "disk above 95 %"] {
                assert!(text.contains(part), "{name}: {part}: {text}");
            }
            assert!(!text.contains("<b>") && !text.contains("`logs`"), "{text}");
        }
        let text = markdown(DEFAULT, OWN[0].1, &handoff()).expect("it fits");
        let order = ["Illness severity", "Patient summary", "Action list", "Situation awareness", "Synthesis"];
        let places: Vec<usize> =
            order.iter().map(|title| text.find(title).unwrap_or_else(|| panic!("{title}: {text}"))).collect();
        assert!(places.is_sorted(), "the letters stand in their order: {places:?}");
    }

    #[test]
    fn what_would_stop_the_server_is_refused_before_it_is_read() {
        let loops = "{{#each items}}".repeat(4) + &"{{/each}}".repeat(4);
        let long = "x".repeat(TEMPLATE_BYTES_MAX + 1);
        let deep = "{{a (((((((((((b)))))))))))}}";
        let bad = [
            "{{> form}}",
            "{{#> form}}{{/form}}",
            "{{#*inline \"x\"}}{{/inline}}",
            "{{{handoff.overview}}}",
            deep,
            &loops,
            &long,
            "{{{{raw}}}}",
        ];
        for template in bad {
            assert!(markdown("bad", template, &handoff()).is_err(), "{}", &template[..template.len().min(60)]);
        }
        let hidden = [
            "{{else each items}}",
            "{{~ else  each items ~}}",
            "{{^each items}}",
            "{{elseeach items}}",
            "{{!-- {{/each}} --}}",
            "{{!--}} {{/each}} --}}",
            "\\{{/each}}",
            "{{lookup handoff \"}}{{/each}}\"}}",
            "{{lookup '\"' \"}}{{/each}}\"}}",
            "{{ ~#each items}}{{#each items}}{{#each items}}{{#each items}}",
        ];
        for part in hidden {
            let refused = check("bad", &format!("{{{{#each items}}}}{part}{{{{/each}}}}"));
            assert!(refused.is_err(), "{part}: {refused:?}");
        }
        let chain = format!("{{{{#if signed}}}}{}{{{{/if}}}}", "{{else if signed}}".repeat(3_000));
        assert!(matches!(check("bad", &chain), Err(FormError::TooDeep { .. })), "each link lies within the one before");
        let fine = "{{!-- a note --}}{{! another }}{{#if signed}}a{{else if boundary}}b{{else}}c{{/if}}";
        assert!(markdown("fine", fine, &handoff()).is_ok());
        let hole = markdown("hole", "{{handoff.nothing}}", &handoff()).expect_err("strict");
        assert!(hole.to_string().contains("hole") && hole.to_string().contains("nothing"), "{hole}");
    }
}
