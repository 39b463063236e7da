//! What may stand on the command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

/// Watches the world's news feeds and raises an alert the moment an article matters.
#[derive(Debug, Parser)]
#[command(name = "wirewatch", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
pub struct Arguments {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that may stand in front of the command or behind it.
#[derive(Debug, Clone, Args)]
pub struct GlobalArguments {
    /// Config file [default: $WIREWATCH_CONFIG, ./wirewatch.toml, then the user's and the system's config folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged: a level, or a filter such as `info,wirewatch::fetch=debug`
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// What log lines look like
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Whether colours are used
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
    /// Results as NDJSON, also on a terminal
    #[arg(long, global = true, conflicts_with = "text")]
    pub json: bool,
    /// Results for people, also into a pipe
    #[arg(long, global = true)]
    pub text: bool,
}

/// What log lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Poll, match and deliver until stopped
    Run(RunArguments),
    /// Show the whole daemon at work on bundled feeds, with nothing to set up
    Demo(DemoArguments),
    /// Write a commented starter config
    Init(InitArguments),
    /// Check config, queries and packs, without network
    Check,
    /// Run articles through the watches: no daemon, no store
    Match(MatchArguments),
    /// Show why a watch matches an article, or what it lacks
    Explain(ExplainArguments),
    /// Read a feed document and print its articles
    Parse(ParseArguments),
    /// Feeds and how they do
    #[command(subcommand, arg_required_else_help = true)]
    Feeds(FeedsCommand),
    /// Packs: what the built-in ones and your own hold
    #[command(subcommand, arg_required_else_help = true)]
    Packs(PacksCommand),
    /// Stored alerts
    #[command(subcommand, arg_required_else_help = true)]
    Alerts(AlertsCommand),
    /// What waits to be sent, and what was given up on
    #[command(subcommand, arg_required_else_help = true)]
    Deliveries(DeliveriesCommand),
    /// Where alerts go, and how that does
    #[command(subcommand, arg_required_else_help = true)]
    Sinks(SinksCommand),
    /// Ask the running daemon whether it is ready
    Health,
    /// Secrets that sign webhooks
    #[command(subcommand, arg_required_else_help = true)]
    Secret(SecretCommand),
}

/// `run`
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// Poll every feed once now, try each due delivery once, and end
    #[arg(long)]
    pub once: bool,
    /// With --once: fail where any feed failed, not only where all did
    #[arg(long, requires = "once")]
    pub strict: bool,
}

/// `demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArguments {
    /// Keep running after the summary, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
}

/// `init`
#[derive(Debug, Clone, Args)]
pub struct InitArguments {
    /// Where to
    #[arg(default_value = "wirewatch.toml")]
    pub file: PathBuf,
}

/// `match`
#[derive(Debug, Clone, Args)]
pub struct MatchArguments {
    /// Run this watch alone (may be repeated)
    #[arg(long = "watch", value_name = "ID")]
    pub watches: Vec<String>,
    /// Run this query (may be repeated); they are named query-1, query-2 …
    #[arg(long = "query", value_name = "QUERY", allow_hyphen_values = true)]
    pub queries: Vec<String>,
    /// Leave out articles without alerts
    #[arg(long)]
    pub matched: bool,
    /// Also tell which topics an article fell just short of, and what it lacked
    #[arg(long)]
    pub near: bool,
    /// .jsonl of articles, .txt, .html, a feed document, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
}

/// `explain`
#[derive(Debug, Clone, Args)]
pub struct ExplainArguments {
    /// Explain this watch; without it and --query, every watch
    #[arg(long, value_name = "ID", conflicts_with = "query")]
    pub watch: Option<String>,
    /// Explain this query
    #[arg(long, value_name = "QUERY", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// .jsonl of articles, .txt, .html, a feed document, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: String,
}

/// `parse`
#[derive(Debug, Clone, Args)]
pub struct ParseArguments {
    /// What relative addresses in the document are relative to
    #[arg(long, value_name = "URL")]
    pub base: Option<url::Url>,
    /// The Content-Type that the document came with
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// Print the feed's own line first
    #[arg(long)]
    pub feed: bool,
    /// A file, an http(s) address, or - for standard input
    #[arg(value_name = "FILE|URL|-")]
    pub source: String,
}

/// `feeds …`
#[derive(Debug, Subcommand)]
pub enum FeedsCommand {
    /// Every feed: its state, last success, next poll and why then
    List,
    /// Add a feed, or the one feed that a page leads to; it is read first
    Add(AddArguments),
    /// Take away a feed that `add` or `import` has added
    Remove(FeedArgument),
    /// Stop polling a feed until it is resumed
    Pause(FeedArgument),
    /// Let a paused feed go on, or ask one again whose server said that it is gone
    Resume(FeedArgument),
    /// Poll a feed now
    Poll(FeedArgument),
    /// Find the feeds of a page
    Discover(DiscoverArguments),
    /// Add the feeds of an OPML list, its folders as tags
    Import(ImportArguments),
    /// Print all feeds as OPML, tags as folders, secrets covered
    Export,
}

/// `feeds add`
#[derive(Debug, Clone, Args)]
pub struct AddArguments {
    /// Its name in queries, logs and lists [default: from its host]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// For people [default: what the feed calls itself]
    #[arg(long)]
    pub name: Option<String>,
    /// For `tag:` in queries (may be repeated)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Its own longest wait between polls, such as 5m
    #[arg(long, value_name = "DURATION")]
    pub interval: Option<String>,
    /// The feed, or a page that leads to it
    #[arg(value_name = "URL")]
    pub url: String,
}

