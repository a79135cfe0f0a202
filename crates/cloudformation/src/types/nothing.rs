//! Types that are accepted as nothing, such as AWS::CDK::Metadata, by which CDK counts its users.

use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};

/// A type that is accepted as nothing.
#[derive(Debug)]
pub(crate) struct Nothing(pub(crate) &'static str);

impl Resource for Nothing {
    fn type_name(&self) -> &'static str {
        self.0
    }

    fn replaces(&self, _: &str) -> bool {
        false
    }

    fn create<'a>(&'a self, _: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        let physical_id = desired.name.to_owned();
        Box::pin(async { Ok(Actual { physical_id, ..Actual::default() }) })
    }

    fn update<'a>(&'a self, _: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        let physical_id = changed.physical_id.to_owned();
        Box::pin(async { Ok(Actual { physical_id, ..Actual::default() }) })
    }

    fn delete<'a>(&'a self, _: &'a Cx, _: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}
