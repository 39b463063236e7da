//! `health`: asks the running daemon's `/readyz`, for container health checks. Opens no store, takes no second.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// The whole check, so that a probe with a timeout of a second gets an answer of ours.
const TIME_MAX: Duration = Duration::from_millis(900);
/// The status line and a reason fit in here.
const ANSWER_BYTES_MAX: usize = 4096;

/// What the daemon says: `Ok` where it is ready.
///
/// # Errors
/// Why it is not: no answer, or its own reason.
pub fn ask(listen: SocketAddr) -> Result<(), String> {
    let address = reachable(listen);
    let until = Instant::now() + TIME_MAX;
    let answer = exchange(address, until).map_err(|error| format!("no daemon answers at {address}: {error}"))?;
    let mut lines = answer.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("");
    match status {
        "200" => Ok(()),
        "" => Err(format!("what answers at {address} is no wirewatch")),
        status => {
            let reason = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
            Err(format!("not ready ({status}): {reason}"))
        }
    }
}

/// A daemon that listens on every address is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// One request. Reading ends with the status line and what came with it: nothing more is asked of a daemon that is well.
fn exchange(address: SocketAddr, until: Instant) -> std::io::Result<String> {
    let left = || match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(std::io::Error::from(std::io::ErrorKind::TimedOut)),
        left => Ok(left),
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while answer.len() < ANSWER_BYTES_MAX {
        // Anew for each piece: the whole check has the time, not each byte of it.
        stream.set_read_timeout(Some(left()?))?;
        match stream.read(&mut buffer)? {
            0 => break,
            n => answer.extend_from_slice(&buffer[..n]),
        }
        if answer.starts_with(b"HTTP/1.1 200 ") && answer.contains(&b'\n') {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Runs the command: 0 where the daemon is ready, 1 where it is not.
pub fn run(context: &super::Context) -> super::Exit {
    use super::Exit;
    let (settings, _) = match super::setup::settings_or_default(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let Some(listen) = settings.daemon.listen else {
        eprintln!("error: the daemon's HTTP is off: set `[daemon] listen` to an address");
        return Exit::Failed;
    };
    match ask(listen) {
        Ok(()) => super::printed(if context.output.json { "{\"ready\":true}\n" } else { "ready\n" }),
        Err(reason) => {
            eprintln!("{reason}");
            Exit::Failed
        }
    }
}