/// `feeds discover`
#[derive(Debug, Clone, Args)]
pub struct DiscoverArguments {
    /// The page
    #[arg(value_name = "URL")]
    pub url: String,
}

/// `feeds import`
#[derive(Debug, Clone, Args)]
pub struct ImportArguments {
    /// A tag for all its feeds (may be repeated)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// An OPML file, an http(s) address of one, or - for standard input
    #[arg(value_name = "FILE|URL|-")]
    pub source: String,
}

/// `packs …`
#[derive(Debug, Subcommand)]
pub enum PacksCommand {
    /// Every pack: version, where it comes from, what it holds
    List,
    /// One pack: its topics with their rules, its lists, persons, places
    Show(PacksShowArguments),
    /// What the packs of your folder change
    Diff(PacksDiffArguments),
    /// Bring the leaders up to date from Wikidata
    Refresh(PacksRefreshArguments),
}

/// `packs show`
#[derive(Debug, Clone, Args)]
pub struct PacksShowArguments {
    /// Which
    #[arg(value_name = "ID")]
    pub id: String,
    /// Show whole what has these words in its id, its name or its terms
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Print the pack's file, to start one of your own from
    #[arg(long, conflicts_with = "words")]
    pub toml: bool,
}

/// `packs diff`
#[derive(Debug, Clone, Args)]
pub struct PacksDiffArguments {
    /// Of this pack alone
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

/// `packs refresh`
#[derive(Debug, Clone, Args)]
pub struct PacksRefreshArguments {
    /// Which; there is a query for `leaders`
    #[arg(value_name = "ID")]
    pub id: String,
    /// A SPARQL result in JSON, or the address of a service to ask [default: Wikidata's]
    #[arg(long, value_name = "FILE|URL")]
    pub from: Option<String>,
    /// Write what is new into the folder of your packs; without it nothing is written
    #[arg(long)]
    pub write: bool,
}

/// `alerts …`
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// Newest first
    List(AlertsListArguments),
}

/// `alerts list`
#[derive(Debug, Clone, Args)]
pub struct AlertsListArguments {
    /// Not older than this: a duration such as 24h or 7d, or a time in RFC 3339
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Of this watch alone
    #[arg(long, value_name = "ID")]
    pub watch: Option<String>,
    /// How many at the most [default: 100]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Also those that were stored and not sent
    #[arg(long)]
    pub held: bool,
}

/// `deliveries …`
#[derive(Debug, Subcommand)]
pub enum DeliveriesCommand {
    /// What waits and what was given up on, newest first
    List(DeliveriesListArguments),
    /// One delivery, its last answer and what is sent
    Show {
        /// Its number, or the id of an alert or event
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Try again now, with all attempts before it
    Retry(ChosenArguments),
    /// Never send it; the record stays
    Discard(ChosenArguments),
    /// Send to another sink what waits for one that was renamed or removed; its dead letters go along
    Move(MoveArguments),
}

/// `deliveries list`
#[derive(Debug, Clone, Args)]
pub struct DeliveriesListArguments {
    /// To this sink alone
    #[arg(long, value_name = "ID")]
    pub sink: Option<String>,
    /// In this state alone
    #[arg(long, value_name = "STATE", value_parser = ["pending", "batched", "delivered", "dead", "discarded"])]
    pub state: Option<String>,
    /// Also what was delivered or discarded
    #[arg(long, conflicts_with = "state")]
    pub all: bool,
    /// Of alerts not older than this: a duration such as 24h or 7d, or a time in RFC 3339
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// How many at the most [default: 100]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// `deliveries retry`, `deliveries discard`
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["ids", "dead", "since", "state"]))]
pub struct ChosenArguments {
    /// Numbers of deliveries, or ids of alerts or events
    #[arg(value_name = "ID", conflicts_with_all = ["dead", "since"])]
    pub ids: Vec<String>,
    /// All dead letters
    #[arg(long)]
    pub dead: bool,
    /// Dead letters that were given up on since: a duration such as 24h or 7d, or a time in RFC 3339
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// All that are in this state, of the sink that --sink names
    #[arg(long, value_name = "STATE", value_parser = ["pending", "dead"], requires = "sink",
        conflicts_with_all = ["ids", "dead", "since"])]
    pub state: Option<String>,
    /// To this sink alone, also where the config no longer has it
    #[arg(long, value_name = "ID")]
    pub sink: Option<String>,
}

/// `deliveries move`
#[derive(Debug, Clone, Args)]
pub struct MoveArguments {
    /// Where they were to go, also where the config no longer has it
    #[arg(long, value_name = "ID")]
    pub sink: String,
    /// Where they go now
    #[arg(long, value_name = "ID")]
    pub to: String,
}

/// `sinks …`
#[derive(Debug, Subcommand)]
pub enum SinksCommand {
    /// Every sink: its state, what waits for it, its last failure
    List,
    /// Send a signed sample; a sink that takes it is enabled again
    Test(SinkArgument),
    /// Send nothing to it until it is resumed; its alerts wait
    Pause(SinkArgument),
    /// Let a paused sink go on
    Resume(SinkArgument),
    /// Try a sink again that said it is gone
    Enable(SinkArgument),
}

/// `secret …`
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Print a fresh secret
    New,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Arguments::command().debug_assert();
    }
}

/// Names one feed.
#[derive(Debug, Args)]
pub struct FeedArgument {
    /// Which feed
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Names one sink.
#[derive(Debug, Args)]
pub struct SinkArgument {
    /// Which sink
    #[arg(value_name = "ID")]
    pub id: String,
}
