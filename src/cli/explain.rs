//! Errors as people read them: what was attempted and on what, why it failed, what to do next.

use std::fmt::{self, Display};
use std::io::{self, Write};

use super::terminal::{Terminal, without_controls};

/// An attempt that failed, with the next step for the reader. Its cause is the next error of the chain.
#[derive(Debug)]
pub struct Explained {
    attempted: String,
    next: String,
}

impl Explained {
    /// `attempted` begins with `cannot …` and names the thing; `next` is an instruction.
    pub fn new(attempted: impl Display, next: impl Display) -> Self {
        Self { attempted: attempted.to_string(), next: next.to_string() }
    }
}

impl Display for Explained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.attempted)
    }
}

impl std::error::Error for Explained {}

/// Says of a failure what was attempted, and what the reader can do.
pub trait Explain<T> {
    /// # Errors
    /// The same failure, explained.
    fn explain(self, attempted: impl Display, next: impl Display) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Explain<T> for Result<T, E> {
    fn explain(self, attempted: impl Display, next: impl Display) -> anyhow::Result<T> {
        self.map_err(|error| error.into().context(Explained::new(attempted, next)))
    }
}

/// `error: cannot read a.yaml: permission denied`, and below it `help: …` where there is a next step.
pub(super) fn write(error: &anyhow::Error, terminal: &mut Terminal) -> io::Result<()> {
    let [red, cyan, plain] = if terminal.err_in_colour { ["\x1b[1;31m", "\x1b[1;36m", "\x1b[0m"] } else { [""; 3] };
    writeln!(terminal.err, "{red}error{plain}: {}", without_controls(&format!("{error:#}")))?;
    // anyhow finds a context by its type wherever it stands in the chain; the outermost one is found.
    if let Some(explained) = error.downcast_ref::<Explained>() {
        writeln!(terminal.err, "{cyan}help{plain}: {}", without_controls(&explained.next))?;
    }
    Ok(())
}
