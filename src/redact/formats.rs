//! Credentials that nobody declared, found by their form while output streams by: private keys, keys of clouds, tokens.
//!
//! One pass of an automaton over the beginnings of all formats; only where one stands is looked closer, so ordinary
//! output costs next to nothing. What is found depends on the bytes alone, never on the chunks they came in or on where
//! reading was resumed: no rule looks at what stands before it, and what is not decided yet is held back.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// A private key reaches to its END line, or this far: a key has a few kilobytes, and what comes after a BEGIN line
/// without an END must not be lost for ever.
pub(super) const BLOCK_BYTES_MAX: usize = 64 * 1024;

/// The longest part of a token. JSON web tokens carry certificates sometimes.
const PART_BYTES_MAX: usize = 16 * 1024;

const BLOCK_END: &[u8] = b"-----END ";

/// Letters between `BEGIN ` and `-----`.
const LABEL_BYTES_MAX: usize = 100;

/// A credential in the stream, as offsets of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub start: u64,
    pub end: u64,
    pub mask: &'static str,
}

/// Finds credentials in one stream.
#[derive(Default)]
pub(super) struct Scanner {
    /// Read and not decided; nothing before it can be part of a token that is still open.
    pending: Vec<u8>,
    /// Offset of the first of them, or of the next byte.
    at: u64,
    /// Where the private key began that has not ended.
    block: Option<u64>,
}

struct Format {
    mask: &'static str,
    beginnings: &'static [&'static str],
    shape: Shape,
}

/// What follows a beginning.
enum Shape {
    /// The rest of a PEM's first line; then everything to its last.
    Pem,
    Parts(&'static [Part]),
}

impl Shape {
    /// Up to where every later beginning fails, too. Two beginnings in one long run of letters end at the same place, so
    /// looking at each of `eyJeyJeyJ…` would take for ever and find nothing new.
    fn fails_until(&self, text: &[u8], after: usize) -> usize {
        let Self::Parts([Run(fits, _, PART_BYTES_MAX), Exactly(_), ..]) = self else { return 0 };
        let run = text[after..].iter().take_while(|byte| fits(**byte)).count();
        // In a run that is longer than a part may be, a later beginning may be near enough to its end.
        after + if run < PART_BYTES_MAX { run } else { run - PART_BYTES_MAX }
    }
}

enum Part {
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    Exactly(&'static str),
    /// As many of these as there are, from so many to so many.
    Run(fn(u8) -> bool, usize, usize),
    /// None of these follows.
    Not(fn(u8) -> bool),
}

/// Whether a format stands at a place.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    No,
    /// Later bytes decide.
    More,
    /// With so many bytes.
    Yes(usize),
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
fn dashed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}
fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
fn dotted(byte: u8) -> bool {
    url_safe(byte) || byte == b'.'
}
fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/+=".contains(&byte)
}
fn base32(byte: u8) -> bool {
    byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte)
}
fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
fn quote(byte: u8) -> bool {
    b"\"'".contains(&byte)
}
fn blank(byte: u8) -> bool {
    b" \t".contains(&byte)
}
fn assigns(byte: u8) -> bool {
    b":=".contains(&byte)
}

use Part::{Exactly, Not, Run, Word};

