//! The server's certificate: read from files, and read again when they change.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at; a certificate is renewed days before it ends.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A chain and a key are some kilobytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Rights that nobody but the owner may have on the key: all of others', and writing for the group.
const KEY_MODE_FORBIDDEN: u32 = 0o027;

/// Where the certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and the chain that signed it, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM, readable by nobody else.
    pub key: PathBuf,
}

/// Why the server has no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is readable or writable by others (mode {mode:o})", path.display())]
    OpenKey { path: PathBuf, mode: u32 },
    #[error("{} holds no certificate as PEM", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key as PEM", path.display())]
    NoKey { path: PathBuf },
    #[error("the certificate in {} and the key in {} do not go together", certificate.display(), key.display())]
    Refused { certificate: PathBuf, key: PathBuf, source: rustls::Error },
}

/// A certificate that is in use. All clones are one.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    config: RustlsConfig,
    look: Arc<Notify>,
}

impl Tls {
    /// # Errors
    /// The files cannot be read, others may read the key, or they do not go together.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let config = RustlsConfig::from_config(Arc::new(read(&files)?));
        Ok(Self { files, config, look: Arc::new(Notify::new()) })
    }

    pub(super) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Has the files read again soon.
    pub fn look_again(&self) {
        self.look.notify_one();
    }

    /// Reads the files again whenever they changed or somebody asks, until `stopping`. A new certificate that cannot
    /// be used is logged, and the old one stays.
    pub(super) async fn watch(self, stopping: CancellationToken) {
        let mut used = self.stamps();
        loop {
            let asked = tokio::select! {
                () = stopping.cancelled() => return,
                () = self.look.notified() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = self.stamps();
            if asked || now != used {
                used = now;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        match read(&self.files) {
            Ok(config) => {
                self.config.reload_from_config(Arc::new(config));
                tracing::info!(file = %self.files.certificate.display(), "the certificate was read again");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::error!(%error, cause, "the certificate could not be read again; the one before stays in use");
            }
        }
    }

    /// When the files changed, and how long they are.
    fn stamps(&self) -> [Option<(std::time::SystemTime, u64)>; 2] {
        [&self.files.certificate, &self.files.key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let certificate = bytes(&files.certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| TlsError::NoCertificate { path: files.certificate.clone() })?;
    let key = key_bytes(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::NoKey { path: files.key.clone() })?;
    let refused = |source| TlsError::Refused { certificate: files.certificate.clone(), key: files.key.clone(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(refused)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    File::open(path).and_then(whole).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

/// The rights are those of the very file that is read, whatever lies under its name a moment later.
fn key_bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & KEY_MODE_FORBIDDEN != 0 {
        return Err(TlsError::OpenKey { path: path.to_owned(), mode });
    }
    whole(file).map_err(unreadable)
}

fn whole(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
