//! Which addresses a feed or a webhook may reach.
//!
//! A name is checked where it is resolved, for each connection, so that a name which changes its answer between a check
//! and the connection gains nothing. An address written in a URL never meets a resolver and is checked at every hop.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::look_up::LookUps;

/// Why a host was not connected to.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// No address of the host is on the public internet.
    #[error("{}", not_public(host, *address))]
    Private {
        /// As in the URL.
        host: String,
        /// One of those it has.
        address: IpAddr,
    },
    /// The name could not be resolved.
    #[error("{host} could not be found: {source}")]
    NotFound {
        /// As in the URL.
        host: String,
        /// What the system's resolver said.
        source: io::Error,
    },
}

/// Says what is wrong with a host; the way out is the caller's to say.
pub(super) fn not_public(host: &str, address: IpAddr) -> String {
    let is_itself = host.trim_matches(['[', ']']).parse() == Ok(address);
    let resolves = if is_itself { String::new() } else { format!(" resolves to {address}, which") };
    format!("{host}{resolves} is not on the public internet")
}

/// Whether an address is on the public internet: unicast, and set aside for no other use by the IANA special-purpose
/// registries. Addresses that carry an IPv4 address are judged by it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127, ..]                  // this network, private, loopback
            | [100, 64..=127, ..]           // carrier-grade NAT, RFC 6598
            | [169, 254, ..]                // link-local, and with it cloud metadata
            | [172, 16..=31, ..]            // private
            | [192, 0, 0, _]                // IETF protocol assignments
            | [192, 0, 2, _]                // documentation
            | [192, 88, 99, _]              // 6to4 relays, withdrawn
            | [192, 168, ..]                // private
            | [198, 18..=19, ..]            // benchmarking
            | [198, 51, 100, _]             // documentation
            | [203, 0, 113, _]              // documentation
            | [224..=255, ..] // multicast, reserved, broadcast
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // IPv4-mapped: the same connection as the IPv4 address itself.
        [0, 0, 0, 0, 0, 0xffff, high, low] => is_public_v4(embedded(high, low)),
        // NAT64, RFC 6052: how an IPv6-only network sees all of the IPv4 internet, so a public one inside is fine.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        // IETF protocol assignments: Teredo, ORCHID, benchmarking.
        [0x2001, 0..=0x1ff, ..] => false,
        // Documentation.
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // 6to4: its relays carry a packet on to any IPv4 address, and no server lives there any more.
        [0x2002, ..] => false,
        // ISATAP: the last half names an IPv4 address of an inner network.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => false,
        // Global unicast is 2000::/3. What lies outside is loopback, unspecified, v4-compatible, local NAT64,
        // unique local, link-local, site-local, multicast, or not given out.
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

/// The address that a URL's host names without any resolver: a literal (the `url` crate has already turned `0x7f.1`
/// and `2130706433` into one), or `localhost`, which a proxy would look up as itself.
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let is_local = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
            is_local.then_some(Ipv4Addr::LOCALHOST.into())
        }
    }
}

/// Refuses a URL whose host is a private address by itself.
///
/// # Errors
/// [`AddressError::Private`]. A name passes: [`GuardedResolver`] judges it when it is connected to.
pub fn check_literal(url: &Url) -> Result<(), AddressError> {
    match literal(url) {
        Some(address) if !is_public(address) => {
            Err(AddressError::Private { host: url.host_str().unwrap_or_default().to_owned(), address })
        }
        _ => Ok(()),
    }
}

/// Who says which addresses a name has.
#[derive(Clone)]
pub enum Names {
    /// The system's resolver.
    System(LookUps),
    /// A table: for each time that a name is asked for, its addresses.
    Table(Arc<Table>),
}

/// Gives a name's addresses each time that it is asked for.
pub type Table = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System(_) => "System",
            Self::Table(_) => "Table",
        })
    }
}

impl Names {
    async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::System(look_ups) => look_ups.look_up(host).await,
            Self::Table(table) => match table(host) {
                found if found.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, "no such name")),
                found => Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect()),
            },
        }
    }
}

