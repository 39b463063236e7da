//! Bodies that are packed, too large, broken off or never come, and files that are none.

use std::{fs, io::Write, path::PathBuf, time::Duration};

use wirewatch::{
    config::FeedSource,
    fetch::{Answer, FetchError, FetchLimits, FetchRequest, Fetcher},
};

use crate::{
    farm::{Farm, Reply},
    fetch::{document, fetcher, fetcher_with, get, http},
};

/// Ten times what loopback needs on a busy machine, and short enough to wait for in a test.
const SHORT: Duration = Duration::from_millis(300);

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compressed_bodies_are_read() {
    let plain = "<rss>naïve</rss>".repeat(500).into_bytes();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&plain).unwrap();
    let mut br = Vec::new();
    brotli::BrotliCompress(&mut &plain[..], &mut br, &Default::default()).unwrap();
    let zstd = zstd::stream::encode_all(&plain[..], 3).unwrap();
    for (name, body) in [("gzip", gzipped(&plain)), ("deflate", zlib.finish().unwrap()), ("br", br), ("zstd", zstd)] {
        let farm = Farm::start(move |_| Reply::ok(body.clone()).header("content-encoding", name)).await;
        assert_eq!(document(get(farm.url("/")).await).0, plain, "{name}");
    }
}

#[tokio::test]
async fn too_large_bodies_are_given_up_early() {
    let bomb = gzipped(&vec![b'x'; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let farm = Farm::start(move |request| match request.path.as_str() {
        "/bomb" => Reply::ok(bomb.clone()).header("content-encoding", "gzip"),
        "/big" => Reply::ok(vec![b'x'; 40 << 20]),
        _ => Reply::endless(vec![b'x'; 1 << 16]),
    })
    .await;
    for path in ["/bomb", "/big", "/endless"] {
        let error = get(farm.url(path)).await.unwrap_err();
        assert!(matches!(error, FetchError::BodyTooLarge { .. } | FetchError::Bomb { .. }), "{path}: {error}");
        assert_eq!(error.class(), "too-large");
    }
}

#[tokio::test]
async fn a_small_body_that_becomes_a_large_one_is_refused_below_the_limit_on_size() {
    let bomb = gzipped(&vec![b'x'; 3 << 20]);
    assert!(bomb.len() < 4_000);
    let feed = gzipped(&"<item><title>Harbour</title></item>".repeat(20_000).into_bytes());
    let farm = Farm::start(move |request| {
        let body = if request.path == "/bomb" { bomb.clone() } else { feed.clone() };
        Reply::ok(body).header("content-encoding", "gzip")
    })
    .await;
    let error = get(farm.url("/bomb")).await.unwrap_err();
    assert!(matches!(error, FetchError::Bomb { .. }) && !error.is_transient(), "{error}");
    assert!(error.to_string().contains("more than 200 times"), "{error}");
    assert_eq!(document(get(farm.url("/feed")).await).0.len(), 700_000);
}

#[tokio::test]
async fn a_server_that_never_ends_is_left() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/never" => Reply::never(),
        "/late" => Reply::ok("x").after(SHORT * 100),
        _ => Reply::moved(302, "/never"),
    })
    .await;
    let hasty = fetcher_with(FetchLimits { total: SHORT, ..FetchLimits::default() });
    for path in ["/never", "/late", "/moved"] {
        let source = http(farm.url(path));
        let error = hasty.fetch(&FetchRequest::new(&source)).await.unwrap_err();
        assert!(matches!(error, FetchError::Timeout { limit: SHORT, .. }), "{path}: {error}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn a_fetch_can_be_given_up_at_any_moment() {
    let farm = Farm::start(|request| if request.path == "/never" { Reply::never() } else { Reply::ok("x") }).await;
    let fetcher = fetcher();
    let source = http(farm.url("/never"));
    let never = FetchRequest::new(&source);
    // Losing the fetch halfway is what is tried here: the daemon does so when it stops.
    tokio::select! {
        answer = fetcher.fetch(&never) => panic!("{answer:?}"),
        () = farm.wait_for(1) => {}
    }
    let next = http(farm.url("/next"));
    document(fetcher.fetch(&FetchRequest::new(&next)).await);
}

#[tokio::test]
async fn broken_answers_are_errors_with_a_class() {
    let packed = gzipped(&b"some text that is long enough".repeat(100));
    let farm = Farm::start(move |request| match request.path.as_str() {
        "/cut" => Reply::ok("half of it").broken_after(4),
        "/cut-gzip" => Reply::ok(&packed[..packed.len() - 9]).header("content-encoding", "gzip"),
        "/not-gzip" => Reply::ok("plain").header("content-encoding", "gzip"),
        "/odd" => Reply::ok("x").header("content-encoding", "compress"),
        "/headers" => (0..500).fold(Reply::ok("x"), |reply, n| reply.header(&format!("x-{n}"), "y")),
        _ => Reply::raw("SSH-2.0-OpenSSH_9.9\r\n"),
    })
    .await;
    for path in ["/cut", "/cut-gzip", "/not-gzip", "/odd", "/headers", "/ssh"] {
        let error = get(farm.url(path)).await.unwrap_err();
        assert_eq!(error.class(), "protocol", "{path}: {error}");
        assert!(error.to_string().contains("127.0.0.1"), "{path}: {error}");
    }
    let unused = {
        let gone = Farm::start(|_| Reply::ok("")).await;
        let url = gone.url("/path?token=hush");
        drop(gone);
        url
    };
    // The listener goes when its task has ended, which the next connection waits for.
    let error = loop {
        match get(unused.clone()).await {
            Err(error @ FetchError::Connect { .. }) => break error,
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(error.class(), "connect");
    assert!(error.is_transient());
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn what_speaks_no_tls_and_what_has_no_name_are_told_apart() {
    let farm = Farm::start(|_| Reply::raw("HTTP/1.1 400 plain\r\n\r\n")).await;
    let tls = format!("https://127.0.0.1:{}/", farm.port()).parse().unwrap();
    let (error, name) = (get(tls).await.unwrap_err(), get("http://no-such-host.invalid/".parse().unwrap()).await);
    assert_eq!(error.class(), "tls", "{error:?}");
    assert_eq!(name.unwrap_err().class(), "dns");
}

fn file_limits(body_bytes_max: u64) -> Fetcher {
    fetcher_with(FetchLimits { body_bytes_max, ..FetchLimits::default() })
}

#[tokio::test]
async fn a_file_is_read_and_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed é.xml");
    fs::write(&path, "<rss/>").unwrap();
    let age = |seconds| {
        let then = std::time::SystemTime::now() - Duration::from_secs(seconds);
        fs::File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    };
    age(60);
    let source = FeedSource::File(path.clone());
    let (body, validators) = document(fetcher().fetch(&FetchRequest::new(&source)).await);
    assert_eq!(body, b"<rss/>");
    let ask = FetchRequest { validators: Some(&validators), ..FetchRequest::new(&source) };
    let again = fetcher().fetch(&ask).await.unwrap();
    assert_eq!(again, Answer::NotModified { validators: validators.clone(), freshness: None, moved_to: None });
    age(30);
    let (_, touched) = document(fetcher().fetch(&ask).await);
    assert!(validators.is_same_body(&touched));
    fs::write(&path, "<RSS/>").unwrap();
    let (body, changed) = document(fetcher().fetch(&ask).await);
    assert_eq!(body, b"<RSS/>");
    assert!(!validators.is_same_body(&changed));
}

#[tokio::test]
async fn what_is_no_file_is_refused_without_a_wait() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let big = folder.path().join("big.xml");
    fs::write(&big, vec![b'x'; 2_000]).unwrap();
    let missing = folder.path().join("missing.xml");
    let device = PathBuf::from("/dev/zero");
    for (path, class, words) in [
        (fifo, "file", "a regular file"),
        (device, "file", "a regular file"),
        (folder.path().to_owned(), "file", "a folder"),
        (missing, "file", "No such file"),
        (big, "too-large", "1000 bytes"),
    ] {
        let source = FeedSource::File(path.clone());
        let error = file_limits(1_000).fetch(&FetchRequest::new(&source)).await.unwrap_err();
        assert_eq!(error.class(), class, "{}", path.display());
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn large_bodies_take_turns_and_small_ones_do_not() {
    let large: Vec<u8> = (0..3u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 28) as u8).collect();
    let large = gzipped(&large);
    let farm = Farm::start(move |request| match request.path.as_str() {
        "/large" => Reply::ok(large.clone()).header("content-encoding", "gzip"),
        _ => Reply::ok("x"),
    })
    .await;
    let fetcher = fetcher_with(FetchLimits { total: SHORT * 10, ..FetchLimits::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = FeedSource::File(folder.path().join("large.xml"));
    fs::write(folder.path().join("large.xml"), vec![b'x'; 3 << 20]).unwrap();
    let (source, small) = (http(farm.url("/large")), http(farm.url("/small")));

    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(fetcher.fetch(&FetchRequest::new(&source)).await.unwrap());
    }
    let (from_net, from_file) = (FetchRequest::new(&source), FetchRequest::new(&file));
    let both = async { tokio::join!(fetcher.fetch(&from_net), fetcher.fetch(&from_file)) };
    tokio::pin!(both);
    // Longer than a request may take: its own wait is not held against a feed.
    assert!(tokio::time::timeout(SHORT * 12, &mut both).await.is_err(), "eight are held");
    document(fetcher.fetch(&FetchRequest::new(&small)).await);
    held.truncate(6);
    let (net, read) = both.await;
    assert_eq!(document(net).0.len(), 3 << 20);
    assert_eq!(document(read).0.len(), 3 << 20);
}
