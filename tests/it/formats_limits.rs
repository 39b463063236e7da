//! What each service documents of its messages, written down a second time and apart from the code that keeps it.

use serde_json::Value;

type Kept = Result<(), String>;

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(what()) }
}

fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

fn at_most(what: &str, size: usize, max: usize) -> Kept {
    ensure(size <= max, || format!("{what} has {size}, and {max} are the most"))
}

fn text<'v>(value: &'v Value, path: &str) -> Result<&'v str, String> {
    value.pointer(path).and_then(Value::as_str).ok_or_else(|| format!("no text at {path}"))
}

fn list<'v>(value: &'v Value, path: &str) -> Result<&'v [Value], String> {
    value.pointer(path).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| format!("no list at {path}"))
}

/// Holds `made`, which the format `name` made of `body`, against what its service documents.
pub(crate) fn keeps_limits(name: &str, body: &str, made: &str) -> Kept {
    let value: Value = serde_json::from_str(made).map_err(|error| error.to_string())?;
    if !matches!(name, "standard" | "cloudevents" | "template") {
        turns_nothing(&value)?;
    }
    match name {
        "standard" => ensure(made == body, || "it is not the frozen body".into()),
        "cloudevents" => cloudevents(&value, body),
        "slack" => slack(&value),
        "discord" => discord(&value),
        "teams" => teams(&value, made),
        "ntfy" => ntfy(&value, made),
        "gotify" => gotify(&value),
        "telegram" => telegram(&value),
        "matrix" => matrix(&value, made),
        "pagerduty" => pagerduty(&value, made),
        "alertmanager" => alertmanager(&value),
        "alertmanager-api" => alertmanager_api(&value),
        "template" => Ok(()),
        other => Err(format!("nobody wrote down the limits of {other}")),
    }
}

/// Nothing turns the direction of writing, and no control character but a line break is left.
fn turns_nothing(value: &Value) -> Kept {
    let turns =
        |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    match value {
        Value::String(text) => {
            ensure(!text.contains(|c: char| turns(c) || (c.is_control() && c != '\n')), || format!("{text:?} turns"))
        }
        Value::Array(items) => items.iter().try_for_each(turns_nothing),
        Value::Object(fields) => fields.values().try_for_each(turns_nothing),
        _ => Ok(()),
    }
}

/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>: four attributes are required, times are
/// RFC 3339, `data` is the event's own.
fn cloudevents(value: &Value, body: &str) -> Kept {
    let Ok(Value::Object(event)) = serde_json::from_str::<Value>(body) else { return Ok(()) };
    ensure(text(value, "/specversion")? == "1.0", || "specversion".into())?;
    for attribute in ["/id", "/source", "/type"] {
        ensure(!text(value, attribute)?.is_empty(), || format!("{attribute} is empty"))?;
    }
    ensure(value["data"] == event["data"], || "data is not the event's".into())?;
    chrono::DateTime::parse_from_rfc3339(text(value, "/time")?).map_err(|error| error.to_string())?;
    let names_are_plain = |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    ensure(value.as_object().unwrap().keys().all(names_are_plain), || "an attribute's name".into())
}

/// <https://docs.slack.dev/reference/block-kit/blocks>: a header 150, 50 blocks, ten elements of context, rich text of texts
/// and links; <https://docs.slack.dev/messaging/formatting-message-text>: three characters are escaped, and only
/// `plain_text` and rich text read no `*`, `_`, `~` and backticks.
fn slack(value: &Value) -> Kept {
    let blocks = list(value, "/blocks")?;
    at_most("blocks", blocks.len(), 50)?;
    ensure(!blocks.is_empty(), || "no blocks".into())?;
    at_most("all blocks", value["blocks"].to_string().chars().count(), 13_000)?;
    ensure(value["mrkdwn"] == false, || "a text that is read for marks".into())?;
    escaped_for_slack(text(value, "/text")?)?;
    // Mattermost and Rocket.Chat read the text as Markdown, and call `@channel` and `@all`.
    let calls = text(value, "/text")?.split('@').skip(1).any(|behind| !behind.starts_with('\u{2060}'));
    ensure(!calls, || "a text that calls somebody".into())?;
    ensure(!text(value, "/text")?.contains("]("), || "a text that hides an address".into())?;
    for block in blocks {
        match text(block, "/type")? {
            "header" => plain_of_slack(&block["text"], 150)?,
            "context" => {
                at_most("a context", list(block, "/elements")?.len(), 10)?;
                list(block, "/elements")?.iter().try_for_each(|element| plain_of_slack(element, 2_000))?;
            }
            "rich_text" => {
                ensure(!list(block, "/elements")?.is_empty(), || "no rich text".into())?;
                list(block, "/elements")?.iter().try_for_each(rich_of_slack)?;
            }
            other => return Err(format!("a block of the type {other}")),
        }
    }
    Ok(())
}