/// A resolver that hands out public addresses only.
///
/// Of a name with both kinds the private ones are left out: what is connected to has been checked either way, and a
/// name with a stray private record stays reachable. A name with none left is refused.
#[derive(Debug, Clone)]
pub struct GuardedResolver {
    allow_private: bool,
    exempt: Arc<[String]>,
    names: Names,
}

impl GuardedResolver {
    /// `exempt` are the names of proxies, which may be anywhere: the operator chose them.
    pub fn new(allow_private: bool, exempt: Vec<String>, names: Names) -> Self {
        Self { allow_private, exempt: exempt.into(), names }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let allow_all = self.allow_private || self.exempt.iter().any(|e| e.eq_ignore_ascii_case(&host));
        let names = self.names.clone();
        Box::pin(async move {
            let found = match names.look_up(&host).await {
                Ok(found) => found,
                Err(source) => return Err(AddressError::NotFound { host, source }.into()),
            };
            let allowed = if allow_all { found } else { only_public(host, found)? };
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn only_public(host: String, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, AddressError> {
    let refused = found.iter().map(SocketAddr::ip).find(|ip| !is_public(*ip));
    let allowed: Vec<_> = found.into_iter().filter(|a| is_public(a.ip())).collect();
    match refused {
        Some(address) if allowed.is_empty() => Err(AddressError::Private { host, address }),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        let private = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.1.2.3",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2a00:1450::5efe:10.0.0.1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
        ];
        for text in private {
            assert!(!is_public(text.parse().unwrap()), "{text} is not public");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "2003::1",
        ];
        for text in public {
            assert!(is_public(text.parse().unwrap()), "{text} is public");
        }
    }

    #[test]
    fn a_private_literal_is_seen_in_every_spelling() {
        let refused = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://0/",
            "http://0x0a.0.0.1/",
            "http://①②⑦.⓪.⓪.①/",
            "http://127。0。0。1/",
            "http://%31%32%37.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://user:pass@10.0.0.1:8080/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost:80/",
        ];
        for text in refused {
            assert!(check_literal(&Url::parse(text).unwrap()).is_err(), "{text} is refused");
        }
        for text in
            ["http://8.8.8.8/", "http://example.org/", "http://127.0.0.1.example.org/", "http://[2606:4700::1]/"]
        {
            assert!(check_literal(&Url::parse(text).unwrap()).is_ok(), "{text} passes");
        }
    }

    #[test]
    fn a_name_with_both_kinds_keeps_its_public_addresses() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let kept = only_public("x".into(), vec![at("10.0.0.1"), at("8.8.8.8"), at("::1")]).unwrap();
        assert_eq!(kept, [at("8.8.8.8")]);
        let refused = only_public("x.example".into(), vec![at("10.0.0.1"), at("::1")]).unwrap_err();
        assert_eq!(refused.to_string(), "x.example resolves to 10.0.0.1, which is not on the public internet");
        for (url, host) in [("http://10.1.2.3/", "10.1.2.3"), ("http://[::1]/", "[::1]")] {
            let refused = check_literal(&Url::parse(url).unwrap()).unwrap_err();
            assert_eq!(refused.to_string(), format!("{host} is not on the public internet"));
        }
    }

    #[tokio::test]
    async fn the_resolver_refuses_localhost_unless_it_is_allowed() {
        let guarded = GuardedResolver::new(false, vec!["proxy.example".into()], Names::System(LookUps::for_feeds()));
        assert!(guarded.resolve("localhost".parse().unwrap()).await.is_err());
        let open = GuardedResolver::new(true, Vec::new(), Names::System(LookUps::for_feeds()));
        assert!(open.resolve("localhost".parse().unwrap()).await.unwrap().next().is_some());
        let exempt = GuardedResolver::new(false, vec!["LocalHost".into()], Names::System(LookUps::for_feeds()));
        assert!(exempt.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
