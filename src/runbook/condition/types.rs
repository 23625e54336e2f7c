//! The types of a condition: what each part gives, and whether its operators fit.
//!
//! As far as is honest: fields of `json` have any type until the run, everything else is known.

use std::ops::Range;

use cel::Program;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use super::super::scope::{Names, Problem, ProblemKind, ValueType};
use crate::yaml::nearest;

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Bool,
    Int,
    Double,
    Text,
    Duration,
    List,
    /// `host` itself.
    Host,
    /// `host.labels`.
    Labels,
    Null,
    /// Known only in the run, or wrong and told already.
    Any,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Bool => "a truth value",
            Self::Int => "a whole number",
            Self::Double => "a number",
            Self::Text => "a text",
            Self::Duration => "a duration",
            Self::List => "a list",
            Self::Host => "a host",
            Self::Labels => "labels",
            Self::Null => "null",
            Self::Any => "any value",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Any)
    }

    fn fits(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any || (self.is_number() && other.is_number())
    }
}

pub(super) fn check(text: &str, program: &Program, names: &Names) -> Vec<Problem> {
    let mut checker = Checker { text, program, names, loop_names: Vec::new(), problems: Vec::new() };
    let given = checker.infer(program.expression());
    if !given.fits(Type::Bool) {
        let message = format!("the condition gives {}, not true or false", given.name());
        let help = "compare it with something, such as `… == 0`".to_owned();
        checker.note(ProblemKind::Type, 0..text.len(), message, Some(help));
    }
    checker.problems
}

/// Whether parts of the expression stand more than `levels` deep in one another.
pub(super) fn is_deeper(node: &IdedExpr, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return true };
    match &node.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).any(|part| is_deeper(part, levels)),
        Expr::Select(select) => is_deeper(&select.operand, levels),
        Expr::List(list) => list.elements.iter().any(|part| is_deeper(part, levels)),
        Expr::Comprehension(comprehension) => {
            is_deeper(&comprehension.iter_range, levels) || is_deeper(&comprehension.loop_step, levels)
        }
        // The parts of a mapping are never looked at: it is refused as such.
        Expr::Map(_) | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => false,
    }
}

