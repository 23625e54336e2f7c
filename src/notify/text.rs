//! What messages say, whatever the channel.

use serde::{Deserialize, Serialize};

use crate::oncall::escalation::Page;

/// What is stored of a message; links are added when it is sent, because they hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub v: u32,
    /// One line.
    pub subject: String,
    pub text: String,
    /// Who asks, and which level this is.
    pub note: String,
    /// The place of this server that it is about.
    pub about: Option<String>,
}

impl Body {
    pub fn of_page(page: &Page, level: usize) -> Self {
        let first_line = page.text.lines().next().unwrap_or_default();
        let subject: String = format!("Page, {}: {first_line}", page.title).chars().take(120).collect();
        Self {
            v: 1,
            subject,
            text: page.text.clone(),
            note: format!("{} pages {}, level {} of {}", page.raised_by, page.title, level + 1, page.levels.len()),
            about: page.about.clone(),
        }
    }

    pub fn to_stored(&self) -> String {
        serde_json::to_string(self).expect("plain texts become JSON")
    }

    pub fn from_stored(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|body: &Self| body.v == 1)
    }
}

/// A message as it goes out.
#[derive(Debug, Clone)]
pub struct Outgo {
    /// The same each time that this message is sent: whoever gets it twice can tell.
    pub id: String,
    /// What belongs together: `page-…`.
    pub thread: String,
    pub body: Body,
    /// Opens the page with the button that answers. Holds a secret where it is for one person.
    pub answer: String,
    /// The place that it is about, as a whole address.
    pub about: Option<String>,
}

impl Outgo {
    /// For mail and for whoever shows text alone.
    pub fn plain(&self) -> String {
        let about = self.about.as_ref().map(|about| format!("About: {about}\n")).unwrap_or_default();
        format!("{}\n\n{}\n{about}\nI have it: {}\n", self.body.text, self.body.note, self.answer)
    }

    /// For mail.
    pub fn html(&self) -> String {
        let about = self.about.as_ref().map(|about| format!("<p><a href=\"{0}\">{0}</a></p>", escaped(about)));
        format!(
            "<!doctype html><html><body><p><strong>{}</strong></p><p>{}</p>{}<p><a href=\"{}\">I have it</a></p></body></html>",
            escaped(&self.body.text).replace('\n', "<br>"),
            escaped(&self.body.note),
            about.unwrap_or_default(),
            escaped(&self.answer)
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
