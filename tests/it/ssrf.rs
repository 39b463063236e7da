//! Ways to make a fetcher reach what it must not: every spelling of an inner address, names that lead inside, redirects,
//! and schemes that are none of the web's. Each is tried directly and, where it is a web address, as the target of a
//! redirect; a server on loopback says whether anything arrived.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use url::Url;
use wirewatch::{
    config::Proxy,
    fetch::{FetchLimits, FetchRequest, Fetcher, address::Names},
};

use super::{
    farm::{Farm, Reply},
    fetch::http,
    program::Desk,
};

/// A name for the trick, and the URL; `PORT` is where the server listens.
const TRICKS: [(&str, &str); 66] = [
    ("loopback", "http://127.0.0.1:PORT/secret"),
    ("loopback, another of its addresses", "http://127.8.9.10:PORT/secret"),
    ("IPv4 as one decimal number", "http://2130706433:PORT/secret"),
    ("IPv4 as one hexadecimal number", "http://0x7f000001:PORT/secret"),
    ("IPv4 as one octal number", "http://017700000001:PORT/secret"),
    ("IPv4 with an octal part", "http://0177.0.0.1:PORT/secret"),
    ("IPv4 with hexadecimal parts", "http://0x7f.0x0.0x0.0x1:PORT/secret"),
    ("IPv4 with parts of mixed bases", "http://0x7f.0.0.01:PORT/secret"),
    ("IPv4 in two parts", "http://127.1:PORT/secret"),
    ("IPv4 in three parts", "http://127.0.1:PORT/secret"),
    ("IPv4 with a dot behind it", "http://127.0.0.1.:PORT/secret"),
    ("IPv4 with escaped digits", "http://%31%32%37.0.0.1:PORT/secret"),
    ("IPv4 with circled digits", "http://①②⑦.⓪.⓪.①:PORT/secret"),
    ("IPv4 with full-width digits", "http://１２７.０.０.１:PORT/secret"),
    ("IPv4 with ideographic dots", "http://127。0。0。1:PORT/secret"),
    ("IPv4 with a half-width ideographic dot", "http://127｡0｡0｡1:PORT/secret"),
    ("this network", "http://0.0.0.0:PORT/secret"),
    ("this network as zero", "http://0:PORT/secret"),
    ("this network, a host of it", "http://0.1.2.3:PORT/secret"),
    ("private, 10/8", "http://10.0.0.1/secret"),
    ("private, 172.16/12", "http://172.31.255.254/secret"),
    ("private, 192.168/16", "http://192.168.1.1/secret"),
    ("carrier-grade NAT", "http://100.64.0.1/secret"),
    ("carrier-grade NAT, its end", "http://100.127.255.254/secret"),
    ("link-local", "http://169.254.1.1/secret"),
    ("cloud metadata", "http://169.254.169.254/latest/meta-data/"),
    ("cloud metadata as a number", "http://2852039166/latest/meta-data/"),
    ("cloud metadata over IPv6", "http://[fd00:ec2::254]/latest/meta-data/"),
    ("cloud metadata of Alibaba", "http://100.100.100.200/latest/meta-data/"),
    ("IETF assignments", "http://192.0.0.192/secret"),
    ("documentation, 192.0.2/24", "http://192.0.2.1/secret"),
    ("documentation, 198.51.100/24", "http://198.51.100.1/secret"),
    ("documentation, 203.0.113/24", "http://203.0.113.1/secret"),
    ("benchmarking", "http://198.18.0.1/secret"),
    ("relays of 6to4", "http://192.88.99.1/secret"),
    ("multicast", "http://224.0.0.1/secret"),
    ("reserved", "http://240.0.0.1/secret"),
    ("broadcast", "http://255.255.255.255/secret"),
    ("IPv6 loopback", "http://[::1]:PORT/secret"),
    ("IPv6 loopback, written out", "http://[0:0:0:0:0:0:0:1]:PORT/secret"),
    ("IPv6 unspecified", "http://[::]:PORT/secret"),
    ("IPv4-mapped", "http://[::ffff:127.0.0.1]:PORT/secret"),
    ("IPv4-mapped in hexadecimal", "http://[::ffff:7f00:1]:PORT/secret"),
    ("IPv4-compatible", "http://[::127.0.0.1]:PORT/secret"),
    ("IPv4-translated", "http://[::ffff:0:127.0.0.1]:PORT/secret"),
    ("NAT64 of loopback", "http://[64:ff9b::127.0.0.1]/secret"),
    ("NAT64 of metadata", "http://[64:ff9b::a9fe:a9fe]/secret"),
    ("NAT64, local prefix", "http://[64:ff9b:1::808:808]/secret"),
    ("6to4 of a private address", "http://[2002:c0a8:101::1]/secret"),
    ("Teredo with a private address inside", "http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/secret"),
    ("ISATAP of a private address", "http://[2a00:1450::5efe:10.0.0.1]/secret"),
    ("unique local", "http://[fd12:3456::1]/secret"),
    ("site-local", "http://[fec0::1]/secret"),
    ("IPv6 link-local", "http://[fe80::1]/secret"),
    ("IPv6 link-local with a zone", "http://[fe80::1%25eth0]/secret"),
    ("IPv6 multicast", "http://[ff02::1]/secret"),
    ("IPv6 documentation", "http://[2001:db8::1]/secret"),
    ("IPv6 discard", "http://[100::1]/secret"),
    ("localhost in capitals, with a dot behind it", "http://LOCALHOST.:PORT/secret"),
    ("a name under localhost", "http://feeds.localhost:PORT/secret"),
    ("credentials that look like a host", "http://news.example@127.0.0.1:PORT/secret"),
    ("credentials with a password", "http://news.example:80@127.0.0.1:PORT/secret"),
    ("a fragment that looks like a host", "http://127.0.0.1:PORT/secret#@news.example/"),
    ("a backslash for a slash", "http:\\\\127.0.0.1:PORT\\secret"),
    ("one slash too few", "http:/127.0.0.1:PORT/secret"),
    ("tabs and line ends in between", "ht\ttp://127.0.\n0.1:PORT/secret"),
];

