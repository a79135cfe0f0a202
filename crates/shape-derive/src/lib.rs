//! TODO: shape-derive
