//! The built program: how tests start it, feed it and listen to it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// No test waits longer for something; one that does has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Until it is so; how long that took.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) -> Duration {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    started.elapsed()
}

/// A daemon that polls a feed five times a second and sends what names a missile to a webhook, whose
/// other keys are `more`.
pub(crate) fn wire_to_hook(feed: &impl std::fmt::Display, hook: &impl std::fmt::Display, more: &str) -> Desk {
    Desk::new(&format!(
        "[daemon]\ndata_dir = \"data\"\ninterval = \"200ms\"\nmin_interval = \"200ms\"\nmax_interval = \"1s\"\n\
         backlog = \"all\"\nlisten = \"off\"\nallow_private_networks = true\n[packs]\ndefaults = false\n\
         [[feed]]\nid = \"wire\"\nurl = \"{feed}\"\n[[watch]]\nid = \"w\"\nquery = \"missile\"\nsinks = [\"hook\"]\n\
         [[sink]]\nid = \"hook\"\ntype = \"webhook\"\nurl = \"{hook}\"\n{more}\n",
    ))
}

/// A folder of a test's own, with its config.
pub(crate) struct Desk {
    folder: TempDir,
    /// Beside those that every program is started with.
    variables: Vec<(&'static str, PathBuf)>,
}

impl Desk {
    pub(crate) fn new(config: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() };
        desk.write("wirewatch.toml", config);
        desk
    }

    pub(crate) fn with_variable(mut self, name: &'static str, value: PathBuf) -> Self {
        self.variables.push((name, value));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The lines of a file that a sink has written; none where it has not.
    pub(crate) fn lines(&self, name: &str) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The program in this folder, with nothing of the machine's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(self.command(arguments).output().unwrap())
    }

    /// Runs it with something on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::new(child.wait_with_output().unwrap())
    }

    /// Starts the daemon and waits until it says where it listens, or that it does not.
    pub(crate) fn start(&self) -> Daemon {
        self.start_with(&[])
    }

    /// The same with further options.
    pub(crate) fn start_with(&self, options: &[&str]) -> Daemon {
        let arguments = [&["run", "--json"], options].concat();
        let mut child = self.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "the daemon ended at its start:\n{said}");
            said.push_str(&line);
            if line.trim() == "HTTP is off" {
                break None;
            }
            if let Some(address) = line.trim().strip_prefix("http://") {
                break Some(address.trim_end_matches("/metrics").to_owned());
            }
        };
        // Somebody must read on, or the daemon would block at a full pipe.
        let log = std::thread::spawn(move || {
            let mut rest = String::new();
            stderr.read_to_string(&mut rest).unwrap();
            rest
        });
        Daemon { child, address, log: Some(log) }
    }
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The NDJSON that it printed.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A daemon at work; killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: Option<String>,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Daemon {
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and how it ended; with what it logged.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        let sent = terminate(self.child.id()).unwrap();
        assert!(sent.success());
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }

    /// Status line, headers and body of a GET.
    pub(crate) fn get(&self, path: &str, headers: &str) -> String {
        let address = self.address.as_ref().expect("it listens");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends SIGTERM. By the shell's own `kill`: a small system has no other.
pub(crate) fn terminate(process: u32) -> std::io::Result<ExitStatus> {
    Command::new("sh").args(["-c", &format!("kill {process}")]).status()
}

/// A file that stands beside the project; `None`, and a word about it, where it does not.
pub(crate) fn beside(path: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: there is no {}", file.display());
    None
}
