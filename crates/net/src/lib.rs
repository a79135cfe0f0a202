//! TODO: net
