//! Runs a library that may panic so that a panic costs one document.
//!
//! feed-rs is known to panic on some inputs; in a poll's task that would lose the poll without a word.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use super::FeedError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic inside becomes an error, and nothing of it reaches stderr.
///
/// # Errors
/// [`FeedError::Panicked`] with the panic's message.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, FeedError> {
    static QUIET: Once = Once::new();
    // The hook is the process's: other threads, and this one outside of here, keep what was set before.
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    // What `work` borrows is dropped or only read after a panic.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|payload| FeedError::Panicked { cause: message(payload.as_ref()) })
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn panic_inside_is_an_error_of_that_document_alone() {
        let failed = guarded(|| -> u32 { panic!("attempt to read past {}", 7) });
        assert_eq!(failed, Err(FeedError::Panicked { cause: "attempt to read past 7".to_owned() }));
        assert_eq!(guarded(|| 3), Ok(3));
    }
}