const FORMATS: &[Format] = &[
    Format { mask: "[redacted: private key]", beginnings: &["-----BEGIN "], shape: Shape::Pem },
    Format {
        mask: "[redacted: AWS access key]",
        beginnings: &["AKIA", "ASIA", "ABIA", "ACCA"],
        shape: Shape::Parts(&[Run(base32, 16, 16), Not(word)]),
    },
    Format {
        mask: "[redacted: AWS secret key]",
        beginnings: &["aws_se", "AWS_SE", "Aws_Se", "aws_Se", "awsSe", "AwsSe", "awsse", "AWSSE"],
        shape: Shape::Parts(&[
            Word(&[
                "cret_access_key",
                "cretaccesskey",
                "cret_accesskey",
                "cretaccess_key",
                "ssion_token",
                "ssiontoken",
            ]),
            Run(quote, 0, 1),
            Run(blank, 0, 8),
            Run(assigns, 1, 1),
            Run(blank, 0, 8),
            Run(quote, 0, 1),
            Run(base64, 40, PART_BYTES_MAX),
        ]),
    },
    Format {
        mask: "[redacted: Google API key]",
        beginnings: &["AIza"],
        shape: Shape::Parts(&[Run(url_safe, 35, 35), Not(url_safe)]),
    },
    Format {
        mask: "[redacted: Google access token]",
        beginnings: &["ya29."],
        shape: Shape::Parts(&[Run(url_safe, 20, PART_BYTES_MAX)]),
    },
    Format {
        mask: "[redacted: GitHub token]",
        beginnings: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        shape: Shape::Parts(&[Run(alphanumeric, 36, 255)]),
    },
    Format {
        mask: "[redacted: GitHub token]",
        beginnings: &["github_pat_"],
        shape: Shape::Parts(&[Run(word, 22, 255)]),
    },
    Format { mask: "[redacted: GitLab token]", beginnings: &["glpat-"], shape: Shape::Parts(&[Run(dotted, 20, 300)]) },
    Format {
        mask: "[redacted: Slack token]",
        beginnings: &["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"],
        shape: Shape::Parts(&[Run(dashed, 10, 300)]),
    },
    Format {
        mask: "[redacted: Slack webhook]",
        beginnings: &["hooks.slack.com/services/", "hooks.slack.com/workflows/"],
        shape: Shape::Parts(&[Run(word, 3, 20), Exactly("/"), Run(word, 3, 20), Exactly("/"), Run(word, 10, 300)]),
    },
    Format {
        mask: "[redacted: JSON web token]",
        beginnings: &["eyJ"],
        shape: Shape::Parts(&[
            Run(url_safe, 8, PART_BYTES_MAX),
            Exactly(".eyJ"),
            Run(url_safe, 8, PART_BYTES_MAX),
            Exactly("."),
            Run(url_safe, 8, PART_BYTES_MAX),
        ]),
    },
    Format {
        mask: "[redacted: Vault token]",
        beginnings: &["hvs.", "hvb.", "hvr."],
        shape: Shape::Parts(&[Run(url_safe, 24, 400)]),
    },
    Format {
        mask: "[redacted: Stripe key]",
        beginnings: &["sk_live_", "rk_live_"],
        shape: Shape::Parts(&[Run(alphanumeric, 24, 300)]),
    },
    Format {
        mask: "[redacted: npm token]",
        beginnings: &["npm_"],
        shape: Shape::Parts(&[Run(alphanumeric, 36, 36), Not(word)]),
    },
    Format {
        mask: "[redacted: age key]",
        beginnings: &["AGE-SECRET-KEY-1"],
        shape: Shape::Parts(&[Run(upper, 58, 58)]),
    },
];

struct Beginnings {
    automaton: AhoCorasick,
    /// The format that each pattern begins.
    formats: Vec<usize>,
}

static BEGINNINGS: LazyLock<Beginnings> = LazyLock::new(|| {
    let all =
        FORMATS.iter().enumerate().flat_map(|(index, format)| format.beginnings.iter().map(move |text| (index, *text)));
    let (formats, texts): (Vec<usize>, Vec<&str>) = all.unzip();
    let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(texts);
    Beginnings { automaton: automaton.expect("a few short texts, built in a test"), formats }
});

/// What replaces each credential: whoever shares output looks for these.
pub(super) fn masks() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.mask)
}

impl Scanner {
    /// Takes the next bytes; adds what was found, in order.
    pub fn read(&mut self, chunk: &[u8], found: &mut Vec<Seen>) {
        self.scan(chunk, false, found);
    }

    /// No more bytes will come.
    pub fn finish(&mut self, found: &mut Vec<Seen>) {
        self.scan(b"", true, found);
        if let Some(start) = self.block.take() {
            let end = self.at + self.pending.len() as u64;
            found.push(Seen { start, end, mask: FORMATS[0].mask });
        }
        self.at += self.pending.len() as u64;
        self.pending.clear();
    }

    /// Nothing that begins before this can still become a credential.
    pub fn decided(&self) -> u64 {
        self.block.unwrap_or(self.at)
    }

    fn scan(&mut self, chunk: &[u8], at_end: bool, found: &mut Vec<Seen>) {
        let mut joined = std::mem::take(&mut self.pending);
        let text: &[u8] = if joined.is_empty() {
            chunk
        } else {
            joined.extend_from_slice(chunk);
            &joined
        };
        let mut place = 0;
        let mut failed_until = [0_usize; FORMATS.len()];
        let kept = loop {
            let next = match self.block {
                Some(start) => self.end_block(text, place, start, at_end, found),
                None => self.next_credential(text, place, at_end, &mut failed_until, found),
            };
            match next {
                Ok(after) => place = after,
                Err(kept) => break kept,
            }
        };
        let rest = text[kept..].to_vec();
        self.at += kept as u64;
        self.pending = rest;
    }

    /// Where to go on behind the next credential, or from where bytes must be kept.
    fn next_credential(
        &mut self,
        text: &[u8],
        place: usize,
        at_end: bool,
        failed_until: &mut [usize; FORMATS.len()],
        found: &mut Vec<Seen>,
    ) -> Result<usize, usize> {
        let Some(begins) = BEGINNINGS.automaton.find(&text[place..]) else {
            return Err(if at_end { text.len() } else { open_beginning(text, place) });
        };
        let (start, after) = (place + begins.start(), place + begins.end());
        let index = BEGINNINGS.formats[begins.pattern().as_usize()];
        if start < failed_until[index] {
            return Ok(start + 1);
        }
        let format = &FORMATS[index];
        let verdict = match &format.shape {
            Shape::Pem => label(&text[after..], at_end),
            Shape::Parts(parts) => parts_stand(parts, &text[after..], at_end),
        };
        match (verdict, &format.shape) {
            (Verdict::No, shape) => {
                failed_until[index] = failed_until[index].max(shape.fails_until(text, after));
                Ok(start + 1)
            }
            (Verdict::More, _) => Err(start),
            (Verdict::Yes(length), Shape::Pem) => {
                self.block = Some(self.at + start as u64);
                Ok(after + length)
            }
            (Verdict::Yes(length), Shape::Parts(_)) => {
                let (start, end) = (self.at + start as u64, self.at + (after + length) as u64);
                found.push(Seen { start, end, mask: format.mask });
                Ok(after + length)
            }
        }
    }

