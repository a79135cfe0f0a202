//! Overrides, and a restored table's indexes.

use cumulet_api_dynamodb::ops::{
    CreateBackup, CreateBackupInput, CreateTable, CreateTableInput, DeleteTable, DeleteTableInput,
    DescribeTable, DescribeTableInput, PutItem, PutItemInput, RestoreTableFromBackup,
    RestoreTableFromBackupInput, RestoreTableToPointInTime, RestoreTableToPointInTimeInput,
    UpdateTable, UpdateTableInput,
};
use cumulet_api_dynamodb::types::{
    BillingMode, GlobalSecondaryIndex, LocalSecondaryIndex, OnDemandThroughput, Projection,
    ProjectionType, ProvisionedThroughput, SSESpecification, TableStatus,
};
use cumulet_base::Timestamp;
use cumulet_store::{Direction, Read as _};

use super::{Origin, Overrides, RestoreRecord, job, target};
use crate::history::tests::{items, put, recover};
use crate::model::{Billing, TableRecord};
use crate::ops::table_rules;
use crate::store;
use crate::tables::TableName;
use crate::testing::{Testing, attributes, definitions, key_schema};

fn projection(kind: ProjectionType) -> Projection {
    Projection { projection_type: Some(kind), non_key_attributes: None }
}

fn global(name: &str, units: Option<i64>) -> GlobalSecondaryIndex {
    GlobalSecondaryIndex {
        index_name: name.into(),
        key_schema: key_schema("x", None),
        projection: projection(ProjectionType::All),
        provisioned_throughput: units.map(provisioned),
        ..Default::default()
    }
}

fn local(name: &str) -> LocalSecondaryIndex {
    LocalSecondaryIndex {
        index_name: name.into(),
        key_schema: key_schema("pk", Some("y")),
        projection: projection(ProjectionType::KeysOnly),
    }
}

fn provisioned(units: i64) -> ProvisionedThroughput {
    ProvisionedThroughput { read_capacity_units: units, write_capacity_units: units }
}

fn indexed() -> CreateTableInput {
    CreateTableInput {
        attribute_definitions: Some(definitions(&[("x", "S"), ("y", "N")])),
        global_secondary_indexes: Some(vec![global("by-x", None)]),
        local_secondary_indexes: Some(vec![local("by-y")]),
        ..Default::default()
    }
}

fn source(billing: BillingMode) -> TableRecord {
    let units = (billing == BillingMode::Provisioned).then_some(5);
    let input = CreateTableInput {
        table_name: "source".into(),
        key_schema: Some(key_schema("pk", Some("sk"))),
        attribute_definitions: Some(definitions(&[
            ("pk", "S"),
            ("sk", "N"),
            ("x", "S"),
            ("y", "N"),
        ])),
        billing_mode: Some(billing),
        provisioned_throughput: units.map(provisioned),
        global_secondary_indexes: Some(vec![global("by-x", units)]),
        local_secondary_indexes: Some(vec![local("by-y")]),
        deletion_protection_enabled: Some(true),
        sse_specification: Some(SSESpecification { enabled: Some(true), ..Default::default() }),
        ..Default::default()
    };
    table_rules::record(&input, "source", "id".into(), Timestamp::from_secs(1)).unwrap()
}

fn made(source: &TableRecord, overrides: &Overrides<'_>) -> Result<TableRecord, String> {
    let made = target(source, overrides, "made", "new".into(), Timestamp::from_secs(2));
    made.map_err(|error| error.to_string())
}

#[test]
fn what_is_not_overridden_is_as_it_was() {
    let source = source(BillingMode::Provisioned);
    let made = made(&source, &Overrides::default()).unwrap();
    assert_eq!((made.name.as_str(), made.id.as_str(), made.created), ("made", "new", 2_000));
    assert_eq!((made.throughput.read, made.indexes.len()), (5, 2));
    assert_eq!(made.attributes, source.attributes);
    assert_eq!(made.kms_key, source.kms_key);
    assert!(!made.deletion_protection && made.counts_collections);
}