struct Checker<'a> {
    text: &'a str,
    program: &'a Program,
    names: &'a Names,
    /// The name that a loop gives to each item; loops within loops are refused.
    loop_names: Vec<String>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn note(&mut self, kind: ProblemKind, part: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.problems.push(Problem { kind, part, message: message.into(), help });
    }

    fn note_at(&mut self, node: &IdedExpr, kind: ProblemKind, message: impl Into<String>, help: Option<String>) {
        let part = super::place_of(self.text, self.program, node);
        self.note(kind, part, message, help);
    }

    fn infer(&mut self, node: &IdedExpr) -> Type {
        match &node.expr {
            Expr::Literal(literal) => self.literal(node, literal),
            Expr::Ident(name) => self.name(node, name),
            Expr::Select(select) => self.field(node, select),
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => {
                list.elements.iter().for_each(|element| {
                    self.infer(element);
                });
                Type::List
            }
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.note_at(node, ProblemKind::Syntax, "mappings are not part of conditions", None);
                Type::Any
            }
        }
    }

    fn literal(&mut self, node: &IdedExpr, literal: &LiteralValue) -> Type {
        match literal {
            LiteralValue::Boolean(_) => Type::Bool,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::String(_) => Type::Text,
            LiteralValue::Null => Type::Null,
            LiteralValue::Bytes(_) | LiteralValue::UInt(_) => {
                let help = Some("write a plain number, or a text in quotes".to_owned());
                self.note_at(node, ProblemKind::Type, "bytes and unsigned numbers are not part of conditions", help);
                Type::Any
            }
        }
    }

    fn name(&mut self, node: &IdedExpr, name: &str) -> Type {
        if self.loop_names.iter().any(|known| known == name) {
            return Type::Any;
        }
        let in_loop = !self.loop_names.is_empty();
        if in_loop && self.names.outcome && matches!(name, "stdout" | "stderr" | "json") {
            let message = format!("`{name}` cannot be used inside a loop");
            self.note_at(node, ProblemKind::Type, message, Some("use the item of the loop".to_owned()));
            return Type::Any;
        }
        match (name, self.names.outcome) {
            ("host", _) => Type::Host,
            ("exit", true) => Type::Int,
            ("stdout" | "stderr", true) => Type::Text,
            ("json", true) => Type::Any,
            _ => self.value_name(node, name),
        }
    }

    fn value_name(&mut self, node: &IdedExpr, name: &str) -> Type {
        match self.names.values.get(name) {
            Some(ValueType::Text) => Type::Text,
            Some(ValueType::Integer) => Type::Int,
            Some(ValueType::Number) => Type::Double,
            Some(ValueType::Boolean) => Type::Bool,
            Some(ValueType::Duration) => Type::Duration,
            Some(ValueType::Unknown) => Type::Any,
            Some(ValueType::Secret) => {
                let help = Some("test it in a command, where its value is `$".to_owned() + name + "`");
                self.note_at(node, ProblemKind::Type, format!("`{name}` is a secret"), help);
                Type::Any
            }
            None => {
                let (message, help) = undefined(name, self.names);
                self.note_at(node, ProblemKind::UndefinedName, message, help);
                Type::Any
            }
        }
    }

    fn field(&mut self, node: &IdedExpr, select: &SelectExpr) -> Type {
        let of = self.infer(&select.operand);
        if select.test {
            return Type::Bool;
        }
        match (of, select.field.as_str()) {
            (Type::Host, "name") | (Type::Labels, _) => Type::Text,
            (Type::Host, "labels") => Type::Labels,
            (Type::Any, _) => Type::Any,
            (Type::Host, field) => {
                let help = crate::yaml::suggestion(field, &["name", "labels"])
                    .or_else(|| Some("a host has `name` and `labels`".to_owned()));
                self.note_at(node, ProblemKind::UndefinedName, format!("`host` has no field `{field}`"), help);
                Type::Any
            }
            (other, field) => {
                let message = format!("{} has no field `{field}`", other.name());
                self.note_at(node, ProblemKind::Type, message, None);
                Type::Any
            }
        }
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Type {
        let target = call.target.as_deref().map(|target| self.infer(target));
        let given: Vec<Type> = call.args.iter().map(|argument| self.infer(argument)).collect();
        match (call.func_name.as_str(), target, given.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, None, sides) => {
                self.want_all(node, call, sides, Type::Bool);
                Type::Bool
            }
            (operators::LOGICAL_NOT, None, sides) => {
                self.want_all(node, call, sides, Type::Bool);
                Type::Bool
            }
            (operators::CONDITIONAL, None, [condition, then, otherwise]) => {
                self.want_all(node, call, &[*condition], Type::Bool);
                if then == otherwise { *then } else { Type::Any }
            }
            (operators::EQUALS | operators::NOT_EQUALS, None, [left, right]) => {
                self.comparable(node, *left, *right);
                Type::Bool
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                None,
                [left, right],
            ) => {
                self.ordered(node, *left, *right);
                Type::Bool
            }
            (operators::IN, None, [left, right]) => {
                if !matches!((left, right), (_, Type::List | Type::Any) | (Type::Text | Type::Any, Type::Labels)) {
                    let message = format!("`in` looks for a value in a list, not in {}", right.name());
                    self.note_at(node, ProblemKind::Type, message, Some("write `name in [\"a\", \"b\"]`".to_owned()));
                }
                Type::Bool
            }
            (operators::INDEX, None, [of, index]) => self.index(node, *of, *index),
            (operators::NEGATE, None, [side]) if side.is_number() => *side,
            (
                operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                None,
                [left, right],
            ) => self.arithmetic(node, &call.func_name, *left, *right),
            (function, None, arguments) => self.function(node, call, function, arguments),
            (function, Some(target), arguments) => self.method(node, function, target, arguments),
        }
    }

    fn want_all(&mut self, node: &IdedExpr, call: &CallExpr, sides: &[Type], wanted: Type) {
        for (side, argument) in sides.iter().zip(&call.args) {
            if !side.fits(wanted) {
                let message = format!("needs {}, but is {}", wanted.name(), side.name());
                let help = Some("compare it with something, such as `… == 0`".to_owned());
                let at = if argument.id == 0 { node } else { argument };
                self.note_at(at, ProblemKind::Type, message, help);
            }
        }
    }

    fn comparable(&mut self, node: &IdedExpr, left: Type, right: Type) {
        if !left.fits(right) && left != Type::Null && right != Type::Null {
            self.note_at(node, ProblemKind::Type, mixed(left, right), type_help(left, right));
        }
    }

    fn ordered(&mut self, node: &IdedExpr, left: Type, right: Type) {
        let has_order =
            |side| matches!(side, Type::Int | Type::Double | Type::Text | Type::Duration | Type::Bool | Type::Any);
        if !left.fits(right) || !has_order(left) || !has_order(right) {
            self.note_at(node, ProblemKind::Type, mixed(left, right), type_help(left, right));
        }
    }

    fn index(&mut self, node: &IdedExpr, of: Type, index: Type) -> Type {
        match (of, index) {
            (Type::Labels, Type::Text | Type::Any) => Type::Text,
            (Type::Any | Type::List, _) => Type::Any,
            (Type::Host, _) => Type::Any,
            (of, _) => {
                self.note_at(node, ProblemKind::Type, format!("{} has no parts in `[ ]`", of.name()), None);
                Type::Any
            }
        }
    }

    fn arithmetic(&mut self, node: &IdedExpr, operator: &str, left: Type, right: Type) -> Type {
        match (operator, left, right) {
            (_, Type::Any, _) | (_, _, Type::Any) => Type::Any,
            (_, Type::Int, Type::Int) => Type::Int,
            (operators::MODULO, ..) => self.no_arithmetic(node, left, right),
            (_, Type::Double, Type::Double) => Type::Double,
            (operators::ADD, Type::Text, Type::Text) => Type::Text,
            (operators::ADD | operators::SUBSTRACT, Type::Duration, Type::Duration) => Type::Duration,
            _ => self.no_arithmetic(node, left, right),
        }
    }

    fn no_arithmetic(&mut self, node: &IdedExpr, left: Type, right: Type) -> Type {
        let message = format!("{} and {} cannot be computed with one another", left.name(), right.name());
        let help = (left.is_number() && right.is_number())
            .then(|| "convert one of them: `double(count) / 2.0`, `int(rate) % 2`".to_owned());
        self.note_at(node, ProblemKind::Type, message, help.or_else(|| type_help(left, right)));
        Type::Any
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr, function: &str, arguments: &[Type]) -> Type {
        let only = arguments.first().copied().unwrap_or(Type::Any);
        let (given, fitting) = match function {
            "size" => (Type::Int, matches!(only, Type::Text | Type::List | Type::Labels | Type::Any)),
            "int" => (Type::Int, matches!(only, Type::Int | Type::Double | Type::Text | Type::Any)),
            "double" => (Type::Double, matches!(only, Type::Int | Type::Double | Type::Text | Type::Any)),
            "string" => (Type::Text, !matches!(only, Type::List | Type::Host | Type::Labels | Type::Null)),
            "bool" => (Type::Bool, matches!(only, Type::Bool | Type::Text | Type::Any)),
            "duration" => {
                (Type::Duration, self.duration_holds(call) && matches!(only, Type::Text | Type::Duration | Type::Any))
            }
            _ => return self.unknown_function(node, function),
        };
        if arguments.len() != 1 {
            self.note_at(node, ProblemKind::Type, format!("`{function}` takes one value"), None);
        } else if !fitting {
            let message = format!("`{function}` does not take {}", only.name());
            let help = (function == "duration").then(|| "write `duration(\"90s\")`, `duration(\"1h30m\")`".to_owned());
            self.note_at(node, ProblemKind::Type, message, help);
        }
        given
    }

    /// A written-out duration is tried now rather than in the run.
    fn duration_holds(&self, call: &CallExpr) -> bool {
        match call.args.first().map(|argument| &argument.expr) {
            Some(Expr::Literal(LiteralValue::String(_))) => {
                let call = IdedExpr { id: 0, expr: Expr::Call(call.clone()) };
                super::guarded(|| cel::Value::resolve(&call, &cel::Context::default()))
                    .is_some_and(|result| result.is_ok())
            }
            _ => true,
        }
    }

    fn method(&mut self, node: &IdedExpr, function: &str, target: Type, arguments: &[Type]) -> Type {
        if function == "size" && arguments.is_empty() {
            return Type::Int;
        }
        if !["contains", "startsWith", "endsWith", "matches"].contains(&function) {
            return self.unknown_function(node, function);
        }
        if function == "matches" && !self.loop_names.is_empty() {
            let help = Some("use contains, startsWith or endsWith".to_owned());
            self.note_at(node, ProblemKind::Type, "`matches` cannot be used inside a loop", help);
        }
        let one_text = matches!(arguments, [Type::Text | Type::Any]);
        if !matches!(target, Type::Text | Type::Any) || !one_text {
            let message = format!("`{function}` looks for a text in a text, but is used on {}", target.name());
            self.note_at(node, ProblemKind::Type, message, Some(format!("write `stdout.{function}(\"…\")`")));
        }
        Type::Bool
    }

    fn unknown_function(&mut self, node: &IdedExpr, function: &str) -> Type {
        const KNOWN: [&str; 15] = [
            "size",
            "int",
            "double",
            "string",
            "bool",
            "duration",
            "has",
            "contains",
            "startsWith",
            "endsWith",
            "matches",
            "all",
            "exists",
            "exists_one",
            "in",
        ];
        let help = crate::yaml::suggestion(function, &KNOWN).or_else(|| Some(format!("known: {}", KNOWN.join(", "))));
        let message = format!("unknown function `{}`", function.trim_matches(['_', '@']));
        self.note_at(node, ProblemKind::UndefinedName, message, help);
        Type::Any
    }

    /// `all`, `exists` and `exists_one`: the loops that give a truth value and hold nothing while they run.
    fn comprehension(&mut self, node: &IdedExpr, comprehension: &ComprehensionExpr) -> Type {
        if !self.loop_names.is_empty() {
            let help = Some("capture what it needs with another step".to_owned());
            self.note_at(node, ProblemKind::Type, "a loop inside a loop is not part of conditions", help);
            return Type::Any;
        }
        let over = self.infer(&comprehension.iter_range);
        if !matches!(over, Type::List | Type::Labels | Type::Any) {
            let message = format!("a loop goes over a list, not over {}", over.name());
            self.note_at(node, ProblemKind::Type, message, None);
        }
        let Some(body) = body_of(comprehension) else {
            let help = Some("use all, exists or exists_one".to_owned());
            self.note_at(node, ProblemKind::Type, "`map` and `filter` are not part of conditions", help);
            return Type::List;
        };
        self.loop_names.push(comprehension.iter_var.clone());
        let given = self.infer(body);
        self.loop_names.pop();
        if !given.fits(Type::Bool) {
            let message = format!("the loop's condition gives {}, not true or false", given.name());
            self.note_at(body, ProblemKind::Type, message, None);
        }
        Type::Bool
    }
}

