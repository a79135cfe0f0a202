//! Stacks of things that are made, fail and hang.

use std::time::Duration;

use cumulet_api_cloudformation::ops::{
    CreateChangeSet, CreateChangeSetInput, DeleteStack, DeleteStackInput, DescribeChangeSet,
    DescribeChangeSetInput, ExecuteChangeSet, ExecuteChangeSetInput, UpdateStack, UpdateStackInput,
};
use cumulet_api_cloudformation::types::ChangeSetType;
use cumulet_service::Result;
use serde_json::{Value, json};

use crate::testing::{Fixture, open_gate, things};

fn thing(properties: &Value) -> Value {
    json!({"Type": "Test::Thing", "Properties": properties})
}

/// B reads A.
fn pair(a: &Value, mut b: Value) -> Value {
    b["Value"] = json!({"Fn::GetAtt": ["A", "Value"]});
    json!({
        "Resources": {"B": thing(&b), "A": thing(a)},
        "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["B", "Value"]}}},
    })
}

async fn update(at: &Fixture, name: &str, template: &Value) -> Result<()> {
    let input = UpdateStackInput {
        stack_name: name.to_owned(),
        template_body: Some(template.to_string()),
        ..UpdateStackInput::default()
    };
    at.cx.call::<UpdateStack>(input).await.map(drop)
}

async fn delete(at: &Fixture, name: &str) {
    let input = DeleteStackInput { stack_name: name.to_owned(), ..Default::default() };
    at.cx.call::<DeleteStack>(input).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_made_changed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let at = Fixture::open(folder.path(), 0).await;
    let id = at.create("life", &pair(&json!({"Value": "1"}), json!({}))).await.unwrap();
    assert_eq!(at.settled(&id).await, "CREATE_COMPLETE");
    let outputs = at.stack("life").await.unwrap().outputs.unwrap();
    assert_eq!(outputs[0].output_value.as_deref(), Some("1"));
    let expected = [
        "life CREATE_IN_PROGRESS",
        "A CREATE_IN_PROGRESS",
        "A CREATE_COMPLETE",
        "B CREATE_IN_PROGRESS",
        "B CREATE_COMPLETE",
        "life CREATE_COMPLETE",
    ];
    assert_eq!(at.events(&id).await, expected);
    let same = update(&at, "life", &pair(&json!({"Value": "1"}), json!({}))).await.unwrap_err();
    assert_eq!(same.message, "No updates are to be performed.");
    let before = things("life-A-");
    let other = pair(&json!({"Value": "2", "Kind": "k"}), json!({}));
    update(&at, "life", &other).await.unwrap();
    assert_eq!(at.settled(&id).await, "UPDATE_COMPLETE");
    let after = things("life-");
    assert_eq!(after.len(), 2, "the replaced one is gone: {after:?}");
    assert!(after.keys().all(|id| !before.contains_key(id) || !id.contains("-A-")));
    assert!(after.values().all(|thing| thing["Value"] == "2"));
    delete(&at, "life").await;
    assert_eq!(at.settled(&id).await, "DELETE_COMPLETE");
    assert!(things("life-").is_empty());
    let gone = at.stack("life").await.unwrap_err();
    assert_eq!(gone.message, "Stack with id life does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let at = Fixture::open(folder.path(), 0).await;
    let id = at.create("bad", &pair(&json!({}), json!({"Fail": 1}))).await.unwrap();
    assert_eq!(at.settled(&id).await, "ROLLBACK_COMPLETE");
    assert!(things("bad-").is_empty());
    let id = at.create("good", &pair(&json!({"Value": "1"}), json!({}))).await.unwrap();
    assert_eq!(at.settled(&id).await, "CREATE_COMPLETE");
    let before = things("good-");
    for a in [json!({"Value": "2"}), json!({"Value": "2", "Kind": "k"})] {
        update(&at, "good", &pair(&a, json!({"Fail": 1}))).await.unwrap();
        assert_eq!(at.settled(&id).await, "UPDATE_ROLLBACK_COMPLETE");
        assert_eq!(things("good-"), before);
    }
    let unknown = json!({"Resources": {"X": {"Type": "AWS::Not::Here"}}});
    let refused = at.create("none", &unknown).await.unwrap_err();
    assert!(refused.message.ends_with("Unrecognized resource types: [AWS::Not::Here]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn change_sets_show_and_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = Fixture::open(folder.path(), 0).await;
    let asked = |name: &str, kind| CreateChangeSetInput {
        stack_name: "set".to_owned(),
        change_set_name: name.to_owned(),
        change_set_type: Some(kind),
        template_body: Some(pair(&json!({"Value": "1"}), json!({})).to_string()),
        ..CreateChangeSetInput::default()
    };
    let made = at.cx.call::<CreateChangeSet>(asked("c1", ChangeSetType::Create)).await.unwrap();
    let describe = |id: &str| {
        let input = DescribeChangeSetInput { change_set_name: id.to_owned(), ..Default::default() };
        at.cx.call::<DescribeChangeSet>(input)
    };
    let shown = describe(&made.id.clone().unwrap()).await.unwrap();
    assert_eq!(shown.changes.unwrap().len(), 2);
    assert_eq!(at.stack("set").await.unwrap().stack_status.as_str(), "REVIEW_IN_PROGRESS");
    let input = ExecuteChangeSetInput { change_set_name: made.id.unwrap(), ..Default::default() };
    at.cx.call::<ExecuteChangeSet>(input).await.unwrap();
    assert_eq!(at.settled(&made.stack_id.unwrap()).await, "CREATE_COMPLETE");
    let made = at.cx.call::<CreateChangeSet>(asked("c2", ChangeSetType::Update)).await.unwrap();
    let shown = describe(&made.id.unwrap()).await.unwrap();
    assert_eq!(shown.status.unwrap().as_str(), "FAILED");
    assert!(shown.status_reason.unwrap().starts_with("The submitted information didn't contain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_goes_on_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let at = Fixture::open(&old, 0).await;
    let id = at
        .create("crash", &pair(&json!({"Value": "1"}), json!({"Hang": "gate-of-crash"})))
        .await
        .unwrap();
    while !at.events(&id).await.contains(&"B CREATE_IN_PROGRESS".to_owned()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What a crash leaves: the files as they are, the job still leased.
    copy(&old, &new);
    let named = at.events(&id).await;
    open_gate("gate-of-crash");
    let at = Fixture::open(&new, 60).await;
    assert_eq!(at.settled(&id).await, "CREATE_COMPLETE");
    let events = at.events(&id).await;
    assert_eq!(events[..named.len()], named, "what was done is not done again");
    assert_eq!(events[named.len()..], ["B CREATE_COMPLETE", "crash CREATE_COMPLETE"]);
    assert_eq!(things("crash-").len(), 2);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