/// As the target of a redirect this is a path on the host that sends it.
const PATH_ON_THE_SAME_HOST: &str = "one slash too few";

/// Names that lead inside, and where to.
const NAMES: [(&str, &[&str]); 8] = [
    ("loopback.example", &["127.0.0.1"]),
    ("private.example", &["10.1.2.3"]),
    ("metadata.google.internal", &["169.254.169.254"]),
    ("mapped.example", &["::ffff:127.0.0.1"]),
    ("nat64.example", &["64:ff9b::7f00:1"]),
    ("local.example", &["fd00::1"]),
    ("several.example", &["127.0.0.1", "10.0.0.1", "::1"]),
    ("nothing.example", &[]),
];

/// An address that is public, of the black hole that AS112 is (RFC 7535); nobody answers there but to DNS.
const PUBLIC: &str = "192.31.196.1";

/// What is on no list goes nowhere, so no trick can leave the machine.
fn names() -> Names {
    let asked = AtomicUsize::new(0);
    Names::Table(Arc::new(move |name| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let parsed = |texts: &[&str]| texts.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect();
        match name.as_str() {
            "localhost" => parsed(&["127.0.0.1"]),
            // Public when it is looked at, loopback when it is connected to.
            "rebinding.example" if asked.fetch_add(1, Ordering::SeqCst) == 0 => parsed(&[PUBLIC]),
            "rebinding.example" => parsed(&["127.0.0.1"]),
            "both.example" => parsed(&["127.0.0.1", PUBLIC]),
            _ => NAMES.iter().find(|(known, _)| *known == name).map_or(Vec::new(), |(_, texts)| parsed(texts)),
        }
    }))
}

fn guarded() -> Fetcher {
    let limits = FetchLimits { connect: Duration::from_millis(300), ..FetchLimits::default() };
    Fetcher::new(None, &Proxy::Direct, false, limits).unwrap().with_names(names())
}

/// Every server's answer is the way to the target that its path names.
async fn farm() -> Farm {
    Farm::start(|request| match request.path.strip_prefix("/to?") {
        Some(target) => Reply::moved(302, percent_decoded(target)),
        None => Reply::ok("<rss version=\"2.0\"><channel><title>reached</title></channel></rss>"),
    })
    .await
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.as_bytes().chunks(2).map(hex).collect()
}

