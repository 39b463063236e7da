//! The alert in the envelope of CloudEvents 1.0, in structured mode: one JSON document.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::message::Envelope;

/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'static str,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    datacontenttype: &'static str,
    data: Cow<'a, RawValue>,
}

/// `data` is that of the frozen body, byte for byte.
pub(super) fn body(body: &str, id: &str) -> String {
    let Some(event) = Envelope::read(body) else { return body.to_owned() };
    let event = CloudEvent {
        specversion: "1.0",
        id,
        source: "/wirewatch",
        kind: format!("wirewatch.{}", event.kind),
        subject: subject(event.data),
        time: chrono::DateTime::parse_from_rfc3339(&event.timestamp).is_ok().then_some(event.timestamp.as_str()),
        datacontenttype: "application/json",
        data: Cow::Borrowed(event.data),
    };
    // Strings and JSON that was read always serialize.
    serde_json::to_string(&event).unwrap_or_default()
}

/// Which watch fired: what receivers part events by.
fn subject(data: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Data {
        watch: Watch,
    }
    #[derive(serde::Deserialize)]
    struct Watch {
        id: String,
    }
    serde_json::from_str::<Data>(data.get()).ok().map(|data| data.watch.id)
}
