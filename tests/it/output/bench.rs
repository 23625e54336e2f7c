//! A store of its own for each test, and a command that writes what the test wants.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use steadyhand::engine::output::{AttemptLog, Caps, LogMeta, OutputReader, Source};
use steadyhand::id::{AttemptId, RunId};
use steadyhand::redact::{Needles, SecretText};
use steadyhand::run::outcome::Stream;
use steadyhand::store::output::OutputOwner;
use steadyhand::store::{DatabaseUrl, Store};
use steadyhand::transport::Arrival;

/// When the attempts of these tests begin.
pub const STARTED_MS: u64 = 1_764_000_000_000;

pub struct Bench {
    pub store: Store,
    pub attempt: AttemptId,
    pub needles: Arc<Needles>,
    pub caps: Caps,
    pub folder: tempfile::TempDir,
}

impl Bench {
    pub async fn new() -> Self {
        Self::with_secrets(&[]).await
    }

    pub async fn with_secrets(secrets: &[(&str, &str)]) -> Self {
        let secrets: Vec<_> = secrets.iter().map(|(name, text)| (*name, SecretText::new((*text).to_owned()))).collect();
        let needles = Arc::new(Needles::new(&secrets.iter().map(|(name, text)| (*name, text)).collect::<Vec<_>>()));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&DatabaseUrl::in_data_dir(folder.path()), folder.path()).await.expect("a new store");
        Self { store, attempt: AttemptId(uuid::Uuid::now_v7()), needles, caps: Caps::default(), folder }
    }

    /// Begins the log, or takes it up as after a crash.
    pub async fn open(&self) -> AttemptLog {
        AttemptLog::open(&self.store, self.meta()).await.expect("the log opens")
    }

    fn meta(&self) -> LogMeta {
        let owner = OutputOwner {
            attempt: self.attempt,
            run: RunId(uuid::Uuid::nil()),
            step: "step".parse().expect("a step id"),
            host: "web-1".parse().expect("a host name"),
            number: 1,
            purpose: "main".to_owned(),
        };
        LogMeta { owner, started_ms: STARTED_MS, needles: Arc::clone(&self.needles), caps: self.caps }
    }

    pub fn reader(&self) -> OutputReader {
        OutputReader::new(self.store.clone(), self.attempt)
    }

    /// All bytes of a source, read in small parts.
    pub async fn bytes(&self, source: Source) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let part = self.reader().raw(source, all.len() as u64, 100_000).await.expect("it can be read");
            if part.bytes.is_empty() {
                return all;
            }
            assert_eq!(part.offset, all.len() as u64);
            all.extend(part.bytes);
        }
    }
}

pub fn arrival(stream: Stream, offset: u64, bytes: &[u8]) -> Arrival {
    Arrival::Bytes { stream, offset, bytes: Bytes::copy_from_slice(bytes) }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Two streams and the chunks in which they arrive, the same for the same seed.
pub struct Script {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// (stream, length, milliseconds since the chunk before).
    pub chunks: Vec<(Stream, usize, u64)>,
}

impl Script {
    /// Random lines, carriage returns, NUL, invalid UTF-8 and `words`, in random chunks.
    pub fn random(seed: u64, bytes: usize, words: &[&str], chunk_bytes_max: usize) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let stdout = dice.text(bytes, words);
        let stderr = dice.text(bytes / 3, words);
        let (mut out_left, mut err_left, mut chunks) = (stdout.len(), stderr.len(), Vec::new());
        while out_left + err_left > 0 {
            let from_stdout = dice.below(out_left + err_left) < out_left;
            let left = if from_stdout { &mut out_left } else { &mut err_left };
            let most = if dice.below(4) == 0 { chunk_bytes_max } else { chunk_bytes_max.min(200) };
            let length = 1 + dice.below(most.min(*left));
            *left -= length;
            let stream = if from_stdout { Stream::Stdout } else { Stream::Stderr };
            chunks.push((stream, length, dice.below(60) as u64));
        }
        Self { stdout, stderr, chunks }
    }

    pub fn bytes(&self, stream: Stream) -> &[u8] {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }
}

/// xorshift: the same throws for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }

    fn text(&mut self, bytes: usize, words: &[&str]) -> Vec<u8> {
        let mut text = Vec::new();
        while text.len() < bytes {
            match self.below(12) {
                0 => text.extend_from_slice(b"\n"),
                1 => text.extend_from_slice(b" \r"),
                2 => text.extend_from_slice(&[0, 0xff, 0xc3]),
                3..=5 if !words.is_empty() => text.extend_from_slice(words[self.below(words.len())].as_bytes()),
                6 => text.extend(std::iter::repeat_n(b'=', self.below(bytes / 20))),
                _ => text.extend_from_slice(format!("{:x} ", self.below(1 << 20)).as_bytes()),
            }
        }
        text
    }
}
