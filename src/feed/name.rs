//! What an element's name means, whatever prefix it wears.
//!
//! Feeds declare namespaces wrongly, under other prefixes, as the default one, or not at all; and each dialect has its own
//! word for the same thing. Here all of them become one [`Meaning`].

use super::attribute;

/// Where a name belongs. Atom's and every RSS's own names are [`Space::Plain`]: one document mixes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// RSS of any version, Atom of any version, and whatever a feed invents as its default.
    Plain,
    /// `content:encoded`
    Content,
    /// Dublin Core's elements.
    Dublin,
    /// Dublin Core's terms.
    Terms,
    /// Media RSS.
    Media,
    /// Apple's podcasts.
    Itunes,
    /// XHTML.
    Xhtml,
    /// RDF's own.
    Rdf,
    /// PRISM, in publishers' feeds.
    Prism,
    /// Yandex's, in the feeds of Russia's wires.
    Yandex,
    /// Not ours to read.
    Other,
}

/// What an element is to a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named for what it is")]
pub enum Meaning {
    Channel,
    Entry,
    Title,
    /// A title that counts where there is no other.
    SpareTitle,
    Link,
    Id,
    Guid,
    Published,
    /// A date that may be any, and counts where there is no other.
    Date,
    Updated,
    Author,
    Category,
    Keywords,
    Description,
    /// A description that counts where there is no other.
    SpareDescription,
    Summary,
    Content,
    Encoded,
    Enclosure,
    MediaContent,
    MediaGroup,
    Source,
    Image,
    TextInput,
    Language,
    Subtitle,
    Ttl,
    Unknown,
}

/// The namespaces that are declared at one place of a document.
#[derive(Debug, Default, Clone)]
pub struct Scope<'a> {
    /// Prefix, URI, and where that leads, the nearest first.
    declared: Vec<(&'a str, &'a str, Option<Space>)>,
}

/// More declarations on one element are made to exhaust; real feeds hold up to 25.
const DECLARED_MAX: usize = 64;

/// A prefix as feed-rs wants it, and the one URI by which feed-rs knows it.
const USUAL: [(&str, &str, Space); 5] = [
    ("content", "http://purl.org/rss/1.0/modules/content/", Space::Content),
    ("dc", "http://purl.org/dc/elements/1.1/", Space::Dublin),
    ("media", "http://search.yahoo.com/mrss/", Space::Media),
    ("itunes", "http://www.itunes.com/dtds/podcast-1.0.dtd", Space::Itunes),
    ("atom", "http://www.w3.org/2005/Atom", Space::Plain),
];

impl<'a> Scope<'a> {
    /// Adds what a start tag declares; the nearest declaration of a prefix wins.
    pub fn declare(&mut self, attributes: &'a str) {
        if !attributes.contains("xmlns") {
            return;
        }
        for (name, value) in attribute::attributes(attributes) {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(prefix) if prefix.starts_with(':') => &prefix[1..],
                _ => continue,
            };
            if self.declared.len() < DECLARED_MAX {
                self.declared.insert(0, (prefix, value, space_of_uri(value)));
            }
        }
    }

    /// The URI that a prefix is declared for; the empty prefix is the default.
    pub fn uri(&self, prefix: &str) -> Option<&'a str> {
        self.declared(prefix).map(|(_, uri, _)| *uri)
    }

    fn declared(&self, prefix: &str) -> Option<&(&'a str, &'a str, Option<Space>)> {
        self.declared.iter().find(|(known, _, _)| *known == prefix)
    }

    /// Where a prefix leads, and whether feed-rs takes it there too.
    pub fn space(&self, prefix: &str) -> (Space, bool) {
        let declared = self.declared(prefix);
        let (uri, by_uri) = (declared.map(|(_, uri, _)| *uri), declared.and_then(|(_, _, space)| *space));
        // A feed that binds a usual prefix to a URI of its own means what everybody means.
        let space = by_uri.unwrap_or_else(|| space_of_prefix(prefix));
        let is_usual = match space {
            Space::Other => true,
            Space::Plain if prefix.is_empty() => true,
            _ => USUAL.iter().any(|usual| (usual.0, Some(usual.1)) == (prefix, uri)),
        };
        (space, is_usual)
    }
}

