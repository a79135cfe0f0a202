//! USER_SRP_AUTH: the user shows that he knows the password without sending it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::U256;
use cumulet_api_cognito_idp::types::ChallengeNameType;
use cumulet_service::{Error as ServiceError, Result};
use serde::{Deserialize, Serialize};

use super::{Named, Parameters, SignIn, Step};
use crate::Cognito;
use crate::error::Error;
use crate::keys::random;
use crate::model::User;
use crate::secrets::{self, invented};
use crate::srp::{self, Identity, Public, Verifier, hex};
use crate::store;

const PURPOSE: &str = "cognito/srp";
/// How far a client's clock may be off, in seconds. (AWS's own bound is not known.)
const SKEW: i64 = 5 * 60;

/// What the secret block says to this cloud.
#[derive(Serialize, Deserialize)]
struct Ticket {
    /// The user's sub; `None` for one who does not exist.
    sub: Option<String>,
    /// The name that was given.
    name: String,
    /// `USER_ID_FOR_SRP`.
    user_id: String,
    /// The server's secret, the client's public value and `u`.
    b: String,
    a: String,
    u: String,
    nonce: String,
    until: i64,
}

impl Cognito {
    /// Answers with the challenge PASSWORD_VERIFIER.
    pub(super) async fn begin_srp(&self, sign_in: &SignIn<'_>) -> Result<Step> {
        let (name, a) = (sign_in.required("USERNAME")?, sign_in.required("SRP_A")?);
        let a = Public::parse(a).ok_or_else(|| Error::invalid("Invalid SRP_A"))?;
        sign_in.check_secret_hash(&[name])?;
        let SignIn { cx, pool, client, .. } = sign_in;
        let named = self.named(cx, pool, client, name).await?;
        let user_id = self.user_id(sign_in, &named, name)?;
        let (salt, verifier) = self.verifier(sign_in, named.user(), name)?;
        let secret = random::<32>(cx.ids());
        let b = U256::from_be_slice(secret.as_slice());
        let public = self.heavy.run(move || verifier.challenge(&b)).await?;
        let ticket = Ticket {
            sub: named.user().map(|user| user.sub.clone()),
            name: name.to_owned(),
            user_id: user_id.clone(),
            b: STANDARD.encode(secret.as_slice()),
            a: STANDARD.encode(a.to_bytes()),
            u: STANDARD.encode(srp::scrambling(&a, &public)),
            nonce: cx.ids().uuid(),
            until: sign_in.ticket_end(),
        };
        let block = secrets::ticket(cx.sealer(), PURPOSE, &sign_in.bound_to(), &ticket)?;
        Ok(Step::Challenge {
            name: ChallengeNameType::PasswordVerifier,
            session: None,
            parameters: Parameters::from([
                ("SALT".to_owned(), hex(&salt)),
                ("SRP_B".to_owned(), public.to_hex()),
                ("SECRET_BLOCK".to_owned(), block),
                ("USERNAME".to_owned(), user_id.clone()),
                ("USER_ID_FOR_SRP".to_owned(), user_id),
            ]),
        })
    }

    /// Takes the answer to PASSWORD_VERIFIER.
    pub(super) async fn verify_srp(&self, sign_in: &SignIn<'_>) -> Result<Step> {
        let block = sign_in.required("PASSWORD_CLAIM_SECRET_BLOCK")?;
        let signature = sign_in.required("PASSWORD_CLAIM_SIGNATURE")?;
        let (name, time) = (sign_in.required("USERNAME")?, sign_in.required("TIMESTAMP")?);
        sign_in.check_secret_hash(&[name])?;
        let SignIn { cx, pool, .. } = sign_in;
        let ticket = secrets::redeem::<Ticket>(cx.sealer(), PURPOSE, &sign_in.bound_to(), block);
        let ticket = ticket.ok_or(Error::NotAuthorized("Invalid session for the user."))?;
        sign_in.check_ticket_end(ticket.until)?;
        let signed = srp::seconds(time).ok_or_else(|| {
            Error::invalid("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english")
        })?;
        if (signed - cx.now().secs()).abs() > SKEW || name != ticket.user_id {
            return Err(Error::credentials().into());
        }
        let named = self.ticket_holder(sign_in, &ticket).await?;
        let step = Some((ticket.nonce.as_str(), ticket.until));
        self.begin_attempt(sign_in, &named.subject(), step).await?;
        let (_, verifier) = self.verifier(sign_in, named.user(), &ticket.name)?;
        let holds = Claim {
            place: pool.place.clone(),
            user_id: ticket.user_id.clone(),
            block: STANDARD.decode(block).map_err(ServiceError::internal)?,
            time: time.to_owned(),
            signature: STANDARD.decode(signature).unwrap_or_default(),
        };
        let right = self.heavy.run(move || holds.check(&verifier, &ticket)).await?;
        match named.user() {
            Some(user) if right && user.password.is_some() => self.admit(sign_in, user).await,
            _ => Err(Error::credentials().into()),
        }
    }

