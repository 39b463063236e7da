//! Looks names up as every other program of this machine does, on threads of its own.
//!
//! The system's resolver knows `/etc/hosts`, nsswitch and search domains, and a resolver of our own would not; but it
//! blocks, for half a minute where a name server is silent, and can't be broken off. So a name that hangs takes one
//! thread, however many wait for it and give up; the threads are bounded; and names that took long the last time get half
//! of them at most. Nothing else runs there, so that a name server that hangs costs the names that hang.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// Threads for the names of feeds and pages, and of where they send us: a look-up may outlive the poll that wanted it.
const FEED_THREADS_MAX: usize = 64;
/// Threads for the names of sinks. A sink has one name and a name has one thread, so each that hangs has its own and
/// takes none from another.
const SINK_THREADS_MAX: usize = 256;
/// A look-up that takes this long hangs. Real ones take milliseconds, and half a second across a bad line.
const SLOW_MIN: Duration = Duration::from_secs(2);
/// Names that are known to hang. Beyond it they are learned anew.
const SLOW_NAMES_MAX: usize = 1_024;
/// Names that wait for a thread; far more than there are polls and sinks at once.
const WAITING_MAX: usize = 4_096;

static FEEDS: LazyLock<LookUps> = LazyLock::new(|| LookUps::new(FEED_THREADS_MAX, SLOW_MIN, system));
static SINKS: LazyLock<LookUps> = LazyLock::new(|| LookUps::new(SINK_THREADS_MAX, SLOW_MIN, system));

type Found = Arc<io::Result<Vec<SocketAddr>>>;
type Ask = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

fn system(host: &str) -> io::Result<Vec<SocketAddr>> {
    Ok((host, 0).to_socket_addrs()?.collect())
}

/// Look-ups that share threads.
#[derive(Clone)]
pub struct LookUps(Arc<Inner>);

struct Inner {
    threads_max: usize,
    slow_min: Duration,
    ask: Box<Ask>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Every name that is being looked up or waits for a thread, and who waits for the answer.
    asked: HashMap<String, watch::Sender<Option<Found>>>,
    waiting: VecDeque<String>,
    /// Of those that took long the last time.
    waiting_slow: VecDeque<String>,
    slow: HashSet<String>,
    busy: usize,
    busy_slow: usize,
}

/// A look-up that has a thread.
#[derive(Clone)]
struct Job {
    host: String,
    was_slow: bool,
}

impl LookUps {
    /// Those that all requests for feeds and pages share.
    pub fn for_feeds() -> Self {
        FEEDS.clone()
    }

    /// Those that all sinks share.
    pub fn for_sinks() -> Self {
        SINKS.clone()
    }

