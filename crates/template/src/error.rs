//! What can be wrong with a template. Every error displays the text that AWS answers.

use std::fmt;

/// Why a template was refused. CloudFormation answers all of them as `ValidationError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The text is not well-formed YAML or JSON, or is over a limit of the reader.
    Syntax {
        /// What was wrong, in words.
        reason: String,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// A section or an attribute does not have the form it must have.
    Format(String),
    /// The values given for the parameters do not fit the template.
    Parameters(String),
    /// An intrinsic function has wrong arguments, or refers to something that does not exist.
    Function(String),
}

impl Error {
    pub(crate) fn format(text: impl fmt::Display) -> Self {
        Self::Format(format!("Template format error: {text}"))
    }

    pub(crate) fn function(text: impl fmt::Display) -> Self {
        Self::Function(format!("Template error: {text}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { reason, line, column } => {
                write!(f, "Template format error: {reason} (line {line}, column {column})")
            }
            Self::Format(text) | Self::Parameters(text) | Self::Function(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}
