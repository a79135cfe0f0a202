//! What an application does to sign in over SRP.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::modular::FixedMontyForm;
use crypto_bigint::{U256, U3072};
use cumulet_base::{Ids as _, RandomIds, Timestamp};

use crate::secrets::keyed_hash;
use crate::srp::{Identity, Public, Verifier, scrambling, testing};

pub(super) struct Client {
    pool: String,
    a: U256,
}

impl Client {
    pub(super) fn new(pool: &str) -> Self {
        let mut a = [0; 32];
        RandomIds.fill(&mut a);
        let pool = pool.split_once('_').unwrap().1.to_owned();
        Self { pool, a: U256::from_be_slice(&a) }
    }

    pub(super) fn public(&self) -> String {
        testing::power(&self.a).to_hex()
    }

    /// The answer to PASSWORD_VERIFIER.
    pub(super) fn answer(
        &self,
        challenge: &BTreeMap<String, String>,
        password: &str,
        time: &str,
    ) -> BTreeMap<String, String> {
        let user = &challenge["USER_ID_FOR_SRP"];
        let identity = Identity { pool: &self.pool, user };
        let server = Public::parse(&challenge["SRP_B"]).unwrap();
        let salt = testing::salt(&challenge["SALT"]);
        let key = self.key(identity, password, &salt, &server);
        let block = &challenge["SECRET_BLOCK"];
        let parts: [&[u8]; 4] = [
            self.pool.as_bytes(),
            user.as_bytes(),
            &STANDARD.decode(block).unwrap(),
            time.as_bytes(),
        ];
        let signature = STANDARD.encode(keyed_hash(&key, &parts));
        BTreeMap::from([
            ("USERNAME".to_owned(), user.clone()),
            ("PASSWORD_CLAIM_SECRET_BLOCK".to_owned(), block.clone()),
            ("PASSWORD_CLAIM_SIGNATURE".to_owned(), signature),
            ("TIMESTAMP".to_owned(), time.to_owned()),
        ])
    }

    /// `S = (B - k·g^x)^(a + u·x)`, as `base^a · (base^x)^u`.
    fn key(
        &self,
        identity: Identity<'_>,
        password: &str,
        salt: &[u8],
        server: &Public,
    ) -> [u8; 16] {
        let x = testing::private_key(identity, password, salt);
        let mine = testing::power(&self.a);
        let u = scrambling(&mine, server);
        let verifier = Verifier::derive(identity, password, salt);
        let base: FixedMontyForm<{ U3072::LIMBS }> = testing::without(server, &verifier);
        let secret = base.pow(&self.a) * base.pow(&x).pow(&U256::from_be_slice(&u));
        testing::key(&u, &secret.retrieve())
    }
}

/// `Sat Nov 7 01:02:03 UTC 2026`.
pub(super) fn spelled(moment: Timestamp) -> String {
    let (year, _, day, hour, minute, second, _) = moment.civil();
    let date = moment.http_date();
    let (weekday, month) = (&date[..3], &date[8..11]);
    format!("{weekday} {month} {day} {hour:02}:{minute:02}:{second:02} UTC {year}")
}
