//! GetParametersByPath: reads the parameters below a path.
//!
//! Promises: pages of at most ten in the order of their names, of the path's own level or, with
//! `Recursive`, of all below. A page may be short or empty and still carry a token: one request
//! looks at a bounded number of parameters. Leave for the path is leave for all below it, as AWS
//! has it.
//! Refuses: paths that do not begin with a slash, filters other than by type, key and label.

use cumulet_api_ssm::ops::{
    GetParametersByPath, GetParametersByPathRequest, GetParametersByPathResult,
};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::error::Error;
use crate::filter::{Filter, Of, PATH_RULES, lies_below};
use crate::model::ParameterRecord;
use crate::name::{Name, Selector};
use crate::{Ssm, answer, store};

const PAGE: usize = 10;
/// Parameters that one request looks at.
const EXAMINED: usize = 2_000;

impl Handle<GetParametersByPath> for Ssm {
    async fn access(&self, cx: &Cx, input: &GetParametersByPathRequest) -> Result<Vec<Access>> {
        let path = Name::read(cx, input.path.trim_end_matches('/'))?;
        let recursive = input.recursive.unwrap_or_default().to_string();
        let access = path.access(cx, "ssm:GetParametersByPath", None);
        Ok(vec![access.with("ssm:Recursive", vec![recursive])])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetParametersByPathRequest,
    ) -> Result<GetParametersByPathResult> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.-/".contains(&b);
        if !input.path.starts_with('/') || !input.path.bytes().all(fits) {
            return Err(Error::validation(PATH_RULES).into());
        }
        let filter = input.parameter_filters.as_deref().unwrap_or_default();
        let filter = Filter::read(filter, Of::ByPath)?;
        let (decrypt, recursive) =
            (input.with_decryption.unwrap_or_default(), input.recursive.unwrap_or_default());
        let page = input.max_results.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE);
        let (account, region) = (cx.account(), cx.region());
        let mut range = match input.path.trim_matches('/') {
            "" => store::parameters(account, region).prefix(),
            path => store::beginning(account, region, &format!("{path}/")),
        };
        if let Some(token) = &input.next_token {
            let after = store::parameters(account, region).text(token);
            if !range.contains(&after) {
                return Err(Error::InvalidToken.into());
            }
            range = range.after(&after);
        }
        let snapshot = cx.store().snapshot();
        let mut scan = snapshot.scan(range, Direction::Forward);
        let mut parameters = Vec::new();
        let (mut examined, mut last, mut next_token) = (0, None, None);
        while let Some((_, record)) = scan.next_record::<ParameterRecord>().await? {
            if parameters.len() == page || examined == EXAMINED {
                next_token = last;
                break;
            }
            examined += 1;
            let name = Name::read(cx, &record.name)?;
            last = Some(name.bare().to_owned());
            if lies_below(name.bare(), &input.path, recursive) && filter.fits(&record) {
                let latest = Selector::Latest;
                parameters.push(answer::parameter(cx, &snapshot, &name, &latest, decrypt).await?);
            }
        }
        Ok(GetParametersByPathResult { parameters: Some(parameters), next_token })
    }
}
