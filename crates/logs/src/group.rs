//! Log groups as requests name them, and the leave that operations on them need.

use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::{Access, Cx, Result};
use cumulet_store::{Key, Read, StoreError};

use crate::error::Error;
use crate::model::{GroupRecord, StreamRecord};
use crate::store::{self, GroupKeys};

/// A log group's name and place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl GroupName {
    /// A group of the request's account and region.
    pub(crate) fn own(cx: &Cx, name: &str) -> Self {
        let (account, region) = (cx.account().clone(), cx.region().clone());
        Self { account, region, name: name.to_owned() }
    }

    /// The group that `logGroupName` or `logGroupIdentifier` names, which exclude each other. The
    /// messages for both and for neither are not AWS's own.
    pub(crate) fn of(cx: &Cx, name: Option<&str>, identifier: Option<&str>) -> Result<Self, Error> {
        match (name, identifier) {
            (Some(name), None) => Ok(Self::own(cx, name)),
            (None, Some(identifier)) => Self::identified(cx, identifier),
            (Some(_), Some(_)) => Err(Error::parameter(
                "logGroupName and logGroupIdentifier are mutually exclusive: give one of them.",
            )),
            (None, None) => {
                Err(Error::parameter("Either logGroupName or logGroupIdentifier is required."))
            }
        }
    }

    /// A group by its name or ARN.
    pub(crate) fn identified(cx: &Cx, identifier: &str) -> Result<Self, Error> {
        if identifier.starts_with("arn:") {
            return Self::from_arn(identifier);
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-/#".contains(&b);
        if identifier.len() <= 512 && identifier.bytes().all(fits) {
            Ok(Self::own(cx, identifier))
        } else {
            Err(Error::parameter("The log group identifier is neither a name nor an ARN."))
        }
    }

    /// The group of an ARN, with or without the final `:*`.
    pub(crate) fn from_arn(text: &str) -> Result<Self, Error> {
        let wrong = || Error::parameter("The ARN is not that of a log group.");
        let arn: Arn = text.parse().map_err(|_| wrong())?;
        let name = arn.resource().strip_prefix("log-group:").ok_or_else(wrong)?;
        let name = name.strip_suffix(":*").unwrap_or(name);
        if arn.service() != "logs" || name.is_empty() || name.contains([':', '*']) {
            return Err(wrong());
        }
        Ok(Self {
            account: arn.account().parse().map_err(|_| wrong())?,
            region: arn.region().parse().map_err(|_| wrong())?,
            name: name.to_owned(),
        })
    }

    /// `arn:aws:logs:region:account:log-group:name`
    pub(crate) fn arn(&self) -> Arn {
        let resource = format!("log-group:{}", self.name);
        Arn::new("logs", &self.region, &self.account, &resource)
    }

    /// The ARN of a stream in it.
    pub(crate) fn stream_arn(&self, stream: &str) -> Arn {
        let resource = format!("log-group:{}:log-stream:{stream}", self.name);
        Arn::new("logs", &self.region, &self.account, &resource)
    }

    pub(crate) fn key(&self) -> Key {
        store::groups(&self.account, &self.region).text(&self.name)
    }

    pub(crate) fn keys(&self, record: &GroupRecord) -> GroupKeys {
        GroupKeys::new(&self.account, &self.region, record.id)
    }

    pub(crate) async fn find(&self, read: &impl Read) -> Result<Option<GroupRecord>, StoreError> {
        read.get_record(&self.key()).await
    }

    pub(crate) async fn load(&self, read: &impl Read) -> Result<GroupRecord, Error> {
        self.find(read).await?.ok_or(Error::GroupNotFound)
    }

    /// The group's record, its keys and that of a stream in it.
    pub(crate) async fn load_stream(
        &self,
        read: &impl Read,
        stream: &str,
    ) -> Result<(GroupRecord, GroupKeys, StreamRecord), Error> {
        let group = self.load(read).await?;
        let keys = self.keys(&group);
        let record = read.get_record(&keys.stream(stream)).await?;
        Ok((group, keys, record.ok_or(Error::StreamNotFound)?))
    }

    /// Leave for an action on the group, or on a stream in it.
    ///
    /// AWS checks both as the stream's ARN, `log-group:NAME:log-stream:STREAM`, with an empty
    /// stream for the group itself: that is why policies must end in `:*` ("Amazon Resource Names"
    /// in the user guide's overview of access, and the ARNs in its denials).
    pub(crate) async fn access(
        &self,
        cx: &Cx,
        action: &'static str,
        stream: &str,
    ) -> Result<Access> {
        self.access_to(cx, action, self.stream_arn(stream)).await
    }

    /// Leave for a tagging action, whose ARNs have no `:*`.
    pub(crate) async fn tag_access(&self, cx: &Cx, action: &'static str) -> Result<Access> {
        self.access_to(cx, action, self.arn()).await
    }

    async fn access_to(&self, cx: &Cx, action: &'static str, arn: Arn) -> Result<Access> {
        let record = self.find(&cx.store().snapshot()).await?;
        let tags = record.map(|record| record.tags).unwrap_or_default();
        let access = Access { owner: self.account.clone(), ..Access::on(cx, action, arn) };
        Ok(access.tagged(tags))
    }
}
