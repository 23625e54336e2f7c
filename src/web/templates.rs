//! The one place that knows handlebars for pages: templates live in the binary and are strict, so that a
//! field that is missing fails a test instead of leaving a hole in a page.

use std::sync::LazyLock;

use handlebars::Handlebars;
use rust_embed::Embed;
use serde::Serialize;

#[derive(Embed)]
#[folder = "src/web/templates"]
struct Sources;

/// Every template and partial, compiled once.
static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escaped);
    // Handlebars indents partials by default, which would change the text inside <pre>.
    registry.set_prevent_indent(true);
    for file in Sources::iter() {
        let source = Sources::get(&file).expect("a listed file can be read");
        let text = std::str::from_utf8(&source.data).expect("templates are UTF-8");
        let name = file.trim_end_matches(".hbs");
        registry.register_template_string(name, text).expect("every template compiles: a test renders each");
    }
    registry
});

/// HTML text and attribute values. Values come from hosts too (captures, reasons), so what is invisible or turns
/// the direction of the text is shown by its sign or number.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(letter),
            '\0'..='\x1f' => html.push(char::from_u32(0x2400 + u32::from(letter)).unwrap_or('\u{fffd}')),
            '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => html.push_str(&format!("⟨U+{:04X}⟩", u32::from(letter))),
            _ => html.push(letter),
        }
    }
    html
}

/// Why a page could not be drawn: always a mistake in a template.
#[derive(Debug, thiserror::Error)]
#[error("the template {template} could not be rendered")]
pub struct RenderFailed {
    template: &'static str,
    #[source]
    source: Box<handlebars::RenderError>,
}

/// Renders `template` with `view`; every value is escaped for HTML.
///
/// # Errors
/// When the template names a field that `view` lacks.
pub fn render<V: Serialize>(template: &'static str, view: &V) -> Result<String, RenderFailed> {
    TEMPLATES.render(template, view).map_err(|source| RenderFailed { template, source: Box::new(source) })
}

/// The names of all templates, for the test that renders each.
#[cfg(test)]
pub fn names() -> Vec<String> {
    Sources::iter().map(|file| file.trim_end_matches(".hbs").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_in_a_value_is_neither_markup_nor_invisible() {
        let evil = "<b>\x1b[31m\u{202e}\r&\"'\u{9b}\0";
        assert_eq!(escaped(evil), "&lt;b&gt;␛[31m⟨U+202E⟩␍&amp;&quot;&#39;⟨U+009B⟩␀");
        assert_eq!(escaped("two\n\tlines é"), "two\n\tlines é");
    }
}
