//! What to look for: every form of every secret in one automaton, built once a run.

use std::collections::HashMap;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::{contiguous, noncontiguous};
use aho_corasick::{Anchored, MatchKind, PatternID};

use super::SecretText;
use super::forms::{binary_forms, text_forms};

/// Shorter secrets are looked for only as they are. The derived forms of one to three bytes (two base64
/// letters, say) occur in all text by chance, so they would mask nearly everything and hide nothing.
pub const DERIVED_FROM_BYTES: usize = 4;

/// Shorter derived forms, and shorter lines of a secret of many lines (`}`, `---`), are not looked for,
/// for the same reason.
pub const FORM_BYTES_MIN: usize = 4;

/// Every form of every secret: as it is; each of its lines; base64 in three alignments, two alphabets and
/// wrapped as `base64` wraps it; URL-encoded; hexadecimal; JSON-escaped; shell-quoted.
///
/// White space around a secret is not part of it (files end in a newline, values do not), and a secret of
/// nothing but white space is no secret. The automaton holds the needles in plain memory until dropped.
pub struct Needles {
    automaton: contiguous::NFA,
    start: StateID,
    /// How many of the last bytes read each state remembers: they may become a secret.
    depths: HashMap<StateID, usize>,
    /// What replaces each needle.
    masks: Vec<Box<str>>,
    bytes_max: usize,
}

impl Needles {
    /// Builds the automaton. Of two secrets with a form in common the first gives its name.
    pub fn new<N: AsRef<str>>(secrets: &[(N, &SecretText)]) -> Self {
        let mut forms: Vec<Vec<u8>> = Vec::new();
        let mut masks = Vec::new();
        let mut seen = HashMap::new();
        for (name, secret) in secrets {
            for form in forms_of(secret.expose()) {
                seen.entry(form.clone()).or_insert_with(|| {
                    forms.push(form);
                    masks.push(format!("[redacted: {}]", name.as_ref()).into_boxed_str());
                });
            }
        }
        Self::of_forms(&forms, masks)
    }

    fn of_forms(forms: &[Vec<u8>], masks: Vec<Box<str>>) -> Self {
        let sparse = noncontiguous::Builder::new()
            .match_kind(MatchKind::Standard)
            .build(forms)
            .expect("secrets are far below the automaton's 2^31 states");
        let automaton = contiguous::Builder::new()
            .build_from_noncontiguous(&sparse)
            .expect("secrets are far below the automaton's 2^31 states");
        let start = automaton.start_state(Anchored::No).expect("built for unanchored search");
        let depths = depths(&automaton, start, forms);
        let bytes_max = forms.iter().map(Vec::len).max().unwrap_or(0);
        Self { automaton, start, depths, masks, bytes_max }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// Length of the longest form; a redactor holds back fewer bytes than this.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub(super) fn start(&self) -> StateID {
        self.start
    }

    pub(super) fn next(&self, state: StateID, byte: u8) -> StateID {
        self.automaton.next_state(Anchored::No, state, byte)
    }

    pub(super) fn depth(&self, state: StateID) -> usize {
        self.depths.get(&state).copied().unwrap_or(0)
    }

    /// The longest needle that ends where `state` was reached: its length and number. Shorter ones that
    /// end there lie inside it.
    pub(super) fn longest_match(&self, state: StateID) -> Option<(usize, PatternID)> {
        if !self.automaton.is_special(state) || !self.automaton.is_match(state) {
            return None;
        }
        (0..self.automaton.match_len(state))
            .map(|index| self.automaton.match_pattern(state, index))
            .map(|needle| (self.automaton.pattern_len(needle), needle))
            .max_by_key(|(length, _)| *length)
    }

    pub(super) fn mask(&self, needle: PatternID) -> &str {
        &self.masks[needle.as_usize()]
    }
}

/// Every state is a prefix of some form, reached by reading that prefix from the start.
fn depths(automaton: &contiguous::NFA, start: StateID, forms: &[Vec<u8>]) -> HashMap<StateID, usize> {
    let mut depths = HashMap::new();
    for form in forms {
        let mut state = start;
        for (index, byte) in form.iter().enumerate() {
            state = automaton.next_state(Anchored::No, state, *byte);
            depths.insert(state, index + 1);
        }
    }
    depths
}

/// All forms of one secret, the plain one first.
pub(super) fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let text = secret.trim();
    if text.is_empty() {
        return Vec::new();
    }
    if text.len() < DERIVED_FROM_BYTES {
        return vec![text.as_bytes().to_vec()];
    }
    let mut forms = text_forms(text);
    forms.extend(binary_forms(text.as_bytes()));
    if text.contains(['\n', '\r']) {
        forms.push(text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes());
        forms.extend(text.split(['\n', '\r']).flat_map(|line| text_forms(line.trim())));
    }
    forms.retain(|form| form.len() >= FORM_BYTES_MIN);
    forms
}
