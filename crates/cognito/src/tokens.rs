//! Tokens: what access and ID tokens say, refresh tokens, and who stands behind an access token.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cumulet_api_cognito_idp::types::{AuthenticationResultType, IssuerType};
use cumulet_auth::jwt::{Claims, JwtError, MAX_TOKEN, Rules, TokenUse, Verifier};
use cumulet_base::Timestamp;
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::Read;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Cognito;
use crate::error::Error;
use crate::keys::random;
use crate::model::{Group, Session, User};
use crate::pool::{Client, Place, Pool};
use crate::secrets;
use crate::srp::hex;
use crate::store;
use crate::sweep;

/// The scope of tokens that the API issues: its operations on the user's own account.
const SCOPE: &str = "aws.cognito.signin.user.admin";

/// The header of Cognito's refresh tokens, which are encrypted JWTs to look at.
const HEADER: &str = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ";

/// What a refresh token says to this cloud, and to nobody else.
#[derive(Serialize, Deserialize)]
struct Refresh {
    sub: String,
    event: String,
    secret: String,
}

/// A refresh token that is good, and what hangs on it.
#[derive(Debug)]
pub(crate) struct Refreshed {
    pub(crate) user: User,
    pub(crate) event: String,
    pub(crate) session: Session,
    /// SHA-256 of the secret that it carried.
    pub(crate) hash: String,
}

/// Whoever stands behind an access token.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) pool: Pool,
    pub(crate) client: Client,
    pub(crate) user: User,
}

