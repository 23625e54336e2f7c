//! Facts about drawing: hostile bytes stay text.

use proptest::prelude::*;
use regex::Regex;

use super::*;

fn html(line: &[u8]) -> String {
    Painter::new().html(line)
}

#[test]
fn markup_in_output_stays_text() {
    assert_eq!(
        html(b"<script>alert(\"x&y\")</script>'\n"),
        "&lt;script&gt;alert(&quot;x&amp;y&quot;)&lt;/script&gt;&#39;"
    );
}

#[test]
fn colours_and_attributes_become_classes() {
    assert_eq!(html(b"a \x1b[1;31mred\x1b[0m b"), "a <span class=\"sgr-fg-1 sgr-bold\">red</span> b");
    assert_eq!(
        html(b"\x1b[97;44;4;2;3;9;7mx"),
        "<span class=\"sgr-fg-15 sgr-bg-4 sgr-dim sgr-italic sgr-underline sgr-strike sgr-inverse\">x</span>"
    );
    assert_eq!(html(b"\x1b[1;2;3;4;7;9;31;42m\x1b[22;23;24;27;29;39;49mx"), "x");
    assert_eq!(html(b"\x1b[31ma\x1b[mb"), "<span class=\"sgr-fg-1\">a</span>b");
}

#[test]
fn all_colours_become_the_nearest_of_sixteen() {
    assert_eq!(html(b"\x1b[38;5;196mx"), "<span class=\"sgr-fg-9\">x</span>");
    assert_eq!(html(b"\x1b[38:5:244mx"), "<span class=\"sgr-fg-8\">x</span>");
    assert_eq!(html(b"\x1b[48;2;0;250;10mx"), "<span class=\"sgr-bg-10\">x</span>");
    assert_eq!(html(b"\x1b[38:2::255:255:0mx"), "<span class=\"sgr-fg-11\">x</span>");
    assert_eq!(html(b"\x1b[38;5;300mx\x1b[38;5my\x1b[38;9mz"), "xyz");
    assert_eq!(html(b"\x1b[58;5;1;32mx"), "<span class=\"sgr-fg-2\">x</span>");
}

#[test]
fn text_cannot_be_hidden_in_the_colour_of_its_background() {
    assert_eq!(html(b"\x1b[30;40mx\x1b[0;8my"), "<span class=\"sgr-fg-0\">x</span>y");
}

#[test]
fn every_other_sequence_is_dropped() {
    for hostile in [
        &b"a\x1b]8;;javascript:alert(1)\x07b\x1b]8;;\x07c"[..],
        b"a\x1b]8;;javascript:alert(1)\x1b\\b\x1b]8;;\x1b\\c",
        b"a\x1b]0;title\x07bc",
        b"ab\x1b[2J\x1b[1;1Hc",
        b"a\x1bP$q\"p\x1b\\bc",
        b"a\x1b_apc\x1b\\b\x1b^pm\x1b\\c",
        b"a\x1b(0b\x1b7c",
        b"abc\x1b[?1049h\x1b[>4;2m\x1b[6n",
        b"abc\x1b]52;c;cm0gLXJmIC8=",
        b"abc\x1b[38;5",
    ] {
        assert_eq!(html(hostile), "abc", "{hostile:?}");
    }
}

#[test]
fn an_unfinished_sequence_ends_with_its_line() {
    let mut painter = Painter::new();
    assert_eq!(painter.html(b"a\x1b]0;never ended\n"), "a");
    assert_eq!(painter.html(b"next\n"), "next");
}

#[test]
fn a_colour_goes_on_in_the_next_line() {
    let mut painter = Painter::new();
    assert_eq!(painter.html(b"\x1b[31m\n"), "");
    assert_eq!(painter.html(b"x\n"), "<span class=\"sgr-fg-1\">x</span>");
}

