//! The options of `serve` that say where it listens, who ends TLS, and where people reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use tokio::net::TcpListener;

use super::explain::{Explain, Explained};
use crate::config::Config;
use crate::web::{Listening, Tls, TlsFiles, WebOptions};

/// Where to listen unless said: only this machine reaches it.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7878);

#[derive(Args)]
#[command(next_help_heading = "Where it listens")]
pub(super) struct ListenOptions {
    /// Where to listen; other than on this machine alone only with a certificate or behind a proxy [default:
    /// 127.0.0.1:7878]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,

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
    /// What is not said here is taken from the configuration file.
    fn or(self, config: &Config) -> (Listening, WebOptions) {
        let given = self.tls_cert.zip(self.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
        let in_file = || {
            let tls = config.tls.as_ref().filter(|_| !self.behind_proxy)?;
            Some(TlsFiles { certificate: tls.certificate.clone(), key: tls.key.clone() })
        };
        // One who gives a certificate here ends TLS here, whatever the file says.
        let behind_proxy = self.behind_proxy || (config.behind_proxy && given.is_none());
        let proxies = config.trusted_proxies.iter().map(|range| network(&range.to_string()));
        let proxies = proxies.map(|range| range.expect("a range is written as every reader takes it"));
        let options = WebOptions {
            public_url: self.public_url.or_else(|| config.public_url.clone()),
            trusted_proxies: if self.trusted_proxy.is_empty() { proxies.collect() } else { self.trusted_proxy },
            shares_require_login: config.shares_require_login,
            ..WebOptions::default()
        };
        let address = self.listen.or(config.listen).unwrap_or(LISTEN);
        (Listening { address, tls: given.or_else(in_file), behind_proxy }, options)
    }

    /// Takes the address and reads the certificate.
    pub(super) async fn bind(self, config: &Config) -> anyhow::Result<Listener> {
        let (listening, options) = self.or(config);
        checked(&listening, &options)?;
        let next = "name the files that your certificate authority gave you; the key: chmod 600 FILE";
        let tls = listening.tls.map(Tls::load).transpose().explain("cannot serve https", next)?;
        let next = "stop what listens there, or choose another place with --listen";
        let address = listening.address;
        let listener = TcpListener::bind(address).await.explain(format!("cannot listen on {address}"), next)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let own = format!("{scheme}://{}", listener.local_addr()?);
        let base = options.public_url.as_ref().map_or(own, |url| url.trim_end_matches('/').to_owned());
        if listening.behind_proxy && options.trusted_proxies.is_empty() {
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
