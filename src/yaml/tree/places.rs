//! Bytes of a text into lines and columns, fast enough for thousands of places in one long line.

use crate::diagnostic::Span;

/// Characters are counted once for each block of this many bytes.
const BLOCK_BYTES: usize = 512;

pub(super) struct Places<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
    /// Characters before each block.
    characters_before_block: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut characters = 0;
        let characters_before_block = text
            .as_bytes()
            .chunks(BLOCK_BYTES)
            .map(|block| {
                let before = characters;
                characters += character_starts(block);
                before
            })
            .collect();
        Self { text, line_starts, characters_before_block }
    }

    /// Equal to [`Span::within`].
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let start = self.boundary(start);
        let end = self.boundary(end).max(start);
        let line = self.line_of(start);
        let column = self.characters_before(start) - self.characters_before(self.line_starts[line]) + 1;
        Span { start, end, line: line + 1, column }
    }

    /// The nearest start of a character, backwards, within the text.
    pub(super) fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    /// The end of the line that `offset` is in.
    pub(super) fn line_end(&self, offset: usize) -> usize {
        let next = self.line_of(self.boundary(offset)) + 1;
        self.line_starts.get(next).copied().unwrap_or(self.text.len())
    }

    /// Whether nothing but white space stands before `offset` in its line.
    pub(super) fn begins_line(&self, offset: usize) -> bool {
        let offset = self.boundary(offset);
        self.text[self.line_starts[self.line_of(offset)]..offset].bytes().all(|byte| matches!(byte, b' ' | b'\t'))
    }

    fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset) - 1
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK_BYTES;
        let counted = self.characters_before_block.get(block).copied();
        let from = block * BLOCK_BYTES;
        match counted {
            Some(characters) => characters + character_starts(&self.text.as_bytes()[from..offset]),
            // The offset is the end of a text of whole blocks.
            None => self.text.chars().count(),
        }
    }
}

fn character_starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_plain_way() {
        let text = format!("a: é\n{}\nb: {}\n", "ü€𝄞x ".repeat(300), "z".repeat(700));
        let places = Places::of(&text);
        for start in (0..text.len() + 3).step_by(7).chain([text.len()]) {
            assert_eq!(places.span(start, start + 5), Span::within(&text, start, start + 5), "byte {start}");
        }
        let empty = Places::of("");
        assert_eq!(empty.span(0, 4), Span::within("", 0, 4));
    }
}
