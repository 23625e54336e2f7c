//! How often somebody may ask, and who asks too often.
//!
//! What is remembered is bounded: an address or a token that has been quiet is forgotten, and while too many ask at
//! once everybody waits at that door.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::id::Digest;
use crate::web::problem::Problem;

/// Tries to sign in, a minute and address. A person who mistypes needs five.
pub const LOGIN_TRIES_A_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("twenty is not zero");

/// Share links opened, a minute and address. A meeting behind one address opens one each.
pub const SHARE_TRIES_A_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("twenty is not zero");

/// Requests a second of one address (an IPv6 /64), whoever sends them: an office behind one address.
pub const ADDRESS_A_SECOND: NonZeroU32 = NonZeroU32::new(200).expect("two hundred is not zero");

/// What an address may ask at once before the rate above counts.
pub const ADDRESS_BURST: NonZeroU32 = NonZeroU32::new(2_000).expect("two thousand is not zero");

/// Requests a second with one token or session. A page asks about twice a second, a script in a loop forty times.
pub const CREDENTIAL_A_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("fifty is not zero");

/// What one token or session may ask at once before the rate above counts.
pub const CREDENTIAL_BURST: NonZeroU32 = NonZeroU32::new(1_000).expect("a thousand is not zero");

/// Passwords tried a minute and account, from wherever. More than one address has: nobody locks another person out
/// from one place.
pub const PASSWORDS_A_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");

/// One-time codes tried an hour and account, by somebody who knows the password. Three of a million codes are right
/// at a time, so guessing takes years.
pub const CODES_AN_HOUR: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");

/// Pages raised an hour by one person: nobody needs help more often, and a script in a loop wakes nobody all night.
pub const PAGES_AN_HOUR: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");

/// Addresses, accounts, tokens or sessions that are remembered a door before those that have been quiet are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// How long whoever is new waits while too many ask at once.
const CROWD_WAIT: Duration = Duration::from_secs(30);

/// The rates of one server.
pub struct Rates {
    login: Keyed<IpAddr>,
    share: Keyed<IpAddr>,
    address: Keyed<IpAddr>,
    credential: Keyed<Digest>,
    password: Keyed<Digest>,
    code: Keyed<Digest>,
    page: Keyed<Digest>,
}

impl Rates {
    pub fn new() -> Self {
        Self {
            login: Keyed::new(Quota::per_minute(LOGIN_TRIES_A_MINUTE)),
            share: Keyed::new(Quota::per_minute(SHARE_TRIES_A_MINUTE)),
            address: Keyed::new(Quota::per_second(ADDRESS_A_SECOND).allow_burst(ADDRESS_BURST)),
            credential: Keyed::new(Quota::per_second(CREDENTIAL_A_SECOND).allow_burst(CREDENTIAL_BURST)),
            password: Keyed::new(Quota::per_minute(PASSWORDS_A_MINUTE)),
            code: Keyed::new(Quota::per_hour(CODES_AN_HOUR)),
            page: Keyed::new(Quota::per_hour(PAGES_AN_HOUR)),
        }
    }

    /// Counts a try to sign in, by whatever means.
    ///
    /// # Errors
    /// The address tried too often.
    pub fn login(&self, address: IpAddr) -> Result<(), Problem> {
        self.login.count(&network(address)).map_err(|wait| Problem::too_many("tries to sign in", wait))
    }

    /// Counts the opening of a share link.
    ///
    /// # Errors
    /// The address tried too often.
    pub fn share(&self, address: IpAddr) -> Result<(), Problem> {
        self.share.count(&network(address)).map_err(|wait| Problem::too_many("share links opened", wait))
    }

    /// Counts a request of any kind.
    ///
    /// # Errors
    /// The address asked too often.
    pub fn address(&self, address: IpAddr) -> Result<(), Problem> {
        self.address.count(&network(address)).map_err(|wait| Problem::too_many("requests from this address", wait))
    }

    /// Counts a password for the account of a name, as it was typed: whether there is such an account does not matter.
    ///
    /// # Errors
    /// It was tried too often.
    pub fn password(&self, name: &str) -> Result<(), Problem> {
        let counted = self.password.count(&Digest::of(name.as_bytes()));
        counted.map_err(|wait| Problem::too_many("tries with this account", wait))
    }

