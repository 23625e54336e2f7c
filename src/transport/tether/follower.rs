//! Live output: a second channel on which the host's `tail -f` sends both files as they grow.
//!
//! GNU tail is woken by the kernel, so bytes arrive within milliseconds and in the order in which they were written,
//! as far as that can be told of two files; busybox tail looks once a second. What a follower has not brought when
//! the attempt ends is read from the files, so its loss costs liveness and nothing else.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{request, shell};
use crate::run::outcome::{Offsets, Stream};
use crate::transport::road::Road;
use crate::transport::{AttemptKey, CHUNK_BYTES_MAX, TransportError};

/// The host sends at most this much (start-up files) before the token.
const PREAMBLE_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Follower {
    stdout: Side,
    stderr: Side,
    /// While this is open, the host follows.
    _stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// Holds the connection's seat.
    _ended: std::pin::Pin<Box<dyn Future<Output = Option<crate::run::outcome::Exit>> + Send>>,
}

struct Side {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    buffer: BytesMut,
    /// Until the token's line has passed, bytes are not the command's.
    token: Option<String>,
    open: bool,
}

impl Follower {
    /// Begins to follow from `offsets`.
    pub async fn open(
        road: &dyn Road,
        key: &AttemptKey,
        offsets: Offsets,
        token: String,
    ) -> Result<Self, TransportError> {
        let mut channel = road.open(&shell::command_line(key.run_as.as_ref())).await?;
        // A write that fails shows as the end of both streams at once.
        let _ = channel.stdin.write_all(&request::tail(key.attempt, offsets, &token)).await;
        let _ = channel.stdin.flush().await;
        let side = |reader| Side { reader, buffer: BytesMut::new(), token: Some(token.clone()), open: true };
        Ok(Self {
            stdout: side(channel.stdout),
            stderr: side(channel.stderr),
            _stdin: channel.stdin,
            _ended: channel.ended,
        })
    }

    /// The next bytes of either stream; `None` when the follower has ended. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<(Stream, Bytes)> {
        loop {
            let (stream, side, read) = tokio::select! {
                read = self.stdout.fill(), if self.stdout.open => (Stream::Stdout, &mut self.stdout, read),
                read = self.stderr.fill(), if self.stderr.open => (Stream::Stderr, &mut self.stderr, read),
                else => return None,
            };
            side.open = matches!(read, Ok(1..));
            if let Some(bytes) = side.take() {
                return Some((stream, bytes));
            }
        }
    }
}

impl Side {
    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(CHUNK_BYTES_MAX);
        let mut limited = (&mut self.reader).take(CHUNK_BYTES_MAX as u64);
        limited.read_buf(&mut self.buffer).await
    }

    fn take(&mut self) -> Option<Bytes> {
        if let Some(token) = &self.token {
            let line = format!("{token}\n");
            match self.buffer.windows(line.len()).position(|window| window == line.as_bytes()) {
                Some(position) => {
                    let _ = self.buffer.split_to(position + line.len());
                    self.token = None;
                }
                None => {
                    self.open &= self.buffer.len() < PREAMBLE_BYTES_MAX;
                    return None;
                }
            }
        }
        let length = self.buffer.len().min(CHUNK_BYTES_MAX);
        (length > 0).then(|| self.buffer.split_to(length).freeze())
    }
}