    /// Who the challenge was for, as he is now.
    async fn ticket_holder(&self, sign_in: &SignIn<'_>, ticket: &Ticket) -> Result<Named> {
        let SignIn { cx, pool, client, .. } = sign_in;
        match &ticket.sub {
            Some(sub) => {
                let user = store::user(&cx.store().snapshot(), &pool.place, sub).await?;
                Ok(Named::User(Box::new(user.ok_or(Error::credentials())?)))
            }
            None => match self.named(cx, pool, client, &ticket.name).await? {
                nobody @ Named::Nobody(_) => Ok(nobody),
                // Signed up meanwhile.
                Named::User(_) => Err(Error::credentials().into()),
            },
        }
    }

    /// The name that SRP reckons with. For somebody who does not exist it looks like one that does:
    /// a UUID where users of this pool that sign in so have one, else the name itself.
    fn user_id(&self, sign_in: &SignIn<'_>, named: &Named, name: &str) -> Result<String> {
        if let Some(user) = named.user() {
            return Ok(user.username.clone());
        }
        if !sign_in.pool.makes_usernames() {
            return Ok(name.to_owned());
        }
        let seed = &self.keys.of(sign_in.cx, &sign_in.pool)?.seed;
        let name = sign_in.pool.fold(name);
        let text = hex(&secrets::keyed_hash(seed, &[b"user id", name.as_bytes()]));
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
        // Version 4, variant 10, as of all our UUIDs.
        let (third, fourth) = (part(13, 16), part(17, 20));
        let end = part(20, 32);
        let variant = match text.as_bytes().get(16) {
            Some(b'0'..=b'3') => '8',
            Some(b'4'..=b'7') => '9',
            Some(b'8' | b'9' | b'a' | b'b') => 'a',
            _ => 'b',
        };
        Ok(format!("{}-{}-4{third}-{variant}{fourth}-{end}", part(0, 8), part(8, 12)))
    }

    /// A user's salt and verifier, or invented ones where there are none.
    fn verifier(
        &self,
        sign_in: &SignIn<'_>,
        user: Option<&User>,
        name: &str,
    ) -> Result<(Vec<u8>, Verifier)> {
        let SignIn { cx, pool, .. } = sign_in;
        if let Some((user, password)) = user.and_then(|user| Some((user, user.password.as_ref()?)))
        {
            return password.open(cx.sealer(), &pool.place, &user.sub);
        }
        Ok(invented(&self.keys.of(cx, pool)?.seed, &pool.fold(name)))
    }
}

/// What a client claims.
struct Claim {
    place: crate::pool::Place,
    user_id: String,
    block: Vec<u8>,
    time: String,
    signature: Vec<u8>,
}

impl Claim {
    /// Whether whoever claims it knows the password.
    fn check(&self, verifier: &Verifier, ticket: &Ticket) -> bool {
        let decode = |text: &str| STANDARD.decode(text).ok();
        let parts = (|| {
            let a = Public::from_bytes(&decode(&ticket.a)?)?;
            let u = <[u8; 32]>::try_from(decode(&ticket.u)?).ok()?;
            let b = <[u8; 32]>::try_from(decode(&ticket.b)?).ok()?;
            Some((a, u, U256::from_be_slice(&b)))
        })();
        let Some((a, u, b)) = parts else { return false };
        let key = verifier.shared_key(&b, &a, &u);
        let identity = Identity { pool: self.place.name(), user: &self.user_id };
        srp::claim_holds(&key, identity, &self.block, &self.time, &self.signature)
    }
}