/// The user's own part of an expanded `all` (`result && body`), `exists` (`result || body`) or
/// `exists_one` (`body ? result + 1 : result`).
fn body_of(comprehension: &ComprehensionExpr) -> Option<&IdedExpr> {
    if matches!(comprehension.accu_init.expr, Expr::List(_) | Expr::Map(_)) || comprehension.iter_var2.is_some() {
        return None;
    }
    let Expr::Call(step) = &comprehension.loop_step.expr else { return None };
    match (step.func_name.as_str(), step.args.as_slice()) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [_, body]) | (operators::CONDITIONAL, [body, _, _]) => {
            Some(body)
        }
        _ => None,
    }
}

fn mixed(left: Type, right: Type) -> String {
    format!("{} and {} cannot be compared", left.name(), right.name())
}

fn type_help(left: Type, right: Type) -> Option<String> {
    let pair = [left, right];
    if pair.contains(&Type::Text) && pair.iter().any(|side| matches!(side, Type::Int | Type::Double)) {
        Some("give the capture `type: integer` or `type: number`, or put the number in quotes".to_owned())
    } else if pair.contains(&Type::Text) && pair.contains(&Type::Bool) {
        Some("give the capture `type: boolean`, or put true or false in quotes".to_owned())
    } else if pair.contains(&Type::Duration) {
        Some("write `duration(\"90s\")`".to_owned())
    } else {
        None
    }
}

/// What to say about a name that is not known.
pub(crate) fn undefined(name: &str, names: &Names) -> (String, Option<String>) {
    if let Some(step) = names.later.get(name) {
        let message = format!("`{name}` is used before step \"{step}\" captures it");
        return (message, Some("move the capturing step up".to_owned()));
    }
    let mut known: Vec<&str> = names.values.keys().map(String::as_str).collect();
    if names.outcome {
        known.extend(["exit", "stdout", "stderr", "json"]);
    }
    let message = format!("`{name}` is not known here");
    if !names.outcome && matches!(name, "exit" | "stdout" | "stderr" | "json") {
        return (message, Some("only `expect` of a command has it; capture what you need".to_owned()));
    }
    let help = match nearest(name, &known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => "declare it under `inputs`, or capture it in an earlier step".to_owned(),
        None => format!("known here: {}", shortened(&known)),
    };
    (message, Some(help))
}

fn shortened(known: &[&str]) -> String {
    const NAMES_MAX: usize = 12;
    let mut list = known.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    if known.len() > NAMES_MAX {
        list.push_str(", …");
    }
    list
}
