//! Controllers that break one rule each, and only that one.
