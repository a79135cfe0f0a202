//! DeleteRole: removes a role that has no policies any more. Its sessions may nothing from then on,
//! also where a role of the same name is made anew.

use cumulet_api_iam::ops::{DeleteRole, DeleteRoleOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::delete;
use crate::model::Role;

impl Handle<DeleteRole> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteRole as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<Role>(cx, "iam:DeleteRole", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteRole as Operation>::Input,
    ) -> Result<<DeleteRole as Operation>::Output> {
        delete::holder::<Role>(cx, &input.role_name, |_| Ok(())).await?;
        Ok(DeleteRoleOutput {})
    }
}