/// By the URI without scheme, case and closing slash: all of these are met misspelt.
fn space_of_uri(uri: &str) -> Option<Space> {
    let uri = uri.trim().to_ascii_lowercase();
    let uri = uri.trim_start_matches("http://").trim_start_matches("https://").trim_end_matches(['/', '#']);
    let begins = |heads: &[&str]| heads.iter().any(|head| uri.starts_with(head));
    Some(match uri {
        "purl.org/rss/1.0/modules/content" => Space::Content,
        "purl.org/dc/terms" => Space::Terms,
        "purl.org/rss/1.0" => Space::Plain,
        "www.w3.org/1999/xhtml" => Space::Xhtml,
        _ if begins(&["purl.org/dc/elements", "purl.org/metadata/dublin_core"]) => Space::Dublin,
        _ if begins(&["search.yahoo.com/mrss", "tools.search.yahoo.com/mrss", "search.yahoo.com/rss"]) => Space::Media,
        _ if uri.ends_with("dtds/podcast-1.0.dtd") => Space::Itunes,
        _ if begins(&["www.w3.org/1999/02/22-rdf"]) => Space::Rdf,
        "news.yandex.ru" | "turbo.yandex.ru" => Space::Yandex,
        _ if uri.contains("prismstandard.org/namespaces") => Space::Prism,
        _ if begins(&[
            "www.w3.org/2005/atom",
            "purl.org/atom",
            "purl.org/echo",
            "purl.org/pie",
            "purl.org/net/rss",
            "backend.userland.com/rss",
            "blogs.law.harvard.edu/tech/rss",
            "cyber.law.harvard.edu/rss",
            "my.netscape.com/",
            "channel.netscape.com/rdf",
            "www.rssboard.org/rss",
        ]) =>
        {
            Space::Plain
        }
        _ => return None,
    })
}

fn space_of_prefix(prefix: &str) -> Space {
    match prefix.to_ascii_lowercase().as_str() {
        "" | "atom" | "atom10" | "atom03" | "a10" | "rss" => Space::Plain,
        "content" => Space::Content,
        "dc" => Space::Dublin,
        "dcterms" | "dct" => Space::Terms,
        "media" => Space::Media,
        "itunes" => Space::Itunes,
        "xhtml" => Space::Xhtml,
        "rdf" => Space::Rdf,
        "prism" => Space::Prism,
        "yandex" | "turbo" => Space::Yandex,
        _ => Space::Other,
    }
}

/// Prefix and local part of a name.
pub fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

/// A name without its prefix.
pub fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// What a name means in its space. Case does not count.
pub fn meaning(space: Space, local: &str) -> Meaning {
    use Meaning::*;
    const NAME_BYTES_MAX: usize = 24;
    let mut buffer = [0; NAME_BYTES_MAX];
    let Some(lower) = buffer.get_mut(..local.len()) else { return Unknown };
    lower.copy_from_slice(local.as_bytes());
    lower.make_ascii_lowercase();
    match (space, &*lower) {
        (Space::Plain, name) => plain(name),
        (Space::Content, b"encoded") => Encoded,
        (Space::Dublin, b"title") => Title,
        (Space::Dublin, b"creator" | b"author") => Author,
        (Space::Dublin, b"date") => Date,
        (Space::Dublin, b"subject") => Category,
        (Space::Dublin, b"description") => SpareDescription,
        (Space::Dublin, b"language") => Language,
        (Space::Terms, b"modified") => Updated,
        (Space::Terms, b"issued") => Published,
        (Space::Prism, b"publicationdate") => Date,
        (Space::Prism, b"modificationdate") => Updated,
        (Space::Yandex, b"full-text" | b"content") => Encoded,
        (Space::Media, b"title") => SpareTitle,
        (Space::Media, b"description") => SpareDescription,
        (Space::Media, b"content") => MediaContent,
        (Space::Media, b"group") => MediaGroup,
        (Space::Itunes, b"title") => SpareTitle,
        (Space::Itunes, b"summary") => SpareDescription,
        (Space::Itunes, b"subtitle") => Subtitle,
        (Space::Itunes, b"author") => Author,
        (Space::Itunes, b"keywords") => Keywords,
        (Space::Xhtml, b"body" | b"div") => Encoded,
        _ => Unknown,
    }
}

