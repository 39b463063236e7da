//! The watch language: a query's text in, a checked query out, or every problem at its place.

pub mod lexer;
pub mod tree;
pub mod parser;
pub mod suggest;
pub mod print;
