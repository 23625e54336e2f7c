//! Q14: a read-back is the receiver's own words, and names the action and the “if”.

use super::{Check, Finding, World};
use crate::handoff::read_back;
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q14", title: "A read-back is in the receiver's own words", run };

/// Asked when a read-back is made, which is refused then; an older one may not fit what the item says now.
fn run(state: &State, _world: &World) -> Vec<Finding> {
    let said = state.record.items.iter().filter_map(|item| Some((item, state.receipt(&item.key)?.read_back.as_ref()?)));
    said.flat_map(|(item, said)| {
        read_back::lacks(item, &said.text).into_iter().map(move |lack| Finding::error("Q14", lack).about(item))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};
    use crate::handoff::state::{ReadBack, Receipt};

    fn says(text: &str) -> String {
        finds_in(&CHECK, |state, _| {
            let read_back = ReadBack { text: text.to_owned(), at_ms: 0, differs: Vec::new(), settled: false };
            let receipt = Receipt { read_back: Some(read_back), decision: None };
            state.synthesis.items.insert(state.record.items[0].key.clone(), receipt);
        })
    }

    #[test]
    fn a_copy_is_named_and_own_words_are_not() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        assert_eq!(
            says("Core dumps eat the space; I clean out releases, and past 95 % of the disk I halt the worker"),
            ""
        );
        assert!(says("The disk of web-1 fills with core dumps of the worker.").contains("own words"));
    }
}
