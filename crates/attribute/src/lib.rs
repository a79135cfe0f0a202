//! TODO: attribute
