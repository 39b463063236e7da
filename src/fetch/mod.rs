//! One polite request: conditional, bounded, its addresses checked.

pub mod hints;