    fn new(
        threads_max: usize,
        slow_min: Duration,
        ask: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner { threads_max, slow_min, ask: Box::new(ask), state: Mutex::default() }))
    }

    /// The addresses of a name, with port 0. Whoever gives up waiting leaves the look-up to the others.
    ///
    /// # Errors
    /// What the system's resolver says, or that too many names wait for it.
    pub async fn look_up(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, 0)]);
        }
        let mut answer = self.ask(host)?;
        let answer = answer.wait_for(Option::is_some).await.map(|found| found.clone());
        match answer.ok().flatten().as_deref() {
            Some(Ok(found)) => Ok(found.clone()),
            Some(Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Err(io::Error::other("the look-up broke off")),
        }
    }

    /// Joins the look-up of this name, or begins one.
    fn ask(&self, host: &str) -> io::Result<watch::Receiver<Option<Found>>> {
        let mut state = self.state();
        if let Some(under_way) = state.asked.get(host) {
            return Ok(under_way.subscribe());
        }
        if state.asked.len() >= WAITING_MAX {
            state.forget_abandoned();
        }
        if state.asked.len() >= WAITING_MAX {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "too many names wait to be looked up"));
        }
        let (sender, answer) = watch::channel(None);
        state.asked.insert(host.to_owned(), sender);
        let is_slow = state.slow.contains(host);
        let queue = if is_slow { &mut state.waiting_slow } else { &mut state.waiting };
        queue.push_back(host.to_owned());
        if let Some(job) = state.next(self.0.threads_max) {
            let (these, first) = (self.clone(), job.clone());
            if let Err(error) = thread::Builder::new().name("names".to_owned()).spawn(move || these.work(first)) {
                state.done(&job, false, Err(error));
            }
        }
        Ok(answer)
    }

    /// Looks up one name after the other until none waits.
    fn work(&self, first: Job) {
        let mut next = Some(first);
        while let Some(job) = next {
            let started = Instant::now();
            let found = (self.0.ask)(&job.host);
            let mut state = self.state();
            state.done(&job, started.elapsed() >= self.0.slow_min, found);
            next = state.next(self.0.threads_max);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No panic leaves it half changed.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The name whose turn it is, if there is a thread for it: in their order, those that hang last.
    fn next(&mut self, threads_max: usize) -> Option<Job> {
        if self.busy >= threads_max {
            return None;
        }
        let slow_max = (threads_max / 2).max(1);
        let quick = wanted(&mut self.waiting, &mut self.asked);
        let (host, was_slow) = match quick {
            Some(host) => (host, false),
            None if self.busy_slow < slow_max => (wanted(&mut self.waiting_slow, &mut self.asked)?, true),
            None => return None,
        };
        self.busy += 1;
        self.busy_slow += usize::from(was_slow);
        Some(Job { host, was_slow })
    }

    fn done(&mut self, job: &Job, is_slow: bool, found: io::Result<Vec<SocketAddr>>) {
        self.busy -= 1;
        self.busy_slow -= usize::from(job.was_slow);
        if !is_slow {
            self.slow.remove(&job.host);
        } else {
            if self.slow.len() >= SLOW_NAMES_MAX {
                self.slow.clear();
            }
            self.slow.insert(job.host.clone());
        }
        if let Some(waiters) = self.asked.remove(&job.host) {
            waiters.send_replace(Some(Arc::new(found)));
        }
    }

    /// Lets go of what waits for a thread and nobody waits for any more.
    fn forget_abandoned(&mut self) {
        let Self { asked, waiting, waiting_slow, .. } = self;
        for queue in [waiting, waiting_slow] {
            queue.retain(|host| {
                let is_wanted = asked.get(host).is_some_and(|waiters| waiters.receiver_count() > 0);
                if !is_wanted {
                    asked.remove(host);
                }
                is_wanted
            });
        }
    }
}

/// The first of a queue that somebody still waits for.
fn wanted(queue: &mut VecDeque<String>, asked: &mut HashMap<String, watch::Sender<Option<Found>>>) -> Option<String> {
    while let Some(host) = queue.pop_front() {
        if asked.get(&host).is_some_and(|waiters| waiters.receiver_count() > 0) {
            return Some(host);
        }
        asked.remove(&host);
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::{Condvar, mpsc};

    use super::*;

    /// A resolver that tells what it is asked, and of which names that begin with `hang` hang until they are let go.
    struct Resolver {
        look_ups: LookUps,
        asked: mpsc::Receiver<String>,
        gate: Arc<(Mutex<bool>, Condvar)>,
    }

    impl Resolver {
        fn new(threads_max: usize, slow_min: Duration) -> Self {
            let (tell, asked) = mpsc::channel();
            let gate: Arc<(Mutex<bool>, Condvar)> = Arc::default();
            let at_gate = Arc::clone(&gate);
            let look_ups = LookUps::new(threads_max, slow_min, move |host| {
                tell.send(host.to_owned()).unwrap();
                if host.starts_with("hang") {
                    let open = at_gate.0.lock().unwrap();
                    drop(at_gate.1.wait_while(open, |open| !*open).unwrap());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "no name server answers"));
                }
                Ok(vec![SocketAddr::new([192, 0, 2, 1].into(), 0)])
            });
            Self { look_ups, asked, gate }
        }

        fn is_open(&self, open: bool) {
            *self.gate.0.lock().unwrap() = open;
            self.gate.1.notify_all();
        }

        /// The next name that reached the resolver.
        fn asked(&self) -> String {
            self.asked.recv_timeout(Duration::from_secs(20)).unwrap()
        }

        fn none_asked(&self) -> bool {
            self.asked.try_recv().is_err()
        }
    }

    #[tokio::test]
    async fn name_that_hangs_takes_one_thread_and_delays_no_other() {
        let resolver = Resolver::new(2, SLOW_MIN);
        let waiters: Vec<_> = (0..20).map(|_| resolver.look_ups.ask("hang.example").unwrap()).collect();
        assert_eq!(resolver.asked(), "hang.example");
        for name in ["a.example", "b.example", "a.example"] {
            assert_eq!(resolver.look_ups.look_up(name).await.unwrap().len(), 1);
            assert_eq!(resolver.asked(), name);
        }
        // Those who wait have given up, and it hangs all the same: who comes next begins no other.
        drop(waiters);
        let late = resolver.look_ups.ask("hang.example").unwrap();
        assert!(resolver.none_asked());
        resolver.is_open(true);
        let error = resolver.look_ups.look_up("hang.example").await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::TimedOut, "no name server answers"));
        drop(late);
    }

    #[tokio::test]
    async fn names_without_a_thread_wait_in_their_order_while_somebody_waits_for_them() {
        let resolver = Resolver::new(1, SLOW_MIN);
        let _hangs = resolver.look_ups.ask("hang.example").unwrap();
        assert_eq!(resolver.asked(), "hang.example");
        let first = resolver.look_ups.ask("first.example").unwrap();
        drop(resolver.look_ups.ask("given-up.example").unwrap());
        let mut last = resolver.look_ups.ask("last.example").unwrap();
        assert!(resolver.none_asked());
        resolver.is_open(true);
        last.wait_for(Option::is_some).await.unwrap();
        assert_eq!([resolver.asked(), resolver.asked()], ["first.example", "last.example"]);
        assert!(first.borrow().is_some());
        assert!(resolver.look_ups.state().asked.is_empty());
    }

    #[tokio::test]
    async fn names_that_hang_leave_half_of_the_threads_to_others() {
        // Whatever was looked up once counts as slow, until it is let go.
        let resolver = Resolver::new(4, Duration::ZERO);
        resolver.is_open(true);
        let names: Vec<String> = (0..6).map(|n| format!("hang{n}.example")).collect();
        for name in &names {
            assert!(resolver.look_ups.look_up(name).await.is_err());
            assert_eq!(&resolver.asked(), name);
        }
        resolver.is_open(false);
        let waiters: Vec<_> = names.iter().map(|name| resolver.look_ups.ask(name).unwrap()).collect();
        let mut hanging = [resolver.asked(), resolver.asked()];
        hanging.sort();
        assert_eq!(hanging, names[..2]);
        assert_eq!(resolver.look_ups.look_up("new.example").await.unwrap().len(), 1);
        assert_eq!(resolver.asked(), "new.example");
        assert!(resolver.none_asked());
        resolver.is_open(true);
        for mut waiter in waiters {
            waiter.wait_for(Option::is_some).await.unwrap();
        }
        assert!(resolver.look_ups.look_up("192.0.2.7").await.is_ok());
        assert_eq!(resolver.asked.try_iter().count(), 4, "an address needs no look-up");
    }

    #[test]
    fn what_nobody_waits_for_makes_room() {
        let resolver = Resolver::new(1, SLOW_MIN);
        let _hangs = resolver.look_ups.ask("hang.example").unwrap();
        let mut waiting: Vec<_> =
            (1..WAITING_MAX).map(|n| resolver.look_ups.ask(&format!("n{n}.example")).unwrap()).collect();
        assert!(resolver.look_ups.ask("one-more.example").is_err());
        waiting.truncate(10);
        assert!(resolver.look_ups.ask("one-more.example").is_ok());
        assert_eq!(resolver.look_ups.state().asked.len(), 12);
        resolver.is_open(true);
    }
}
