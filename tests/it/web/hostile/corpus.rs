//! Hostile names out of seeds: the same ones in every run of the test.

/// A file beside the server's roots that many of the names lead to.
pub const CANARY: &str = "canary-outside";

/// What attackers write, in parts.
const PARTS: &[&str] = &[
    "../",
    "..\\",
    "../../../../../../../../",
    "./",
    "/",
    "//",
    "\\\\host\\share\\",
    "C:\\Windows\\",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "..%c0%af",
    "..%ef%bc%8f",
    "\u{2025}/",
    "\u{ff0e}\u{ff0e}\u{ff0f}",
    "\0",
    "%00",
    "\n",
    "\r\nX-Injected: yes\r\n",
    "\u{1b}]8;;javascript:x\u{7}",
    "\u{202e}",
    "\u{feff}",
    "\u{1f4a9}",
    "-V",
    "--",
    "-o",
    "--upload-pack=touch canary-outside",
    "--output=canary-outside",
    "--exec=id",
    "-oProxyCommand=id",
    "--git-dir=/tmp",
    "@{}",
    "@{-1}",
    "@{u}",
    "HEAD@{1}",
    "HEAD~99999999999",
    "HEAD^{/x}",
    "main:",
    ":/",
    ":(top,glob)**",
    "..",
    "...",
    "main..main",
    "refs/../../",
    "refs/heads/",
    "refs/heads/../../",
    ".git/config",
    ".git/hooks/post-checkout",
    ".lock",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "~root/",
    "$HOME/",
    "$(touch canary-outside)",
    "`touch canary-outside`",
    ";touch canary-outside;",
    "|touch canary-outside",
    "&&touch canary-outside",
    "' or '1'='1",
    "\";drop table runs;--",
    "ext::sh -c touch% canary-outside",
    "file:///etc/passwd",
    "/etc/passwd",
    "/proc/self/environ",
    "web/look",
    "web/look.yaml",
    "inventory",
    "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01",
    "{0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01}",
    "urn:uuid:0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01",
    "<script>alert(1)</script>",
    "{{{x}}}",
    "%s%n%x",
    "99999999999999999999999999",
    "-1",
    "NaN",
    "null",
    "con",
    "aux.txt",
    "",
];

/// An endless list of names.
pub struct Corpus {
    state: u64,
}

impl Corpus {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// splitmix64: small, and the same everywhere.
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).expect("it is below a usize")
    }
}

impl Iterator for Corpus {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let parts = 1 + self.below(4);
        let mut name: String = (0..parts).map(|_| PARTS[self.below(PARTS.len())]).collect();
        match self.below(12) {
            0..5 => name.push_str(CANARY),
            5 => name = "../".repeat(1 + self.below(40)) + CANARY,
            6 => name = name.repeat(1 + self.below(60)),
            7 => name = "x".repeat(self.below(7_000)),
            8 => name.insert(0, '-'),
            _ => {}
        }
        Some(name)
    }
}

/// `name` as a part of an address: quoted once, twice, or no more than HTTP needs.
pub fn encoded(number: usize, name: &str) -> String {
    let quoted = |text: &str, plain: &dyn Fn(u8) -> bool| -> String {
        text.bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect()
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
    let visible = |byte: u8| byte.is_ascii_graphic() && !b"#".contains(&byte);
    match number / 20 % 3 {
        0 => quoted(name, &unreserved),
        1 => quoted(&quoted(name, &unreserved), &unreserved),
        _ => quoted(name, &visible),
    }
}
