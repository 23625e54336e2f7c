//! What a person types.

use std::io::{self, BufRead, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::terminal::Terminal;

/// Asks for a text that is not shown while it is typed.
pub(super) fn secret(question: &str, terminal: &mut Terminal) -> anyhow::Result<String> {
    write!(terminal.out, "{question}")?;
    terminal.out.flush()?;
    let line = {
        let _silence = Silence::begin();
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line
    };
    writeln!(terminal.out)?;
    let text = line.trim_end_matches(['\r', '\n']).to_owned();
    anyhow::ensure!(!text.is_empty(), "nothing was typed");
    Ok(text)
}

/// As long as it lives, the terminal does not show what is typed.
pub(super) struct Silence(Option<Termios>);

impl Silence {
    pub fn begin() -> Self {
        let stdin = io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        let changed = tcsetattr(&stdin, OptionalActions::Now, &silent);
        Self(changed.is_ok().then_some(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // The terminal has gone if this fails: nobody sees what it shows.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
