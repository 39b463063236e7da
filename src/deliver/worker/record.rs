//! Tells the store what became of what was sent, beside the next flights and many rows in one transaction.

use chrono::{DateTime, Utc};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{STORE_PAUSE, Worker};
use crate::{
    config::SinkId,
    store::{DeliveryId, Settled, Store, StoreError},
};

/// What the store was told.
pub(super) struct Recorded {
    rows: Vec<DeliveryId>,
    /// Whether the store has the rows. If not, they stay taken: only another run sends them again.
    is_kept: bool,
    /// Whether it has the sink's state too; if not, a command has asked something.
    is_state_kept: bool,
    /// When the first of them is tried again.
    retry: Option<DateTime<Utc>>,
    /// Whether others are due now that were not.
    has_hastened: bool,
}

impl Worker {
    /// Tells the store what was learned, unless it is being told already: what comes meanwhile goes together.
    pub(super) fn start_recording(&mut self) {
        let is_all_known =
            self.is_state_known && self.unrecorded.attempts.is_empty() && self.unrecorded.events.is_empty();
        if is_all_known || !self.recording.is_empty() {
            return;
        }
        let mut settled = std::mem::take(&mut self.unrecorded);
        settled.state = (!self.is_state_known).then(|| self.state.clone());
        self.is_state_known = true;
        self.recording_rows = settled.attempts.len();
        let (store, sink, stop) = (self.store.clone(), self.sink.clone(), self.stop.clone());
        self.recording.spawn(record(store, sink, settled, stop));
    }

    pub(super) async fn recorded(&mut self, recorded: Result<Recorded, tokio::task::JoinError>) {
        self.recording_rows = 0;
        let Ok(Recorded { rows, is_kept, is_state_kept, retry, has_hastened }) = recorded else {
            error!(sink = %self.sink, "a record broke off; its alerts wait for the next start");
            return;
        };
        if is_kept {
            for row in rows {
                self.taken.remove(&row);
            }
            // From now on the store has them to give; one may have fallen due while it was being recorded.
            self.next = self.next.into_iter().chain(retry).min();
        }
        self.more |= has_hastened;
        if !is_state_kept {
            self.load_state().await;
        }
    }

    /// Records what has landed.
    pub(super) async fn record_rest(&mut self) {
        self.start_recording();
        while let Some(recorded) = self.recording.join_next().await {
            self.recorded(recorded).await;
            self.start_recording();
        }
    }
}

/// Tries until the store takes it.
async fn record(store: Store, sink: SinkId, settled: Settled, stop: CancellationToken) -> Recorded {
    let rows = settled.attempts.iter().map(|attempt| attempt.delivery).collect();
    let retry = settled.attempts.iter().filter_map(|attempt| attempt.ended.retry()).min();
    let has_hastened = settled.hasten.is_some();
    let mut said = false;
    loop {
        match store.settle(&sink, settled.clone()).await {
            Ok(is_state_kept) => return Recorded { rows, is_kept: true, is_state_kept, retry, has_hastened },
            Err(error) => {
                if !said {
                    said = true;
                    error!(%sink, %error, "could not record deliveries; trying on");
                }
                if matches!(error, StoreError::Closed { .. }) || stop.is_cancelled() {
                    return Recorded { rows, is_kept: false, is_state_kept: true, retry, has_hastened: false };
                }
                time::sleep(STORE_PAUSE).await;
            }
        }
    }
}
