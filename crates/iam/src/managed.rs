//! AWS's own managed policies, as far as this cloud has them: those that templates name.

/// A policy of AWS's.
#[derive(Debug)]
pub(crate) struct Managed {
    /// The policy's name.
    pub name: &'static str,
    /// Its path: `/`, `/service-role/` …
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them, by name.
static ALL: [Managed; 0] = [];

/// The policy that `arn` (`arn:aws:iam::aws:policy/…`) names.
pub(crate) fn find(arn: &str) -> Option<&'static Managed> {
    let resource = arn.strip_prefix("arn:aws:iam::aws:policy")?;
    ALL.iter()
        .find(|policy| resource.strip_prefix(policy.path).is_some_and(|name| name == policy.name))
}
