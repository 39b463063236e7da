//! Names that hang: the built program with a resolver that is silent about some of them.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::program::{Desk, until};

/// Stands in front of the system's resolver: names with `hanging` in them take longer than any test waits.
const RESOLVER: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    if (name && strstr(name, "hanging")) {
        sleep(60);
        return EAI_AGAIN;
    }
    return ((look_up *)dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, found);
}
"#;
/// Half a second in front of a test on a busy machine; what hung took the sinks' 5 s and more.
const PROMPT: Duration = Duration::from_secs(4);

fn news(count: usize) -> String {
    let item =
        |n| format!("<item><title>A missile, part {n}</title><guid>{n}</guid><description>t{n}</description></item>");
    let items: String = (0..count).map(item).collect();
    format!("<rss version=\"2.0\"><channel><title>W</title><link>https://w.example/</link>{items}</channel></rss>")
}

/// A file sink beside sinks and feeds whose names hang. All of them shared a dozen threads with it, and it waited.
#[test]
fn names_that_hang_delay_no_other_sink_or_feed() {
    let webhook =
        |n| format!("[[sink]]\nid = \"hook{n}\"\ntype = \"webhook\"\nurl = \"https://hanging{n}.example/\"\n");
    let feed = |n| format!("[[feed]]\nid = \"feed{n}\"\nurl = \"https://hanging{n}.example/rss\"\n");
    let desk = Desk::new(&format!(
        "[daemon]\ndata_dir = \"data\"\ninterval = \"200ms\"\nmin_interval = \"200ms\"\nbacklog = \"all\"\n\
         listen = \"off\"\n[packs]\ndefaults = false\n[[watch]]\nid = \"w\"\nquery = \"missile\"\n\
         [[feed]]\nid = \"wire\"\nurl = \"file:wire.xml\"\n{}\
         [[sink]]\nid = \"out\"\ntype = \"file\"\npath = \"out\"\n{}\
         [[sink]]\nid = \"mail\"\ntype = \"email\"\nurl = \"smtps://hanging-mail.example\"\nfrom = \"w@x.example\"\n\
         to = [\"d@x.example\"]\n",
        (0..20).map(feed).collect::<String>(),
        (0..5).map(webhook).collect::<String>(),
    ));
    desk.write("resolver.c", RESOLVER);
    let built = Command::new("cc")
        .current_dir(desk.path(""))
        .args(["-shared", "-fPIC", "-o", "resolver.so", "resolver.c"])
        .status();
    if !built.is_ok_and(|built| built.success()) {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    desk.write("wire.xml", news(10));
    let resolver = desk.path("resolver.so");
    let desk = desk.with_variable("LD_PRELOAD", resolver);
    let _daemon = desk.start();
    let written = || std::fs::read_to_string(desk.path("out")).unwrap_or_default().matches('\n').count();
    until("the first articles are there", || written() == 10);
    let started = Instant::now();
    for count in 11.. {
        desk.write("wire.new", news(count));
        std::fs::rename(desk.path("wire.new"), desk.path("wire.xml")).unwrap();
        let took = until("one more is there", || written() == count);
        assert!(took < PROMPT, "number {count} took {took:?}");
        if started.elapsed() > Duration::from_secs(4) {
            break;
        }
    }
}
