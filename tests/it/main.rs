//! The built program and its rooms against real files, sockets and stores. One binary, a module a room.
#![allow(clippy::unwrap_used, missing_docs)]

mod acceptance;
mod circuit;
mod articles;
mod backlog;
mod clock_set;
mod commands;
mod config;
mod crash;
#[path = "../../benches/shared/cpu_time.rs"]
mod cpu_time;
mod daemon;
mod deliver;
mod demo;
mod discover;
mod disk_full;
mod engine;
mod email;
mod events;
mod exec;
mod explain;
mod farm;
mod feed;
mod feeds;
mod fetch;
mod fetch_bounds;
mod formats;
mod formats_limits;
mod formats_sent;
mod full_text;
mod house;
mod http2;
mod hub;
mod language;
mod mutate;
#[cfg(target_os = "linux")]
mod names;
#[cfg(feature = "nats")]
mod nats;
mod outbox;
mod outbox_commands;
mod own_packs;
mod pace;
mod packs;
mod pages;
mod plain;
#[path = "../../benches/shared/month.rs"]
mod month;
mod polite;
mod program;
mod receiver;
mod removed_sinks;
mod rotate;
mod secure;
mod special_files;
mod ssrf;
mod store;
mod topics;
mod verify;
mod websub;
