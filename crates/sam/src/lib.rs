//! TODO: sam
