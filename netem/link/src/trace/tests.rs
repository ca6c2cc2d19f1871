//! Formats against small files.
