//! AWS::Serverless::Connector.

use crate::state::State;

/// Turns connectors that stand inside resources into resources.
pub(crate) fn unfold(_state: &mut State<'_>) {}
