//! Subscriptions at WebSub hubs: kept so that a restart knows which pushes are ours, and when a lease ends.
//!
//! Token and secret are as good as passwords: they are [`Secret`]s here, and the store's file is its owner's alone.

use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use url::Url;

use super::{
    Store, StoreError,
    sqlite::rows::{count, millis, parsed, time, time_or_none},
};
use crate::config::{FeedId, Secret};

/// A feed's hub or topic is changed at most so often: some documents name another with each fetch.
const CHANGE_MIN: Duration = Duration::days(1);
/// Nothing is due later than a long lease's renewal; what is met a clock that was set back.
const WAIT_MAX: Duration = Duration::days(31);
/// Of a hub's reason this much is kept.
const TROUBLE_CHARS_MAX: usize = 200;

/// How far a subscription has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionState {
    /// The feed's document names the hub; nobody has asked it.
    Advertised,
    /// It was asked, and has not confirmed.
    Asked,
    /// It has confirmed, and pushes until its lease ends.
    Verified,
    /// It does not want to. It is asked again, seldom.
    Denied,
    /// Nobody wants it any more; it ends when the hub has heard of that, or has been asked often enough.
    Leaving,
}

impl SubscriptionState {
    /// All of them, for metrics.
    pub const ALL: [Self; 5] = [Self::Advertised, Self::Asked, Self::Verified, Self::Denied, Self::Leaving];

    /// As in the store and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advertised => "advertised",
            Self::Asked => "asked",
            Self::Verified => "verified",
            Self::Denied => "denied",
            Self::Leaving => "leaving",
        }
    }

    fn of_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// In the path of the callback.
    pub token: Secret,
    /// Of which feed.
    pub feed: FeedId,
    /// Where to ask.
    pub hub: Url,
    /// The feed's address, as the hub knows it.
    pub topic: String,
    /// Signs what the hub pushes.
    pub secret: Secret,
    /// How far it has come.
    pub state: SubscriptionState,
    /// The public address under which the hub was last asked.
    pub base: Option<String>,
    /// When the hub is next asked.
    pub due: DateTime<Utc>,
    /// When the hub stops by itself.
    pub lease_end: Option<DateTime<Utc>>,
    /// Requests in a row that it has not confirmed.
    pub failures: u32,
    /// Whether it pushes badly, so that polls are not spared.
    pub is_unfit: bool,
    /// What went wrong last.
    pub trouble: Option<String>,
}

/// A hub that a document names, with what a subscription there would need.
#[derive(Debug, Clone)]
pub struct NewSubscription {
    /// Where to ask.
    pub hub: Url,
    /// The feed's address, as the hub knows it.
    pub topic: String,
    /// Fresh, and not to be guessed.
    pub token: Secret,
    /// Fresh, and not to be guessed.
    pub secret: Secret,
}

