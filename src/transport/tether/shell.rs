//! A shell on the host that holds the tether's functions and takes one request after another.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::answer::{self, Answer};
use crate::id::UserName;
use crate::run::outcome::{Exit, HostFacts};
use crate::transport::CHUNK_BYTES_MAX;
use crate::transport::road::Channel;

/// No line of the tether is longer; longer ones are somebody else's and end the conversation.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// What is kept of a shell's complaints, for the message.
const STDERR_BYTES_MAX: usize = 4 * 1024;

/// Logging in, start-up files and `sudo` included. Slow hosts need seconds; a hanging one must be told.
const HELLO_LIMIT: Duration = Duration::from_secs(30);

/// Bytes were promised and do not come: somebody has cut the file, or the host hangs.
const PAYLOAD_LIMIT: Duration = Duration::from_secs(60);

/// The tether without its comments: bash reads commands from a pipe byte by byte.
static TETHER: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("../tether.sh").lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| [line.trim_start_matches("  "), "\n"]).collect()
});

pub(super) struct Shell {
    stdin: Box<dyn AsyncWrite + Send + Unpin>,
    stdout: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// The beginning of a line whose rest has not arrived.
    line: Vec<u8>,
    /// What the host said of itself when this shell began.
    pub facts: HostFacts,
    /// Lives as long as the shell: holds the connection's seat.
    _ended: std::pin::Pin<Box<dyn Future<Output = Option<Exit>> + Send>>,
}

/// Why a shell could not begin: what it wrote to stderr, and how it ended if it did.
#[derive(Debug)]
pub(super) struct BeginError {
    pub stderr: String,
    pub exit: Option<Exit>,
    pub timed_out: bool,
}

/// The command line that gives a plain shell in an account.
pub(super) fn command_line(run_as: Option<&UserName>) -> String {
    run_as.map_or_else(|| "sh".to_owned(), |user| format!("sudo -n -H -u {user} sh"))
}

impl Shell {
    /// Sends the tether, and in the same breath asks the host who it is.
    pub async fn begin(channel: Channel, token: &str, host_key: Option<String>) -> Result<Self, BeginError> {
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let reading = tokio::spawn(keep_beginning(channel.stderr, Arc::clone(&complaints)));
        let mut shell = Self {
            stdin: channel.stdin,
            stdout: BufReader::with_capacity(CHUNK_BYTES_MAX, channel.stdout),
            line: Vec::new(),
            facts: HostFacts {
                hostname: String::new(),
                machine_id: None,
                boot_id: None,
                user: String::new(),
                host_key,
            },
            _ended: Box::pin(async { None }),
        };
        let greeted = timeout(HELLO_LIMIT, shell.greet(token)).await;
        if let Ok(Ok(())) = greeted {
            shell._ended = channel.ended;
            return Ok(shell);
        }
        drop(shell);
        let exit = timeout(Duration::from_secs(1), channel.ended).await.ok().flatten();
        let _ = timeout(Duration::from_secs(1), reading).await;
        let stderr =
            String::from_utf8_lossy(&complaints.lock().expect("no holder of this lock can panic")).into_owned();
        Err(BeginError { stderr, exit, timed_out: greeted.is_err() })
    }

    async fn greet(&mut self, token: &str) -> io::Result<()> {
        self.send(format!("{}th_hello {token}\n", *TETHER).as_bytes()).await?;
        // Start-up files may print before the tether speaks.
        let hello = format!("hello {token}");
        while self.raw_line().await? != hello.as_bytes() {}
        loop {
            match self.answer().await? {
                Answer::Ready => return Ok(()),
                Answer::Fact("hostname", name) => self.facts.hostname = name,
                Answer::Fact("user", name) => self.facts.user = name,
                Answer::Fact("machine", id) => self.facts.machine_id = Some(id).filter(|id| !id.is_empty()),
                Answer::Fact("boot", id) => self.facts.boot_id = Some(id).filter(|id| id != "-"),
                other => return Err(out_of_turn(&other)),
            }
        }
    }

    pub async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stdin.write_all(request).await?;
        self.stdin.flush().await
    }

    /// The next line. Dropping the future loses nothing.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let line = self.raw_line().await?;
        let line = String::from_utf8_lossy(&line);
        answer::parse(&line).ok_or_else(|| {
            let said: String = line.chars().take(200).collect();
            io::Error::new(io::ErrorKind::InvalidData, format!("the host said {said:?} where the tether should speak"))
        })
    }

    async fn raw_line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let buffer = self.stdout.fill_buf().await?;
            if buffer.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let taken = newline.map_or(buffer.len(), |position| position + 1);
            self.line.extend_from_slice(&buffer[..newline.unwrap_or(taken)]);
            self.stdout.consume(taken);
            if newline.is_some() {
                return Ok(std::mem::take(&mut self.line));
            }
            if self.line.len() > LINE_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the host sent a line that is far too long"));
            }
        }
    }

    /// Some of the `length` bytes that come next; never more.
    pub async fn payload(&mut self, length: u64) -> io::Result<Bytes> {
        let room = usize::try_from(length).unwrap_or(usize::MAX).min(CHUNK_BYTES_MAX);
        let mut chunk = BytesMut::zeroed(room);
        let read = timeout(PAYLOAD_LIMIT, self.stdout.read(&mut chunk)).await;
        let count = read.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "promised output does not come"))??;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
        }
        chunk.truncate(count);
        Ok(chunk.freeze())
    }
}

/// The tether answered, but not what was asked.
pub(super) fn out_of_turn(answer: &Answer) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the tether answered {answer:?} out of turn"))
}

/// Reads to the end, so that nobody blocks, and keeps the beginning.
async fn keep_beginning(mut stream: Box<dyn AsyncRead + Send + Unpin>, kept: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        let mut kept = kept.lock().expect("no holder of this lock can panic");
        let room = STDERR_BYTES_MAX.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&chunk[..room]);
    }
}
