//! The house keeps itself: arrows between rooms, heads of files, references.