impl Store {
    /// Notes which hub a feed's document names, `None` where none. One that is named no more, or has changed, is left.
    /// That happens at most once a day, but at once where `is_elsewhere`: the feed's URL is another one.
    /// Gives whether anything is to be done.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn note_hub(
        &self,
        feed: &FeedId,
        new: Option<NewSubscription>,
        is_elsewhere: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| note_hub(connection, &feed, new.as_ref(), is_elsewhere, now)).await
    }

    /// Every subscription, in the order of its feed's names.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM websub ORDER BY feed, made")?;
            let rows = statement.query_map([], subscription)?;
            rows.collect()
        })
        .await
    }

    /// Those whose hub is to be asked now, at most `limit`, and when the next one after them is, or a lease ends.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn due_subscriptions(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<(Vec<Subscription>, Option<DateTime<Utc>>), StoreError> {
        self.read(move |connection| {
            let sql = "SELECT * FROM websub WHERE due <= ?1 OR due > ?2 ORDER BY due LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![millis(now), millis(now + WAIT_MAX), count(limit)], subscription)?;
            let due = rows.collect::<Result<Vec<_>, _>>()?;
            let sql = "SELECT min(at) AS at FROM (SELECT due AS at FROM websub UNION ALL SELECT lease_end FROM websub)
                 WHERE at > ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let next = statement.query_row([millis(now)], |row| time_or_none(row, "at"))?;
            Ok((due, next))
        })
        .await
    }

    /// The subscription with this token.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn subscription(&self, token: &str) -> Result<Option<Subscription>, StoreError> {
        let token = token.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM websub WHERE token = ?1")?;
            statement.query_row([token], subscription).optional()
        })
        .await
    }

    /// Until when a hub pushes a feed well, as far as it has said; `None` where it does not.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn pushed_until(&self, feed: &FeedId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let feed = feed.clone();
        self.read(move |connection| {
            let sql = "SELECT lease_end FROM websub WHERE feed = ?1 AND state = 'verified' AND NOT unfit";
            let mut statement = connection.prepare_cached(sql)?;
            let until = statement.query_row([feed.as_str()], |row| time_or_none(row, "lease_end")).optional()?;
            Ok(until.flatten())
        })
        .await
    }

    /// How many subscriptions there are in each state.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn subscription_counts(&self) -> Result<Vec<(SubscriptionState, i64)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT state, count(*) AS n FROM websub GROUP BY state")?;
            let rows = statement.query_map([], |row| Ok((state(row)?, row.get::<_, i64>("n")?)))?;
            rows.collect()
        })
        .await
    }

    /// The hub is asked, under the public address `base`; where it does not confirm, it is asked again at `due`.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn subscription_asked(&self, token: &Secret, base: &str, due: DateTime<Utc>) -> Result<(), StoreError> {
        let (token, base) = (token.clone(), base.to_owned());
        self.write(move |connection, _| {
            let sql = "UPDATE websub SET base = ?2, due = ?3, failures = failures + 1,
                     state = CASE WHEN state IN ('verified', 'leaving') THEN state ELSE 'asked' END WHERE token = ?1";
            connection.prepare_cached(sql)?.execute(params![token.reveal(), base, millis(due)])?;
            Ok(())
        })
        .await
    }

    /// The hub has confirmed, and pushes until `lease_end`; it is asked to go on at `renew`.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn subscription_verified(
        &self,
        token: &Secret,
        lease_end: DateTime<Utc>,
        renew: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let token = token.clone();
        self.write(move |connection, _| {
            let sql = "UPDATE websub SET state = 'verified', lease_end = ?2, due = ?3, failures = 0, trouble = NULL
                 WHERE token = ?1 AND state IN ('asked', 'verified', 'denied')";
            connection.prepare_cached(sql)?.execute(params![token.reveal(), millis(lease_end), millis(renew)])?;
            Ok(())
        })
        .await
    }

    /// The hub does not push, or no longer, and is asked again at `due`. Gives whether it did push.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn subscription_denied(
        &self,
        token: &Secret,
        reason: &str,
        due: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (token, reason) = (token.clone(), beginning(reason));
        self.write(move |connection, _| {
            let sql = "SELECT state = 'verified' FROM websub WHERE token = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let did_push = statement.query_row([token.reveal()], |row| row.get(0)).optional()?.unwrap_or(false);
            let sql = "UPDATE websub SET state = 'denied', lease_end = NULL, due = ?2, trouble = ?3
                 WHERE token = ?1 AND state <> 'leaving'";
            connection.prepare_cached(sql)?.execute(params![token.reveal(), millis(due), reason])?;
            Ok(did_push)
        })
        .await
    }

    /// What went wrong when the hub was asked.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn subscription_trouble(&self, token: &Secret, trouble: &str) -> Result<(), StoreError> {
        let (token, trouble) = (token.clone(), beginning(trouble));
        self.write(move |connection, _| {
            let sql = "UPDATE websub SET trouble = ?2 WHERE token = ?1";
            connection.prepare_cached(sql)?.execute(params![token.reveal(), trouble])?;
            Ok(())
        })
        .await
    }

    /// A lease has ended without being renewed: the feed's polls are no longer spared.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn subscription_lapsed(&self, token: &Secret) -> Result<(), StoreError> {
        let token = token.clone();
        self.write(move |connection, _| {
            let sql = "UPDATE websub SET state = 'asked', lease_end = NULL WHERE token = ?1 AND state = 'verified'";
            connection.prepare_cached(sql)?.execute([token.reveal()])?;
            Ok(())
        })
        .await
    }

    /// Whether a feed's hub pushes badly. Gives whether that is news.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn hub_is_unfit(&self, feed: &FeedId, is_unfit: bool) -> Result<bool, StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| {
            let sql = "UPDATE websub SET unfit = ?2 WHERE feed = ?1 AND state <> 'leaving' AND unfit <> ?2";
            Ok(connection.prepare_cached(sql)?.execute(params![feed.as_str(), is_unfit])? > 0)
        })
        .await
    }

    /// Nobody wants it any more: the hub is told at `now`.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn leave_hub(&self, token: &Secret, now: DateTime<Utc>) -> Result<(), StoreError> {
        let token = token.clone();
        self.write(move |connection, _| {
            let sql =
                "UPDATE websub SET state = 'leaving', failures = 0, due = ?2 WHERE token = ?1 AND state <> 'leaving'";
            connection.prepare_cached(sql)?.execute(params![token.reveal(), millis(now)])?;
            Ok(())
        })
        .await
    }

    /// The public address is another one: the hub is asked anew at `now`.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn subscribe_anew(&self, token: &Secret, now: DateTime<Utc>) -> Result<(), StoreError> {
        let token = token.clone();
        self.write(move |connection, _| {
            let sql = "UPDATE websub SET state = 'advertised', lease_end = NULL, failures = 0, due = ?2
                 WHERE token = ?1 AND state <> 'leaving'";
            connection.prepare_cached(sql)?.execute(params![token.reveal(), millis(now)])?;
            Ok(())
        })
        .await
    }

    /// It has ended.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn forget_subscription(&self, token: &Secret) -> Result<(), StoreError> {
        let token = token.clone();
        self.write(move |connection, _| {
            connection.prepare_cached("DELETE FROM websub WHERE token = ?1")?.execute([token.reveal()])?;
            Ok(())
        })
        .await
    }
}

