//! Asks in the terminal what a run needs, and does what is answered.

mod evidence;
mod questions;

use std::io::Write;

use serde_json::{Value, json};

use crate::cli::checklist::{Paint, one_line};
use crate::cli::client::{Changes, Client, Problem};
use crate::cli::keyboard::{Keyboard, Silence, Typed};
use crate::cli::terminal::Terminal;
use crate::run::view::RunView;

/// The person at the terminal.
pub(in crate::cli) struct Asker {
    keyboard: Keyboard,
    paint: Paint,
}

/// What to do after a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Asked {
    /// Look at the run again.
    Look,
    /// The run is left as it is.
    Leave,
}

/// What a person said.
enum Said {
    /// To be done to the run.
    Do(Value),
    /// Nothing that fits: ask again.
    Nothing,
    /// The run has moved on meanwhile.
    Moved,
    Interrupt,
    Leave,
}

/// What came for one prompt.
enum Reply {
    Text(String),
    Said(Said),
}

/// Goes on with the text, or hands back what else was said.
macro_rules! text_of {
    ($reply:expr) => {
        match $reply {
            Reply::Text(text) => text,
            Reply::Said(said) => return Ok(said),
        }
    };
}
use text_of;

impl Asker {
    pub fn open(paint: Paint) -> anyhow::Result<Self> {
        Ok(Self { keyboard: Keyboard::open()?, paint })
    }

    /// Returns at Ctrl-C.
    pub async fn interrupted(&mut self) {
        self.keyboard.interrupt().await;
    }

    /// Asks what the run needs, and does it.
    pub async fn ask(&mut self, client: &Client, view: &RunView, terminal: &mut Terminal) -> anyhow::Result<Asked> {
        self.keyboard.forget();
        writeln!(terminal.out)?;
        let mut question = Question { asker: self, client, view, changes: client.changes(view), terminal };
        let said = question.ask().await?;
        match said {
            Said::Do(action) => self.act(client, view, action, terminal).await,
            Said::Nothing => {
                writeln!(terminal.out, "that is none of the answers")?;
                Ok(Asked::Look)
            }
            Said::Moved => {
                writeln!(terminal.out, "\nthe run has moved on: somebody else answered, or it could go on by itself")?;
                Ok(Asked::Look)
            }
            Said::Interrupt => self.offer_to_leave(client, view, terminal).await,
            Said::Leave => Ok(Asked::Leave),
        }
    }

    /// Ctrl-C was pressed: leave, abort or go on? Pressed again, it leaves.
    pub async fn offer_to_leave(
        &mut self,
        client: &Client,
        view: &RunView,
        terminal: &mut Terminal,
    ) -> anyhow::Result<Asked> {
        self.keyboard.forget();
        let leaving = match client.is_remote() {
            true => "leave it running on the server",
            false => "leave it (commands on hosts go on, nothing new begins)",
        };
        loop {
            write!(terminal.out, "\n[l] {leaving}  [a] abort the run  [c] go on here: ")?;
            terminal.out.flush()?;
            match self.keyboard.next().await {
                Typed::Interrupt | Typed::End => {
                    writeln!(terminal.out)?;
                    return Ok(Asked::Leave);
                }
                Typed::Line(line) => match line.trim() {
                    "l" => return Ok(Asked::Leave),
                    "c" => return Ok(Asked::Look),
                    "a" => {
                        let abort = json!({"action": "abort", "reason": "aborted at the terminal"});
                        // What was seen may be old by now, and an abort means whatever is there.
                        let now = client.view(&view.id.to_string()).await?;
                        return self.act(client, &now, abort, terminal).await;
                    }
                    _ => {}
                },
            }
        }
    }

    /// Does it. What the run refuses is said, and asked again.
    async fn act(
        &self,
        client: &Client,
        view: &RunView,
        action: Value,
        terminal: &mut Terminal,
    ) -> anyhow::Result<Asked> {
        match client.act(view, action).await {
            Ok(_) => Ok(Asked::Look),
            Err(error) => match error.downcast_ref::<Problem>() {
                Some(problem) => {
                    writeln!(terminal.out, "{}", self.paint.bad(&one_line(&problem.to_string())))?;
                    Ok(Asked::Look)
                }
                None => Err(error),
            },
        }
    }
}

/// One question, while it stands.
struct Question<'a> {
    asker: &'a mut Asker,
    client: &'a Client,
    view: &'a RunView,
    changes: Changes<'a>,
    terminal: &'a mut Terminal,
}

impl Question<'_> {
    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.terminal.out, "{}", crate::cli::terminal::without_controls(text))?)
    }

    /// Shows a prompt and waits for a line, while the run still needs the same.
    async fn reply(&mut self, prompt: &str) -> anyhow::Result<Reply> {
        write!(self.terminal.out, "{} ", self.asker.paint.ask(prompt))?;
        self.terminal.out.flush()?;
        let typed = loop {
            tokio::select! {
                typed = self.asker.keyboard.next() => break typed,
                () = self.changes.next() => {
                    // A server that is away is no reason to take the question back.
                    let now = self.client.view(&self.view.id.to_string()).await;
                    if now.is_ok_and(|now| now.waiting != self.view.waiting) {
                        return Ok(Reply::Said(Said::Moved));
                    }
                }
            }
        };
        Ok(match typed {
            Typed::Line(line) => Reply::Text(line.trim().to_owned()),
            Typed::Interrupt => Reply::Said(Said::Interrupt),
            Typed::End => Reply::Said(Said::Leave),
        })
    }

    /// The same, and what is typed is not shown.
    async fn hidden_reply(&mut self, prompt: &str) -> anyhow::Result<Reply> {
        let silence = Silence::begin();
        let reply = self.reply(prompt).await;
        drop(silence);
        writeln!(self.terminal.out)?;
        reply
    }
}
