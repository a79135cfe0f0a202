//! Handing a role to a service.

use cumulet_base::{Arn, ArnError};

use crate::{Access, Cx};

/// Leave to hand the role `role_arn` to `service` (`lambda.amazonaws.com`): who makes a function
/// with a role may do through it whatever the role may ("Granting a user permissions to pass a role
/// to an AWS service", IAM user guide).
pub fn pass_role(cx: &Cx, role_arn: &str, service: &str) -> Result<Access, ArnError> {
    let arn: Arn = role_arn.parse()?;
    let owner = arn.account().parse().unwrap_or_else(|_| cx.account().clone());
    let access = Access::on(cx, "iam:PassRole", arn);
    let access = access.with("iam:PassedToService", vec![service.to_owned()]);
    Ok(Access { owner, ..access })
}
