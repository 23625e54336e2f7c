//! Whether a read-back is the receiver's own words, and says what matters. It shows effort and agreement, not
//! understanding: no program sees that.

use std::collections::BTreeSet;

use crate::handoff::record::{Item, Severity};

/// Share of the read-back's word pairs that stand in the source, at and above which it is a copy.
pub const OVERLAP_MAX: f64 = 0.6;

/// Words that a read-back has at least.
pub const WORDS_MIN: usize = 5;

/// A word of the action or the condition counts as named when this much of it is there: letters that a plural or a
/// tense changes are at its end.
const STEM_LETTERS: usize = 5;

/// Words without which a sentence means the same.
const SMALL: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "for", "from", "has", "have", "i", "if", "in", "is", "it",
    "its", "of", "on", "or", "so", "than", "that", "the", "then", "this", "to", "was", "when", "will", "with", "you",
];

/// What a read-back lacks, in words; nothing if it can be taken.
pub fn lacks(item: &Item, text: &str) -> Vec<String> {
    let mut lacks = Vec::new();
    let said = words(text);
    if said.len() < WORDS_MIN {
        lacks.push(format!("say it in a sentence of your own: at least {WORDS_MIN} words"));
        return lacks;
    }
    let copied = overlap(text, &source(item));
    if copied >= OVERLAP_MAX {
        lacks.push(format!("it repeats the text ({:.0} % of it): say it in your own words", copied * 100.0));
    }
    let actions: Vec<&str> = item.actions.iter().filter(|action| !action.done).map(|line| line.text.as_str()).collect();
    if !actions.is_empty() && !actions.iter().any(|action| names(&said, action)) {
        lacks.push(format!("name what is to be done: {}", actions.join("; ")));
    }
    let conditions: Vec<&str> = item.contingencies.iter().map(|line| line.condition.as_str()).collect();
    if !conditions.is_empty() && !conditions.iter().any(|condition| names(&said, condition)) {
        lacks.push(format!("name the “if”: {}", conditions.join("; ")));
    }
    lacks
}

/// Numbers, times and hosts that the read-back has and the item has not: one of the two is wrong.
pub fn differs(item: &Item, text: &str) -> Vec<String> {
    let known: BTreeSet<String> = marks(&whole_source(item)).collect();
    let mut differs: Vec<String> = marks(text).filter(|mark| !known.contains(mark)).collect();
    differs.dedup();
    differs
}

/// Words that look exact: with a digit in them. `85 %` is `85%`.
fn marks(text: &str) -> impl Iterator<Item = String> {
    let joined = text.replace(" %", "%");
    let exact: Vec<String> = joined
        .split(|letter: char| letter.is_whitespace() || ",;()“”\"'".contains(letter))
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '%').to_lowercase())
        .filter(|word| word.chars().any(|letter| letter.is_ascii_digit()))
        .collect();
    exact.into_iter()
}

/// The share of pairs of neighbouring words of `text` that stand in `source`.
pub fn overlap(text: &str, source: &str) -> f64 {
    let pairs = |text: &str| -> Vec<(String, String)> {
        let words = words(text);
        words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    };
    let said = pairs(text);
    if said.is_empty() {
        return 0.0;
    }
    let known: BTreeSet<_> = pairs(source).into_iter().collect();
    let copied = said.iter().filter(|pair| known.contains(pair)).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of words in a text of a few kilobytes")]
    let share = copied as f64 / said.len() as f64;
    share
}

fn words(text: &str) -> Vec<String> {
    let is_word = |letter: char| letter.is_alphanumeric() || "-%".contains(letter);
    text.split(|letter| !is_word(letter)).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether what was said has a word that matters of this text.
fn names(said: &[String], text: &str) -> bool {
    let stem = |word: &str| word.chars().take(STEM_LETTERS).collect::<String>();
    let matters: Vec<String> =
        words(text).iter().filter(|word| !SMALL.contains(&word.as_str())).map(|word| stem(word)).collect();
    matters.is_empty() || said.iter().any(|word| matters.contains(&stem(word)))
}

/// What the sender wrote: repeating it is copying.
fn source(item: &Item) -> String {
    item.written().join("\n")
}

/// The same with facts, owners and times: what a read-back may mention.
fn whole_source(item: &Item) -> String {
    let facts = item.summary.history.iter().flat_map(|fact| {
        let host = fact.evidence.host.as_ref().map(ToString::to_string);
        [Some(fact.text.clone()), host].into_iter().flatten()
    });
    let dues = item.actions.iter().filter_map(|action| action.due.as_ref()).map(|due| due.text.clone());
    let severity = item.severity.map(Severity::word).unwrap_or_default().to_owned();
    let more: Vec<String> = facts.chain(dues).chain([severity]).collect();
    format!("{}\n{}", source(item), more.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::record::{Action, Contingency};

    fn item() -> Item {
        let mut item = Item::titled("db".parse().unwrap(), "Replica lag".to_owned());
        item.severity = Some(Severity::Unstable);
        item.summary.statement = "db-2 is 90 s behind and falling further back since the bulk load".to_owned();
        item.summary.plan = "Hold until 07:30".to_owned();
        item.actions.push(Action {
            text: "Ask the loaders to pause".to_owned(),
            owner: "ben".to_owned(),
            due: None,
            runbook: None,
            done: false,
        });
        item.contingencies.push(Contingency {
            condition: "lag above 300 s".to_owned(),
            then: "fail over to db-3".to_owned(),
            runbook: None,
            page: "dba".to_owned(),
        });
        item
    }

    #[test]
    fn own_words_that_name_the_action_and_the_if_are_taken() {
        let said =
            "The second replica trails; I ask for a pause of the load, and if lag passes 300 s it is db-3's turn";
        assert_eq!(lacks(&item(), said), Vec::<String>::new());
        assert_eq!(differs(&item(), said), Vec::<String>::new());
    }

    #[test]
    fn a_copy_is_refused_and_so_is_what_leaves_out_action_or_if() {
        let copy = "db-2 is 90 s behind and falling further back since the bulk load. Ask the loaders to pause. lag above 300 s";
        assert!(lacks(&item(), copy)[0].contains("own words"));
        let vague = "I shall look after the replica during the whole night myself";
        let found = lacks(&item(), vague).join(" ");
        assert!(found.contains("to be done") && found.contains("“if”"), "{found}");
        assert_eq!(lacks(&item(), "ok").len(), 1);
    }

    #[test]
    fn another_number_or_host_is_found_and_a_space_before_the_percent_is_none() {
        assert_eq!(differs(&item(), "if lag passes 30 s on db-4, pause"), ["30", "db-4"]);
        let mut disk = item();
        disk.summary.statement = "Disk at 85 %".to_owned();
        assert_eq!(differs(&disk, "85% full"), Vec::<String>::new());
    }
}