fn note_hub(
    connection: &Connection,
    feed: &FeedId,
    new: Option<&NewSubscription>,
    is_elsewhere: bool,
    now: DateTime<Utc>,
) -> rusqlite::Result<bool> {
    let sql = "SELECT token, hub, topic, state, made FROM websub WHERE feed = ?1 AND state <> 'leaving'";
    let mut statement = connection.prepare_cached(sql)?;
    let known = statement.query_row([feed.as_str()], |row| {
        let (hub, topic): (String, String) = (row.get("hub")?, row.get("topic")?);
        let is_same = new.is_some_and(|new| new.hub.as_str() == hub && new.topic == topic);
        Ok((row.get::<_, String>("token")?, is_same, state(row)?, time(row, "made")?))
    });
    if let Some((token, is_same, state, made)) = known.optional()? {
        if is_same || (!is_elsewhere && now >= made && now - made < CHANGE_MIN) {
            return Ok(false);
        }
        // A hub that was never asked need not be told.
        match state {
            SubscriptionState::Advertised => {
                connection.prepare_cached("DELETE FROM websub WHERE token = ?1")?.execute([token])?
            }
            _ => {
                let sql = "UPDATE websub SET state = 'leaving', failures = 0, due = ?2 WHERE token = ?1";
                connection.prepare_cached(sql)?.execute(params![token, millis(now)])?
            }
        };
    } else if new.is_none() {
        return Ok(false);
    }
    if let Some(new) = new {
        let sql = "INSERT INTO websub (token, feed, hub, topic, secret, state, made, due)
             VALUES (?1, ?2, ?3, ?4, ?5, 'advertised', ?6, ?6)";
        let values =
            params![new.token.reveal(), feed.as_str(), new.hub.as_str(), new.topic, new.secret.reveal(), millis(now)];
        connection.prepare_cached(sql)?.execute(values)?;
    }
    Ok(true)
}

fn beginning(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TROUBLE_CHARS_MAX).collect()
}

fn state(row: &Row<'_>) -> rusqlite::Result<SubscriptionState> {
    let text: String = row.get("state")?;
    // The table holds no other.
    SubscriptionState::of_stored(&text).ok_or(rusqlite::Error::InvalidQuery)
}

fn subscription(row: &Row<'_>) -> rusqlite::Result<Subscription> {
    Ok(Subscription {
        token: Secret::new(row.get::<_, String>("token")?),
        feed: parsed(row, "feed")?,
        hub: parsed(row, "hub")?,
        topic: row.get("topic")?,
        secret: Secret::new(row.get::<_, String>("secret")?),
        state: state(row)?,
        base: row.get("base")?,
        due: time(row, "due")?,
        lease_end: time_or_none(row, "lease_end")?,
        failures: row.get("failures")?,
        is_unfit: row.get("unfit")?,
        trouble: row.get("trouble")?,
    })
}