    /// Counts a one-time code for an account.
    ///
    /// # Errors
    /// It was tried too often.
    pub fn code(&self, name: &str) -> Result<(), Problem> {
        let counted = self.code.count(&Digest::of(name.as_bytes()));
        counted.map_err(|wait| Problem::too_many("codes for this account", wait))
    }

    /// Counts a page that somebody raises.
    ///
    /// # Errors
    /// They raised too many; it says so, and nobody was told.
    pub fn page(&self, actor: &str) -> Result<(), Problem> {
        let counted = self.page.count(&Digest::of(actor.as_bytes()));
        counted
            .map_err(|wait| Problem::too_many("pages by you; nobody was told of this one, so call by telephone", wait))
    }

    /// Counts a request with a token or session that is good; `credential` is its hash.
    ///
    /// # Errors
    /// It was used too often.
    pub fn credential(&self, credential: Digest) -> Result<(), Problem> {
        self.credential.count(&credential).map_err(|wait| Problem::too_many("requests with one credential", wait))
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self::new()
    }
}

/// One rate, for each key by itself.
struct Keyed<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    fn new(quota: Quota) -> Self {
        Self { limiter: RateLimiter::keyed(quota) }
    }

    /// Nothing, or how long to wait.
    fn count(&self, key: &K) -> Result<(), Duration> {
        if self.limiter.len() >= REMEMBERED_MAX {
            self.limiter.retain_recent();
            if self.limiter.len() >= REMEMBERED_MAX {
                return Err(CROWD_WAIT);
            }
        }
        self.limiter.check_key(key).map_err(|until| until.wait_time_from(self.limiter.clock().now()))
    }
}

/// One customer has a whole IPv6 /64: single addresses of it are no limit.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_that_tries_too_often_waits_and_others_do_not() {
        for count in [Rates::login, Rates::share] {
            let rates = Rates::new();
            let let_in = (0..100).filter(|_| count(&rates, address("192.0.2.1")).is_ok()).count();
            assert!((20..30).contains(&let_in), "{let_in}");
            assert!(count(&rates, address("192.0.2.2")).is_ok());
        }
    }

    #[test]
    fn an_account_that_is_tried_too_often_waits_and_others_do_not() {
        for count in [Rates::password, Rates::code] {
            let rates = Rates::new();
            let let_in = (0..100).filter(|_| count(&rates, "anna").is_ok()).count();
            assert!((30..40).contains(&let_in), "{let_in}");
            assert!(count(&rates, "ben").is_ok());
        }
    }

    #[test]
    fn one_customer_s_ipv6_network_counts_as_one_and_a_mapped_address_as_its_ipv4() {
        let rates = Rates::new();
        let let_in = (0..100_u32).filter(|host| rates.login(address(&format!("2001:db8::{host:x}"))).is_ok()).count();
        assert!((20..30).contains(&let_in), "{let_in}");
        assert!(rates.login(address("2001:db8:0:1::1")).is_ok());
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn a_credential_and_an_address_that_ask_without_end_wait_and_are_told_how_long() {
        let rates = Rates::new();
        let let_in = (0..3_000).filter(|_| rates.credential(Digest([1; 32])).is_ok()).count();
        assert!((1_000..2_000).contains(&let_in), "{let_in}");
        assert!(rates.credential(Digest([2; 32])).is_ok());
        let let_in = (0..6_000).filter(|_| rates.address(address("192.0.2.1")).is_ok()).count();
        assert!((2_000..4_000).contains(&let_in), "{let_in}");
        let refused = (0..6_000).find_map(|_| rates.address(address("192.0.2.1")).err()).expect("it is over its rate");
        assert!(refused.retry_after_seconds.is_some_and(|seconds| seconds >= 1));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_a_crowd_waits() {
        let rates = Rates::new();
        // The slowest rate: none of these has been quiet long enough to be forgotten before the test ends.
        let crowd = (0..2 * REMEMBERED_MAX as u32).map(|number| Digest::of(&number.to_be_bytes()));
        let refused = crowd.filter(|account| rates.code.count(account).is_err()).count();
        assert_eq!(refused, REMEMBERED_MAX);
        assert_eq!(rates.code.limiter.len(), REMEMBERED_MAX);
    }
}
