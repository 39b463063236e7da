//! Requests against a real server on loopback that records them.

use std::time::Duration;

use url::Url;
use wirewatch::{
    config::{FeedSource, Proxy, Secret},
    fetch::{
        Answer, FetchError, FetchLimits, FetchRequest, Fetcher, StatusHint, Validators, redirect::RedirectProblem,
    },
};

use crate::farm::{Farm, Reply};

pub fn fetcher() -> Fetcher {
    fetcher_with(FetchLimits::default())
}

pub fn fetcher_with(limits: FetchLimits) -> Fetcher {
    Fetcher::new(Some("mailto:ops@example.org"), &Proxy::Direct, true, limits).unwrap()
}

pub fn http(url: Url) -> FeedSource {
    FeedSource::Http(url)
}

pub async fn get(url: Url) -> Result<Answer, FetchError> {
    fetcher().fetch(&FetchRequest::new(&http(url))).await
}

async fn get_again(url: Url, validators: &Validators) -> Result<Answer, FetchError> {
    let source = http(url);
    fetcher().fetch(&FetchRequest { validators: Some(validators), ..FetchRequest::new(&source) }).await
}

#[track_caller]
pub fn document(answer: Result<Answer, FetchError>) -> (Vec<u8>, Validators) {
    match answer {
        Ok(Answer::Document { body, validators, .. }) => (body.to_vec(), validators),
        other => panic!("no document: {other:?}"),
    }
}

#[tokio::test]
async fn a_request_says_who_asks_and_nothing_else() {
    let farm =
        Farm::start(|_| Reply::ok("x").header("set-cookie", "a=b").header("content-type", "text/xml; charset=x")).await;
    let fetcher = fetcher();
    let source = http(farm.url("/feed?a=b#part"));
    for _ in 0..2 {
        let answer = fetcher.fetch(&FetchRequest::new(&source)).await.unwrap();
        let Answer::Document { content_type, url, moved_to, freshness, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(content_type.as_deref(), Some("text/xml; charset=x"));
        assert_eq!((url, moved_to, freshness), (farm.url("/feed?a=b"), None, None));
    }
    for request in farm.requests() {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/feed?a=b"));
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user-agent", "accept", "accept-encoding", "host"]);
        let agent = concat!("wirewatch/", env!("CARGO_PKG_VERSION"), " (+mailto:ops@example.org)");
        assert_eq!(request.header("user-agent"), Some(agent.as_bytes()));
        assert_eq!(request.header("accept-encoding"), Some(&b"gzip, br, zstd, deflate"[..]));
    }
}

#[tokio::test]
async fn validators_come_back_byte_for_byte() {
    let cases: [(&[u8], &[u8]); 6] = [
        (b"\"plain\"", b"Thu, 01 Jan 2026 00:00:00 GMT"),
        (b"W/\"weak\"", b"thu, 1 jan 2026 0:00:00 GMT"),
        (b"bare, no quotes", b"yesterday"),
        (b"\"caf\xe9 \xff\"", b"Do, 1. J\xe4n 2026"),
        ("\"\u{43f}\u{440}\u{438}\"".as_bytes(), b"0"),
        (b"\"a\"\tb", b"W/\"not a date\""),
    ];
    for (etag, last_modified) in cases {
        let farm = Farm::start(move |request| match request.header("if-none-match") {
            None => Reply::ok("x").header("etag", etag).header("last-modified", last_modified),
            Some(_) => Reply::status(304),
        })
        .await;
        let (_, validators) = document(get(farm.url("/")).await);
        assert_eq!(validators.etag.as_deref(), Some(etag));
        let again = get_again(farm.url("/"), &validators).await.unwrap();
        assert_eq!(again, Answer::NotModified { validators, freshness: None, moved_to: None });
        let request = &farm.requests()[1];
        assert_eq!(request.header("if-none-match"), Some(etag));
        assert_eq!(request.header("if-modified-since"), Some(last_modified));
    }
}

#[tokio::test]
async fn a_304_may_bring_new_validators_and_a_200_without_any_clears_them() {
    let farm = Farm::start(|request| match request.header("if-none-match") {
        None => Reply::ok("x").header("etag", "\"1\"").header("last-modified", "then"),
        Some(b"\"1\"") => Reply::status(304).header("etag", "\"2\"").header("cache-control", "max-age=900"),
        Some(_) => Reply::ok("x"),
    })
    .await;
    let (_, first) = document(get(farm.url("/")).await);
    let Ok(Answer::NotModified { validators: second, freshness, .. }) = get_again(farm.url("/"), &first).await else {
        panic!("no 304")
    };
    assert_eq!(freshness, Some(Duration::from_secs(900)));
    assert_eq!(second.etag.as_deref(), Some(&b"\"2\""[..]));
    assert_eq!(second.last_modified, first.last_modified);
    let (_, third) = document(get_again(farm.url("/"), &second).await);
    assert_eq!((&third.etag, &third.last_modified), (&None, &None));
    assert!(second.is_same_body(&third), "the same bytes are known again without a 304");
}

#[tokio::test]
async fn validators_are_never_sent_to_another_url() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/old" => Reply::moved(302, "/new"),
        _ if request.header("if-none-match").is_some() => Reply::status(304),
        _ => Reply::ok("x").header("etag", "\"new\""),
    })
    .await;
    let (_, validators) = document(get(farm.url("/old")).await);
    assert_eq!(validators.url, farm.url("/new").as_str());
    let again = get_again(farm.url("/old"), &validators).await.unwrap();
    assert!(matches!(again, Answer::NotModified { .. }), "asked where it was given: {again:?}");
    document(get_again(farm.url("/other"), &validators).await);
    document(get_again(farm.url("/new?x"), &validators).await);
    let asked: Vec<String> = farm
        .requests()
        .into_iter()
        .filter(|r| r.header("if-none-match").is_some() || r.header("if-modified-since").is_some())
        .map(|r| r.path)
        .collect();
    assert_eq!(asked, ["/new"]);
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_an_error() {
    let farm = Farm::start(|_| Reply::status(304)).await;
    let error = get(farm.url("/")).await.unwrap_err();
    assert_eq!(error.class(), "status");
}

