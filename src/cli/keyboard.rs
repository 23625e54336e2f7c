//! What a person types: lines, Ctrl-C, and secrets that are not shown.

use std::io::{self, BufRead, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::terminal::Terminal;

/// Lines that wait to be read; a person types one at a time.
const LINES_MAX: usize = 16;

/// The keyboard of this terminal. From its making on, Ctrl-C no longer ends the program.
pub(super) struct Keyboard {
    lines: mpsc::Receiver<String>,
    interrupts: Signal,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// The terminal has gone, or Ctrl-D.
    End,
}

impl Keyboard {
    pub fn open() -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(LINES_MAX);
        // A blocking read cannot be given up, so it has a thread of its own, which the end of the program ends.
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { lines, interrupts: signal(SignalKind::interrupt())? })
    }

    /// The next line or Ctrl-C. Nothing is lost when this is given up.
    pub async fn next(&mut self) -> Typed {
        tokio::select! {
            biased;
            _ = self.interrupts.recv() => Typed::Interrupt,
            line = self.lines.recv() => line.map_or(Typed::End, Typed::Line),
        }
    }

    /// The next Ctrl-C.
    pub async fn interrupt(&mut self) {
        self.interrupts.recv().await;
    }

    /// Forgets what was typed before it was asked for: it was not meant as this answer.
    pub fn forget(&mut self) {
        while self.lines.try_recv().is_ok() {}
    }
}

/// Asks for a text that is not shown while it is typed, before there is a [`Keyboard`].
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
