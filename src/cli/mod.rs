//! The commands: arguments in, text or NDJSON out, exit code back. This room alone prints.

pub mod args;
pub mod output;
pub mod report;
pub mod logging;
pub mod setup;
pub mod input;
pub mod run;
pub mod demo;
pub mod init;
pub mod check;
pub mod explain;
pub mod matching;
pub mod parse;
pub mod feeds;
pub mod packs;
pub mod alerts;
pub mod deliveries;
pub mod sinks;
pub mod health;
pub mod secret;

use std::process::ExitCode;

use self::{
    args::{
        AlertsCommand, Arguments, Command, DeliveriesCommand, FeedsCommand, PacksCommand, SecretCommand, SinksCommand,
    },
    output::Output,
};

/// How a command ended, in the contract's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Done,
    /// 1: it ran and failed.
    Failed,
    /// 2: the command line or the config is wrong, a bad query included.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
        })
    }
}

/// What a command has when it starts.
#[derive(Debug)]
pub struct Context {
    /// Options of every command.
    pub global: args::GlobalArguments,
    /// How results are printed.
    pub output: Output,
}

/// Runs what the arguments ask for.
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { global, command } = arguments;
    let log = match command {
        // The NATS client tells of each connection; what comes of it, the sink says.
        Command::Run(_) => "info,async_nats=off",
        // Its receiver turns the first webhook away on purpose; the summary tells of it.
        Command::Demo(_) => "error",
        _ => "warn,async_nats=off",
    };
    if let Err(message) = logging::start(&global, log) {
        eprintln!("error: {message}");
        return Exit::Usage.into();
    }
    let context = Context { output: Output::new(&global), global };
    let exit = match command {
        Command::Run(arguments) => run::run(&context, &arguments),
        Command::Demo(arguments) => demo::run(&context, &arguments),
        Command::Init(arguments) => init_file(&arguments.file),
        Command::Check => check::run(&context),
        Command::Match(arguments) => matching::run(&context, &arguments),
        Command::Explain(arguments) => explain::run(&context, &arguments),
        Command::Parse(arguments) => parse::run(&context, &arguments),
        Command::Feeds(command) => feed_command(&context, &command),
        Command::Packs(PacksCommand::List) => packs::list(&context),
        Command::Packs(PacksCommand::Show(arguments)) => packs::show(&context, &arguments),
        Command::Packs(PacksCommand::Diff(arguments)) => packs::diff(&context, &arguments),
        Command::Packs(PacksCommand::Refresh(arguments)) => packs::refresh(&context, &arguments),
        Command::Alerts(AlertsCommand::List(arguments)) => alerts::list(&context, &arguments),
        Command::Deliveries(DeliveriesCommand::List(arguments)) => deliveries::list(&context, &arguments),
        Command::Deliveries(DeliveriesCommand::Show { id }) => deliveries::show(&context, &id),
        Command::Deliveries(DeliveriesCommand::Retry(arguments)) => deliveries::retry(&context, &arguments),
        Command::Deliveries(DeliveriesCommand::Discard(arguments)) => deliveries::discard(&context, &arguments),
        Command::Sinks(SinksCommand::List) => sinks::list(&context),
        Command::Sinks(SinksCommand::Test(sink)) => sinks::test(&context, &sink.id),
        Command::Sinks(SinksCommand::Pause(sink)) => sinks::pause(&context, &sink.id),
        Command::Sinks(SinksCommand::Resume(sink)) => sinks::resume(&context, &sink.id),
        Command::Sinks(SinksCommand::Enable(sink)) => sinks::enable(&context, &sink.id),
        Command::Health => health::run(&context),
        Command::Secret(SecretCommand::New) => new_secret(),
    };
    exit.into()
}

fn feed_command(context: &Context, command: &FeedsCommand) -> Exit {
    match command {
        FeedsCommand::List => feeds::list(context),
        FeedsCommand::Add(arguments) => feeds::find::add(context, arguments),
        FeedsCommand::Remove(feed) => feeds::control::remove(context, &feed.id),
        FeedsCommand::Pause(feed) => feeds::control::pause(context, &feed.id),
        FeedsCommand::Resume(feed) => feeds::control::resume(context, &feed.id),
        FeedsCommand::Poll(feed) => feeds::control::poll(context, &feed.id),
        FeedsCommand::Discover(arguments) => feeds::find::discover_feeds(context, arguments),
        FeedsCommand::Import(arguments) => feeds::lists::import(context, arguments),
        FeedsCommand::Export => feeds::lists::export(context),
    }
}

fn init_file(file: &std::path::Path) -> Exit {
    match init::run(file) {
        Ok(()) => {
            let wrote = format!(
                "wrote {}: `wirewatch check --config {0}` reads it, `wirewatch run --config {0}` starts\n",
                file.display()
            );
            printed(&wrote)
        }
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Failed
        }
    }
}

/// Prints a command's result, and says how the command ended.
fn printed(text: &str) -> Exit {
    match output::print(text) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

fn new_secret() -> Exit {
    match secret::fresh() {
        Ok(secret) => printed(&format!("{secret}\n")),
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Failed
        }
    }
}
