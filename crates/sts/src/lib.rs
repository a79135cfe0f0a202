//! TODO: sts
