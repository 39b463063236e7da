//! `check`: config, queries and packs, read and compiled, without network.

use super::{Context, Exit, output, report, setup};
use crate::{
    config::{self, Level, Problem},
    daemon::watching::Watching,
};

/// Shows every problem at once. Errors exit 2, warnings alone 0.
pub fn run(context: &Context) -> Exit {
    let Some(path) = config::find(context.global.config.as_deref()) else {
        eprintln!("error: there is no config to check: `wirewatch init` writes one to start from");
        return Exit::Usage;
    };
    let loaded = config::load(&path);
    let mut problems = setup::all_problems(&loaded);
    let mut summary = None;
    if let Some(settings) = &loaded.settings {
        let (_, compiled) = Watching::compile(settings, settings.watches.clone());
        problems.extend(compiled);
        summary = Some((settings.feeds.len(), settings.watches.len(), settings.sinks.len()));
    }
    let has_error = problems.iter().any(|p| p.level == Level::Error);
    let text = |color| text(&problems, has_error, summary, color, &path);
    let printed = if context.output.json {
        // Beside what a program reads, for whoever reads along.
        eprint!("{}", text(context.output.stderr_color));
        let lines: String = problems.iter().map(|p| report::to_json(p).to_string() + "\n").collect();
        output::print(&lines)
    } else {
        output::print(&text(context.output.color))
    };
    match (printed, has_error) {
        (Err(_), _) => Exit::Failed,
        (Ok(()), true) => Exit::Usage,
        (Ok(()), false) => Exit::Done,
    }
}

fn text(
    problems: &[Problem],
    has_error: bool,
    summary: Option<(usize, usize, usize)>,
    color: bool,
    path: &std::path::Path,
) -> String {
    let mut text = report::render(problems, color);
    if !problems.is_empty() {
        text.push_str(&format!("{}: {}\n", path.display(), setup::count(problems)));
    }
    if let (false, Some((feeds, watches, sinks))) = (has_error, summary) {
        text.push_str(&format!(
            "{} is fine: {}, {}, {}\n",
            path.display(),
            setup::plural(feeds, "feed"),
            setup::plural(watches, "watch").replace("watchs", "watches"),
            setup::plural(sinks, "sink"),
        ));
    }
    text
}
