//! Q2: people and window can be resolved, one accountable person on each side.

use super::{Check, Finding, World};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q2", title: "Sender and receiver are people who can sign in", run };

fn run(state: &State, world: &World) -> Vec<Finding> {
    let sides = [
        (world.sender_is_there, &state.shift.outgoing, "hands over"),
        (world.receiver_is_there, &state.shift.incoming, "receives"),
    ];
    let absent = sides.into_iter().filter(|(is_there, _, _)| !is_there);
    absent
        .map(|(_, who, does)| {
            let what = format!(
                "{who}, who {does}, has no account here: make one (steadyhand user add), or name somebody else"
            );
            Finding::error("Q2", what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn somebody_without_an_account_is_named() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let found = finds_in(&CHECK, |_, world| world.receiver_is_there = false);
        assert!(found.contains("user:ben, who receives") && found.contains("steadyhand user"), "{found}");
    }
}
