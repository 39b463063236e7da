//! Config files as a user writes them: what is read, and what is said of mistakes.
