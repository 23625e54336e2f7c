//! What a shell command would do, read from its syntax tree: the programs it calls and the files it writes.
//!
//! Nothing here looks for words in text: `echo "rm -rf /"` calls `echo`, and `find … -exec rm {} +` calls `rm`.
//! What is only known when the command runs (`$(cat list)`, `$cmd`) stays unknown, and no rule guesses at it.

mod effects;
mod syntax;
mod wrappers;

use std::ops::Range;

use brush_parser::ast::{
    self, Command, CommandPrefixOrSuffixItem, CompoundCommand, CompoundList, IoFileRedirectKind, IoFileRedirectTarget,
    IoRedirect,
};
use brush_parser::word::{Parameter, ParameterExpr, WordPiece, WordPieceWithSource};

pub use effects::{change_by, file_written};

/// Stands in a word for whatever a variable or a command puts there.
pub const UNKNOWN: char = '\u{fffc}';

/// `$(…)` inside `$(…)`: deeper ones are not looked into. Nobody writes more by hand.
const NESTING_MAX: usize = 8;

/// `sudo nice env …`: calls behind more wrappers than this are not looked for.
const WRAPPERS_MAX: usize = 8;

/// A word of a command after quotes are taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// [`UNKNOWN`] stands for each expansion.
    pub text: String,
    /// Bytes of the command where it stands; for words inside `$(…)`, of the whole `$(…)`.
    pub place: Range<usize>,
}

/// One call of a program, a function or a builtin. Wrappers such as `sudo` and `xargs` are calls of their
/// own, followed by the call that they make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The program and its arguments; never empty.
    pub words: Vec<Word>,
    /// Called by a program that ends it after a while.
    pub bounded: bool,
}

impl Call {
    /// The program, without the folders before it.
    pub fn program(&self) -> &str {
        self.words[0].text.rsplit('/').next().unwrap_or_default()
    }

    /// What follows the program.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.words[1..].iter().map(|word| word.text.as_str())
    }

    /// An argument is one of these, or begins with one of them and `=`.
    pub fn has_option(&self, options: &[&str]) -> bool {
        self.arguments().any(|argument| {
            options.iter().any(|option| {
                argument.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
        })
    }

    /// The first argument that is not an option.
    pub fn verb(&self) -> Option<&str> {
        self.arguments().find(|argument| !argument.starts_with('-'))
    }
}

/// Everything a command does that can be read from its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    pub calls: Vec<Call>,
    /// Targets of `>`, `>>`, `>|` and `&>`.
    pub writes: Vec<Word>,
    /// `NAME=value` before or instead of a call.
    pub assignments: Vec<Word>,
    /// Variables that it looks at.
    pub variables: Vec<String>,
}

/// Reads a command; nothing is found in one whose syntax is broken, which the parser reports, or that nests
/// without measure.
pub fn read(command: &str) -> Reading {
    let character_starts = command.char_indices().map(|(start, _)| start).collect();
    let mut reader = Reader { source: command, character_starts, outer: None, depth: 0, reading: Reading::default() };
    reader.script(command);
    reader.reading
}

struct Reader<'a> {
    /// The text that places refer to.
    source: &'a str,
    /// The byte of each character: the parser counts characters, we count bytes.
    character_starts: Vec<usize>,
    /// The place of the `$(…)` that is being read.
    outer: Option<Range<usize>>,
    depth: usize,
    reading: Reading,
}

