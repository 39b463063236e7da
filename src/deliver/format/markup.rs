//! Feed text in other people's markup: what has to be escaped, and how services count.
//!
//! All escapes go letter by letter, so that the length of a whole is the sum of its letters', and a cut never falls
//! inside an escape.

/// As JavaScript, and so most services' own code, counts: UTF-16 units. Never less than the number of characters.
pub(super) fn utf16(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

fn escaped(text: &str, escape: impl Fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match escape(c) {
            Some(escaped) => out.push_str(escaped),
            None => out.push(c),
        }
    }
    out
}

/// For element content and quoted attributes of HTML.
pub(super) fn html(text: &str) -> String {
    escaped(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        _ => None,
    })
}

/// For Telegram's HTML. A word joiner behind `@` keeps it from calling somebody.
pub(super) fn telegram(text: &str) -> String {
    escaped(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '@' => Some("@\u{2060}"),
        _ => None,
    })
}

/// The three characters that mean something to Slack; `<!channel>` and `<@U…>` begin with one of them.
pub(super) fn slack(text: &str) -> String {
    escaped(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

/// For a text of Slack's rich text, in which nothing means anything. A word joiner behind `<` makes sure of calls.
pub(super) fn slack_rich(text: &str) -> String {
    escaped(text, |c| (c == '<').then_some("<\u{2060}"))
}

/// Discord's Markdown, in which a backslash takes the meaning from any mark.
pub(super) fn discord(text: &str) -> String {
    escaped(text, |c| match c {
        '\\' => Some("\\\\"),
        '*' => Some("\\*"),
        '_' => Some("\\_"),
        '~' => Some("\\~"),
        '`' => Some("\\`"),
        '|' => Some("\\|"),
        '[' => Some("\\["),
        ']' => Some("\\]"),
        '<' => Some("\\<"),
        '>' => Some("\\>"),
        '#' => Some("\\#"),
        '-' => Some("\\-"),
        // Mentions are switched off beside it; without this they would still look like some.
        '@' => Some("@\u{200b}"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_markup_is_disarmed() {
        assert_eq!(html("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        assert_eq!(slack("<!channel> & <@U1>"), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
        assert_eq!(slack_rich("<!channel> & *x*"), "<\u{2060}!channel> & *x*");
        assert_eq!(discord("**@everyone** [x](y)"), "\\*\\*@\u{200b}everyone\\*\\* \\[x\\](y)");
        assert_eq!(telegram("@all <b>"), "@\u{2060}all &lt;b&gt;");
        assert_eq!(utf16("a😀"), 3);
    }
}
