//! What a host wrote, made safe to look at: bytes of one line in, escaped text with a few classes out.
//!
//! Host bytes are hostile (an OSC 8 link that became `javascript:`, AWX CVE-2026-84683; ansi_up
//! CVE-2021-3377). So nothing of theirs becomes markup, a link, a title, a cursor movement or an invisible
//! character: colours survive as classes with fixed names, every other sequence is dropped, control and
//! bidirectional characters are shown by name.

mod style;

#[cfg(test)]
mod tests;

use anstyle_parse::{Params, Parser, Perform};

use self::style::Style;

/// Class of a control character that is shown by its name.
pub const CLASS_CONTROL: &str = "ctl";

/// Class around a line of which earlier states, overwritten after `\r`, are not shown.
pub const CLASS_FOLDED: &str = "folded";

/// Draws the lines of one stream in order. All that it carries from line to line is the look of the text:
/// an unfinished sequence ends with its line, so that it cannot hide the next.
#[derive(Debug, Clone, Default)]
pub struct Painter {
    style: Style,
}

/// What of the escape sequences a plain text keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Colours and attributes, rewritten; for a terminal.
    Colours,
    /// Nothing; for a file or a pipe.
    Nothing,
}

impl Painter {
    pub fn new() -> Self {
        Self::default()
    }

    /// One line as HTML: text and `<span class="…">` only. A newline at its end is not drawn.
    pub fn html(&mut self, line: &[u8]) -> String {
        self.html_and_states(line).0
    }

    /// The same, and how many earlier states of the line are not shown because a `\r` overwrote them.
    pub fn html_and_states(&mut self, line: &[u8]) -> (String, usize) {
        let drawn = self.draw(line);
        let body: String = drawn.runs.iter().map(Run::html).collect();
        match drawn.overwritten {
            0 => (body, 0),
            states => (format!("<span class=\"{CLASS_FOLDED}\">{body}</span>"), states),
        }
    }

    /// Every state that a line had, the last one as well; those that show nothing are left out.
    pub fn states(&mut self, line: &[u8]) -> Vec<String> {
        line.split(|byte| *byte == b'\r').map(|state| self.html(state)).filter(|html| !html.is_empty()).collect()
    }

    /// One line as text. A newline at its end is left out.
    pub fn plain(&mut self, line: &[u8], keep: Keep) -> String {
        let drawn = self.draw(line);
        match keep {
            Keep::Nothing => drawn.runs.iter().map(|run| run.text.as_str()).collect(),
            Keep::Colours => drawn.runs.iter().map(Run::coloured).collect(),
        }
    }

    fn draw(&mut self, line: &[u8]) -> Drawing {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut drawing = Drawing { style: self.style, ..Drawing::default() };
        let mut parser: Parser = Parser::default();
        // The parser swallows the byte behind an invalid one, so it gets valid text only.
        for byte in String::from_utf8_lossy(line).bytes() {
            parser.advance(&mut drawing, byte);
        }
        self.style = drawing.style;
        drawing
    }
}

/// A line being drawn.
#[derive(Debug, Default)]
struct Drawing {
    runs: Vec<Run>,
    style: Style,
    /// A `\r` came, and nothing visible since: what comes next overwrites the line.
    returned: bool,
    /// States of the line that are not shown.
    overwritten: usize,
}

/// Text of one look.
#[derive(Debug)]
struct Run {
    style: Style,
    control: bool,
    text: String,
}

impl Run {
    fn html(&self) -> String {
        let mut classes = self.style.classes();
        if self.control {
            classes = format!("{CLASS_CONTROL} {classes}");
        }
        match classes.trim() {
            "" => escaped(&self.text),
            classes => format!("<span class=\"{classes}\">{}</span>", escaped(&self.text)),
        }
    }

    fn coloured(&self) -> String {
        if self.style == Style::default() {
            return self.text.clone();
        }
        format!("{}{}\x1b[0m", self.style.sequence(), self.text)
    }
}

impl Drawing {
    fn add(&mut self, control: bool, text: &str) {
        if std::mem::take(&mut self.returned) && !self.runs.is_empty() {
            self.runs.clear();
            self.overwritten += 1;
        }
        match self.runs.last_mut() {
            Some(run) if run.style == self.style && run.control == control => run.text.push_str(text),
            _ => self.runs.push(Run { style: self.style, control, text: text.to_owned() }),
        }
    }
}

impl Perform for Drawing {
    fn print(&mut self, letter: char) {
        match visible_name(letter) {
            Some(name) => self.add(true, &name),
            None => self.add(false, letter.encode_utf8(&mut [0; 4])),
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.add(false, "\t"),
            b'\r' => self.returned = true,
            // The rest of a letter whose beginning was inside a dropped sequence.
            0x80.. => self.add(false, "\u{fffd}"),
            _ => self.add(true, &char::from_u32(0x2400 + u32::from(byte)).unwrap_or('\u{fffd}').to_string()),
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignored: bool, action: u8) {
        if action == b'm' && intermediates.is_empty() && !ignored {
            self.style.apply(params);
        }
    }
}

/// How a character is shown that would be invisible or would change the order of others.
fn visible_name(letter: char) -> Option<String> {
    let name = |letter: char| Some(format!("⟨U+{:04X}⟩", u32::from(letter)));
    match letter {
        '\u{7f}' => Some('\u{2421}'.to_string()),
        // C1 controls.
        '\u{80}'..='\u{9f}' => name(letter),
        // Bidirectional controls: they reorder what is read.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => name(letter),
        // Line and paragraph separators, and characters without width. Joiners stay: words need them.
        '\u{2028}' | '\u{2029}' | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' => name(letter),
        '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => name(letter),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}