fn rich_of_slack(part: &Value) -> Kept {
    ensure(["rich_text_section", "rich_text_quote"].contains(&text(part, "/type")?), || format!("{part}"))?;
    ensure(!list(part, "/elements")?.is_empty(), || "an empty part of rich text".into())?;
    for element in list(part, "/elements")? {
        match text(element, "/type")? {
            "text" => ensure(!text(element, "/text")?.is_empty(), || "an empty text".into())?,
            "link" => {
                let url = text(element, "/url")?;
                ensure(url.starts_with("https://") || url.starts_with("http://"), || format!("a link to {url}"))?;
                at_most("an address", utf16(url), 3_000)?;
                ensure(element["text"] != "", || "a link without a text".into())?;
            }
            other => return Err(format!("an element of the type {other}")),
        }
        ensure(element.get("style").is_none_or(|style| *style == serde_json::json!({"bold": true})), || {
            "style".into()
        })?;
        let said = element["text"].as_str().unwrap_or_default();
        ensure(["<!", "<@", "<#"].iter().all(|call| !said.contains(call)), || format!("{said:?} may call somebody"))?;
    }
    Ok(())
}

fn plain_of_slack(value: &Value, max: usize) -> Kept {
    ensure(text(value, "/type")? == "plain_text", || format!("{value} is read for marks"))?;
    ensure(!text(value, "/text")?.is_empty(), || "an empty text".into())?;
    at_most("a text", utf16(text(value, "/text")?), max)?;
    escaped_for_slack(text(value, "/text")?)
}

fn escaped_for_slack(text: &str) -> Kept {
    ensure(!text.contains('<'), || format!("a `<` in {text:?}"))?;
    for (at, _) in text.match_indices('&') {
        let is_escape = ["&amp;", "&lt;", "&gt;"].iter().any(|escape| text[at..].starts_with(escape));
        ensure(is_escape, || format!("a `&` in {text:?}"))?;
    }
    Ok(())
}

/// <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>
fn discord(value: &Value) -> Kept {
    ensure(value["allowed_mentions"]["parse"] == serde_json::json!([]), || "mentions are on".into())?;
    at_most("content", utf16(text(value, "/content")?), 2_000)?;
    ensure(!text(value, "/content")?.is_empty(), || "no content".into())?;
    let embeds = list(value, "/embeds")?;
    at_most("embeds", embeds.len(), 10)?;
    let mut total = 0;
    for embed in embeds {
        for (part, max) in [("/title", 256), ("/description", 4_096), ("/footer/text", 2_048), ("/url", 2_048)] {
            let Some(text) = embed.pointer(part).and_then(Value::as_str) else { continue };
            at_most(part, utf16(text), max)?;
            ensure(!text.trim().is_empty(), || format!("an empty {part}"))?;
            if part != "/url" {
                total += utf16(text);
            }
            if matches!(part, "/title" | "/description") {
                ensure(!text.contains("@everyone") && !text.contains("@here"), || format!("a call in {text:?}"))?;
            }
        }
    }
    at_most("all embeds", total, 6_000)
}