impl Reader<'_> {
    fn script(&mut self, script: &str) {
        let Some(program) = syntax::parse(script) else { return };
        for list in &program.complete_commands {
            self.list(list);
        }
    }

    fn nested(&mut self, script: &str, place: Range<usize>) {
        if self.depth == NESTING_MAX {
            return;
        }
        let outer = self.outer.replace(place);
        self.depth += 1;
        self.script(script);
        self.depth -= 1;
        self.outer = outer;
    }

    fn list(&mut self, list: &CompoundList) {
        for item in &list.0 {
            for (_, pipeline) in &item.0 {
                for command in &pipeline.seq {
                    self.command(command);
                }
            }
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound, redirects) => {
                self.compound(compound);
                self.redirects(redirects.as_ref());
            }
            Command::Function(function) => {
                self.compound(&function.body.0);
                self.redirects(function.body.1.as_ref());
            }
            Command::ExtendedTest(test, redirects) => {
                // Its operands may hold substitutions; as words they call nothing.
                self.text_of(&test.expr.to_string(), self.place_of(test.loc.start.index, test.loc.end.index));
                self.redirects(redirects.as_ref());
            }
        }
    }

    fn compound(&mut self, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::Arithmetic(_) => {}
            CompoundCommand::ArithmeticForClause(clause) => self.list(&clause.body.list),
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => self.list(&subshell.list),
            CompoundCommand::ForClause(clause) => {
                for value in clause.values.iter().flatten() {
                    self.word(value);
                }
                self.list(&clause.body.list);
            }
            CompoundCommand::CaseClause(clause) => {
                self.word(&clause.value);
                clause.cases.iter().filter_map(|case| case.cmd.as_ref()).for_each(|list| self.list(list));
            }
            CompoundCommand::IfClause(clause) => {
                self.list(&clause.condition);
                self.list(&clause.then);
                for otherwise in clause.elses.iter().flatten() {
                    otherwise.condition.iter().for_each(|condition| self.list(condition));
                    self.list(&otherwise.body);
                }
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(&clause.0);
                self.list(&clause.1.list);
            }
            CompoundCommand::Coprocess(coprocess) => self.command(&coprocess.body),
        }
    }

    fn simple(&mut self, command: &ast::SimpleCommand) {
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            let assignment = self.item(item);
            self.reading.assignments.extend(assignment);
        }
        let mut words: Vec<Word> = command.word_or_name.iter().map(|name| self.word(name)).collect();
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            words.extend(self.item(item));
        }
        if !words.is_empty() {
            self.call(Call { words, bounded: false }, 0);
        }
    }

    /// Notes a call that stands behind so many wrappers, and the calls that it makes.
    fn call(&mut self, call: Call, wrappers: usize) {
        let made = if wrappers < WRAPPERS_MAX { wrappers::called_by(&call) } else { Vec::new() };
        self.reading.calls.push(call);
        for called in made {
            match called {
                wrappers::Called::Program(call) => self.call(call, wrappers + 1),
                wrappers::Called::Script(word) => self.nested(&word.text, word.place),
            }
        }
    }

    fn item(&mut self, item: &CommandPrefixOrSuffixItem) -> Option<Word> {
        match item {
            CommandPrefixOrSuffixItem::Word(word) | CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                Some(self.word(word))
            }
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                self.redirect(redirect);
                None
            }
            CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                self.list(&subshell.list);
                None
            }
        }
    }

    fn redirects(&mut self, redirects: Option<&ast::RedirectList>) {
        for redirect in redirects.iter().flat_map(|list| &list.0) {
            self.redirect(redirect);
        }
    }

    fn redirect(&mut self, redirect: &IoRedirect) {
        match redirect {
            IoRedirect::File(_, kind, IoFileRedirectTarget::Filename(target)) => {
                let target = self.word(target);
                match kind {
                    IoFileRedirectKind::Write
                    | IoFileRedirectKind::Append
                    | IoFileRedirectKind::ReadAndWrite
                    | IoFileRedirectKind::Clobber => self.reading.writes.push(target),
                    IoFileRedirectKind::Read
                    | IoFileRedirectKind::DuplicateInput
                    | IoFileRedirectKind::DuplicateOutput => {}
                }
            }
            IoRedirect::File(_, _, IoFileRedirectTarget::ProcessSubstitution(_, subshell)) => self.list(&subshell.list),
            IoRedirect::File(_, _, IoFileRedirectTarget::Fd(_) | IoFileRedirectTarget::Duplicate(_)) => {}
            IoRedirect::HereDocument(_, document) if document.requires_expansion => {
                self.word(&document.doc);
            }
            IoRedirect::HereDocument(..) => {}
            IoRedirect::HereString(_, word) => {
                self.word(word);
            }
            IoRedirect::OutputAndError(target, _) => {
                let target = self.word(target);
                self.reading.writes.push(target);
            }
        }
    }

    fn word(&mut self, word: &ast::Word) -> Word {
        let place = match &word.loc {
            Some(loc) => self.place_of(loc.start.index, loc.end.index),
            None => self.outer.clone().unwrap_or(0..self.source.len()),
        };
        Word { text: self.text_of(&word.value, place.clone()), place }
    }

    fn place_of(&self, start: usize, end: usize) -> Range<usize> {
        self.outer.clone().unwrap_or_else(|| {
            let byte = |character: usize| self.character_starts.get(character).copied().unwrap_or(self.source.len());
            byte(start)..byte(end)
        })
    }

    fn text_of(&mut self, raw: &str, place: Range<usize>) -> String {
        match syntax::parse_word(raw) {
            Some(pieces) => self.pieces(&pieces, &place),
            None => UNKNOWN.to_string(),
        }
    }

    fn pieces(&mut self, pieces: &[WordPieceWithSource], place: &Range<usize>) -> String {
        pieces.iter().map(|piece| self.piece(&piece.piece, place)).collect()
    }

    fn piece(&mut self, piece: &WordPiece, place: &Range<usize>) -> String {
        match piece {
            WordPiece::Text(text) | WordPiece::SingleQuotedText(text) | WordPiece::AnsiCQuotedText(text) => {
                text.clone()
            }
            WordPiece::DoubleQuotedSequence(pieces) | WordPiece::GettextDoubleQuotedSequence(pieces) => {
                self.pieces(pieces, place)
            }
            WordPiece::EscapeSequence(sequence) => sequence.trim_start_matches('\\').to_owned(),
            WordPiece::TildeExpansion(_) => "~".to_owned(),
            WordPiece::ParameterExpansion(expression) => {
                self.reading.variables.extend(variables_of(expression));
                if let Some(text) = text_within(expression) {
                    self.text_of(text, place.clone());
                }
                UNKNOWN.to_string()
            }
            WordPiece::CommandSubstitution(script) | WordPiece::BackquotedCommandSubstitution(script) => {
                self.nested(script, place.clone());
                UNKNOWN.to_string()
            }
            WordPiece::ArithmeticExpression(expression) => {
                self.reading.variables.extend(names_in(&expression.value));
                UNKNOWN.to_string()
            }
        }
    }
}

/// Every variable of `${name:-$other}`: taken from the text of the expression, since the tree of one has
/// sixteen shapes and a variable more than there are only makes a rule more careful.
fn variables_of(expression: &ParameterExpr) -> Vec<String> {
    if let ParameterExpr::Parameter { parameter: Parameter::Named(name), .. } = expression {
        return vec![name.clone()];
    }
    names_in(&format!("{expression:?}"))
}

/// The `$(…)` of `${name:-$(…)}` runs too.
fn text_within(expression: &ParameterExpr) -> Option<&String> {
    match expression {
        ParameterExpr::UseDefaultValues { default_value: text, .. }
        | ParameterExpr::AssignDefaultValues { default_value: text, .. }
        | ParameterExpr::IndicateErrorIfNullOrUnset { error_message: text, .. }
        | ParameterExpr::UseAlternativeValue { alternative_value: text, .. } => text.as_ref(),
        _ => None,
    }
}

/// The words of a text that could be names of values.
pub fn names_in(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
