//! DescribeParameters: lists parameters without their values.
//!
//! Promises: pages of at most 50 in the order of their names, narrowed by filters. A page may be
//! short or empty and still carry a token: one request looks at a bounded number of parameters.
//! Refuses: filters that are none, `Filters` together with `ParameterFilters`.
//! `Shared` answers nothing: parameters are not shared between accounts here.

use cumulet_api_ssm::ops::{
    DescribeParameters, DescribeParametersRequest, DescribeParametersResult,
};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::error::Error;
use crate::filter::{Filter, Of};
use crate::model::ParameterRecord;
use crate::name::Name;
use crate::{Ssm, answer, store};

const PAGE: usize = 50;
/// Parameters that one request looks at.
const EXAMINED: usize = 2_000;

impl Handle<DescribeParameters> for Ssm {
    async fn access(&self, cx: &Cx, _: &DescribeParametersRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "ssm:DescribeParameters")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeParametersRequest,
    ) -> Result<DescribeParametersResult> {
        let old = input.filters.as_deref().unwrap_or_default();
        let new = input.parameter_filters.as_deref().unwrap_or_default();
        if !old.is_empty() && !new.is_empty() {
            return Err(Error::validation(
                "You can use either Filters or ParameterFilters in a single request.",
            )
            .into());
        }
        let filter =
            if new.is_empty() { Filter::read_old(old) } else { Filter::read(new, Of::Describe)? };
        if input.shared.unwrap_or_default() {
            return Ok(DescribeParametersResult { parameters: Some(Vec::new()), next_token: None });
        }
        let page = input.max_results.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE);
        let all = store::parameters(cx.account(), cx.region());
        let mut range = all.prefix();
        if let Some(token) = &input.next_token {
            range = range.after(&all.text(token));
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
            if filter.fits(&record) {
                let latest = store::version(&snapshot, &name, record.latest).await?;
                parameters.push(answer::metadata(&name, &record, latest));
            }
        }
        Ok(DescribeParametersResult { parameters: Some(parameters), next_token })
    }
}
