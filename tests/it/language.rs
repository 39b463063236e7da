//! Queries over texts, case by case.
