//! The form of an item, filled with what is there, or with what was typed when it was refused.

use serde::Serialize;

use crate::handoff::record::{RunbookRef, Severity as Judged};
use crate::handoff::view::ItemView;
use crate::web::handoff_form::{ActionText, ContingencyText, ItemText};

/// Blank rows below what is written: one more than most need, without a script.
const BLANK_ACTIONS: usize = 2;
const BLANK_CONTINGENCIES: usize = 1;

/// The form of an item, filled with what is there or with what was typed.
#[derive(Debug, Clone, Serialize)]
pub struct ItemForm {
    pub severities: Vec<SeverityChoice>,
    pub text: FormText,
    pub actions: Vec<ActionRow>,
    pub contingencies: Vec<ContingencyRow>,
    /// It is not written yet: the form stands open.
    pub open: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct FormText {
    pub title: String,
    pub severity_basis: String,
    pub statement: String,
    pub tried: String,
    pub assessment: String,
    pub plan: String,
    pub decision: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SeverityChoice {
    pub word: &'static str,
    pub meaning: &'static str,
    pub chosen: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ActionRow {
    pub at: usize,
    pub text: String,
    pub owner: String,
    pub due: String,
    pub runbook: String,
    pub done: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ContingencyRow {
    pub at: usize,
    pub condition: String,
    pub then: String,
    pub runbook: String,
    pub page: String,
}

pub(super) fn item_form(line: &ItemView, typed: Option<&ItemText>) -> ItemForm {
    let stored = stored_text(line);
    let text = typed.unwrap_or(&stored);
    let meaning = |judged| match judged {
        Judged::Unstable => "look now",
        Judged::Watcher => "may turn bad; say what to watch",
        Judged::Stable => "takes its expected course",
    };
    let choice = |judged: Judged| {
        let word = judged.word();
        SeverityChoice { word, meaning: meaning(judged), chosen: text.severity == word }
    };
    let blanks = text.actions.iter().cloned().chain(std::iter::repeat_n(ActionText::default(), BLANK_ACTIONS));
    let lines = text.contingencies.iter().cloned();
    let lines = lines.chain(std::iter::repeat_n(ContingencyText::default(), BLANK_CONTINGENCIES));
    ItemForm {
        severities: Judged::ALL.map(choice).to_vec(),
        open: typed.is_some() || line.item.severity.is_none(),
        text: FormText {
            title: text.title.clone(),
            severity_basis: text.severity_basis.clone(),
            statement: text.statement.clone(),
            tried: text.tried.clone(),
            assessment: text.assessment.clone(),
            plan: text.plan.clone(),
            decision: text.decision.clone(),
        },
        actions: blanks.enumerate().map(|(at, row)| action_row(at, row)).collect(),
        contingencies: lines
            .enumerate()
            .map(|(at, row)| ContingencyRow {
                at,
                condition: row.condition,
                then: row.then,
                runbook: row.runbook,
                page: row.page,
            })
            .collect(),
    }
}

fn action_row(at: usize, row: ActionText) -> ActionRow {
    ActionRow { at, text: row.text, owner: row.owner, due: row.due, runbook: row.runbook, done: row.done }
}

/// What is there, as a form has it.
fn stored_text(line: &ItemView) -> ItemText {
    let item = &line.item;
    let named = |runbook: &Option<RunbookRef>| {
        let runbook = runbook.as_ref();
        runbook.map_or_else(String::new, |runbook| {
            let inputs: String = runbook.inputs.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("{}{inputs}", runbook.path)
        })
    };
    ItemText {
        title: item.title.clone(),
        severity: item.severity.map_or("", Judged::word).to_owned(),
        severity_basis: item.severity_basis.clone(),
        statement: item.summary.statement.clone(),
        tried: item.summary.tried.clone(),
        assessment: item.summary.assessment.clone(),
        plan: item.summary.plan.clone(),
        decision: item.summary.decision.clone(),
        actions: item
            .actions
            .iter()
            .map(|action| ActionText {
                text: action.text.clone(),
                owner: action.owner.clone(),
                due: action.due.as_ref().map(|due| due.text.clone()).unwrap_or_default(),
                runbook: named(&action.runbook),
                done: action.done,
            })
            .collect(),
        contingencies: item
            .contingencies
            .iter()
            .map(|line| ContingencyText {
                condition: line.condition.clone(),
                then: line.then.clone(),
                runbook: named(&line.runbook),
                page: line.page.clone(),
            })
            .collect(),
    }
}
