//! Seats for connections: bounded together and for each peer, so that nobody takes all of them.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use ipnet::IpNet;
use tokio::net::TcpStream;
use tower::Layer;

use crate::web::client::{Connection, is_trusted};
use crate::web::limits::Bounds;
use crate::web::rates::network;
use crate::web::stalled::Unstalled;

/// Whoever is on a seat.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    peer: Option<IpAddr>,
}

impl Seat {
    #[cfg(test)]
    pub fn of_nobody() -> Self {
        Self { seats: Arc::default(), peer: None }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let Some(peer) = self.peer else { return };
        if let Some(count) = taken.by_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                taken.by_peer.remove(&peer);
            }
        }
    }
}

/// Who sits where. Peers without a connection are not remembered, so it is as bounded as the connections.
#[derive(Debug, Default)]
struct Seats {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// Lets connections in, one seat each.
#[derive(Debug, Clone)]
pub struct Doorkeeper {
    seats: Arc<Seats>,
    bounds: Bounds,
    /// A trusted proxy carries everybody's connections: only the common bound holds for it.
    proxies: Arc<[IpNet]>,
    is_tls: bool,
}

impl Doorkeeper {
    pub fn new(bounds: Bounds, proxies: &[IpNet], is_tls: bool) -> Self {
        Self { seats: Arc::default(), bounds, proxies: proxies.into(), is_tls }
    }

    /// A seat, unless all are taken or the peer has its share.
    fn seat(&self, address: IpAddr) -> Option<Seat> {
        let peer = Some(network(address)).filter(|_| !is_trusted(address.to_canonical(), &self.proxies));
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let has = peer.and_then(|peer| taken.by_peer.get(&peer).copied()).unwrap_or(0);
        if taken.all >= self.bounds.connections || has >= self.bounds.connections_per_peer {
            return None;
        }
        taken.all += 1;
        if let Some(peer) = peer {
            taken.by_peer.insert(peer, has + 1);
        }
        Some(Seat { seats: Arc::clone(&self.seats), peer })
    }

    fn let_in<S>(
        &self,
        stream: TcpStream,
        service: S,
    ) -> io::Result<(Unstalled<TcpStream>, AddExtension<S, Connection>)> {
        let (peer, local) = (stream.peer_addr()?, stream.local_addr()?);
        // Before the first byte is read, and before a handshake costs anything.
        let Some(seat) = self.seat(peer.ip()) else {
            return Err(io::Error::other("no seat is free for another connection"));
        };
        stream.set_nodelay(true)?;
        let connection = Connection { peer, local, is_tls: self.is_tls, seat: Arc::new(seat) };
        Ok((Unstalled::new(stream, self.bounds.write_stalled), Extension(connection).layer(service)))
    }
}

impl<S> Accept<TcpStream, S> for Doorkeeper {
    type Stream = Unstalled<TcpStream>;
    type Service = AddExtension<S, Connection>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(self.let_in(stream, service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn seats_are_bounded_for_a_peer_and_together_and_are_given_back() {
        let bounds = Bounds { connections: 5, connections_per_peer: 3, ..Bounds::default() };
        let doorkeeper = Doorkeeper::new(bounds, &["10.0.0.0/8".parse().expect("a network")], false);
        let mut one: Vec<_> = (0..4).map_while(|_| doorkeeper.seat(address("192.0.2.1"))).collect();
        assert_eq!(one.len(), 3, "its share");
        let other = [doorkeeper.seat(address("2001:db8::1")), doorkeeper.seat(address("2001:db8::2"))];
        assert!(other.iter().all(Option::is_some));
        assert!(doorkeeper.seat(address("192.0.2.9")).is_none(), "all are taken");
        one.pop();
        assert!(doorkeeper.seat(address("192.0.2.9")).is_some_and(|_seat| true));
        drop((one, other));
        assert!(doorkeeper.seats.taken.lock().expect("nobody panicked").by_peer.is_empty());
        let proxy: Vec<_> = (0..6).map_while(|_| doorkeeper.seat(address("10.0.0.1"))).collect();
        assert_eq!(proxy.len(), 5, "a proxy carries everybody");
    }
}
