//! `attach: direct`: a command over a plain channel, for devices without a POSIX shell. Nothing is kept there, so
//! nobody can take the attempt up again, and the plan says so.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::road::Road;
use super::{Arrival, AttemptOrder, AttemptStatus, CHUNK_BYTES_MAX, TransportError};
use crate::id::HostName;
use crate::run::outcome::{GoneBecause, Stream};

/// Runs the script's text as the command line of a channel.
///
/// A crash or a lost connection leaves its outcome unknown for good.
pub(super) async fn start(
    road: &dyn Road,
    host: &HostName,
    order: &AttemptOrder,
    arrivals: &mpsc::Sender<Arrival>,
) -> Result<AttemptStatus, TransportError> {
    if !order.secrets.is_empty() || order.key.run_as.is_some() {
        return Err(TransportError::Refused {
            host: host.clone(),
            reason: "`attach: direct` sends a bare command line, which can carry neither a secret nor `as`".to_owned(),
            next_step: "Remove `attach: direct`, or the secret and `as`, from the step".to_owned(),
        });
    }
    let mut channel = road.open(&order.script).await?;
    let gone = Ok(AttemptStatus::Gone(GoneBecause::RunnerDied));
    if arrivals.send(Arrival::Running).await.is_err() {
        return gone;
    }
    let stdin = order.stdin.clone();
    let feeding = tokio::spawn(async move {
        // A command may end without reading what it is fed.
        let _ = channel.stdin.write_all(&stdin).await;
    });
    let both = tokio::join!(
        copy(&mut channel.stdout, Stream::Stdout, arrivals),
        copy(&mut channel.stderr, Stream::Stderr, arrivals)
    );
    feeding.abort();
    match (both, channel.ended.await) {
        ((true, true), Some(exit)) => Ok(AttemptStatus::Done(exit)),
        _ => gone,
    }
}

/// Whether the stream came to its end.
async fn copy(
    from: &mut (dyn tokio::io::AsyncRead + Send + Unpin),
    stream: Stream,
    arrivals: &mpsc::Sender<Arrival>,
) -> bool {
    let mut offset = 0;
    let mut buffer = vec![0; CHUNK_BYTES_MAX];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) => return true,
            Err(_) => return false,
            Ok(count) => {
                let bytes = bytes::Bytes::copy_from_slice(&buffer[..count]);
                if arrivals.send(Arrival::Bytes { stream, offset, bytes }).await.is_err() {
                    return false;
                }
                offset += count as u64;
            }
        }
    }
}
