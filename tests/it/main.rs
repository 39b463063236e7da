//! The built program and its rooms against real files, sockets and stores. One binary, a module a room.
#![allow(clippy::unwrap_used, missing_docs)]

mod acceptance;
mod articles;
mod commands;
mod config;
#[path = "../../benches/shared/cpu_time.rs"]
mod cpu_time;
mod daemon;
mod deliver;
mod demo;
mod discover;
mod engine;
mod events;
mod explain;
mod farm;
mod feed;
mod feeds;
mod fetch;
mod fetch_bounds;
mod house;
mod hub;
mod language;
mod mutate;
mod own_packs;
mod pace;
mod packs;
mod plain;
#[path = "../../benches/shared/month.rs"]
mod month;
mod polite;
mod program;
mod receiver;
mod ssrf;
mod store;
mod topics;
mod websub;
