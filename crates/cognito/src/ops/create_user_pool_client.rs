//! CreateUserPoolClient: makes an app client of a pool.
//!
//! Promises: a client's id leads to its pool at once; a secret is kept sealed and shown by
//! DescribeUserPoolClient, as AWS shows it. Refuses lifetimes out of AWS's ranges.

use cumulet_api_cognito_idp::ops::{
    CreateUserPoolClient, CreateUserPoolClientRequest, CreateUserPoolClientResponse,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::model::ClientRecord;
use crate::pool::Client;

use crate::Cognito;
use crate::error::Error;
use crate::pool::Place;
use crate::secrets;
use crate::settings;
use crate::store;
use crate::tokens;
use crate::users::on_pool;

impl Handle<CreateUserPoolClient> for Cognito {
    async fn access(&self, cx: &Cx, input: &CreateUserPoolClientRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:CreateUserPoolClient", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateUserPoolClientRequest,
    ) -> Result<CreateUserPoolClientResponse> {
        let place = Place::of(cx, &input.user_pool_id);
        let id = cx.ids().text(26, LOWER);
        let secret = match (&input.client_secret, input.generate_secret) {
            (Some(_), Some(true)) => {
                let text = "ClientSecret and GenerateSecret cannot be given together.";
                return Err(Error::invalid(text).into());
            }
            (Some(given), _) => Some(given.clone()),
            (None, Some(true)) => Some(cx.ids().text(51, LOWER)),
            (None, _) => None,
        };
        let seal = |secret: &String| {
            secrets::seal(cx.sealer(), tokens::CLIENT_SECRETS, &place, &id, secret.as_bytes())
        };
        let sealed = secret.as_ref().map(seal).transpose()?;
        let settings = settings::new_client(input)?;
        let (stored, now) = (settings::stored(&settings)?, cx.now().millis());
        let record = ClientRecord { settings: stored, created: now, modified: now, secret: sealed };
        cx.store()
            .transact(|tx| {
                let (place, id, record) = (&place, &id, &record);
                async move {
                    store::pool(&tx, place).await?;
                    let there = tx
                        .range(&place.key("client").prefix(), Direction::Forward, CLIENTS)
                        .await?;
                    if there.items.len() >= CLIENTS {
                        return Err(
                            Error::Quota("Exceeded the number of user pool clients.").into()
                        );
                    }
                    store::claim(&tx, store::CLIENT_NAME, id, place).await?;
                    tx.put_record(store::client_key(place, id), record);
                    cx.note_made(&tx, id);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        let shown = settings::shown_client(&Client { id, record, settings }, secret);
        Ok(CreateUserPoolClientResponse { user_pool_client: Some(shown) })
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
/// App clients of a pool, at most ("Quotas in Amazon Cognito").
const CLIENTS: usize = 1_000;
