//! TODO: work