#[test]
fn capacity_and_encryption_are_overridden() {
    let (provided, on_demand) =
        (source(BillingMode::Provisioned), source(BillingMode::PayPerRequest));
    let pay = Overrides { billing: Some(BillingMode::PayPerRequest), ..Default::default() };
    let table = made(&provided, &pay).unwrap();
    assert_eq!(table.billing, Billing::OnDemand);
    assert!(table.indexes.iter().all(|index| index.throughput.read == 0));
    let off = SSESpecification { enabled: Some(false), ..Default::default() };
    let table = made(&provided, &Overrides { encryption: Some(&off), ..Default::default() });
    assert_eq!(table.unwrap().kms_key, None);
    let units = provisioned(9);
    let with = |billing, globals| Overrides {
        billing,
        globals,
        throughput: Some(&units),
        ..Default::default()
    };
    let indexes = [global("by-x", Some(3))];
    let wanted = Some(BillingMode::Provisioned);
    let table = made(&on_demand, &with(wanted, Some(&indexes))).unwrap();
    assert_eq!((table.throughput.read, table.indexes[1].throughput.read), (9, 3));
    let caps = OnDemandThroughput { max_read_request_units: Some(1), ..Default::default() };
    let capped = Overrides { on_demand: Some(&caps), ..Default::default() };
    assert_eq!(made(&on_demand, &capped).unwrap().on_demand.unwrap().read, Some(1));
    let only = Overrides { billing: wanted, ..Default::default() };
    for (table, overrides, text) in [
        (
            &on_demand,
            with(None, None),
            "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED",
        ),
        (
            &on_demand,
            only,
            "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
        ),
        (&on_demand, with(wanted, None), "Must specify provisioned throughput for index by-x"),
        (
            &provided,
            capped,
            "Cannot override OnDemandThroughput unless BillingMode is PAY_PER_REQUEST",
        ),
    ] {
        assert_eq!(made(table, &overrides).unwrap_err(), text);
    }
}

#[test]
fn indexes_are_left_out_and_renamed_and_not_made_up() {
    let source = source(BillingMode::PayPerRequest);
    let none = Overrides { globals: Some(&[]), locals: Some(&[]), ..Default::default() };
    let table = made(&source, &none).unwrap();
    assert!(table.indexes.is_empty());
    let names: Vec<_> = table.attributes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["pk", "sk"]);
    let (globals, locals) = ([global("new-x", None)], [local("new-y")]);
    let renamed =
        Overrides { globals: Some(&globals), locals: Some(&locals), ..Default::default() };
    let table = made(&source, &renamed).unwrap();
    let names: Vec<_> = table.indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["new-y", "new-x"]);
    let other = [GlobalSecondaryIndex {
        projection: projection(ProjectionType::KeysOnly),
        ..global("by-x", None)
    }];
    let refused = made(&source, &Overrides { globals: Some(&other), ..Default::default() });
    assert_eq!(
        refused.unwrap_err(),
        "Index by-x does not match a secondary index that existed in the source table and cannot \
         be created during the restore operation"
    );
}

/// Index entries and collection sizes too: the check of the whole store sees to that.
#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_made_with_the_items() {
    let testing = Testing::new().await;
    testing.table("things", indexed()).await;
    for n in ["1", "2", "3"] {
        put(&testing, "things", &[("pk", "a"), ("sk", n), ("x", "b"), ("y", n)]).await;
    }
    let input = CreateBackupInput { table_name: "things".into(), backup_name: "kept".into() };
    let backup = testing.call::<CreateBackup>(input).await.unwrap().backup_details.unwrap();
    recover(&testing, "things", true, None).await;
    let input = RestoreTableToPointInTimeInput {
        source_table_name: Some("things".into()),
        target_table_name: "moment".into(),
        use_latest_restorable_time: Some(true),
        ..Default::default()
    };
    testing.call::<RestoreTableToPointInTime>(input).await.unwrap();
    let restore = || RestoreTableFromBackupInput {
        target_table_name: "backed".into(),
        backup_arn: backup.backup_arn.clone(),
        ..Default::default()
    };
    testing.until(async || testing.call::<RestoreTableFromBackup>(restore()).await.is_ok()).await;
    for table in ["moment", "backed"] {
        let name = TableName::parse(&testing.cx, table).unwrap();
        assert_eq!(items(&testing, &name).await.len(), 3);
        let table = testing.service.named(&name).await.unwrap().unwrap();
        for index in &table.indexes {
            let entries = index.keys.within(&[]);
            let snapshot = testing.cx.store().snapshot();
            let page = snapshot.range(&entries, Direction::Forward, 9).await.unwrap();
            assert_eq!(page.items.len(), 3, "{}", index.record.name);
        }
    }
    let verified = crate::verify(testing.cx.store()).await.unwrap();
    assert_eq!(verified.told, Vec::<String>::new());
}

