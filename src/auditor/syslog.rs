//! An anchor that is a syslog: one RFC 5424 message for each checkpoint, over the daemon's datagram socket.

use std::path::Path;

use jiff::Timestamp;
use tokio::net::UnixDatagram;

use super::AnchorError;
use crate::audit::anchor::Witness;

/// Facility 13 (log audit) and severity 5 (notice), as RFC 5424, 6.2.1 counts them.
const PRIORITY: u8 = 13 * 8 + 5;

/// Hands the message to the daemon. Whether it passes it on is for its own configuration to say.
pub(super) async fn send(socket: &Path, witness: &Witness, at_ms: i64) -> Result<(), AnchorError> {
    let failed = |source| AnchorError::Syslog { path: socket.to_owned(), source };
    let message = message(witness, at_ms);
    let sender = UnixDatagram::unbound().map_err(failed)?;
    sender.send_to(message.as_bytes(), socket).await.map_err(failed)?;
    Ok(())
}

/// Host name and process id are left to the daemon, which knows who sent it.
fn message(witness: &Witness, at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("<{PRIORITY}>1 {at} - steadyhand - checkpoint - {witness}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::checkpoint::PublicKey;
    use crate::id::Digest;

    #[tokio::test]
    async fn the_daemon_gets_a_message_in_the_form_of_rfc_5424() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let socket = folder.path().join("log");
        let witness = Witness { number: 12, hash: Digest([1; 32]), key: PublicKey([2; 32]) };
        let error = send(&socket, &witness, 0).await.expect_err("nobody listens");
        assert!(error.to_string().contains("syslog socket"), "{error}");

        let daemon = UnixDatagram::bind(&socket).expect("the socket can be made");
        send(&socket, &witness, 1_795_403_529_000).await.expect("it is sent");
        let mut bytes = [0; 1024];
        let length = daemon.recv(&mut bytes).await.expect("it arrives");
        let text = std::str::from_utf8(&bytes[..length]).expect("it is text");
        assert_eq!(text, format!("<109>1 2026-11-23T03:12:09Z - steadyhand - checkpoint - {witness}"));
        assert_eq!(Witness::in_line(text), Some(witness));
    }
}
