//! Writes the API crates from AWS's API models.

/// Says that the generator is not part of this tree yet.
pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    Err("codegen: the generator is not here yet".to_owned())
}
