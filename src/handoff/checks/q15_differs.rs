//! Q15: numbers, times and hosts of a read-back are those of the item, or both have settled it.

use super::{Check, Finding, World};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q15", title: "What differs between item and read-back is settled", run };

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let said = state.record.items.iter().filter_map(|item| Some((item, state.receipt(&item.key)?.read_back.as_ref()?)));
    said.filter(|(_, said)| !said.settled && !said.differs.is_empty())
        .map(|(item, said)| {
            let differs = said.differs.join(", ");
            Finding::error("Q15", format!("{differs} is said, and not in the item: which of the two is right?"))
                .about(item)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};
    use crate::handoff::state::{ReadBack, Receipt};

    fn says(differs: &[&str], settled: bool) -> String {
        finds_in(&CHECK, |state, _| {
            let differs = differs.iter().map(|mark| (*mark).to_owned()).collect();
            let read_back = ReadBack { text: String::new(), at_ms: 0, differs, settled };
            let receipt = Receipt { read_back: Some(read_back), decision: None };
            state.synthesis.items.insert(state.record.items[0].key.clone(), receipt);
        })
    }

    #[test]
    fn another_number_is_named_until_it_is_settled() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        assert!(says(&["59%"], false).contains("59% is said"));
        assert_eq!(says(&["59%"], true), "");
        assert_eq!(says(&[], false), "");
    }
}