/// A message to Teams has about 28 KB; its texts are runs, which know no Markdown.
fn teams(value: &Value, made: &str) -> Kept {
    at_most("the message", made.len(), 28_000)?;
    ensure(text(value, "/type")? == "message", || "it is no message".into())?;
    let attachments = list(value, "/attachments")?;
    at_most("attachments", attachments.len(), 1)?;
    ensure(text(&attachments[0], "/contentType")? == "application/vnd.microsoft.card.adaptive", || "no card".into())?;
    let card = &attachments[0]["content"];
    ensure(text(card, "/type")? == "AdaptiveCard", || "no card".into())?;
    for element in list(card, "/body")? {
        ensure(text(element, "/type")? == "RichTextBlock", || "a text that is read as Markdown".into())?;
        ensure(!list(element, "/inlines")?.is_empty(), || "an empty block".into())?;
        for run in list(element, "/inlines")? {
            ensure(text(run, "/type")? == "TextRun", || "no text run".into())?;
            text(run, "/text")?;
        }
    }
    Ok(())
}

/// <https://docs.ntfy.sh/publish/#limitations>
fn ntfy(value: &Value, made: &str) -> Kept {
    at_most("the request", made.len(), 32_768)?;
    at_most("the message", text(value, "/message")?.len(), 4_096)?;
    at_most("the title", text(value, "/title")?.len(), 250)?;
    ensure(text(value, "/topic")? == "arms_news", || "the topic".into())?;
    ensure((1..=5).contains(&value["priority"].as_u64().unwrap_or_default()), || "the priority".into())?;
    at_most("actions", value["actions"].as_array().map_or(0, Vec::len), 3)?;
    let sequence = text(value, "/sequence_id")?;
    let is_plain = sequence.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    ensure(is_plain && (1..=64).contains(&sequence.len()), || format!("the sequence {sequence}"))
}

fn gotify(value: &Value) -> Kept {
    ensure(!text(value, "/title")?.is_empty(), || "no title".into())?;
    at_most("the message", text(value, "/message")?.len(), 20_000)?;
    ensure((0..=10).contains(&value["priority"].as_i64().unwrap_or(-1)), || "the priority".into())?;
    ensure(text(&value["extras"]["client::display"], "/contentType")? == "text/plain", || "not plain".into())
}

/// <https://core.telegram.org/bots/api#sendmessage>: 4,096 characters when the tags are gone;
/// <https://core.telegram.org/bots/api#html-style>: every other `<`, `>` and `&` is escaped.
fn telegram(value: &Value) -> Kept {
    ensure(text(value, "/parse_mode")? == "HTML", || "not HTML".into())?;
    ensure(value["link_preview_options"]["is_disabled"] == true, || "previews are on".into())?;
    let plain = without_tags(text(value, "/text")?, &["b", "i", "a"])?;
    at_most("the text", utf16(&plain), 4_096)?;
    ensure(!plain.trim().is_empty(), || "no text".into())?;
    for (at, _) in plain.match_indices('@') {
        let next = plain[at + 1..].chars().next();
        ensure(next == Some('\u{2060}'), || format!("{next:?} behind an @ calls somebody"))?;
    }
    Ok(())
}