fn plain(lower: &[u8]) -> Meaning {
    use Meaning::*;
    match lower {
        b"channel" => Channel,
        b"item" | b"entry" => Entry,
        b"title" => Title,
        b"link" => Link,
        b"id" => Id,
        b"guid" => Guid,
        b"pubdate" | b"published" | b"issued" => Published,
        b"updated" | b"modified" | b"lastbuilddate" => Updated,
        b"author" => Author,
        b"category" => Category,
        b"description" => Description,
        b"abstract" => SpareDescription,
        b"summary" => Summary,
        b"content" => Content,
        b"body" | b"fullitem" | b"full-text" | b"fulltext" => Encoded,
        b"enclosure" => Enclosure,
        b"source" => Source,
        b"image" => Image,
        b"textinput" => TextInput,
        b"language" => Language,
        b"subtitle" | b"tagline" => Subtitle,
        b"ttl" => Ttl,
        _ => Unknown,
    }
}

impl Meaning {
    /// Whether such an element holds words for a reader: what stands inside is markup, not fields.
    pub fn is_text(self) -> bool {
        use Meaning::*;
        matches!(
            self,
            Title
                | SpareTitle
                | Description
                | SpareDescription
                | Summary
                | Content
                | Encoded
                | Subtitle
                | Link
                | Id
                | Guid
                | Published
                | Date
                | Updated
                | Language
                | Ttl
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(declarations: &str, name: &str, expected: Meaning) {
        let mut scope = Scope::default();
        scope.declare(declarations);
        let (prefix, local) = split(name);
        assert_eq!(meaning(scope.space(prefix).0, local), expected, "{declarations} {name}");
    }

    #[test]
    fn a_name_means_the_same_under_any_prefix() {
        check("", "pubDate", Meaning::Published);
        check(" xmlns='http://backend.userland.com/rss2'", "pubDate", Meaning::Published);
        check(" xmlns='urn:of-its-own'", "title", Meaning::Title);
        check(" xmlns:a10='http://www.w3.org/2005/Atom'", "a10:updated", Meaning::Updated);
        check(" xmlns:dublincore='http://purl.org/dc/elements/1.1/'", "dublincore:date", Meaning::Date);
        check("", "dc:creator", Meaning::Author);
        check(" xmlns:media='https://search.yahoo.com/mrss'", "media:content", Meaning::MediaContent);
        check(" xmlns:x='http://www.itunes.com/DTDs/PodCast-1.0.dtd'", "x:summary", Meaning::SpareDescription);
        check(" xmlns:media='urn:nothing'", "media:title", Meaning::SpareTitle);
        check(" xmlns:my='urn:nothing'", "my:title", Meaning::Unknown);
        check("", "PUBDATE", Meaning::Published);
    }

    #[test]
    fn what_feed_rs_knows_otherwise_is_told() {
        let mut scope = Scope::default();
        scope.declare(" xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:media='http://search.yahoo.com/mrss'");
        assert_eq!(scope.space("dc"), (Space::Dublin, true));
        assert_eq!(scope.space("media"), (Space::Media, false));
        assert_eq!(scope.space("content"), (Space::Content, false));
        assert_eq!(scope.space("slash"), (Space::Other, true));
    }
}
