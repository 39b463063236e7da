//! `/websub/{token}`: a hub's questions, and what it pushes.
//!
//! The token in the path says whose subscription it is, and the signature that the bytes are the hub's. Whoever has the
//! wrong one of the two learns nothing: an unknown token is 404, and a badly signed push is thanked for and dropped, as
//! the specification wants it (§8).

use std::time::Duration;

use axum::{
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use tracing::{debug, error, info, warn};

use super::{
    Served,
    commands::{BodyError, Command, Push, PushEnd, whole},
    problem,
};
use crate::{
    feed::websub::{Question, SignatureError, check_signature, renew_after},
    jitter,
    store::{StoreError, Subscription, SubscriptionState},
};

/// The largest push. A hub sends what is new, or a window of some hundred entries.
const PUSH_BYTES_MAX: usize = 5 * 1024 * 1024;
/// A token of ours has 64 characters; a longer one is not looked up.
const TOKEN_BYTES_MAX: usize = 64;
/// A hub that has said no is asked again after this.
const DENIED_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// The header that carries a push's signature.
const SIGNATURE: &str = "x-hub-signature";

/// `GET`: did we ask for this? Yes is the challenge said back; anything else is no.
pub(super) async fn question(State(served): State<Served>, Path(token): Path<String>, request: Request) -> Response {
    let subscription = match find(&served, &token).await {
        Ok(Some(subscription)) => subscription,
        Ok(None) => return unknown(),
        Err(error) => return not_now(&error),
    };
    let Some(question) = request.uri().query().and_then(Question::read) else { return unknown() };
    match answer(&served, &subscription, question).await {
        Ok(Some(said)) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], said)
                .into_response()
        }
        Ok(None) => unknown(),
        Err(error) => not_now(&error),
    }
}

/// What is said back; `None` is no.
async fn answer(
    served: &Served,
    subscription: &Subscription,
    question: Question,
) -> Result<Option<String>, StoreError> {
    let Subscription { token, feed, topic: own, state, .. } = subscription;
    let now = served.clock.now();
    match question {
        Question::Subscribe { topic, challenge, lease } => {
            let is_wanted = matches!(state, SubscriptionState::Asked | SubscriptionState::Verified);
            if !is_wanted || topic != *own {
                warn!(feed = %feed, "a hub asks about a subscription that nobody wants: refused");
                return Ok(None);
            }
            let renew = later(now, renew_after(lease, jitter::share()));
            served.store.subscription_verified(token, later(now, lease), renew).await?;
            // It is renewed before it ends, and that may be sooner than anything that was due.
            served.commands.tell(Command::LookAtHubs).await;
            if *state == SubscriptionState::Verified {
                debug!(feed = %feed, lease_s = lease.as_secs(), "the feed's hub goes on pushing it");
            } else {
                info!(feed = %feed, lease_s = lease.as_secs(), "the feed's hub pushes it from now on");
            }
            Ok(Some(challenge))
        }
        Question::Unsubscribe { topic, challenge } => {
            if *state != SubscriptionState::Leaving || topic != *own {
                warn!(feed = %feed, "a hub asks whether to stop, and nobody told it to: refused");
                return Ok(None);
            }
            served.store.forget_subscription(token).await?;
            debug!(feed = %feed, "the hub no longer pushes the feed");
            Ok(Some(challenge))
        }
        Question::Denied { topic, reason } => {
            if topic != *own || *state == SubscriptionState::Leaving {
                return Ok(None);
            }
            let did_push = served.store.subscription_denied(token, &reason, later(now, DENIED_WAIT)).await?;
            warn!(feed = %feed, reason, "the feed's hub does not push it: it is polled as others are");
            if did_push {
                poll_instead(served, subscription).await;
            }
            Ok(Some(String::new()))
        }
    }
}

/// `POST`: news. It is answered 2xx only once it is stored, or is not to be believed.
pub(super) async fn push(State(served): State<Served>, Path(token): Path<String>, request: Request) -> Response {
    let subscription = match find(&served, &token).await {
        Ok(Some(subscription)) => subscription,
        Ok(None) => return unknown(),
        Err(error) => return not_now(&error),
    };
    if subscription.state == SubscriptionState::Leaving {
        // §7: this tells the hub to forget the subscription.
        return problem(StatusCode::GONE, "nobody is subscribed here any more");
    }
    let count = |outcome: &str| served.metrics.websub_pushes.with_label_values(&[outcome]).inc();
    let Some(place) = served.commands.place().await else {
        count("refused");
        return come_again("more is pushed than can be taken in");
    };
    let (parts, body) = request.into_parts();
    let body = match whole(body, PUSH_BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => {
            count("refused");
            if error == BodyError::TooLarge {
                poll_instead(&served, &subscription).await;
            }
            return refused(error, PUSH_BYTES_MAX);
        }
    };
    let signature = parts.headers.get(SIGNATURE).map(|value| value.as_bytes());
    if let Err(reason) = check_signature(signature, subscription.secret.reveal(), &body) {
        count("ignored");
        distrust(&served, &subscription, reason).await;
        return StatusCode::ACCEPTED.into_response();
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let push = Push {
        feed: subscription.feed.clone(),
        body,
        content_type: content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        was_unfit: subscription.is_unfit,
    };
    let end = served.commands.ask(|answer| Command::Push { push, answer, place }).await.unwrap_or(PushEnd::NotStored);
    count(end.as_str());
    match end {
        PushEnd::New | PushEnd::Unchanged => StatusCode::NO_CONTENT.into_response(),
        PushEnd::Unreadable | PushEnd::Paused => StatusCode::ACCEPTED.into_response(),
        PushEnd::Unwanted => problem(StatusCode::GONE, "nobody is subscribed here any more"),
        PushEnd::NotStored => come_again("it could not be stored"),
    }
}

async fn find(served: &Served, token: &str) -> Result<Option<Subscription>, StoreError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Ok(None);
    }
    served.store.subscription(token).await
}

/// A hub that signs badly is not relied on: its feed is polled as others are, until a push is signed well.
async fn distrust(served: &Served, subscription: &Subscription, reason: SignatureError) {
    let feed = &subscription.feed;
    match served.store.hub_is_unfit(feed, true).await {
        Ok(true) => {
            warn!(feed = %feed, reason = %reason, "a push is ignored, and the feed is polled as others are");
            poll_instead(served, subscription).await;
        }
        Ok(false) => debug!(feed = %feed, reason = %reason, "a push is ignored"),
        Err(error) => error!(feed = %feed, error = %error, "a badly signed push can't be noted"),
    }
}

async fn poll_instead(served: &Served, subscription: &Subscription) {
    served.commands.tell(Command::PollInstead { feed: subscription.feed.clone() }).await;
}

fn unknown() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no such subscription")
}

fn not_now(error: &StoreError) -> Response {
    error!(error = %error, "a hub can't be answered");
    come_again("the store does not answer")
}

/// The hub keeps the push and sends it again.
pub(super) fn come_again(detail: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("30"));
    response
}

pub(super) fn refused(error: BodyError, bytes_max: usize) -> Response {
    match error {
        BodyError::TooLarge => problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than {bytes_max} bytes, or broke off before its end"),
        ),
        BodyError::TooSlow => problem(StatusCode::REQUEST_TIMEOUT, "the body took too long to come"),
    }
}

fn later(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    chrono::Duration::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait)).unwrap_or(now)
}
