//! UpdateRole: changes a role's description and longest session; what is not given is reset, as AWS
//! does for the session ("the default value of one hour is applied").

use cumulet_api_iam::ops::{UpdateRole, UpdateRoleResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::store;

impl Handle<UpdateRole> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<UpdateRole as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<Role>(cx, "iam:UpdateRole", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <UpdateRole as Operation>::Input,
    ) -> Result<<UpdateRole as Operation>::Output> {
        let edit = |role: &mut Role| {
            role.description.clone_from(&input.description);
            role.max_session = input.max_session_duration.unwrap_or(3600);
            Ok(())
        };
        store::change(cx, &input.role_name, edit).await?;
        Ok(UpdateRoleResponse {})
    }
}
