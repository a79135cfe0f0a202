//! Where things lie in the store.
//!
//! | key | value |
//! |---|---|
//! | `cloudfront`, account, no region, `distribution`, id | [`DistributionRecord`] |
//! | the same, `policy`, kind, id | [`PolicyRecord`] |
//! | the same, `invalidation`, distribution, number | [`InvalidationRecord`] |
//!
//! Hosts are claimed in the store's names, kind `cdn`: the own domain of a distribution below
//! `cloudfront.net`, and its aliases.

use cumulet_base::AccountId;
use cumulet_store::names::{self, ClaimError, Owner};
use cumulet_store::{Direction, Key, Read, StoreError, Tx};

use crate::error::Error;
use crate::model::{DistributionRecord, InvalidationRecord, PolicyKind, PolicyRecord, Stored};

/// The service's name in keys and ARNs.
pub(crate) const SERVICE: &str = "cloudfront";
/// The kind of names that hosts are.
pub(crate) const HOSTS: &str = "cdn";

/// The keys of one account.
#[derive(Debug, Clone)]
pub(crate) struct Place(pub(crate) AccountId);

impl Place {
    fn all(&self) -> Key {
        Key::of_account(SERVICE, &self.0)
    }

    pub(crate) fn distributions(&self) -> Key {
        self.all().text("distribution")
    }

    pub(crate) fn distribution(&self, id: &str) -> Key {
        self.distributions().text(id)
    }

    pub(crate) fn policies(&self, kind: PolicyKind) -> Key {
        self.all().text("policy").text(kind.name())
    }

    pub(crate) fn policy(&self, kind: PolicyKind, id: &str) -> Key {
        self.policies(kind).text(id)
    }

    pub(crate) fn invalidations(&self, distribution: &str) -> Key {
        self.all().text("invalidation").text(distribution)
    }

    pub(crate) fn invalidation(&self, distribution: &str, number: u64) -> Key {
        self.invalidations(distribution).u64(number)
    }

    fn owner(&self, id: &str) -> Owner {
        Owner {
            service: SERVICE.to_owned(),
            account: self.0.as_str().to_owned(),
            region: String::new(),
            resource: id.to_owned(),
        }
    }
}

/// The distribution called `id`.
pub(crate) async fn distribution(
    read: &impl Read,
    place: &Place,
    id: &str,
) -> Result<DistributionRecord, Error> {
    match read.get_record(&place.distribution(id)).await? {
        Some(Stored::Distribution(record)) => Ok(record),
        _ => Err(Error::NoSuchDistribution),
    }
}

/// The account's distributions by id, `most` at most, after `marker`.
pub(crate) async fn distributions(
    read: &impl Read,
    place: &Place,
    marker: Option<&str>,
    most: usize,
) -> Result<Vec<DistributionRecord>, Error> {
    let mut found = Vec::new();
    let mut scan = read.scan(place.distributions().prefix(), Direction::Forward);
    while found.len() < most
        && let Some((_, stored)) = scan.next_record().await?
    {
        if let Stored::Distribution(record) = stored
            && marker.is_none_or(|marker| record.id.as_str() > marker)
        {
            found.push(record);
        }
    }
    Ok(found)
}

/// What the account made of one kind, by id, `most` at most, after `marker`.
pub(crate) async fn policies(
    read: &impl Read,
    place: &Place,
    kind: PolicyKind,
    marker: Option<&str>,
    most: usize,
) -> Result<Vec<PolicyRecord>, Error> {
    let mut found = Vec::new();
    let mut scan = read.scan(place.policies(kind).prefix(), Direction::Forward);
    while found.len() < most
        && let Some((_, stored)) = scan.next_record().await?
    {
        if let Stored::Policy(record) = stored
            && marker.is_none_or(|marker| record.id.as_str() > marker)
        {
            found.push(record);
        }
    }
    Ok(found)
}

/// What the account made of one kind under this id.
pub(crate) async fn policy(
    read: &impl Read,
    place: &Place,
    kind: PolicyKind,
    id: &str,
) -> Result<Option<PolicyRecord>, Error> {
    Ok(match read.get_record(&place.policy(kind, id)).await? {
        Some(Stored::Policy(record)) => Some(record),
        _ => None,
    })
}

/// A distribution's invalidations, the newest first, `most` at most.
pub(crate) async fn invalidations(
    read: &impl Read,
    place: &Place,
    distribution: &str,
    most: usize,
) -> Result<Vec<InvalidationRecord>, Error> {
    let mut found = Vec::new();
    let mut scan = read.scan(place.invalidations(distribution).prefix(), Direction::Backward);
    while found.len() < most
        && let Some((_, stored)) = scan.next_record().await?
    {
        if let Stored::Invalidation(record) = stored {
            found.push(record);
        }
    }
    Ok(found)
}

/// Takes a host for a distribution.
pub(crate) async fn claim(tx: &Tx, place: &Place, id: &str, host: &str) -> Result<(), Error> {
    match names::claim(tx, HOSTS, host, &place.owner(id)).await {
        Ok(()) => Ok(()),
        Err(ClaimError::Taken(_)) => Err(Error::CnameAlreadyExists),
        Err(ClaimError::Store(error)) => Err(error.into()),
    }
}

/// Gives a host back.
pub(crate) async fn release(
    tx: &Tx,
    place: &Place,
    id: &str,
    host: &str,
) -> Result<(), StoreError> {
    names::release(tx, HOSTS, host, &place.owner(id)).await.map(drop)
}
