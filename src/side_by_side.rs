//! Two outputs beside each other, line by line: what is in both, what differs, and where. Plain data; what is bounded is
//! said by whoever asks, because only they know how much there was.

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Equal lines before and behind a difference that stay in sight.
const CONTEXT_LINES: usize = 3;

/// What does not count as a difference.
#[derive(Debug, Clone, Default)]
pub enum Noise {
    /// Everything counts.
    #[default]
    Counts,
    /// White space, numbers and the names of the hosts do not.
    Ignored { hosts: AhoCorasick },
}

/// Two texts beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SideBySide {
    pub blocks: Vec<Block>,
    /// Lines that differ, on either side.
    pub differing: usize,
}

/// Lines that stand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Equal lines far from any difference: folded.
    pub folded: bool,
    pub rows: Vec<Row>,
}

/// A line of the left text, of the right one, or of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub kind: Kind,
    pub left: Option<Line>,
    pub right: Option<Line>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Same,
    Changed,
    Removed,
    Added,
}

/// A line, cut around what differs from the line beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub before: String,
    pub changed: String,
    pub behind: String,
}

impl Noise {
    /// White space, numbers and these names do not count. To be made once for all lines: it finds all names of a line in
    /// one pass, longer ones first, so that `web-12` is not `web-1` and a 2.
    pub fn ignoring<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Self {
        let hosts = hosts.into_iter().filter(|host| !host.is_empty());
        let hosts = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(hosts);
        Self::Ignored { hosts: hosts.expect("the names of all hosts are fewer bytes than the automaton counts") }
    }

    /// The line as it is compared.
    pub fn key(&self, line: &str) -> String {
        let Self::Ignored { hosts } = self else { return line.to_owned() };
        let mut text = String::with_capacity(line.len());
        hosts.replace_all_with(line, &mut text, |_, _, text| {
            text.push_str("host");
            true
        });
        let mut key = String::with_capacity(text.len());
        for letter in text.trim().chars() {
            let last = key.chars().next_back();
            match letter {
                _ if letter.is_numeric() => {
                    if last != Some('0') {
                        key.push('0');
                    }
                }
                '.' | ',' | ':' if last == Some('0') => {}
                _ if letter.is_whitespace() => {
                    if last != Some(' ') {
                        key.push(' ');
                    }
                }
                _ => key.push(letter),
            }
        }
        key
    }
}

/// What of `left` is in `right`, in order.
pub fn side_by_side(left: &[String], right: &[String], noise: &Noise) -> SideBySide {
    let keys = |lines: &[String]| lines.iter().map(|line| noise.key(line)).collect::<Vec<_>>();
    let operations = capture_diff_slices(Algorithm::Myers, &keys(left), &keys(right));
    let mut compared = SideBySide::default();
    let count = operations.len();
    for (position, operation) in operations.into_iter().enumerate() {
        match operation {
            DiffOp::Equal { old_index, new_index, len } => {
                let rows = (0..len).map(|at| same((left, old_index + at), (right, new_index + at))).collect();
                compared.blocks.extend(folded(rows, position == 0, position + 1 == count));
            }
            DiffOp::Delete { old_index, old_len, .. } => compared.add(removed(left, old_index, old_len)),
            DiffOp::Insert { new_index, new_len, .. } => compared.add(added(right, new_index, new_len)),
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let both = old_len.min(new_len);
                let mut rows: Vec<Row> =
                    (0..both).map(|at| changed((left, old_index + at), (right, new_index + at))).collect();
                rows.extend(removed(left, old_index + both, old_len - both));
                rows.extend(added(right, new_index + both, new_len - both));
                compared.add(rows);
            }
        }
    }
    compared
}

impl SideBySide {
    fn add(&mut self, rows: Vec<Row>) {
        self.differing += rows.len();
        self.blocks.push(Block { folded: false, rows });
    }

    /// Drops what goes over `rows_max`; whether something was dropped.
    pub fn truncate(&mut self, rows_max: usize) -> bool {
        let mut room = rows_max;
        let mut dropped = false;
        for block in &mut self.blocks {
            dropped |= block.rows.len() > room;
            block.rows.truncate(room);
            room -= block.rows.len();
        }
        self.blocks.retain(|block| !block.rows.is_empty());
        dropped
    }
}

/// Equal lines as blocks: those near a difference in sight, the others folded.
fn folded(mut rows: Vec<Row>, is_first: bool, is_last: bool) -> Vec<Block> {
    let before = if is_first { 0 } else { CONTEXT_LINES };
    let behind = if is_last { 0 } else { CONTEXT_LINES };
    if rows.len() <= before + behind + 1 {
        return vec![Block { folded: false, rows }];
    }
    let tail = rows.split_off(rows.len() - behind);
    let middle = rows.split_off(before);
    [(false, rows), (true, middle), (false, tail)]
        .into_iter()
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(folded, rows)| Block { folded, rows })
        .collect()
}