#[tokio::test]
async fn moves_are_followed_and_only_permanent_ones_are_for_good() {
    let farm = Farm::start(|request| match request.path.rsplit_once('/') {
        Some((_, "end")) => Reply::ok("x"),
        // `/301-308/end` moves by 301 to `/308/end`, that by 308 to `/end`.
        Some((moves, _)) => {
            let (first, rest) = moves[1..].split_once('-').unwrap_or((&moves[1..], ""));
            let slash = if rest.is_empty() { "" } else { "/" };
            Reply::moved(first.parse().unwrap(), format!("{slash}{rest}/end"))
        }
        None => Reply::status(400),
    })
    .await;
    let farm_end = farm.url("/end");
    let start = Farm::start(move |request| match request.path.strip_prefix('/').unwrap().split_once('-') {
        Some((first, rest)) => Reply::moved(first.parse().unwrap(), format!("/{rest}")),
        None => Reply::moved(request.path[1..].parse().unwrap(), farm_end.as_str()),
    })
    .await;
    for (path, is_for_good) in [
        ("/301", true),
        ("/308", true),
        ("/301-308-301", true),
        ("/302", false),
        ("/303", false),
        ("/307", false),
        ("/301-302", false),
        ("/302-301", false),
    ] {
        let answer = get(start.url(path)).await.unwrap();
        let Answer::Document { url, moved_to, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(url, farm.url("/end"), "{path}");
        assert_eq!(moved_to, is_for_good.then(|| farm.url("/end")), "{path}");
    }
}

#[tokio::test]
async fn loops_and_long_chains_end() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/a" => Reply::moved(302, "/b"),
        "/b" => Reply::moved(301, "/a"),
        "/self" => Reply::moved(302, "/self"),
        "/nowhere" => Reply::status(302),
        "/file" => Reply::moved(302, "file:///etc/passwd"),
        "/0" => Reply::ok("x"),
        path => Reply::moved(307, format!("/{}", path[1..].parse::<u32>().unwrap() - 1)),
    })
    .await;
    for (path, expected) in [
        ("/a", RedirectProblem::Loop),
        ("/self", RedirectProblem::Loop),
        ("/nowhere", RedirectProblem::NoTarget),
        ("/file", RedirectProblem::Scheme("file".into())),
        ("/11", RedirectProblem::TooMany),
    ] {
        match get(farm.url(path)).await {
            Err(FetchError::Redirect { problem, .. }) => assert_eq!(problem, expected, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    assert_eq!(farm.requests_for("/a").len(), 1);
    document(get(farm.url("/10")).await);
}

#[tokio::test]
async fn private_addresses_are_refused_at_every_hop() {
    let farm = Farm::start(|_| Reply::ok("secret")).await;
    let guarded = Fetcher::new(None, &Proxy::Direct, false, FetchLimits::default()).unwrap();
    let local = format!("http://localhost:{}/", farm.port()).parse().unwrap();
    let mapped = format!("http://[::ffff:127.0.0.1]:{}/", farm.port()).parse().unwrap();
    let number = format!("http://2130706433:{}/", farm.port()).parse().unwrap();
    for url in [farm.url("/"), local, mapped, number] {
        let error = guarded.fetch(&FetchRequest::new(&http(url))).await.unwrap_err();
        assert!(matches!(error, FetchError::PrivateAddress { .. }), "{error}");
        assert!(!error.is_transient());
    }
    assert!(farm.requests().is_empty(), "no connection was made");

    let source = http(farm.url("/"));
    let allowed = guarded.fetch(&FetchRequest { private: true, ..FetchRequest::new(&source) }).await;
    document(allowed);
}

#[tokio::test]
async fn a_public_feed_can_not_lead_to_a_private_address() {
    // A proxy stands for the public internet: it answers for `feed.example` and would reach inside for us, too.
    let proxy = Farm::start(|request| match request.path.as_str() {
        "http://feed.example/" => Reply::moved(302, "http://169.254.169.254/latest/meta-data/"),
        "http://other.example/" => Reply::moved(302, "http://localhost/"),
        "http://fine.example/" => Reply::moved(302, "http://feeds.fine.example/"),
        _ => Reply::ok("reached"),
    })
    .await;
    let through = Proxy::Url(proxy.url("/"));
    let guarded = Fetcher::new(None, &through, false, FetchLimits::default()).unwrap();
    for host in ["feed.example", "other.example"] {
        let source = http(format!("http://{host}/").parse().unwrap());
        let error = guarded.fetch(&FetchRequest::new(&source)).await.unwrap_err();
        assert_eq!(error.class(), "private-address", "{error}");
    }
    let source = http("http://fine.example/".parse().unwrap());
    assert_eq!(document(guarded.fetch(&FetchRequest::new(&source)).await).0, b"reached");
    assert_eq!(proxy.requests().len(), 4, "nothing private was asked for");

    let itself = http(proxy.url("/admin"));
    let error = guarded.fetch(&FetchRequest::new(&itself)).await.unwrap_err();
    assert_eq!(error.class(), "private-address");
}

#[tokio::test]
async fn a_private_feed_can_not_lead_to_another_private_address() {
    let farm = Farm::start(|request| {
        let port = String::from_utf8_lossy(request.header("host").unwrap()).rsplit_once(':').unwrap().1.to_owned();
        match request.path.as_str() {
            "/metadata" => Reply::moved(302, "http://169.254.169.254/latest/meta-data/"),
            "/mapped" => Reply::moved(302, format!("http://[::ffff:127.0.0.1]:{port}/reached")),
            "/localhost" => Reply::moved(301, format!("http://localhost:{port}/reached")),
            "/near" => Reply::moved(302, "/own"),
            _ => Reply::ok("x"),
        }
    })
    .await;
    let guarded = Fetcher::new(None, &Proxy::Direct, false, FetchLimits::default()).unwrap();
    for path in ["/metadata", "/mapped", "/localhost"] {
        let source = http(farm.url(path));
        let request = FetchRequest { private: true, ..FetchRequest::new(&source) };
        let error = guarded.fetch(&request).await.unwrap_err();
        assert_eq!(error.class(), "private-address", "{path}: {error}");
    }
    assert!(farm.requests_for("/reached").is_empty());

    let source = http(farm.url("/near"));
    let request = FetchRequest { private: true, ..FetchRequest::new(&source) };
    document(guarded.fetch(&request).await);
    let elsewhere = format!("http://localhost:{}/moved", farm.port()).parse().unwrap();
    let error = guarded.fetch(&FetchRequest { moved_to: Some(&elsewhere), ..request }).await.unwrap_err();
    assert_eq!(error.class(), "private-address", "moved for good: {error}");
    assert!(farm.requests_for("/moved").is_empty());

    let source = http(farm.url("/localhost"));
    let wide = FetchRequest { private: true, ..FetchRequest::new(&source) };
    document(fetcher().fetch(&wide).await);
}

#[tokio::test]
async fn secrets_stop_at_the_first_other_host() {
    let farm = Farm::start(|request| {
        let port = String::from_utf8_lossy(request.header("host").unwrap()).rsplit_once(':').unwrap().1.to_owned();
        match request.path.as_str() {
            "/start" => Reply::moved(302, "/same"),
            "/same" => Reply::moved(302, format!("http://localhost:{port}/other")),
            "/other" => Reply::moved(302, format!("http://127.0.0.1:{port}/back")),
            _ => Reply::ok("x"),
        }
    })
    .await;
    let mut url = farm.url("/start");
    url.set_username("me").unwrap();
    url.set_password(Some("pass")).unwrap();
    let source = http(url);
    let headers = [("X-Token".to_owned(), Secret::new("hush")), ("Accept".to_owned(), Secret::new("text/xml"))];
    let request = FetchRequest { headers: &headers, user_agent: Some("feeds/1"), ..FetchRequest::new(&source) };
    let answer = fetcher().fetch(&request).await.unwrap();
    assert!(!format!("{answer:?}").contains("me:pass"), "{answer:?}");
    let Answer::Document { url, validators, .. } = answer else { panic!("no document") };
    assert_eq!((url.username(), url.password(), validators.url.as_str()), ("", None, url.as_str()));
    let sent: Vec<_> = farm
        .requests()
        .iter()
        .map(|r| {
            assert_eq!(r.header("user-agent"), Some(&b"feeds/1"[..]));
            (r.path.clone(), r.header("x-token").is_some(), r.header("authorization").is_some())
        })
        .collect();
    let expected = [("/start", true, true), ("/same", true, true), ("/other", false, false), ("/back", false, false)];
    assert_eq!(sent, expected.map(|(path, token, basic)| (path.to_owned(), token, basic)));
    assert_eq!(farm.requests()[0].header("authorization"), Some(&b"Basic bWU6cGFzcw=="[..]));
    assert_eq!(farm.requests()[0].header("accept"), Some(&b"text/xml"[..]));
}

#[tokio::test]
async fn a_feed_that_moved_for_good_is_asked_there_without_the_first_host_s_secrets() {
    let farm = Farm::start(|_| Reply::ok("x")).await;
    let source = http(farm.url("/old"));
    let elsewhere: Url = format!("http://localhost:{}/new", farm.port()).parse().unwrap();
    let headers = [("X-Token".to_owned(), Secret::new("hush"))];
    let request = FetchRequest { headers: &headers, moved_to: Some(&elsewhere), ..FetchRequest::new(&source) };
    document(fetcher().fetch(&request).await);
    let near = farm.url("/near");
    document(fetcher().fetch(&FetchRequest { moved_to: Some(&near), ..request }).await);
    let sent: Vec<_> = farm.requests().into_iter().map(|r| (r.path.clone(), r.header("x-token").is_some())).collect();
    assert_eq!(sent, [("/new".to_owned(), false), ("/near".to_owned(), true)]);
}

#[tokio::test]
async fn a_server_that_says_not_now_is_heard() {
    let farm = Farm::start(|request| {
        let mut parts = request.path[1..].split('/');
        let reply = Reply::status(parts.next().unwrap().parse().unwrap());
        match parts.next() {
            Some("seconds") => reply.header("retry-after", "90"),
            Some("date") => reply
                .header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
                .header("retry-after", "Thu, 01 Jan 2026 00:02:00 GMT"),
            Some("far") => reply.header("retry-after", "99999999"),
            _ => reply,
        }
    })
    .await;
    for status in [429, 503] {
        for (form, seconds) in [("seconds", Some(90)), ("date", Some(120)), ("far", Some(7 * 86_400)), ("", None)] {
            let answer = get(farm.url(&format!("/{status}/{form}"))).await.unwrap();
            let retry_after = seconds.map(Duration::from_secs);
            assert_eq!(answer, Answer::NotNow { status, retry_after }, "{form}");
        }
    }
}

#[tokio::test]
async fn other_answers_have_a_status_and_a_hint() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/challenge" => Reply::status(503).header("cf-mitigated", "challenge"),
        "/firewall" => Reply::status(202).header("x-amzn-waf-action", "challenge"),
        "/guard" => Reply::status(403).header("server", "ddos-guard"),
        "/dome" => Reply::status(403).header("x-datadome", "protected"),
        "/away" => Reply::moved(302, "/410"),
        "/moved" => Reply::moved(301, "/410"),
        path => Reply::status(path[1..].parse().unwrap()),
    })
    .await;
    assert_eq!(get(farm.url("/410")).await.unwrap(), Answer::Gone);
    assert_eq!(get(farm.url("/moved")).await.unwrap(), Answer::Gone);
    for (path, code, expected, is_transient) in [
        ("/400", 400, StatusHint::None, false),
        ("/401", 401, StatusHint::Login, false),
        ("/403", 403, StatusHint::RefusesPrograms, false),
        ("/404", 404, StatusHint::Missing, false),
        ("/451", 451, StatusHint::Legal, false),
        ("/500", 500, StatusHint::None, true),
        ("/challenge", 503, StatusHint::Challenge, true),
        ("/guard", 403, StatusHint::Challenge, false),
        ("/dome", 403, StatusHint::Challenge, false),
        ("/away", 410, StatusHint::Missing, false),
    ] {
        let error = get(farm.url(path)).await.unwrap_err();
        assert_eq!(error.is_transient(), is_transient, "{path}");
        match &error {
            FetchError::Status { status, hint, .. } => assert_eq!((status.as_u16(), *hint), (code, expected), "{path}"),
            other => panic!("{path}: {other:?}"),
        }
        assert!(error.to_string().starts_with(&format!("127.0.0.1 answered {code}")), "{error}");
    }
    // A firewall's challenge comes as a success without a feed.
    let challenged = get(farm.url("/firewall")).await.unwrap_err().to_string();
    assert!(challenged.starts_with("127.0.0.1 answered 202") && challenged.contains("challenge"), "{challenged}");
    let refused = get(farm.url("/403")).await.unwrap_err().to_string();
    assert!(refused.contains("`user_agent`"), "{refused}");
}

#[tokio::test]
async fn freshness_is_told() {
    let farm = Farm::start(|_| {
        Reply::ok("x").header("cache-control", "public, max-age=600").header("age", "100").header("expires", "0")
    })
    .await;
    let answer = get(farm.url("/")).await.unwrap();
    assert!(matches!(answer, Answer::Document { freshness: Some(left), .. } if left == Duration::from_secs(500)));
}
