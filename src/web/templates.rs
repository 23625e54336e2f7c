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
