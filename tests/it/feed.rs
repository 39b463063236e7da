//! Feed documents with the dirt of real feeds.
