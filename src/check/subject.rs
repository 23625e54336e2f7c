//! What a rule looks at: a parsed runbook, its text, and its commands with what they would do.

use std::ops::Range;

use jiff::civil::Date;

use super::place;
use super::shell::{self, Call, Reading, Word};
use crate::diagnostic::Span;
use crate::runbook::model::{Action, Effect, Runbook, SourceMap, Step, Undo, Wait};
use crate::yaml::Comment;

/// One runbook under check.
pub struct Subject<'a> {
    pub runbook: &'a Runbook,
    pub source: &'a SourceMap,
    /// How diagnostics name the file.
    pub file: &'a str,
    pub text: &'a str,
    /// Of the YAML: `#` inside a command is not among them.
    pub comments: &'a [Comment],
    pub today: Date,
    /// Every shell command, in the order of the text.
    pub commands: Vec<ShellCommand<'a>>,
}

/// A command as written in one field.
pub struct ShellCommand<'a> {
    /// `steps[2].verify.check`
    pub path: String,
    pub text: &'a str,
    /// What the field says that it does.
    pub effect: Effect,
    /// The step whose own action it is; `None` for guards, previews and the like.
    pub action_of: Option<&'a Step>,
    pub reading: Reading,
}

impl<'a> Subject<'a> {
    pub fn new(
        runbook: &'a Runbook,
        source: &'a SourceMap,
        file: &'a str,
        text: &'a str,
        comments: &'a [Comment],
        today: Date,
    ) -> Self {
        let mut commands = Vec::new();
        for (index, precondition) in runbook.preconditions.iter().enumerate() {
            commands.push(ShellCommand::aside(format!("preconditions[{index}].check"), &precondition.check));
        }
        for (index, step) in runbook.steps.iter().enumerate() {
            commands.extend(commands_of(&format!("steps[{index}]"), step));
        }
        Self { runbook, source, file, text, comments, today, commands }
    }

    /// The place of a field's key: what a rule about a whole field underlines.
    pub fn key(&self, path: &str) -> Span {
        self.source.span(path).key
    }

    /// The place of a word of a command.
    pub fn word(&self, command: &ShellCommand<'_>, word: &Word) -> Span {
        self.part(command, word.place.clone())
    }

    /// The place of the program of a call.
    pub fn program(&self, command: &ShellCommand<'_>, call: &Call) -> Span {
        self.word(command, &call.words[0])
    }

    fn part(&self, command: &ShellCommand<'_>, part: Range<usize>) -> Span {
        place::part_of_field(self.text, self.source.span(&command.path).value, command.text, part)
    }
}

impl<'a> ShellCommand<'a> {
    fn new(path: String, text: &'a str, effect: Effect, action_of: Option<&'a Step>) -> Self {
        Self { path, text, effect, action_of, reading: shell::read(text) }
    }

    fn aside(path: String, text: &'a str) -> Self {
        Self::new(path, text, Effect::Check, None)
    }
}

fn commands_of<'a>(path: &str, step: &'a Step) -> Vec<ShellCommand<'a>> {
    let mut commands = Vec::new();
    for (index, guard) in step.guards.iter().enumerate() {
        commands.push(ShellCommand::aside(format!("{path}.guard[{index}].check"), &guard.check));
    }
    if let Some(preview) = &step.preview {
        commands.push(ShellCommand::aside(format!("{path}.preview"), preview));
    }
    match &step.action {
        Action::Check { command } => {
            commands.push(ShellCommand::new(format!("{path}.check"), command, Effect::Check, Some(step)));
        }
        Action::Run { command, effect } => {
            commands.push(ShellCommand::new(format!("{path}.run"), command, *effect, Some(step)));
        }
        Action::Wait(Wait::Until { check, .. }) => {
            commands.push(ShellCommand::aside(format!("{path}.wait.until.check"), check));
        }
        Action::Wait(Wait::For(_))
        | Action::Script { .. }
        | Action::Manual { .. }
        | Action::Use { .. }
        | Action::Notify { .. } => {}
    }
    if let Some(verify) = &step.verify {
        commands.push(ShellCommand::aside(format!("{path}.verify.check"), &verify.check));
    }
    if let Some(Undo::Run(command)) = &step.undo {
        commands.push(ShellCommand::new(format!("{path}.undo.run"), command, Effect::Change, None));
    }
    commands
}
