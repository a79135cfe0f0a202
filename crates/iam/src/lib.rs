//! TODO: iam