#[test]
fn control_and_bidi_characters_are_visible() {
    assert_eq!(
        html(b"a\0b\x07\x08\tc\x7f"),
        "a<span class=\"ctl\">␀</span>b<span class=\"ctl\">␇␈</span>\tc<span class=\"ctl\">␡</span>"
    );
    assert_eq!(html("x\u{202e}y".as_bytes()), "x<span class=\"ctl\">⟨U+202E⟩</span>y");
    assert_eq!(html("x\u{85}\u{2028}\u{e0041}y".as_bytes()), "x<span class=\"ctl\">⟨U+0085⟩⟨U+2028⟩⟨U+E0041⟩</span>y");
    assert_eq!(html("\u{9b}31mx".as_bytes()), "<span class=\"ctl\">⟨U+009B⟩</span>31mx");
}

#[test]
fn invalid_utf8_is_replaced_and_swallows_nothing() {
    assert_eq!(html(b"a\xc3<b\xff\x9b31m\xf0\x9f"), "a\u{fffd}&lt;b\u{fffd}\u{fffd}31m\u{fffd}");
    assert_eq!(html("wörld 👍 字".as_bytes()), "wörld 👍 字");
}

#[test]
fn of_a_progress_line_the_last_state_is_shown() {
    assert_eq!(html(b"10%\r20%\r\x1b[32m100%\n"), "<span class=\"folded\"><span class=\"sgr-fg-2\">100%</span></span>");
    assert_eq!(html(b"10%\r20%\r\x1b[K\n"), "<span class=\"folded\">20%</span>");
    assert_eq!(html(b"windows\r\n"), "windows");
    assert_eq!(html(b"\rfirst\n"), "first");
}

#[test]
fn plain_text_keeps_colours_or_nothing() {
    let line = b"a \x1b[1;38;5;9mred\x1b[0m\x1b]0;t\x07 \x1b[5mb\0\n";
    assert_eq!(Painter::new().plain(line, Keep::Nothing), "a red b␀");
    assert_eq!(Painter::new().plain(line, Keep::Colours), "a \x1b[0;1;91mred\x1b[0m b␀");
}

/// Bytes of which many are parts of sequences.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        "[<>&\"'a-c;:0-9m\\[\\]\r\n]{1,4}".prop_map(String::into_bytes),
        Just(b"\x1b[".to_vec()),
        Just(b"\x1b]8;;".to_vec()),
        Just(b"\x1bP".to_vec()),
        "[0-9;:]{0,20}m".prop_map(|params| format!("\x1b[{params}").into_bytes()),
        any::<char>().prop_map(|letter| letter.to_string().into_bytes()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_text_and_spans_of_known_classes_only(lines in prop::collection::vec(hostile(), 1..4)) {
        let class = r"(?:ctl|folded|sgr-(?:[fb]g-(?:1[0-5]|[0-9])|bold|dim|italic|underline|strike|inverse))";
        let span = Regex::new(&format!(r#"<span class="{class}(?: {class})*">|</span>|&(?:amp|lt|gt|quot|#39);"#)).expect("a fixed pattern");
        let mut painter = Painter::new();
        for line in lines {
            let drawn = painter.html(&line);
            let text = span.replace_all(&drawn, "");
            prop_assert!(!text.contains(['<', '>', '&', '"', '\'']), "{drawn:?}");
            let hidden = |letter: char| letter != '\t' && (letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter));
            prop_assert!(!text.contains(hidden), "{drawn:?}");
            prop_assert_eq!(drawn.matches("<span").count(), drawn.matches("</span>").count());
        }
    }

    #[test]
    fn plain_text_of_any_bytes_holds_no_control_characters(line in hostile()) {
        let text = Painter::new().plain(&line, Keep::Nothing);
        prop_assert!(!text.contains(|letter: char| letter != '\t' && letter.is_control()));
    }
}

#[test]
fn progress_shows_its_last_state_and_keeps_the_earlier_ones_at_hand() {
    let line = b" 10%\r 50%\r\x1b[32m100%\x1b[0m done\r\n";
    let (html, earlier) = Painter::new().html_and_states(line);
    assert_eq!(html, "<span class=\"folded\"><span class=\"sgr-fg-2\">100%</span> done</span>");
    assert_eq!(earlier, 2);
    let states = Painter::new().states(line);
    assert_eq!(states, [" 10%", " 50%", "<span class=\"sgr-fg-2\">100%</span> done"]);
    assert_eq!(Painter::new().html_and_states(b"plain\r\n"), ("plain".to_owned(), 0));
}
