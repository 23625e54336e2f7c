//! The checklist in a terminal: drawn again in its place when the run changes.

use std::io::{self, IsTerminal, Write};

use super::{Changes, Paint, heading, standing, steps};
use crate::cli::terminal::Terminal;
use crate::run::view::RunView;

/// Rows and columns of a terminal that does not tell its own.
const SIZE_UNKNOWN: (usize, usize) = (24, 80);

/// Rows that stay free below the checklist.
const ROWS_SPARE: usize = 3;

/// Where a run is shown.
pub(in crate::cli) struct Screen {
    kind: Kind,
    paint: Paint,
}

enum Kind {
    /// Nothing: the result alone is wanted.
    Silent,
    Lines(Changes),
    Drawn {
        headed: bool,
        /// What was drawn last.
        shown: Vec<String>,
        /// Other lines stand below it: it is drawn anew, not over itself.
        left: bool,
    },
}

impl Screen {
    pub fn silent() -> Self {
        Self { kind: Kind::Silent, paint: Paint { in_colour: false } }
    }

    /// Lines, one a change.
    pub fn lines(in_colour: bool) -> Self {
        Self { kind: Kind::Lines(Changes::default()), paint: Paint { in_colour } }
    }

    /// Drawn in place.
    pub fn drawn(in_colour: bool) -> Self {
        Self { kind: Kind::Drawn { headed: false, shown: Vec::new(), left: false }, paint: Paint { in_colour } }
    }

    pub fn paint(&self) -> Paint {
        self.paint
    }

    /// Shows the run as it is now.
    pub fn show(&mut self, view: &RunView, terminal: &mut Terminal) -> io::Result<()> {
        let paint = self.paint;
        match &mut self.kind {
            Kind::Silent => return Ok(()),
            Kind::Lines(changes) => {
                for line in changes.since(view, paint) {
                    writeln!(terminal.out, "{line}")?;
                }
            }
            Kind::Drawn { headed, shown, left } => {
                if !*headed {
                    *headed = true;
                    for line in heading(view, paint) {
                        writeln!(terminal.out, "{line}")?;
                    }
                }
                let lines = fitted(steps(view, paint), standing(view, paint));
                if lines != *shown {
                    let over: &[String] = if std::mem::take(left) { &[] } else { shown };
                    draw(over, &lines, terminal)?;
                    *shown = lines;
                }
            }
        }
        terminal.out.flush()
    }

    /// What is written from now on stands below; the checklist is drawn anew beneath it when it changes.
    pub fn leave(&mut self) {
        if let Kind::Drawn { left, .. } = &mut self.kind {
            *left = true;
        }
    }

    /// Whether the last line says already how it stands with the run.
    pub fn ends_with_standing(&self) -> bool {
        matches!(self.kind, Kind::Drawn { left: false, .. })
    }
}

/// Draws the lines that differ, over those that stand there.
fn draw(shown: &[String], lines: &[String], terminal: &mut Terminal) -> io::Result<()> {
    let same = shown.iter().zip(lines).take_while(|(old, new)| old == new).count();
    let up = shown.len() - same;
    if up > 0 {
        write!(terminal.out, "\x1b[{up}A\r\x1b[J")?;
    }
    for line in &lines[same..] {
        writeln!(terminal.out, "{line}")?;
    }
    Ok(())
}

/// As many lines as fit, those around the current step first, each cut to the width.
fn fitted(mut lines: Vec<String>, standing: String) -> Vec<String> {
    let (rows, columns) = size();
    let room = rows.saturating_sub(ROWS_SPARE).max(3);
    if lines.len() > room {
        let current = lines.iter().position(|line| line.contains("[>]")).unwrap_or(lines.len());
        let first = current.saturating_sub(room / 3).min(lines.len() - room);
        lines = lines.drain(first..first + room).collect();
    }
    lines.push(standing);
    lines.iter().map(|line| cut(line, columns)).collect()
}

/// Cut to so many columns; sequences that set colours take none.
fn cut(line: &str, columns: usize) -> String {
    let mut text = String::new();
    let mut width = 0;
    let mut in_sequence = false;
    for letter in line.chars() {
        if in_sequence {
            in_sequence = letter != 'm';
        } else if letter == '\x1b' {
            in_sequence = true;
        } else {
            width += 1;
            if width >= columns {
                text.push('…');
                if line.contains('\x1b') {
                    text.push_str("\x1b[0m");
                }
                return text;
            }
        }
        text.push(letter);
    }
    text
}

fn size() -> (usize, usize) {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return SIZE_UNKNOWN;
    }
    match rustix::termios::tcgetwinsize(&stdout) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        Ok(_) | Err(_) => SIZE_UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_to_the_width_and_colours_take_none() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abc", 4), "abc");
        assert_eq!(cut("\x1b[1mabcdef\x1b[0m", 4), "\x1b[1mabc…\x1b[0m");
    }
}
