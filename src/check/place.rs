//! Finds a part of a field's value in the text of the file, whatever the YAML quoting and folding did to it.

use std::ops::Range;

use crate::diagnostic::Span;

/// The place in `text` of the bytes `part` of `value`, which is written at `field`. Where quoting has changed
/// the letters so that they are not found, the first line of the field.
pub(super) fn part_of_field(text: &str, field: Span, value: &str, part: Range<usize>) -> Span {
    let (Some(wanted), Some(written)) = (value.get(part.clone()), text.get(field.start..field.end)) else {
        return first_line(text, field);
    };
    if wanted.is_empty() {
        return first_line(text, field);
    }
    // The same letters may stand several times in the value; YAML keeps their order.
    let before = value[..part.start].match_indices(wanted).count();
    match written.match_indices(wanted).nth(before) {
        Some((offset, _)) => {
            let start = field.start + offset;
            Span::within(text, start, start + wanted.len())
        }
        None => first_line(text, field),
    }
}

/// A place cut at its first line end, so that a long block is not underlined as a whole.
pub(super) fn first_line(text: &str, span: Span) -> Span {
    let end = text.get(span.start..span.end).and_then(|written| written.find('\n')).map(|length| span.start + length);
    Span::within(text, span.start, end.unwrap_or(span.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_two_equal_words_is_found() {
        let text = "run: |\n  echo rm\n  rm x\n";
        let field = Span::within(text, 5, text.len());
        let span = part_of_field(text, field, "echo rm\nrm x\n", 8..10);
        assert_eq!((span.line, span.column), (3, 3));
    }

    #[test]
    fn a_value_whose_letters_are_escaped_is_underlined_on_its_first_line() {
        let text = r#"run: "a\tb""#;
        let field = Span::within(text, 5, text.len());
        assert_eq!(part_of_field(text, field, "a\tb", 0..3), field);
    }
}
