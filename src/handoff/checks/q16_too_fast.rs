//! Q16: an acknowledgement that came faster than the text can be read. Counted for the team, never shown by person.

use super::{Check, Finding, World};
use crate::handoff::record::Item;
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q16", title: "It was taken no faster than it can be read", run };

/// Letters a second of somebody who skims: well above what anybody reads.
const LETTERS_A_SECOND: usize = 50;

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let (Some(offered_ms), Some(acknowledged)) = (state.offered_ms, &state.acknowledged) else { return Vec::new() };
    let letters: usize = state.record.items.iter().flat_map(Item::written).map(str::len).sum();
    let reading_ms = i64::try_from(letters / LETTERS_A_SECOND).unwrap_or(i64::MAX).saturating_mul(1_000);
    if acknowledged.at_ms - offered_ms >= reading_ms {
        return Vec::new();
    }
    vec![Finding::warning("Q16", "it was acknowledged faster than it can be read")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn three_seconds_for_a_page_are_counted_and_a_minute_is_not() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let taken_after = |seconds: i64| {
            finds_in(&CHECK, |state, _| {
                let digest = state.digest();
                state.offered_ms = Some(0);
                state.acknowledged =
                    Some(crate::handoff::state::Acknowledged { at_ms: seconds * 1_000, revision: 1, digest });
            })
        };
        assert!(taken_after(3).contains("faster"));
        assert_eq!(taken_after(60), "");
    }
}