impl Cognito {
    /// The issuer of a pool's tokens.
    pub(crate) fn issuer(&self, pool: &Pool) -> String {
        let Place { region, id, .. } = &pool.place;
        if let Some(base) = &self.issuer_base {
            return format!("{base}/{id}");
        }
        let kind = pool.settings.issuer_configuration.as_ref().and_then(|it| it.r#type);
        let prefix = if kind == Some(IssuerType::Updated) { "issuer-" } else { "" };
        format!("https://{prefix}cognito-idp.{region}.amazonaws.com/{id}")
    }

    /// Signs a user in: a new session, durable before its tokens are answered.
    pub(crate) async fn open_session(
        &self,
        cx: &Cx,
        pool: &Pool,
        client: &Client,
        user: &User,
    ) -> Result<AuthenticationResultType> {
        let secret = random::<32>(cx.ids());
        let event = cx.ids().uuid();
        let expires = cx.now().after(client.refresh_validity());
        let session = Session {
            client: client.id.clone(),
            refresh: hashed(secret.as_slice()),
            previous: None,
            origin: cx.ids().uuid(),
            auth_time: cx.now().secs(),
            expires: expires.millis(),
        };
        // Access tokens may outlive the refresh token; what they are checked against stays.
        let kept = expires.max(cx.now().after(client.access_validity()));
        let at = &pool.place;
        cx.store()
            .transact(|tx| {
                let (session, event) = (&session, &event);
                async move {
                    let subject = store::Subject::User(&user.sub);
                    let mut trials = subject.trials(&tx, at).await?;
                    trials.succeeded();
                    subject.put(&tx, at, &trials);
                    let key = store::session_key(at, &user.sub, event);
                    sweep::expire(&tx, kept, &key);
                    tx.put_record(key, session);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        let mut result = self.issue(cx, pool, client, user, &event, &session).await?;
        result.refresh_token = Some(refresh_token(cx, at, client, &user.sub, &event, &secret)?);
        Ok(result)
    }

    /// New access and ID tokens of a session.
    pub(crate) async fn issue(
        &self,
        cx: &Cx,
        pool: &Pool,
        client: &Client,
        user: &User,
        event: &str,
        session: &Session,
    ) -> Result<AuthenticationResultType> {
        let groups = groups(&cx.store().snapshot(), pool, user).await?;
        let common = self.common_claims(pool, client, user, event, session, cx.now(), &groups);
        let access = access_claims(cx, client, user, common.clone());
        let id = id_claims(cx, client, user, common, &groups);
        let keys = self.keys.of(cx, pool)?;
        let signed = self
            .heavy
            .run(move || {
                Ok::<_, ServiceError>((
                    keys.access.sign(&access).map_err(ServiceError::internal)?,
                    keys.id.sign(&id).map_err(ServiceError::internal)?,
                ))
            })
            .await?;
        let (access_token, id_token) = signed?;
        let seconds = client.access_validity().as_secs();
        Ok(AuthenticationResultType {
            access_token: Some(access_token),
            expires_in: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            token_type: Some("Bearer".to_owned()),
            refresh_token: None,
            id_token: Some(id_token),
            new_device_metadata: None,
        })
    }

    #[allow(clippy::too_many_arguments)] // All that a token says.
    fn common_claims(
        &self,
        pool: &Pool,
        client: &Client,
        user: &User,
        event: &str,
        session: &Session,
        now: Timestamp,
        groups: &[Group],
    ) -> Claims {
        let mut claims = Claims::new();
        claims.insert("sub".into(), json!(user.sub));
        if !groups.is_empty() {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            claims.insert("cognito:groups".into(), json!(names));
        }
        claims.insert("iss".into(), json!(self.issuer(pool)));
        if client.revokes() {
            claims.insert("origin_jti".into(), json!(session.origin));
        }
        claims.insert("event_id".into(), json!(event));
        claims.insert("auth_time".into(), json!(session.auth_time));
        claims.insert("iat".into(), json!(now.secs()));
        claims
    }

    /// Who stands behind an access token. Refuses tokens of other use, of other pools, forged,
    /// expired or revoked ones, and users who were disabled or deleted.
    pub(crate) async fn bearer(&self, cx: &Cx, token: &str) -> Result<Bearer> {
        let invalid = || Error::NotAuthorized("Invalid Access Token");
        // Which pool's keys to verify with is all that is taken from the unverified token.
        let named = unverified_client(token).ok_or_else(invalid)?;
        let snapshot = cx.store().snapshot();
        let found = store::client_and_pool(&snapshot, &named).await;
        let (pool, client) = found.map_err(|why| if why.fault { why } else { invalid().into() })?;
        let keys = self.keys.of(cx, &pool)?;
        let rules = Rules {
            issuer: self.issuer(&pool),
            audiences: Some(vec![client.id.clone()]),
            token_use: Some(TokenUse::Access),
            leeway: Duration::ZERO,
        };
        let claims = Verifier::new(keys.public.clone(), rules).verify(token, cx.now());
        let claims = claims.map_err(|why| match why {
            JwtError::Expired => Error::NotAuthorized("Access Token has expired"),
            _ => invalid(),
        })?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        if !text("scope").split(' ').any(|scope| scope == SCOPE) {
            return Err(Error::NotAuthorized("Access Token does not have required scopes").into());
        }
        let (sub, event) = (text("sub"), text("event_id"));
        let user = store::user(&snapshot, &pool.place, sub).await?.ok_or(Error::UserNotFound)?;
        if store::session(&snapshot, &pool.place, sub, event).await?.is_none() {
            return Err(Error::NotAuthorized("Access Token has been revoked").into());
        }
        if !user.enabled {
            return Err(Error::NotAuthorized("User is disabled.").into());
        }
        Ok(Bearer { pool, client, user })
    }

    /// What a refresh token of this client stands for. Refuses revoked, expired and replaced ones.
    pub(crate) async fn refreshed(
        &self,
        cx: &Cx,
        pool: &Pool,
        client: &Client,
        token: &str,
    ) -> Result<Refreshed> {
        let read = cx.store().snapshot();
        let (opened, secret) = open_refresh(cx, &pool.place, client, token)
            .ok_or(Error::NotAuthorized("Invalid Refresh Token"))?;
        let session = store::session(&read, &pool.place, &opened.sub, &opened.event).await?;
        let session = session.ok_or(Error::NotAuthorized("Refresh Token has been revoked"))?;
        let now = cx.now().millis();
        if now >= session.expires {
            return Err(Error::NotAuthorized("Refresh Token has expired").into());
        }
        let hash = hashed(&secret);
        let same = |kept: &str| verify_slices_are_equal(kept.as_bytes(), hash.as_bytes()).is_ok();
        let in_grace =
            session.previous.as_ref().is_some_and(|(old, until)| same(old) && now < *until);
        if !same(&session.refresh) && !in_grace {
            return Err(Error::RefreshTokenReuse.into());
        }
        let user = store::user(&read, &pool.place, &opened.sub).await?;
        let user = user.ok_or(Error::NotAuthorized("Refresh Token has been revoked"))?;
        if !user.enabled {
            return Err(Error::NotAuthorized("User is disabled.").into());
        }
        Ok(Refreshed { user, event: opened.event, session, hash })
    }

    /// Ends the session of a refresh token, which may have been replaced already. A token that is
    /// none is no error: it is of no use (RFC 7009 section 2.2).
    pub(crate) async fn revoke(
        &self,
        cx: &Cx,
        pool: &Pool,
        client: &Client,
        token: &str,
    ) -> Result<()> {
        let Some((opened, _)) = open_refresh(cx, &pool.place, client, token) else { return Ok(()) };
        let key = store::session_key(&pool.place, &opened.sub, &opened.event);
        cx.store()
            .transact(|tx| {
                tx.delete(key.clone());
                async { Ok::<_, ServiceError>(()) }
            })
            .await
    }
}

/// What an access token says beyond what every token says.
fn access_claims(cx: &Cx, client: &Client, user: &User, mut claims: Claims) -> Claims {
    claims.insert("client_id".into(), json!(client.id));
    claims.insert("token_use".into(), json!("access"));
    claims.insert("scope".into(), json!(SCOPE));
    claims.insert("exp".into(), json!(ends(cx, client.access_validity())));
    claims.insert("jti".into(), json!(cx.ids().uuid()));
    claims.insert("username".into(), json!(user.username));
    claims
}

/// What an ID token says beyond what every token says.
fn id_claims(
    cx: &Cx,
    client: &Client,
    user: &User,
    mut claims: Claims,
    groups: &[Group],
) -> Claims {
    claims.insert("aud".into(), json!(client.id));
    claims.insert("token_use".into(), json!("id"));
    claims.insert("exp".into(), json!(ends(cx, client.id_validity())));
    claims.insert("cognito:username".into(), json!(user.username));
    if client.revokes() {
        claims.insert("jti".into(), json!(cx.ids().uuid()));
    }
    let roles: Vec<&str> = groups.iter().filter_map(|group| group.role.as_deref()).collect();
    if let Some(preferred) = preferred_role(groups) {
        claims.insert("cognito:roles".into(), json!(roles));
        claims.insert("cognito:preferred_role".into(), json!(preferred));
    }
    for (name, value) in user.attributes.iter().filter(|(name, _)| client.reads(name)) {
        let value = match name.as_str() {
            "email_verified" | "phone_number_verified" => json!(value == "true"),
            "address" => json!({ "formatted": value }),
            "updated_at" => value.parse::<i64>().map_or_else(|_| json!(value), |it| json!(it)),
            _ => json!(value),
        };
        // A claim that is Cognito's own is never an attribute's.
        claims.entry(name.clone()).or_insert(value);
    }
    claims
}

/// The role of the group with the least precedence value; none where two such groups differ in it
/// ("Assigning precedence values to groups", Cognito guide).
fn preferred_role(groups: &[Group]) -> Option<&str> {
    let with_role = |group: &&Group| group.role.is_some();
    let first = groups.iter().find(with_role)?;
    let equals = groups.iter().filter(with_role).filter(|it| it.precedence == first.precedence);
    let mut roles = equals.filter_map(|group| group.role.as_deref());
    let role = roles.next()?;
    roles.all(|other| other == role).then_some(role)
}

/// A user's groups, least precedence value first, those without one last.
pub(crate) async fn groups(read: &impl Read, pool: &Pool, user: &User) -> Result<Vec<Group>> {
    let mut groups = Vec::with_capacity(user.groups.len());
    for name in &user.groups {
        groups.push(store::group(read, &pool.place, name).await?);
    }
    groups.sort_by_key(|group| (group.precedence.unwrap_or(i32::MAX), group.name.clone()));
    Ok(groups)
}

fn ends(cx: &Cx, after: Duration) -> i64 {
    cx.now().after(after).secs()
}

fn hashed(secret: &[u8]) -> String {
    hex(digest(&SHA256, secret).as_ref())
}

/// `client_id` of a token that nobody has verified yet.
fn unverified_client(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        client_id: String,
    }
    let payload = token.split('.').nth(1).filter(|_| token.len() <= MAX_TOKEN)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok().map(|Named { client_id }| client_id)
}

const REFRESH: &str = "cognito/refresh-token";
/// Where the sealed bytes are parted, so that there are five parts as in AWS's tokens.
const PARTS: [usize; 3] = [21, 12, 16];

fn bound_to(at: &Place, client: &Client) -> String {
    format!("{}/{}", at.id, client.id)
}

/// A refresh token: opaque, five parts.
pub(crate) fn refresh_token(
    cx: &Cx,
    at: &Place,
    client: &Client,
    sub: &str,
    event: &str,
    secret: &[u8; 32],
) -> Result<String> {
    let secret = URL_SAFE_NO_PAD.encode(secret);
    let value = Refresh { sub: sub.to_owned(), event: event.to_owned(), secret };
    let plain = serde_json::to_vec(&value).map_err(ServiceError::internal)?;
    let sealed = cx.sealer().seal(REFRESH, bound_to(at, client).as_bytes(), &plain);
    let sealed = sealed.map_err(ServiceError::internal)?;
    let [head, nonce, tag] = PARTS;
    let (head, rest) = sealed.split_at(head.min(sealed.len()));
    let (nonce, rest) = rest.split_at(nonce.min(rest.len()));
    let (text, tag) = rest.split_at(rest.len().saturating_sub(tag));
    let parts = [head, nonce, text, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    Ok(format!("{HEADER}.{}", parts.join(".")))
}

fn open_refresh(cx: &Cx, at: &Place, client: &Client, token: &str) -> Option<(Refresh, Vec<u8>)> {
    let mut parts = token.split('.').filter(|_| token.len() <= MAX_TOKEN);
    (parts.next()? == HEADER).then_some(())?;
    let mut sealed = Vec::with_capacity(token.len());
    let mut count = 0;
    for part in parts {
        sealed.extend(URL_SAFE_NO_PAD.decode(part).ok()?);
        count += 1;
    }
    (count == 4).then_some(())?;
    let opened = cx.sealer().open_sealed(REFRESH, bound_to(at, client).as_bytes(), &sealed).ok()?;
    let refresh: Refresh = serde_json::from_slice(&opened).ok()?;
    let secret = URL_SAFE_NO_PAD.decode(&refresh.secret).ok()?;
    Some((refresh, secret))
}

/// A secret for the next refresh token of a session, with its hash.
pub(crate) fn next_secret(cx: &Cx) -> (zeroize::Zeroizing<[u8; 32]>, String) {
    let secret = random::<32>(cx.ids());
    let hash = hashed(secret.as_slice());
    (secret, hash)
}

/// Refuses a wrong or missing secret hash: Base64(HMAC-SHA256(client secret, username + client id)).
pub(crate) fn check_secret_hash(
    cx: &Cx,
    pool: &Pool,
    client: &Client,
    usernames: &[&str],
    given: Option<&str>,
) -> Result<()> {
    let Some(sealed) = &client.record.secret else { return Ok(()) };
    let given = given.ok_or_else(|| Error::NoSecretHash(client.id.clone()))?;
    let secret = client_secret(cx, pool, client, sealed)?;
    let given = base64::engine::general_purpose::STANDARD.decode(given).unwrap_or_default();
    let mut right = false;
    for username in usernames {
        let hash = secrets::keyed_hash(&secret, &[username.as_bytes(), client.id.as_bytes()]);
        right |= verify_slices_are_equal(&hash, &given).is_ok();
    }
    if right { Ok(()) } else { Err(Error::SecretHash(client.id.clone()).into()) }
}

/// Refuses a wrong or missing client secret, where a request carries the secret itself.
pub(crate) fn check_secret(
    cx: &Cx,
    pool: &Pool,
    client: &Client,
    given: Option<&str>,
) -> Result<()> {
    let Some(sealed) = &client.record.secret else { return Ok(()) };
    let secret = client_secret(cx, pool, client, sealed)?;
    match given {
        Some(given) if verify_slices_are_equal(&secret, given.as_bytes()).is_ok() => Ok(()),
        _ => Err(Error::NotAuthorized("Invalid client secret").into()),
    }
}

pub(crate) const CLIENT_SECRETS: &str = "cognito/client-secret";

/// A client's secret.
pub(crate) fn client_secret(
    cx: &Cx,
    pool: &Pool,
    client: &Client,
    sealed: &str,
) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    secrets::open(cx.sealer(), CLIENT_SECRETS, &pool.place, &client.id, sealed)
}

/// A client's secret as its owner reads it.
pub(crate) fn shown_secret(cx: &Cx, pool: &Pool, client: &Client) -> Result<Option<String>> {
    let Some(sealed) = &client.record.secret else { return Ok(None) };
    let secret = client_secret(cx, pool, client, sealed)?;
    String::from_utf8(secret.to_vec()).map(Some).map_err(ServiceError::internal)
}
