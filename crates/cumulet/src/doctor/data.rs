//! Whether what a stopped cloud has stored agrees with itself.

use cumulet_dynamodb::{Verified, verify};
use cumulet_store::{Options, Store};

use super::Finding;
use crate::cli::Place;
use crate::client;

const WHAT: &str = "data";

/// Looks at everything; a finding for each fault, and one for what was looked at.
pub(super) fn data(place: &Place) -> Vec<Finding> {
    let store = place.data.join("store");
    if !store.is_dir() {
        let shown = place.data.display();
        return vec![Finding::fail(
            WHAT,
            format!("{shown} holds no data: name another with --data"),
        )];
    }
    let verified = client::wait(async {
        let opened = Store::open(&store, Options::default()).await;
        let opened = opened.map_err(|why| why.to_string())?;
        verify(&opened).await.map_err(|why| format!("they cannot be read: {why}"))
    });
    match verified {
        Ok(verified) => findings(&verified),
        Err(why) => vec![Finding::fail(WHAT, why)],
    }
}

fn findings(verified: &Verified) -> Vec<Finding> {
    if verified.faults == 0 {
        return vec![Finding::ok(WHAT, format!("{verified}: all agree"))];
    }
    let faults = verified.told.iter().map(|fault| Finding::fail(WHAT, fault));
    let sum = format!("{verified}: {} faults. Restore a backup", verified.faults);
    faults.chain([Finding::fail(WHAT, sum)]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn faults_are_findings_that_fail() {
        let good = Verified { tables: 1, items: 2, ..Verified::default() };
        let found = findings(&good);
        assert_eq!((found.len(), found[0].health), (1, Health::Ok));
        assert!(found[0].words.starts_with("DynamoDB: 1 tables, 2 items, "), "{found:?}");
        let bad = Verified { faults: 3, told: vec!["one".into(), "two".into()], ..good };
        let found = findings(&bad);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|finding| finding.health == Health::Fail));
        assert!(found[2].words.contains("3 faults"), "{found:?}");
    }

    #[test]
    fn a_folder_without_data_or_in_use_fails() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { data: folder.path().join("data"), key_file: None };
        assert_eq!(data(&place)[0].health, Health::Fail);
        let path = place.data.join("store");
        let store = client::wait(async {
            Store::open(&path, Options::default()).await.map_err(|why| why.to_string())
        });
        assert_eq!(data(&place)[0].health, Health::Fail);
        drop(store.unwrap());
        let found = data(&place);
        assert_eq!(found[0].health, Health::Ok, "{found:?}");
    }
}
