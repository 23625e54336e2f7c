//! How text may look: sixteen colours and a few attributes, read from SGR sequences.

use anstyle_parse::Params;

/// The colours of xterm, to find the nearest of sixteen.
const PALETTE: [[i32; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// Brightness steps of the 6×6×6 cube among the 256 colours.
const CUBE: [i32; 6] = [0, 95, 135, 175, 215, 255];

/// The look of a stretch of text. Concealed and blinking text are not among what it can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours 0 to 15; `None` is the page's own.
    foreground: Option<u8>,
    background: Option<u8>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    strike: bool,
    inverse: bool,
}

impl Style {
    /// Follows one SGR sequence. Codes it does not know change nothing.
    pub fn apply(&mut self, params: &Params) {
        let mut params = params.iter();
        while let Some(param) = params.next() {
            let (code, sub) = param.split_first().map_or((0, &[][..]), |(code, sub)| (*code, sub));
            match code {
                38 | 48 | 58 => {
                    let colour = if sub.is_empty() {
                        let mut following = params.by_ref().filter_map(|param| param.first().copied());
                        extended(&mut following)
                    } else {
                        extended_in_one(sub)
                    };
                    match code {
                        38 => self.foreground = colour.or(self.foreground),
                        48 => self.background = colour.or(self.background),
                        _ => {}
                    }
                }
                _ => self.apply_code(code, sub),
            }
        }
    }

    fn apply_code(&mut self, code: u16, sub: &[u16]) {
        match code {
            0 => *self = Self::default(),
            1 => self.bold = true,
            2 => self.dim = true,
            3 => self.italic = true,
            4 => self.underline = sub.first() != Some(&0),
            7 => self.inverse = true,
            9 => self.strike = true,
            21 => self.underline = true,
            22 => (self.bold, self.dim) = (false, false),
            23 => self.italic = false,
            24 => self.underline = false,
            27 => self.inverse = false,
            29 => self.strike = false,
            30..=37 => self.foreground = Some((code - 30) as u8),
            39 => self.foreground = None,
            40..=47 => self.background = Some((code - 40) as u8),
            49 => self.background = None,
            90..=97 => self.foreground = Some((code - 90 + 8) as u8),
            100..=107 => self.background = Some((code - 100 + 8) as u8),
            _ => {}
        }
    }

    /// Names of the CSS classes, e.g. `sgr-fg-1 sgr-bold`; empty for plain text.
    pub fn classes(&self) -> String {
        let colour = |ground: &str, colour: Option<u8>| colour.map(|colour| format!("sgr-{ground}-{colour}"));
        let set = |on: bool, class: &str| on.then(|| class.to_owned());
        [
            colour("fg", self.foreground),
            colour("bg", self.visible_background()),
            set(self.bold, "sgr-bold"),
            set(self.dim, "sgr-dim"),
            set(self.italic, "sgr-italic"),
            set(self.underline, "sgr-underline"),
            set(self.strike, "sgr-strike"),
            set(self.inverse, "sgr-inverse"),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
    }

    /// The sequence that makes a terminal look like this, whatever it looked like before.
    pub fn sequence(&self) -> String {
        let colour = |base: u8, bright: u8, colour: u8| if colour < 8 { base + colour } else { bright + colour - 8 };
        let mut codes = vec![0];
        codes.extend(
            [(self.bold, 1), (self.dim, 2), (self.italic, 3)].iter().filter(|(on, _)| *on).map(|(_, code)| code),
        );
        codes.extend(
            [(self.underline, 4), (self.inverse, 7), (self.strike, 9)]
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, code)| code),
        );
        codes.extend(self.foreground.map(|foreground| colour(30, 90, foreground)));
        codes.extend(self.visible_background().map(|background| colour(40, 100, background)));
        let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
        format!("\x1b[{}m", codes.join(";"))
    }

    /// Text in the colour of its background would be hidden from people and still be there.
    fn visible_background(&self) -> Option<u8> {
        self.background.filter(|background| Some(*background) != self.foreground)
    }
}

/// `5;n` or `2;r;g;b` as parameters of their own.
fn extended(params: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match params.next()? {
        5 => indexed(params.next()?),
        2 => Some(nearest([params.next()?, params.next()?, params.next()?].map(i32::from))),
        _ => None,
    }
}

/// `5:n`, `2:r:g:b` or `2:space:r:g:b` inside one parameter.
fn extended_in_one(sub: &[u16]) -> Option<u8> {
    match sub {
        [5, index, ..] => indexed(*index),
        [2, red, green, blue] | [2, _, red, green, blue, ..] => Some(nearest([*red, *green, *blue].map(i32::from))),
        _ => None,
    }
}

fn indexed(index: u16) -> Option<u8> {
    match u8::try_from(index).ok()? {
        index @ 0..=15 => Some(index),
        index @ 16..=231 => {
            let index = usize::from(index - 16);
            Some(nearest([CUBE[index / 36], CUBE[index / 6 % 6], CUBE[index % 6]]))
        }
        index @ 232..=255 => Some(nearest([8 + 10 * i32::from(index - 232); 3])),
    }
}

fn nearest(colour: [i32; 3]) -> u8 {
    let distance = |other: &[i32; 3]| (0..3).map(|part| (colour[part].min(255) - other[part]).pow(2)).sum::<i32>();
    (0..16).min_by_key(|index| distance(&PALETTE[usize::from(*index)])).expect("sixteen is not none")
}
