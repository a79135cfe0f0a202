//! TODO: shape
