//! What an element's inside says: plain words or HTML, escaped once, as tags, in CDATA, or in base64.

use std::borrow::Cow;

use super::super::{
    entry::Markup,
    field::{Field, children},
    markup,
    name::{Scope, local},
    reference::{Entities, resolve},
    token::{Token, Tokens},
};

/// How an element's inside is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// HTML whose tags are escaped.
    Html,
    /// HTML whose tags stand there as tags.
    Tags,
    /// No HTML.
    Plain,
    /// RSS does not say; what looks like HTML is HTML.
    Guess,
    Base64,
    /// A picture or the like.
    Nothing,
}

/// The words of a field; `None` where there are none. `says_types` is whether the dialect has types (Atom) or leaves
/// the reader to guess (RSS).
pub fn of_field(field: &Field<'_>, says_types: bool, entities: &Entities<'_>) -> Option<Markup> {
    let read = match form(field, says_types) {
        Form::Nothing => return None,
        Form::Tags => Markup { text: tags(without_wrapper(field.inner)), is_html: true },
        Form::Base64 => {
            let (text, _) = escaped(field.inner, entities);
            let is_html = field.attribute("type").is_some_and(|kind| kind.contains("html"));
            Markup { text: base64(&text)?, is_html }
        }
        form @ (Form::Html | Form::Plain | Form::Guess) => {
            let (text, has_tags) = escaped(field.inner, entities);
            match form {
                // Tags that nobody announced: their text is text, their tags are tags.
                Form::Plain if has_tags => Markup { text: tags(without_wrapper(field.inner)), is_html: true },
                Form::Plain => Markup { text, is_html: false },
                Form::Html => Markup { text, is_html: true },
                _ => Markup { is_html: has_tags || markup::looks_like_html(&text), text },
            }
        }
    };
    (!read.text.trim().is_empty()).then_some(read)
}

/// The inside as plain text, references resolved, tags left out: for names, dates, numbers and addresses.
pub fn words(inner: &str, entities: &Entities<'_>) -> Option<String> {
    if !inner.contains(['<', '&']) {
        return super::super::filled(inner);
    }
    let mut out = String::with_capacity(inner.len());
    for token in Tokens::new(inner) {
        match token {
            Token::Text(text) => out.push_str(&resolve(text, entities)),
            Token::Data(text) => out.push_str(text),
            _ => {}
        }
    }
    super::super::filled(&out)
}

fn form(field: &Field<'_>, says_types: bool) -> Form {
    let value = |name| field.attribute(name).map(|value| value.trim().to_ascii_lowercase());
    let (kind, mode) = (value("type"), value("mode"));
    if !says_types && kind.is_none() && mode.is_none() {
        return Form::Guess;
    }
    let kind = kind.unwrap_or_default();
    let is_html = matches!(kind.as_str(), "html" | "text/html" | "application/xhtml+xml" | "xhtml");
    match (mode.as_deref(), kind.as_str()) {
        (Some("base64"), _) => Form::Base64,
        (Some("escaped"), "") => Form::Guess,
        (Some("escaped"), _) => {
            if is_html {
                Form::Html
            } else {
                Form::Plain
            }
        }
        (Some("xml"), _) if is_html => Form::Tags,
        (_, "html" | "text/html") => Form::Html,
        (_, "xhtml" | "application/xhtml+xml" | "text/xhtml") => Form::Tags,
        // Media RSS writes the bare word.
        (_, "" | "text" | "plain") => Form::Plain,
        (_, kind) if kind.ends_with("+xml") || kind.ends_with("/xml") => Form::Tags,
        (_, kind) if kind.starts_with("text/") => Form::Plain,
        (_, kind) if ["image/", "audio/", "video/"].iter().any(|head| kind.starts_with(head)) => Form::Nothing,
        // RFC 4287 §4.1.3.3: anything else is in base64. What is no MIME type at all is somebody's word for text.
        (_, kind) if kind.contains('/') => Form::Base64,
        _ => Form::Guess,
    }
}

/// References resolved once, CDATA as it is, tags as they stand; and whether there were tags.
fn escaped(inner: &str, entities: &Entities<'_>) -> (String, bool) {
    if !inner.contains('<') {
        return (resolve(inner, entities).into_owned(), false);
    }
    let mut out = String::with_capacity(inner.len());
    let mut has_tags = false;
    for token in Tokens::new(inner) {
        match token {
            Token::Text(text) => out.push_str(&resolve(text, entities)),
            Token::Data(text) => out.push_str(text),
            Token::Start { .. } | Token::End { .. } => {
                has_tags = true;
                push_tag(&mut out, token);
            }
            Token::Doctype(_) | Token::Aside => {}
        }
    }
    (out, has_tags)
}