/// The text of well-formed HTML that has these tags alone.
fn without_tags(html: &str, tags: &[&str]) -> Result<String, String> {
    let (mut plain, mut rest, mut open) = (String::new(), html, Vec::new());
    while let Some(at) = rest.find(['<', '>']) {
        plain.push_str(&rest[..at]);
        let tag = rest[at..].strip_prefix('<').ok_or_else(|| format!("a bare > in {html:?}"))?;
        let end = tag.find('>').ok_or_else(|| format!("a bare < in {html:?}"))?;
        let name = &tag[..end];
        match name.strip_prefix('/') {
            Some(name) => ensure(open.pop() == Some(name), || format!("</{name}> closes nothing"))?,
            None => {
                let (word, attribute) = name.split_once(' ').unwrap_or((name, ""));
                ensure(tags.contains(&word), || format!("a tag <{name}>"))?;
                let is_href = attribute.is_empty()
                    || (word == "a"
                        && (attribute.starts_with("href=\"http://") || attribute.starts_with("href=\"https://"))
                        && attribute.matches('"').count() == 2
                        && attribute.ends_with('"'));
                ensure(is_href, || format!("an attribute {attribute}"))?;
                if !matches!(word, "br" | "hr") {
                    open.push(word);
                }
            }
        }
        rest = &tag[end + 1..];
    }
    plain.push_str(rest);
    ensure(open.is_empty(), || format!("{open:?} left open"))?;
    for (at, _) in plain.match_indices('&') {
        let is_escape = ["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|escape| plain[at..].starts_with(escape));
        ensure(is_escape, || format!("a bare & in {plain:?}"))?;
    }
    Ok(plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// <https://spec.matrix.org/latest/client-server-api/>: 65,536 bytes an event; `m.mentions` names nobody.
fn matrix(value: &Value, made: &str) -> Kept {
    at_most("the event", made.len(), 60_000)?;
    ensure(text(value, "/msgtype")? == "m.text", || "no text".into())?;
    ensure(value["m.mentions"] == serde_json::json!({}), || "mentions are open".into())?;
    ensure(!text(value, "/body")?.is_empty(), || "no body".into())?;
    without_tags(text(value, "/formatted_body")?, &["p", "strong", "em", "a", "br", "hr"]).map(drop)
}

/// <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>
fn pagerduty(value: &Value, made: &str) -> Kept {
    at_most("the event", made.len(), 512_000)?;
    at_most("the summary", utf16(text(value, "/payload/summary")?), 1_024)?;
    at_most("the key", text(value, "/dedup_key")?.len(), 255)?;
    ensure(["trigger", "resolve"].contains(&text(value, "/event_action")?), || "the action".into())?;
    ensure(!text(value, "/payload/source")?.is_empty(), || "no source".into())?;
    let severity = text(value, "/payload/severity")?;
    ensure(["critical", "error", "warning", "info"].contains(&severity), || format!("severity {severity}"))?;
    for link in list(value, "/links")? {
        ensure(text(link, "/href")?.starts_with("http"), || "a link".into())?;
    }
    Ok(())
}

/// <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>
fn alertmanager(value: &Value) -> Kept {
    ensure(text(value, "/version")? == "4", || "the version".into())?;
    for part in ["groupKey", "status", "receiver", "externalURL"] {
        text(&value[part], "")?;
    }
    for part in ["groupLabels", "commonLabels", "commonAnnotations"] {
        strings(&value[part])?;
    }
    let alerts = list(value, "/alerts")?;
    ensure(!alerts.is_empty(), || "no alerts".into())?;
    for alert in alerts {
        let ends = chrono::DateTime::parse_from_rfc3339(text(alert, "/endsAt")?).map_err(|error| error.to_string())?;
        let status = if ends.timestamp() > 0 { "resolved" } else { "firing" };
        ensure(text(alert, "/status")? == status, || "the status".into())?;
        strings(&alert["labels"])?;
        strings(&alert["annotations"])?;
        let fingerprint = text(alert, "/fingerprint")?;
        ensure(fingerprint.len() == 16 && fingerprint.bytes().all(|b| b.is_ascii_hexdigit()), || fingerprint.into())?;
    }
    Ok(())
}

/// <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>, `postableAlerts`
fn alertmanager_api(value: &Value) -> Kept {
    let alerts = value.as_array().ok_or("no list")?;
    ensure(!alerts.is_empty(), || "no alerts".into())?;
    for alert in alerts {
        strings(&alert["labels"])?;
        strings(&alert["annotations"])?;
        ensure(alert["labels"]["alertname"].is_string(), || "no alertname".into())?;
        let known = ["labels", "annotations", "startsAt", "endsAt", "generatorURL"];
        ensure(alert.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), || "a strange key".into())?;
    }
    Ok(())
}

fn strings(value: &Value) -> Kept {
    let fields = value.as_object().ok_or("no object")?;
    ensure(fields.values().all(Value::is_string), || format!("{value} holds more than texts"))
}
