//! Where the server listens and how: plain HTTP only where nobody else can read it, else https.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::web::limits;
use crate::web::seats::Doorkeeper;
use crate::web::state::{Web, WebOptions};
use crate::web::tls::{Tls, TlsFiles};

/// How long open requests may take after the server was told to end.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Where to listen, and who ends TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    pub address: SocketAddr,
    /// The certificate, where the server itself ends TLS.
    pub tls: Option<TlsFiles>,
    /// A proxy in front of the server ends TLS.
    pub behind_proxy: bool,
}

/// Why the server does not listen like this.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ListenError {
    #[error("plain HTTP on {0} would carry passwords and sessions over the network for everybody to read")]
    PlainHttp(SocketAddr),
    #[error("a proxy is said to end TLS, but not at which https address people reach it")]
    NoPublicUrl,
    #[error("the public address {0:?} is not of the form https://ops.example.org")]
    PublicUrl(String),
}

impl ListenError {
    /// What to do about it.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::PlainHttp(_) => {
                "give a certificate (--tls-cert FILE --tls-key FILE); or listen on this machine alone (--listen \
                 127.0.0.1:7878, and reach it through ssh -L); or, if a proxy ends TLS before it, say so \
                 (--behind-proxy --public-url https://…)"
            }
            Self::NoPublicUrl => "name it: --public-url https://ops.example.org",
            Self::PublicUrl(_) => "write scheme and host alone, without a path: --public-url https://ops.example.org",
        }
    }
}

impl Listening {
    /// # Errors
    /// When what people send would cross the network readable, or nobody could say where they reach the server.
    pub fn check(&self, options: &WebOptions) -> Result<(), ListenError> {
        if let Some(url) = &options.public_url
            && options.public_origin().is_none()
        {
            return Err(ListenError::PublicUrl(url.clone()));
        }
        if self.tls.is_none() && !self.behind_proxy && !self.address.ip().to_canonical().is_loopback() {
            return Err(ListenError::PlainHttp(self.address));
        }
        if self.behind_proxy && !options.is_https() {
            return Err(ListenError::NoPublicUrl);
        }
        Ok(())
    }
}

/// Serves `router` until `shutdown`, then lets open requests end; streams end at once.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    web: &Web,
    tls: Option<Tls>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let handle = Handle::new();
    let stopping = web.stopping().clone();
    let ending = {
        let handle = handle.clone();
        async move {
            shutdown.cancelled().await;
            stopping.cancel();
            handle.graceful_shutdown(Some(DRAIN_MAX));
            std::future::pending::<()>().await;
        }
    };
    let doorkeeper = Doorkeeper::new(web.options().bounds, &web.options().trusted_proxies, tls.is_some());
    let mut server = Server::<SocketAddr>::from_listener(listener)
        .handle(handle)
        .first_request_timeout(web.options().bounds.header_read);
    bound(&mut server, web);
    let service = router.into_make_service();
    let serving = async {
        match tls {
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls.config()).handshake_timeout(limits::HANDSHAKE_MAX);
                tokio::spawn(tls.watch(web.stopping().clone()));
                server.acceptor(acceptor.acceptor(doorkeeper)).serve(service).await
            }
            // Browsers speak HTTP/2 over TLS only: one parser less for everybody else to attack.
            None => server.acceptor(doorkeeper).http1_only().serve(service).await,
        }
    };
    tokio::select! {
        ended = serving => ended,
        () = ending => Ok(()),
    }
}

/// What a connection may cost before a request of it is understood.
fn bound(server: &mut Server<SocketAddr>, web: &Web) {
    let header_read = web.options().bounds.header_read;
    let mut http1 = server.http_builder().http1();
    http1.header_read_timeout(header_read).max_headers(limits::HEADERS_MAX).max_buf_size(limits::HEADER_BYTES_MAX);
    let mut http2 = server.http_builder().http2();
    http2.max_concurrent_streams(limits::STREAMS_MAX);
    http2.max_header_list_size(u32::try_from(limits::HEADER_BYTES_MAX).unwrap_or(u32::MAX));
    // A connection whose other end is gone gives its seat back.
    http2.keep_alive_interval(header_read).keep_alive_timeout(header_read);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(address: &str, tls: bool, behind_proxy: bool, public_url: Option<&str>) -> Result<(), ListenError> {
        let tls = tls.then(|| TlsFiles { certificate: "cert.pem".into(), key: "key.pem".into() });
        let listening = Listening { address: address.parse().expect("an address"), tls, behind_proxy };
        let public_url = public_url.map(str::to_owned);
        listening.check(&WebOptions { public_url, ..WebOptions::default() })
    }

    #[test]
    fn plain_http_is_for_this_machine_alone_unless_a_proxy_ends_tls() {
        for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(checked(address, false, false, None), Ok(()), "{address}");
        }
        for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
            let expected = Err(ListenError::PlainHttp(address.parse().expect("an address")));
            assert_eq!(checked(address, false, false, Some("https://ops.example.org")), expected, "{address}");
            assert_eq!(checked(address, true, false, None), Ok(()), "{address}");
            assert_eq!(checked(address, false, true, Some("https://ops.example.org")), Ok(()), "{address}");
            assert_eq!(checked(address, false, true, Some("http://ops.example.org")), Err(ListenError::NoPublicUrl));
            assert_eq!(checked(address, false, true, None), Err(ListenError::NoPublicUrl), "{address}");
        }
    }

    #[test]
    fn a_public_address_is_a_scheme_and_a_host() {
        for wrong in
            ["ops.example.org", "https://", "ftp://a", "https://a/b", "https://a b", "https://u@a", "javascript:x"]
        {
            assert_eq!(
                checked("127.0.0.1:1", false, false, Some(wrong)),
                Err(ListenError::PublicUrl(wrong.to_owned())),
                "{wrong}"
            );
        }
        for right in ["https://ops.example.org", "https://ops.example.org/", "http://localhost:7878", "https://[::1]:1"]
        {
            assert_eq!(checked("127.0.0.1:1", false, false, Some(right)), Ok(()), "{right}");
        }
    }
}