    /// Where to go on behind the private key, or from where bytes must be kept to see its end.
    fn end_block(
        &mut self,
        text: &[u8],
        place: usize,
        start: u64,
        at_end: bool,
        found: &mut Vec<Seen>,
    ) -> Result<usize, usize> {
        let left = (start + BLOCK_BYTES_MAX as u64).saturating_sub(self.at);
        let limit = usize::try_from(left).unwrap_or(usize::MAX);
        let window = &text[..text.len().min(limit)];
        let mut from = place.min(window.len());
        let mut open = None;
        while let Some(at) = memchr::memmem::find(&window[from..], BLOCK_END) {
            let after = from + at + BLOCK_END.len();
            match label(&window[after..], at_end || window.len() == limit) {
                Verdict::Yes(length) => {
                    let end = after + length;
                    self.block = None;
                    found.push(Seen { start, end: self.at + end as u64, mask: FORMATS[0].mask });
                    return Ok(end);
                }
                Verdict::More => {
                    open = Some(from + at);
                    break;
                }
                Verdict::No => from = after,
            }
        }
        if window.len() == limit {
            self.block = None;
            found.push(Seen { start, end: self.at + limit as u64, mask: FORMATS[0].mask });
            return Ok(limit);
        }
        Err(open.unwrap_or_else(|| window.len() - longest_open(&window[from..], &[BLOCK_END])))
    }
}

/// From where a beginning may be cut off by the end of what has come.
fn open_beginning(text: &[u8], place: usize) -> usize {
    static TEXTS: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
        FORMATS.iter().flat_map(|format| format.beginnings).map(|beginning| beginning.as_bytes()).collect()
    });
    text.len() - longest_open(&text[place..], &TEXTS)
}

/// How many of the last bytes are the first of one of `texts`.
fn longest_open(bytes: &[u8], texts: &[&[u8]]) -> usize {
    let fits = |text: &&[u8]| {
        let most = bytes.len().min(text.len() - 1);
        (1..=most).rev().find(|length| bytes.ends_with(&text[..*length])).unwrap_or(0)
    };
    texts.iter().map(fits).max().unwrap_or(0)
}

/// The rest of a PEM line: `RSA PRIVATE KEY-----`.
fn label(text: &[u8], at_end: bool) -> Verdict {
    let letters = text.iter().take(LABEL_BYTES_MAX).take_while(|byte| upper(**byte) || **byte == b' ').count();
    let rest = &text[letters..];
    if letters == LABEL_BYTES_MAX {
        return Verdict::No;
    }
    let dashes = b"-----";
    if rest.len() < dashes.len() {
        return if dashes.starts_with(rest) && !at_end { Verdict::More } else { Verdict::No };
    }
    let name = &text[..letters];
    let is_private = name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK");
    if is_private && rest.starts_with(dashes) { Verdict::Yes(letters + dashes.len()) } else { Verdict::No }
}

fn parts_stand(parts: &[Part], text: &[u8], at_end: bool) -> Verdict {
    let mut place = 0;
    for part in parts {
        let rest = &text[place..];
        let verdict = match part {
            Word(words) => word_stands(words, rest, at_end, <[u8]>::eq_ignore_ascii_case),
            Exactly(text) => word_stands(&[*text], rest, at_end, |one, other| one == other),
            Run(fits, least, most) => {
                let count = rest.iter().take(*most).take_while(|byte| fits(**byte)).count();
                if count == rest.len() && count < *most && !at_end {
                    Verdict::More
                } else if count < *least {
                    Verdict::No
                } else {
                    Verdict::Yes(count)
                }
            }
            Not(fits) => match rest.first() {
                Some(byte) if fits(*byte) => Verdict::No,
                None if !at_end => Verdict::More,
                Some(_) | None => Verdict::Yes(0),
            },
        };
        match verdict {
            Verdict::Yes(length) => place += length,
            Verdict::No | Verdict::More => return verdict,
        }
    }
    Verdict::Yes(place)
}

fn word_stands(words: &[&str], rest: &[u8], at_end: bool, same: fn(&[u8], &[u8]) -> bool) -> Verdict {
    let mut verdict = Verdict::No;
    for word in words {
        let length = word.len().min(rest.len());
        if same(&rest[..length], &word.as_bytes()[..length]) {
            if length == word.len() {
                return Verdict::Yes(length);
            }
            if !at_end {
                verdict = Verdict::More;
            }
        }
    }
    verdict
}