/// Where the server sends to `target`.
fn redirect(farm: &Farm, target: &str) -> Url {
    let target: String = target.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("http://localhost:{}/to?{target}", farm.port()).parse().unwrap()
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_reached() {
    let farm = farm().await;
    let fetcher = guarded();
    let port = farm.port().to_string();
    for (trick, url) in TRICKS {
        let text = url.replace("PORT", &port);
        // What is no URL is refused where it is configured.
        let Ok(url) = Url::parse(&text) else { continue };
        let error = fetcher.fetch(&FetchRequest::new(&http(url))).await.unwrap_err();
        assert_eq!(error.class(), "private-address", "{trick}: {error}");
    }
    assert!(farm.requests().is_empty(), "nothing arrived: {:?}", farm.requests());
}

#[tokio::test]
async fn no_redirect_leads_inside() {
    let farm = farm().await;
    let fetcher = guarded();
    let port = farm.port().to_string();
    let mut tried = 0;
    for (trick, target) in TRICKS.iter().filter(|(trick, _)| *trick != PATH_ON_THE_SAME_HOST) {
        let source = http(redirect(&farm, &target.replace("PORT", &port)));
        let request = FetchRequest { private: true, ..FetchRequest::new(&source) };
        let error = fetcher.fetch(&request).await.unwrap_err();
        assert!(matches!(error.class(), "private-address" | "redirect"), "{trick}: {error}");
        tried += 1;
        assert_eq!(farm.requests().len(), tried, "{trick}: only the redirect was asked for");
    }
    for target in [
        "file:///etc/passwd",
        "unix:/var/run/docker.sock",
        "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
        "gopher://127.0.0.1:70/_x",
        "ftp://127.0.0.1/secret",
        "dict://127.0.0.1:11211/stats",
        "data:text/xml,<rss/>",
        "javascript:alert(1)",
        "exec:id",
    ] {
        let source = http(redirect(&farm, target));
        let request = FetchRequest { private: true, ..FetchRequest::new(&source) };
        let error = fetcher.fetch(&request).await.unwrap_err();
        assert_eq!(error.class(), "redirect", "{target}: {error}");
    }
    let relative = http(redirect(&farm, &format!("//127.0.0.1:{port}/secret")));
    let error = fetcher.fetch(&FetchRequest { private: true, ..FetchRequest::new(&relative) }).await.unwrap_err();
    assert_eq!(error.class(), "private-address");
    assert!(farm.requests_for("/secret").is_empty());
}

#[tokio::test]
async fn no_name_leads_inside() {
    let farm = farm().await;
    let fetcher = guarded();
    for (name, addresses) in NAMES {
        for ending in ["", "."] {
            let url: Url = format!("http://{name}{ending}:{}/secret", farm.port()).parse().unwrap();
            let expected = if addresses.is_empty() { "dns" } else { "private-address" };
            // Directly, and from a feed on a private host, which may lead nowhere else inside.
            for (source, private) in [(http(url.clone()), false), (http(redirect(&farm, url.as_str())), true)] {
                let request = FetchRequest { private, ..FetchRequest::new(&source) };
                let error = fetcher.fetch(&request).await.unwrap_err();
                assert_eq!(error.class(), expected, "{name}: {error}");
            }
        }
    }
    assert!(farm.requests_for("/secret").is_empty());
}

#[tokio::test]
async fn name_that_changes_its_mind_gains_nothing() {
    let farm = farm().await;
    let fetcher = guarded();
    let source = http(format!("http://rebinding.example:{}/secret", farm.port()).parse().unwrap());
    let first = fetcher.fetch(&FetchRequest::new(&source)).await.unwrap_err();
    assert_ne!(first.class(), "private-address", "public, and nothing of ours is there: {first}");
    for _ in 0..3 {
        let then = fetcher.fetch(&FetchRequest::new(&source)).await.unwrap_err();
        assert_eq!(then.class(), "private-address", "{then}");
    }
    // Of a name with both kinds, only the public address is connected to.
    let source = http(format!("http://both.example:{}/secret", farm.port()).parse().unwrap());
    assert!(fetcher.fetch(&FetchRequest::new(&source)).await.is_err());
    assert!(farm.requests().is_empty());
}

#[test]
fn a_config_names_no_other_scheme() {
    for url in [
        "ftp://example.org/feed",
        "gopher://example.org/",
        "unix:/var/run/docker.sock",
        "http+unix://%2Frun%2Fx.sock/",
        "data:text/xml,<rss/>",
        "dict://127.0.0.1:11211/stats",
        "http://[fe80::1%25eth0]/feed",
        "file://fileserver/share/feed.xml",
    ] {
        let desk = Desk::new(&format!("[[feed]]\nid = \"x\"\nurl = \"{url}\"\n"));
        let ran = desk.run(&["check"]);
        assert_eq!(ran.code, Some(2), "{url}: {ran:?}");
    }
}
