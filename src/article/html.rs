//! HTML → readable text with paragraphs, and HTML that is safe to show.

use scraper::{Html, Node, node::Element};

/// Markup is read up to here; the rest of a longer text is left out.
pub const HTML_BYTES_MAX: usize = 2 << 20;

/// Plain text: paragraphs parted by an empty line, entities decoded once, nothing of scripts, styles or hidden parts.
pub fn to_text(html: &str) -> String {
    let html = &html[..html.floor_char_boundary(HTML_BYTES_MAX)];
    if !html.contains(['<', '&']) {
        return paragraphs(html);
    }
    let document = Html::parse_fragment(html);
    let mut out = String::with_capacity(html.len());
    let mut hidden = 0usize;
    for edge in document.root_element().traverse() {
        match edge {
            ego_tree::iter::Edge::Open(node) => match node.value() {
                Node::Text(text) if hidden == 0 => push_words(&mut out, text),
                Node::Element(element) => {
                    hidden += usize::from(is_hidden(element));
                    match element.name() {
                        "br" => out.push('\u{1}'),
                        name if is_block(name) => out.push('\u{2}'),
                        _ => {}
                    }
                }
                _ => {}
            },
            ego_tree::iter::Edge::Close(node) => {
                if let Node::Element(element) = node.value() {
                    hidden = hidden.saturating_sub(usize::from(is_hidden(element)));
                    if is_block(element.name()) {
                        out.push('\u{2}');
                    }
                }
            }
        }
    }
    let mut text = String::with_capacity(out.len());
    for block in out.split('\u{2}') {
        // One <br> is a line, two part paragraphs.
        let lines: Vec<&str> = block.split('\u{1}').map(str::trim).collect();
        for paragraph in lines.split(|line| line.is_empty()).filter(|p| !p.is_empty()) {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&paragraph.join("\n"));
        }
    }
    text
}

/// Safe HTML: no script, no style, no handlers, only known elements and schemes.
pub fn sanitise(html: &str) -> String {
    ammonia::clean(&html[..html.floor_char_boundary(HTML_BYTES_MAX)])
}

/// One line of plain text, as a title needs it.
pub fn to_line(html: &str) -> String {
    to_text(html).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Plain text as it was written, its white space tidied, paragraphs kept.
pub fn paragraphs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pending = false;
    for line in text.lines() {
        let mut words = line.split_whitespace().peekable();
        if words.peek().is_none() {
            pending = !out.is_empty();
            continue;
        }
        if pending {
            out.push_str("\n\n");
        } else if !out.is_empty() {
            out.push('\n');
        }
        pending = false;
        for (i, word) in words.enumerate() {
            if i > 0 {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

/// Appends text with its white space folded, as a browser shows it.
fn push_words(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_whitespace() {
            if !out.ends_with([' ', '\u{1}', '\u{2}']) && !out.is_empty() {
                out.push(' ');
            }
        } else if !matches!(c, '\u{1}' | '\u{2}') {
            out.push(c);
        }
    }
}

fn is_hidden(element: &Element) -> bool {
    matches!(element.name(), "script" | "style" | "noscript" | "template" | "head" | "iframe" | "svg")
        || element.attr("hidden").is_some()
        || element.attr("style").is_some_and(|style| style.replace(' ', "").contains("display:none"))
}

fn is_block(name: &str) -> bool {
    const BLOCKS: [&str; 29] = [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
    ];
    BLOCKS.contains(&name) || matches!(name, "tr" | "ul" | "td" | "th")
}

/// Plain text as HTML that shows the same.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
