//! What is true: feeds' state, articles, alerts, the outbox; one transaction a poll.
