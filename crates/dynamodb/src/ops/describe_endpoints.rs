//! DescribeEndpoints: where SDKs with endpoint discovery send their requests.
//!
//! Promises: the address by which the caller reached this cloud, to be kept for a day.

use cumulet_api_dynamodb::ops::{
    DescribeEndpoints, DescribeEndpointsRequest, DescribeEndpointsResponse,
};
use cumulet_api_dynamodb::types::Endpoint;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;

/// Minutes, as AWS answers.
const KEPT: i64 = 1_440;

impl Handle<DescribeEndpoints> for DynamoDb {
    async fn access(&self, cx: &Cx, _: &DescribeEndpointsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "dynamodb:DescribeEndpoints")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        _: DescribeEndpointsRequest,
    ) -> Result<DescribeEndpointsResponse> {
        let url = &cx.request().endpoint;
        let address = url.split_once("://").map_or(url.as_str(), |(_, host)| host).to_owned();
        let endpoint = Endpoint { address, cache_period_in_minutes: KEPT };
        Ok(DescribeEndpointsResponse { endpoints: vec![endpoint] })
    }
}
