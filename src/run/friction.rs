//! How much a person must do before a step goes on: the friction table of the runbook format.
//!
//! Friction grows with what the step does and with how many hosts it does it to; hosts labelled
//! `env=prod` count one row lower, so a change there is treated as destructive. An author may ask for
//! more, never for less.

use crate::inventory::target::Target;
use crate::run::plan::{Gesture, Pace, Plan, PlannedStep};
use crate::runbook::model::Effect;

/// Up to this many hosts the middle column of the table holds.
const FEW_HOSTS_MAX: usize = 5;

/// Selections up to this size have no third column by share: a quarter of four hosts is one host.
const SMALL_SELECTION_MAX: u32 = FEW_HOSTS_MAX as u32;

/// The hosts of a step, cut into waves: each wave starts when the one before has ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Positions in the list of hosts that was given.
    pub range: std::ops::Range<usize>,
    /// What a person must do to let it go on; none goes on by itself.
    pub gesture: Option<Gesture>,
}

/// The columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    One,
    Few,
    Many,
}

/// The row of the table that a step falls into on these hosts.
pub fn effective_row(effect: Effect, hosts: &[&Target]) -> Effect {
    let production = hosts.iter().any(|host| host.labels.get("env").is_some_and(|env| env == "prod"));
    match effect {
        Effect::Change if production => Effect::Destructive,
        Effect::Check | Effect::Change | Effect::Destructive => effect,
    }
}

/// Whether the table asks for a second person, which only an approval can give.
pub fn needs_second_person(plan: &Plan, step: &PlannedStep, hosts: &[&Target]) -> bool {
    step.effect() == Effect::Destructive && column(plan, hosts.len()) == Column::Many
}

/// The waves of a step over the hosts that it will run on, in order.
pub fn waves(plan: &Plan, step: &PlannedStep, hosts: &[&Target]) -> Vec<Wave> {
    let count = hosts.len();
    if count == 0 {
        return Vec::new();
    }
    let row = effective_row(step.effect(), hosts);
    let column = column(plan, count);
    if row == Effect::Check {
        return vec![Wave { range: 0..count, gesture: step.confirm.clone() }];
    }
    if column == Column::One {
        let table = if row == Effect::Destructive { Gesture::Host } else { Gesture::Press };
        return vec![Wave { range: 0..1, gesture: asked(plan, step, table) }];
    }
    if (row, column) == (Effect::Change, Column::Few) {
        return vec![Wave { range: 0..count, gesture: asked(plan, step, Gesture::Count) }];
    }
    let first = if row == Effect::Destructive { Gesture::Host } else { Gesture::Press };
    let batch = if column == Column::Many { count.div_ceil(4).max(FEW_HOSTS_MAX) } else { count };
    let mut waves = vec![Wave { range: 0..1, gesture: asked(plan, step, first) }];
    let mut next = 1;
    while next < count {
        let end = (next + batch).min(count);
        let gesture = if next == 1 { Gesture::Count } else { Gesture::Press };
        waves.push(Wave { range: next..end, gesture: asked(plan, step, gesture) });
        next = end;
    }
    waves
}

fn column(plan: &Plan, count: usize) -> Column {
    let share_over_quarter =
        plan.selection_size > SMALL_SELECTION_MAX && count as u64 * 4 > u64::from(plan.selection_size);
    match count {
        0 | 1 => Column::One,
        _ if count > FEW_HOSTS_MAX || share_over_quarter => Column::Many,
        _ => Column::Few,
    }
}

/// What remains of the table's gesture after what the starter stated, and what the author asks for.
fn asked(plan: &Plan, step: &PlannedStep, table: Gesture) -> Option<Gesture> {
    let stated = plan.hosts_confirmed.is_some_and(|stated| stated as usize == plan.hosts.len());
    let destructive = step.effect() == Effect::Destructive;
    let from_table = match table {
        _ if destructive => Some(table),
        // One labelled button is what pace `auto` presses.
        Gesture::Press => (plan.pace == Pace::Step).then_some(Gesture::Press),
        Gesture::Count | Gesture::Host | Gesture::Phrase(_) if !stated => Some(table),
        Gesture::Count | Gesture::Host | Gesture::Phrase(_) => (plan.pace == Pace::Step).then_some(Gesture::Press),
    };
    match (&step.confirm, from_table) {
        (None, from_table) => from_table,
        (Some(author), None) => Some(author.clone()),
        (Some(author), Some(table)) => Some(if strength(author) >= strength(&table) { author.clone() } else { table }),
    }
}

fn strength(gesture: &Gesture) -> u8 {
    match gesture {
        Gesture::Press => 0,
        Gesture::Count => 1,
        Gesture::Host => 2,
        Gesture::Phrase(_) => 3,
    }
}
