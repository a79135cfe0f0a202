//! A backup's name, which is its ARN: `…:table/Music/backup/01489602797149-73d8d5bc`.

use std::fmt;

use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::{Access, Cx, Result};
use cumulet_store::{Component, Key, Read};

use super::{BackupError, BackupRecord};
use crate::error::Error;
use crate::store;
use crate::tables::TableName;

/// Names a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackupName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// The name of the table that it was made of.
    pub(crate) table: String,
    /// When it was made, in milliseconds of 14 digits, and eight more digits: ids sort as backups
    /// were made.
    pub(crate) id: String,
}

impl BackupName {
    /// The name of a new backup. `rest`: eight digits.
    pub(crate) fn new(table: &TableName, created: i64, rest: &str) -> Self {
        let TableName { account, region, name } = table.clone();
        Self { account, region, table: name, id: format!("{created:014}-{rest}") }
    }

    /// Reads a `BackupArn` parameter. (Texts: AWS's.)
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self::read(text).ok_or_else(|| Error::Validation("Invalid Backup ARN".to_owned()))?)
    }

    fn read(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok().filter(|arn: &Arn| arn.service() == "dynamodb")?;
        let (table, id) = arn.resource().strip_prefix("table/")?.split_once("/backup/")?;
        let plain = |text: &str| !text.is_empty() && !text.contains('/');
        let name = Self {
            account: arn.account().parse().ok()?,
            region: arn.region().parse().ok()?,
            table: table.to_owned(),
            id: id.to_owned(),
        };
        (plain(table) && plain(id)).then_some(name)
    }

    /// Refuses a backup that another region has.
    pub(crate) fn here(self, cx: &Cx) -> Result<Self> {
        if self.region == *cx.region() {
            return Ok(self);
        }
        Err(BackupError::Missing(self.to_string()).into())
    }

    /// The name of the backup whose record lies there.
    pub(crate) fn of_key(key: &[u8], record: &BackupRecord) -> Option<Self> {
        let parts = Key::components(key)?;
        let text = |at: usize| parts.get(at).and_then(Component::as_text);
        Some(Self {
            account: text(1)?.parse().ok()?,
            region: text(2)?.parse().ok()?,
            table: record.table.name.clone(),
            id: text(3)?.to_owned(),
        })
    }

    pub(crate) fn arn(&self) -> Arn {
        let resource = format!("table/{}/backup/{}", self.table, self.id);
        Arn::new("dynamodb", &self.region, &self.account, &resource)
    }

    pub(crate) fn key(&self) -> Key {
        store::backups(&self.account, &self.region).text(&self.id)
    }

    /// The table that it was made of.
    pub(crate) fn table(&self) -> TableName {
        let (account, region) = (self.account.clone(), self.region.clone());
        TableName { account, region, name: self.table.clone() }
    }

    /// Leave for `action` on the backup.
    pub(crate) fn access(&self, cx: &Cx, action: &'static str) -> Access {
        let mut access = Access::on(cx, action, self.arn());
        access.owner = self.account.clone();
        access
    }

    /// The backup. Refuses one that is not there.
    pub(crate) async fn find(&self, read: &impl Read) -> Result<BackupRecord> {
        let record: Option<BackupRecord> = read.get_record(&self.key()).await?;
        let record = record.filter(|record| record.table.name == self.table);
        record.ok_or_else(|| BackupError::Missing(self.to_string()).into())
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arn().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_names_and_back() {
        let text = "arn:aws:dynamodb:eu-central-1:123456789012:table/Music/backup/\
                    01489602797149-73d8d5bc";
        let name = BackupName::parse(text).unwrap();
        assert_eq!((name.table.as_str(), name.id.as_str()), ("Music", "01489602797149-73d8d5bc"));
        assert_eq!(name.to_string(), text);
        let made = BackupName::new(&name.table(), 1_489_602_797_149, "73d8d5bc");
        assert_eq!(made, name);
        for wrong in [
            "",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/Music",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/Music/backup/",
            "arn:aws:dynamodb:eu-central-1:123456789012:table//backup/1",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/Music/backup/1/2",
            "arn:aws:dynamodb:eu-central-1:123456789012:table/Music/stream/1/backup/2",
            "arn:aws:s3:eu-central-1:123456789012:table/Music/backup/1",
            "arn:aws:dynamodb:::table/Music/backup/1",
        ] {
            let refused = BackupName::parse(wrong).map(drop).unwrap_err();
            assert_eq!(refused.message, "Invalid Backup ARN", "{wrong}");
        }
    }

    #[test]
    fn foreign_texts_are_no_names() {
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            for text in [text.clone(), format!("arn:aws:dynamodb:x:123456789012:table/{text}")] {
                if let Ok(name) = BackupName::parse(&text) {
                    assert_eq!(name.to_string(), text);
                }
            }
        });
    }
}
