//! `POST /api/v1/articles`: articles from a program, matched, stored and delivered as a feed's entries are.

use serde_json::{Value, json};

use super::{
    hub::http,
    program::{Daemon, Desk},
};

const TOKEN: &str = "[daemon]\ntoken = \"t0ken-of-the-test\"\n";
const BEARER: (&str, &str) = ("authorization", "Bearer t0ken-of-the-test");

fn config(daemon: &str) -> String {
    format!(
        "{daemon}data_dir = \"data\"\nlisten = \"127.0.0.1:0\"\n[packs]\ndefaults = false\n\
         [[feed]]\nid = \"wire\"\nurl = \"file:wire.xml\"\ntags = [\"agency\"]\n\
         [[watch]]\nid = \"missiles\"\nquery = \"missile\"\nsinks = [\"out\"]\n\
         [[watch]]\nid = \"agencies\"\nquery = \"tag:agency grain\"\nsinks = [\"out\"]\n\
         [[sink]]\nid = \"out\"\ntype = \"file\"\npath = \"alerts.ndjson\"\n"
    )
}

fn desk(daemon: &str) -> Desk {
    let desk = Desk::new(&config(daemon));
    desk.write("wire.xml", "<rss version=\"2.0\"><channel><title>Wire</title></channel></rss>");
    desk
}

async fn push(daemon: &Daemon, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> (u16, Vec<Value>) {
    let address = daemon.address.clone().unwrap();
    let (status, body) = http(&address, "POST", "/api/v1/articles", headers, body.as_ref()).await;
    (status, body.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{body}"))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_matched_stored_and_delivered_once() {
    let desk = desk(TOKEN);
    let daemon = desk.start();
    let article =
        json!({"id": "1", "title": "Missile seen", "url": "https://x.example/1", "published": "2020-01-01T00:00:00Z"});
    let (status, lines) = push(&daemon, &[BEARER], article.to_string()).await;
    assert_eq!(status, 200, "{lines:?}");
    assert_eq!(lines[0]["article"], json!({"id": "1", "title": "Missile seen", "url": "https://x.example/1"}));
    let alert = lines[0]["alerts"][0].as_str().unwrap().to_owned();
    assert!(alert.starts_with("alr_"));
    // Again, and under another id: nothing new.
    assert_eq!(push(&daemon, &[BEARER], article.to_string()).await.1[0]["alerts"], json!([]));
    let copy = json!({"id": "2", "title": "Missile seen", "url": "https://x.example/1"});
    assert_eq!(push(&daemon, &[BEARER], copy.to_string()).await.1[0]["alerts"], json!([]));
    // An edit alerts on what it newly hits; a feed's name brings its tags.
    let edited =
        json!({"id": "1", "title": "Missile seen", "text": "Grain too", "url": "https://x.example/1", "feed": "wire"});
    let (_, lines) = push(&daemon, &[BEARER], edited.to_string()).await;
    assert_eq!(lines[0]["alerts"].as_array().unwrap().len(), 1, "{lines:?}");
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    let sent = desk.lines("alerts.ndjson");
    let data = |n: usize| &sent[n]["data"];
    assert_eq!((sent.len(), data(0)["id"].as_str()), (2, Some(alert.as_str())), "{sent:?}");
    assert_eq!((&data(0)["article"]["feed"]["id"], &data(1)["article"]["feed"]["id"]), (&json!("api"), &json!("wire")));
    assert_eq!((&data(0)["article"]["text_source"], &data(1)["watch"]["id"]), (&json!("input"), &json!("agencies")));
    let listed = desk.run(&["alerts", "list", "--json"]).lines();
    assert_eq!(listed.len(), 2, "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_taken_all_or_none() {
    let desk = desk(TOKEN);
    let daemon = desk.start();
    let (status, lines) = push(&daemon, &[BEARER], "{\"title\":\"Missile\"}\nnot json\n{\"title\":\"Rain\"}\n").await;
    assert_eq!(status, 400);
    assert!(lines[0]["detail"].as_str().unwrap().contains("not an article"), "{lines:?}");
    let ndjson = ("content-type", "application/x-ndjson");
    let (status, lines) = push(&daemon, &[BEARER, ndjson], "{\"title\":\"Missile\"}\nnot json\n").await;
    assert_eq!((status, &lines[0]["status"]), (400, &json!(400)));
    assert!(lines[0]["detail"].as_str().unwrap().contains("line 2"), "{lines:?}");
    let (status, lines) = push(&daemon, &[BEARER], "{\"title\":\"Missile one\"}\n\n{\"title\":\"Rain\"}\n").await;
    let counts: Vec<_> = lines.iter().map(|line| line["alerts"].as_array().unwrap().len()).collect();
    assert_eq!((status, counts), (200, vec![1, 0]), "{lines:?}");
    assert_eq!(desk.run(&["alerts", "list", "--json"]).lines().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_nothing_is_taken() {
    let desk = desk(TOKEN);
    let daemon = desk.start();
    let body = "{\"title\":\"Missile\"}";
    assert_eq!(push(&daemon, &[], body).await.0, 401);
    assert_eq!(push(&daemon, &[("authorization", "Bearer other")], body).await.0, 401);
    let (status, lines) = push(&daemon, &[BEARER], vec![b' '; 11_000_000]).await;
    assert!(status == 413 || status == 0, "{lines:?}");
    let address = daemon.address.clone().unwrap();
    assert_eq!(http(&address, "GET", "/api/v1/articles", &[BEARER], b"").await.0, 405);
    drop(daemon);

    let open = self::desk("[daemon]\n");
    let daemon = open.start();
    // Without one, programs of this machine are let in, and pages of other sites in its browsers are not.
    let here = ("host", "localhost:8087");
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        let (status, lines) = push(&daemon, &[here, ("origin", origin)], body).await;
        assert_eq!((status, &lines[0]["detail"]), (403, &json!("the Origin header is another site's")));
    }
    assert_eq!(push(&daemon, &[("host", "evil.example")], body).await.0, 403);
    assert_eq!(push(&daemon, &[here], body).await.0, 200);
    assert_eq!(push(&daemon, &[here, ("origin", "http://localhost:8087")], body).await.0, 200);
}
