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
    effective_row(step.effect(), hosts) == Effect::Destructive && column(plan, hosts.len()) == Column::Many
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::decide::tests::{command, plan, target};

    /// One line of the table: what each wave asks for, and how many hosts it holds.
    fn table(effect: Effect, hosts: usize, prod: bool, change: impl FnOnce(&mut Plan)) -> String {
        let targets: Vec<Target> = (1..=hosts).map(|number| target(&format!("h{number}"), prod)).collect();
        let mut plan = plan(targets, vec![command("s", effect)], Pace::Step);
        change(&mut plan);
        let hosts: Vec<&Target> = plan.hosts.iter().collect();
        let words = waves(&plan, &plan.steps[0], &hosts).into_iter().map(|wave| {
            let gesture = match wave.gesture {
                None => "-".to_owned(),
                Some(Gesture::Phrase(words)) => format!("phrase {words}"),
                Some(gesture) => format!("{gesture:?}").to_lowercase(),
            };
            format!("{}:{gesture}", wave.range.len())
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn as_is(_: &mut Plan) {}

    #[test]
    fn the_table_of_the_format_holds() {
        for hosts in [1, 2, 5, 6, 50] {
            assert_eq!(table(Effect::Check, hosts, false, as_is), format!("{hosts}:-"));
        }
        assert_eq!(table(Effect::Change, 1, false, as_is), "1:press");
        assert_eq!(table(Effect::Change, 5, false, as_is), "5:count");
        assert_eq!(table(Effect::Change, 6, false, as_is), "1:press 5:count");
        assert_eq!(table(Effect::Change, 13, false, as_is), "1:press 5:count 5:press 2:press");
        assert_eq!(table(Effect::Destructive, 1, false, as_is), "1:host");
        assert_eq!(table(Effect::Destructive, 3, false, as_is), "1:host 2:count");
    }

    #[test]
    fn production_counts_one_row_lower() {
        assert_eq!(table(Effect::Change, 1, true, as_is), "1:host");
        assert_eq!(table(Effect::Change, 3, true, as_is), "1:host 2:count");
        assert_eq!(table(Effect::Check, 3, true, as_is), "3:-");
    }

    #[test]
    fn destruction_on_many_hosts_and_changes_of_many_in_production_need_a_second_person() {
        let asks = |effect, hosts: usize, prod| {
            let targets: Vec<Target> = (1..=hosts).map(|number| target(&format!("h{number}"), prod)).collect();
            let plan = plan(targets, vec![command("s", effect)], Pace::Auto);
            needs_second_person(&plan, &plan.steps[0], &plan.hosts.iter().collect::<Vec<_>>())
        };
        for (effect, hosts, prod, expected) in [
            (Effect::Destructive, 5, false, false),
            (Effect::Destructive, 6, false, true),
            (Effect::Change, 6, false, false),
            (Effect::Change, 5, true, false),
            (Effect::Change, 6, true, true),
            (Effect::Check, 50, true, false),
        ] {
            assert_eq!(asks(effect, hosts, prod), expected, "{effect:?} on {hosts}, production: {prod}");
        }
    }

    #[test]
    fn a_quarter_of_a_large_selection_is_many() {
        assert_eq!(table(Effect::Change, 3, false, |plan| plan.selection_size = 8), "1:press 2:count");
        assert_eq!(table(Effect::Change, 2, false, |plan| plan.selection_size = 8), "2:count");
        assert_eq!(table(Effect::Change, 2, false, |plan| plan.selection_size = 4), "2:count");
    }

    #[test]
    fn the_stated_number_of_hosts_stands_for_the_tables_friction_of_changes_never_of_destruction() {
        let stated = |pace: Pace| {
            move |plan: &mut Plan| {
                plan.hosts_confirmed = Some(plan.hosts.len() as u32);
                plan.pace = pace;
            }
        };
        assert_eq!(table(Effect::Change, 3, false, stated(Pace::Auto)), "3:-");
        assert_eq!(table(Effect::Change, 3, false, stated(Pace::Step)), "3:press");
        assert_eq!(table(Effect::Change, 7, false, stated(Pace::Auto)), "1:- 5:- 1:-");
        assert_eq!(table(Effect::Destructive, 3, false, stated(Pace::Auto)), "1:host 2:count");
        assert_eq!(table(Effect::Change, 3, false, |plan| plan.hosts_confirmed = Some(2)), "3:count");
    }

    #[test]
    fn an_author_may_ask_for_more_and_never_for_less() {
        let ask = |gesture: Gesture| move |plan: &mut Plan| plan.steps[0].confirm = Some(gesture);
        assert_eq!(table(Effect::Change, 1, false, ask(Gesture::Host)), "1:host");
        assert_eq!(table(Effect::Destructive, 1, false, ask(Gesture::Press)), "1:host");
        assert_eq!(table(Effect::Check, 2, false, ask(Gesture::Press)), "2:press");
        assert_eq!(
            table(Effect::Destructive, 1, false, ask(Gesture::Phrase("delete it".into()))),
            "1:phrase delete it"
        );
    }
}
