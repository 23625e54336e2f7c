//! The way to a host, as the tether sees it: something that starts a command there and gives its three streams.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use super::TransportError;
use crate::run::outcome::Exit;

/// One of two kinds: a connection of ssh, or this machine.
#[async_trait]
pub(super) trait Road: Send + Sync + 'static {
    /// Starts `command_line` in the account's login shell there.
    async fn open(&self, command_line: &str) -> Result<Channel, TransportError>;

    /// Fingerprint of the key that the host has proven to hold; none where there is none to prove.
    fn host_key(&self) -> Option<String>;

    /// Lets go of what is kept open. Commands that detached themselves go on.
    async fn close(&self);
}

/// A command that was started over a [`Road`]. Dropping it closes the three streams; the command is not killed.
pub(super) struct Channel {
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// How the command ended, as far as the road can tell: `None` is "the connection broke, or a signal".
    pub ended: Pin<Box<dyn Future<Output = Option<Exit>> + Send>>,
}
