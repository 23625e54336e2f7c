//! Where a command prints, and whether in colour.

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ColorChoice;

/// The output of this process. A value, so that what is printed can be tested without a process.
pub struct Terminal {
    /// What was asked for. Buffered: flush it before waiting for anything; the end of the program does it too.
    pub out: Box<dyn Write>,
    /// Everything else: errors, progress.
    pub err: Box<dyn Write>,
    pub out_in_colour: bool,
    pub err_in_colour: bool,
    clap_color: ColorChoice,
}

impl Terminal {
    /// Standard output and standard error, with colours as the environment and the terminal want them.
    pub fn of_this_process() -> Self {
        let choice = colour_choice(|name| crate::environment::os_text(name).is_some());
        let in_colour = |is_terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal,
        };
        Self {
            out: Box::new(BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            out_in_colour: in_colour(io::stdout().is_terminal()),
            err_in_colour: in_colour(io::stderr().is_terminal()),
            clap_color: choice,
        }
    }

    /// The same choice for the texts that clap prints.
    pub(super) fn clap_color(&self) -> ColorChoice {
        self.clap_color
    }
}

/// Text from files and file names, so that it cannot steer the terminal: control characters become marks of
/// the same number of bytes, which keeps places in the text where they are.
pub(super) fn without_controls(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\t' => letter,
            '\0'..='\x1f' | '\x7f' => '?',
            '\u{80}'..='\u{9f}' => '¿',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '\u{fffd}',
            _ => letter,
        })
        .collect()
}

/// <https://no-color.org> and <https://force-color.org>: set to anything but the empty text counts. Where both
/// are set, plain wins: it is the one that cannot garble anything.
fn colour_choice(is_set: impl Fn(&str) -> bool) -> ColorChoice {
    if is_set("NO_COLOR") {
        ColorChoice::Never
    } else if is_set("FORCE_COLOR") {
        ColorChoice::Always
    } else {
        ColorChoice::Auto
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_beats_force_color() {
        assert_eq!(colour_choice(|_| true), ColorChoice::Never);
        assert_eq!(colour_choice(|name| name == "FORCE_COLOR"), ColorChoice::Always);
        assert_eq!(colour_choice(|_| false), ColorChoice::Auto);
    }
}