fn whole(lines: &[String], at: usize) -> Line {
    Line { number: at + 1, before: lines[at].clone(), changed: String::new(), behind: String::new() }
}

fn same((left, at): (&[String], usize), (right, right_at): (&[String], usize)) -> Row {
    Row { kind: Kind::Same, left: Some(whole(left, at)), right: Some(whole(right, right_at)) }
}

fn removed(lines: &[String], from: usize, count: usize) -> Vec<Row> {
    (from..from + count).map(|at| Row { kind: Kind::Removed, left: Some(whole(lines, at)), right: None }).collect()
}

fn added(lines: &[String], from: usize, count: usize) -> Vec<Row> {
    (from..from + count).map(|at| Row { kind: Kind::Added, left: None, right: Some(whole(lines, at)) }).collect()
}

/// Two lines in each other's place: what they begin and end with in common stands apart from what differs.
fn changed((left, at): (&[String], usize), (right, right_at): (&[String], usize)) -> Row {
    let (old, new): (Vec<char>, Vec<char>) = (left[at].chars().collect(), right[right_at].chars().collect());
    let begin = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let end = old[begin..].iter().rev().zip(new[begin..].iter().rev()).take_while(|(old, new)| old == new).count();
    let cut = |letters: &[char], number: usize| Line {
        number,
        before: letters[..begin].iter().collect(),
        changed: letters[begin..letters.len() - end].iter().collect(),
        behind: letters[letters.len() - end..].iter().collect(),
    };
    Row { kind: Kind::Changed, left: Some(cut(&old, at + 1)), right: Some(cut(&new, right_at + 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn shape(compared: &SideBySide) -> Vec<(bool, usize, Kind)> {
        compared.blocks.iter().map(|block| (block.folded, block.rows.len(), block.rows[0].kind)).collect()
    }

    #[test]
    fn a_changed_word_stands_apart_in_both_lines() {
        let compared =
            side_by_side(&lines("nginx is active since 10:04"), &lines("nginx is failed since 10:04"), &Noise::Counts);
        let row = &compared.blocks[0].rows[0];
        let parts = |line: &Option<Line>| line.clone().map(|line| (line.before, line.changed, line.behind));
        assert_eq!(parts(&row.left), Some(("nginx is ".into(), "active".into(), " since 10:04".into())));
        assert_eq!(parts(&row.right), Some(("nginx is ".into(), "failed".into(), " since 10:04".into())));
        assert_eq!((row.kind, compared.differing), (Kind::Changed, 1));
    }

    #[test]
    fn equal_lines_far_from_a_difference_are_folded() {
        let many: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
        let mut other = many.clone();
        other[50] = "something else".to_owned();
        let compared = side_by_side(&many, &other, &Noise::Counts);
        let expected = [
            (true, 47, Kind::Same),
            (false, 3, Kind::Same),
            (false, 1, Kind::Changed),
            (false, 3, Kind::Same),
            (true, 46, Kind::Same),
        ];
        assert_eq!(shape(&compared), expected);
        assert_eq!(side_by_side(&many, &many, &Noise::Counts).differing, 0);
    }

    #[test]
    fn numbers_white_space_and_host_names_may_be_noise() {
        let noise = Noise::ignoring(["web-1", "web-12", "ost", ""]);
        assert_eq!(noise.key("web-12 and web-1, web-123"), "host and host, host0", "longest first, each once");
        let (old, new) = (lines("web-1:  up 3 days, load 0.12\n"), lines("web-12: up 114 days, load 1.50\n"));
        assert_eq!(side_by_side(&old, &new, &noise).differing, 0);
        assert_eq!(side_by_side(&old, &new, &Noise::Counts).differing, 1);
        assert_eq!(side_by_side(&old, &lines("web-12: down 114 days, load 1.50"), &noise).differing, 1);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let many: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
        let mut compared = side_by_side(&many, &[], &Noise::Counts);
        assert!(compared.truncate(10));
        assert_eq!(compared.blocks.iter().map(|block| block.rows.len()).sum::<usize>(), 10);
        assert!(!compared.truncate(10));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_line_of_either_side_is_lost(
            left in prop::collection::vec("[ab]{0,2}", 0..30),
            right in prop::collection::vec("[ab]{0,2}", 0..30),
        ) {
            let compared = side_by_side(&left, &right, &Noise::Counts);
            let text = |line: &Line| format!("{}{}{}", line.before, line.changed, line.behind);
            let rows: Vec<&Row> = compared.blocks.iter().flat_map(|block| &block.rows).collect();
            let side = |of: fn(&Row) -> &Option<Line>| rows.iter().filter_map(|row| of(row).as_ref()).map(text).collect::<Vec<_>>();
            prop_assert_eq!(side(|row| &row.left), left);
            prop_assert_eq!(side(|row| &row.right), right);
        }
    }
}