/// XHTML as HTML: references are left to the HTML reader, CDATA is text.
fn tags(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    for token in Tokens::new(inner) {
        match token {
            Token::Text(text) => out.push_str(text),
            Token::Data(text) => out.push_str(&quick_xml::escape::minimal_escape(text)),
            Token::Start { .. } | Token::End { .. } => push_tag(&mut out, token),
            Token::Doctype(_) | Token::Aside => {}
        }
    }
    out
}

/// A tag as HTML knows it: without prefix, and closed by a tag of its own where HTML does not close it by itself.
fn push_tag(out: &mut String, token: Token<'_>) {
    match token {
        Token::Start { name, attributes, is_empty } => {
            let name = local(name);
            out.push('<');
            out.push_str(name);
            out.push_str(attributes);
            out.push('>');
            if is_empty && !markup::is_void(&name.to_ascii_lowercase()) {
                out.push_str("</");
                out.push_str(name);
                out.push('>');
            }
        }
        Token::End { name } => {
            out.push_str("</");
            out.push_str(local(name));
            out.push('>');
        }
        _ => {}
    }
}

/// The inside of the one `div` that XHTML stands in (RFC 4287 §3.1.1.3).
fn without_wrapper(inner: &str) -> &str {
    let trimmed = inner.trim();
    let is_wrapped = trimmed.starts_with('<') && trimmed.ends_with('>');
    match is_wrapped.then(|| children(trimmed, &Scope::default())).as_deref() {
        // Nothing but the wrapper's own tags stands around its inside.
        Some([only])
            if local(only.name) == "div"
                && trimmed.len() == only.inner.len() + only.attributes.len() + 2 * only.name.len() + "<></>".len() =>
        {
            only.inner
        }
        _ => inner,
    }
}

fn base64(text: &str) -> Option<String> {
    let packed: Cow<'_, str> = text.split_whitespace().collect::<String>().into();
    let bytes = data_encoding::BASE64.decode(packed.as_bytes()).ok();
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) => Some(text),
        // Not text inside.
        Some(Err(_)) => None,
        // Announced and not done.
        None => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::name::Meaning, *};

    #[track_caller]
    fn check(attributes: &str, inner: &str, says_types: bool, expected: Option<(&str, bool)>) {
        let field = Field { meaning: Meaning::Content, name: "content", attributes, inner };
        let got = of_field(&field, says_types, &Entities::default());
        let got = got.as_ref().map(|markup| (markup.text.as_str(), markup.is_html));
        assert_eq!(got, expected, "{attributes} {inner}");
    }

    #[test]
    fn a_type_says_how_a_text_is_read() {
        check("", "a &lt;b&gt;c&lt;/b&gt;", true, Some(("a <b>c</b>", false)));
        check(" type='html'", "a &lt;b&gt;c&lt;/b&gt;", true, Some(("a <b>c</b>", true)));
        check(" type='xhtml'", "<div xmlns='x'>a <b>c</b> &amp; d</div>", true, Some(("a <b>c</b> &amp; d", true)));
        check(" type='xhtml'", "<x:div><x:i/>a</x:div> b", true, Some(("<div><i></i>a</div> b", true)));
        check(" type='text/html' mode='escaped'", "&lt;i&gt;a", true, Some(("<i>a", true)));
        check(" type='text/plain' mode='escaped'", "&lt;i&gt;a", true, Some(("<i>a", false)));
        check(" mode='base64'", " PGI+YTwvYj4= ", true, Some(("<b>a</b>", false)));
        check(" type='text/html' mode='base64'", "PGI+YTwvYj4=", true, Some(("<b>a</b>", true)));
        check(" type='application/octet-stream'", "YWJj", true, Some(("abc", false)));
        check(" type='image/png'", "YWJj", true, None);
    }

    #[test]
    fn rss_is_guessed() {
        check("", "a &lt;b&gt;c&lt;/b&gt;", false, Some(("a <b>c</b>", true)));
        check("", "a &amp; b", false, Some(("a & b", false)));
        check("", "<![CDATA[a <b>c</b>]]> &amp; d", false, Some(("a <b>c</b> & d", true)));
        check("", "<p>a &lt;i&gt; b</p><br/>", false, Some(("<p>a <i> b</p><br>", true)));
        check("", " <!-- a --> ", false, None);
    }

    #[test]
    fn tags_that_nobody_announced_are_tags() {
        check("", "Example <b>Atom</b> &amp; x", true, Some(("Example <b>Atom</b> &amp; x", true)));
        assert_eq!(words("<a>1</a> <![CDATA[<2>]]>", &Entities::default()).as_deref(), Some("1 <2>"));
    }
}