/// A table that is not yet whole, and the job that goes on with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_hidden_until_it_is_whole() {
    let testing = Testing::new().await;
    let source = testing.table("things", indexed()).await;
    for n in ["1", "2", "3", "4"] {
        put(&testing, "things", &[("pk", "a"), ("sk", n), ("y", n)]).await;
    }
    let source = testing.service.named(&source).await.unwrap().unwrap();
    let record =
        target(&source.record, &Overrides::default(), "made", "made-id".into(), testing.cx.now());
    let mut record = record.unwrap();
    record.restoring = Some(crate::model::RestoringRecord {
        backup: None,
        table: source.arn.to_string(),
        at: testing.cx.now().millis(),
    });
    let name = TableName::parse(&testing.cx, "made").unwrap();
    let from =
        Origin::Table { name: "things".into(), id: source.record.id.clone(), version: u64::MAX };
    let progress = RestoreRecord { from, after: None };
    let store = testing.cx.store();
    store
        .transact(|tx| {
            tx.put_record(name.key(), &record);
            let key = store::restore(&name.account, &name.region, &record.id);
            tx.put_record(key, &progress);
            async { Ok::<_, cumulet_store::StoreError>(()) }
        })
        .await
        .unwrap();
    let describe = async || {
        let input = DescribeTableInput { table_name: "made".into() };
        testing.call::<DescribeTable>(input).await.unwrap().table.unwrap()
    };
    let table = describe().await;
    assert_eq!(table.table_status, Some(TableStatus::Creating));
    let summary = table.restore_summary.unwrap();
    assert!(summary.restore_in_progress);
    assert_eq!(summary.source_table_arn.unwrap(), source.arn.to_string());
    let write = || PutItemInput {
        table_name: "made".into(),
        item: attributes(&[("pk", "a"), ("sk", "1")]),
        ..Default::default()
    };
    assert_eq!(testing.refused::<PutItem>(write()).await, "Requested resource not found");
    let text = "Requested resource not found: Table: made not found";
    let update = UpdateTableInput {
        table_name: "made".into(),
        deletion_protection_enabled: Some(true),
        ..Default::default()
    };
    assert_eq!(testing.refused::<UpdateTable>(update).await, text);
    let input = CreateBackupInput { table_name: "made".into(), backup_name: "kept".into() };
    assert_eq!(testing.refused::<CreateBackup>(input).await, "Table not found: made");
    let input = CreateTableInput {
        table_name: "made".into(),
        key_schema: Some(key_schema("pk", None)),
        attribute_definitions: Some(definitions(&[("pk", "S")])),
        billing_mode: Some(BillingMode::PayPerRequest),
        ..Default::default()
    };
    assert_eq!(testing.refused::<CreateTable>(input).await, "Table is being used: made");
    let drop = || DeleteTableInput { table_name: "made".into() };
    let refused = testing.refused::<DeleteTable>(drop()).await;
    assert!(refused.contains("Table is being created: made"), "{refused}");
    job::work(&testing.service, store, &name, "made-id", testing.cx.now()).await.unwrap();
    assert_eq!(describe().await.table_status, Some(TableStatus::Active));
    assert_eq!(items(&testing, &name).await.len(), 4);
    testing.call::<PutItem>(write()).await.unwrap();
    let verified = crate::verify(store).await.unwrap();
    assert_eq!(verified.told, Vec::<String>::new());
    testing.call::<DeleteTable>(drop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn restores_under_way_have_a_limit() {
    let testing = Testing::new().await;
    let name = testing.table("things", CreateTableInput::default()).await;
    recover(&testing, "things", true, None).await;
    let source = testing.service.named(&name).await.unwrap().unwrap();
    let plant = |tx: cumulet_store::Tx| {
        for n in 0..super::RESTORES {
            let label = format!("made-{n}");
            let made = target(
                &source.record,
                &Overrides::default(),
                &label,
                label.clone(),
                testing.cx.now(),
            );
            let mut made = made.unwrap();
            made.restoring = Some(crate::model::RestoringRecord {
                backup: None,
                table: source.arn.to_string(),
                at: 0,
            });
            tx.put_record(TableName::parse(&testing.cx, &label).unwrap().key(), &made);
        }
        async { Ok::<_, cumulet_store::StoreError>(()) }
    };
    testing.cx.store().transact(plant).await.unwrap();
    let input = |to: &str| RestoreTableToPointInTimeInput {
        source_table_name: Some("things".into()),
        target_table_name: to.into(),
        use_latest_restorable_time: Some(true),
        ..Default::default()
    };
    let refused = testing.call::<RestoreTableToPointInTime>(input("one-more")).await.unwrap_err();
    assert_eq!(refused.code, "LimitExceededException");
    assert!(refused.message.starts_with("Only 50 restore operations"), "{refused}");
    let refused = testing.call::<RestoreTableToPointInTime>(input("made-7")).await.unwrap_err();
    assert_eq!(refused.code, "TableInUseException");
}
