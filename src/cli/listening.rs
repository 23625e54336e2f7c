//! The options of `serve` that say where it listens, who ends TLS, and where people reach it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use tokio::net::TcpListener;

use super::explain::{Explain, Explained};
use crate::web::{Listening, Tls, TlsFiles, WebOptions};

#[derive(Args)]
#[command(next_help_heading = "Where it listens")]
pub(super) struct ListenOptions {
    /// Where to listen; other than on this machine alone only with a certificate or behind a proxy
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,

    /// Where people reach the server, if not at --listen: https://ops.example.org
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// The certificate and its chain, as PEM: serves https. Read again when it changes and at SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, as PEM, readable by its owner alone
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// A proxy in front of the server ends TLS; needs --public-url
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,

    /// A proxy, or a network of them, whose X-Forwarded-For or Forwarded is believed (may be repeated)
    #[arg(long, value_name = "CIDR", value_parser = network)]
    trusted_proxy: Vec<IpNet>,
}

/// A server that holds its address, and has not let anybody in yet.
pub(super) struct Listener {
    pub listener: TcpListener,
    pub tls: Option<Tls>,
    pub options: WebOptions,
    /// Where people reach it.
    pub base: String,
}

impl ListenOptions {
    /// Takes the address and reads the certificate.
    pub(super) async fn bind(self) -> anyhow::Result<Listener> {
        let files = self.tls_cert.zip(self.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
        let options =
            WebOptions { public_url: self.public_url, trusted_proxies: self.trusted_proxy, ..WebOptions::default() };
        let listening = Listening { address: self.listen, tls: files, behind_proxy: self.behind_proxy };
        checked(&listening, &options)?;
        let next = "name the files that your certificate authority gave you; the key: chmod 600 FILE";
        let tls = listening.tls.map(Tls::load).transpose().explain("cannot serve https", next)?;
        let next = "stop what listens there, or choose another place with --listen";
        let listener =
            TcpListener::bind(listening.address).await.explain(format!("cannot listen on {}", self.listen), next)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let own = format!("{scheme}://{}", listener.local_addr()?);
        let base = options.public_url.as_ref().map_or(own, |url| url.trim_end_matches('/').to_owned());
        if self.behind_proxy && options.trusted_proxies.is_empty() {
            tracing::warn!(
                "all requests count as the proxy's: name it with --trusted-proxy, so that limits and records see who asks"
            );
        }
        Ok(Listener { listener, tls, options, base })
    }
}

/// Refuses a place where what people send could be read.
pub(super) fn checked(listening: &Listening, options: &WebOptions) -> anyhow::Result<()> {
    listening.check(options).map_err(|error| {
        let next = error.next_step();
        anyhow::Error::new(error).context(Explained::new("cannot serve like this", next))
    })
}

/// `10.0.0.0/8`, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
    text.parse().or_else(|_| one()).map_err(|_| "write an address or a network: 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_by_address_or_network() {
        assert_eq!(network("10.0.0.0/8"), Ok("10.0.0.0/8".parse().expect("a network")));
        assert_eq!(network("2001:db8::1"), Ok("2001:db8::1/128".parse().expect("a network")));
        for wrong in ["", "proxy.example", "10.0.0.0/33", "10.0.0.1:80"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }
}
