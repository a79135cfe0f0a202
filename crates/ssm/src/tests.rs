//! The service as a whole, in this process.

use cumulet_api_ssm::ops::{
    DeleteParameter, DeleteParameterRequest, DescribeParameters, DescribeParametersRequest,
    GetParameter, GetParameterHistory, GetParameterHistoryRequest, GetParameterRequest,
    GetParametersByPath, GetParametersByPathRequest, LabelParameterVersion,
    LabelParameterVersionRequest, PutParameter, PutParameterRequest,
};
use cumulet_api_ssm::types::{Parameter, ParameterStringFilter, ParameterTier, ParameterType, Tag};
use cumulet_service::{Changed, Desired};
use cumulet_store::{Direction, Range, Read as _};
use serde_json::{Map, Value, json};

use crate::testing::{Fixture, run_cases};

#[tokio::test]
async fn wire_cases() {
    run_cases(include_str!("../tests/wire/parameters.md")).await;
}

impl Fixture {
    async fn put(&self, name: &str, value: &str, kind: ParameterType) {
        let request = PutParameterRequest {
            name: name.to_owned(),
            value: value.to_owned(),
            r#type: Some(kind),
            overwrite: Some(true),
            ..Default::default()
        };
        self.call::<PutParameter>(request).await.unwrap();
    }

    async fn get(&self, name: &str, decrypt: bool) -> cumulet_service::Result<Parameter> {
        let request = GetParameterRequest { name: name.to_owned(), with_decryption: Some(decrypt) };
        Ok(self.call::<GetParameter>(request).await?.parameter.unwrap())
    }

    async fn by_path(&self, request: GetParametersByPathRequest) -> Vec<String> {
        let (mut names, mut token) = (Vec::new(), None);
        for _ in 0..100 {
            let next_token = token.take();
            let request = GetParametersByPathRequest { next_token, ..request.clone() };
            let answer = self.call::<GetParametersByPath>(request).await.unwrap();
            let page = answer.parameters.unwrap();
            assert!(page.len() <= 10);
            names.extend(page.into_iter().map(|parameter| parameter.name.unwrap()));
            token = answer.next_token;
            if token.is_none() {
                return names;
            }
        }
        panic!("pages without end");
    }

    async fn described(&self, key: &str, option: Option<&str>, values: &[&str]) -> Vec<String> {
        let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
        let filter = ParameterStringFilter {
            key: key.to_owned(),
            option: option.map(str::to_owned),
            values: Some(values).filter(|values| !values.is_empty()),
        };
        let request = DescribeParametersRequest {
            parameter_filters: Some(vec![filter]),
            ..Default::default()
        };
        let answer = self.call::<DescribeParameters>(request).await.unwrap();
        answer.parameters.unwrap().into_iter().map(|parameter| parameter.name.unwrap()).collect()
    }
}

#[tokio::test]
async fn secrets_are_sealed_and_opened_only_when_asked_and_allowed() {
    let fixture = Fixture::new().await;
    fixture.put("/app/secret", "hunter2-hunter2", ParameterType::SecureString).await;
    let shown = fixture.get("/app/secret", false).await.unwrap();
    assert_ne!(shown.value.as_deref(), Some("hunter2-hunter2"));
    let opened = fixture.get("/app/secret", true).await.unwrap();
    assert_eq!(opened.value.as_deref(), Some("hunter2-hunter2"));
    let asked = fixture.asked();
    let key = "arn:aws:kms:us-east-1:000000000000:alias/aws/ssm".to_owned();
    assert!(asked.contains(&("kms:Encrypt".to_owned(), key.clone())));
    assert_eq!(asked.last(), Some(&("kms:Decrypt".to_owned(), key)));

    fixture.deny("kms:Decrypt");
    assert_eq!(fixture.get("/app/secret", true).await.unwrap_err().code, "AccessDeniedException");
    assert!(fixture.get("/app/secret", false).await.is_ok());

    // Nothing in the store holds the secret.
    let store = &fixture.cloud.parts().store;
    let all = store.snapshot().range(&Range::all(), Direction::Forward, 4096).await.unwrap();
    assert!(!all.items.is_empty());
    for (_, value) in all.items {
        assert!(!String::from_utf8_lossy(&value).contains("hunter2"));
    }
}

#[tokio::test]
async fn a_hundred_versions_are_kept() {
    let fixture = Fixture::new().await;
    for n in 1..=103 {
        fixture.put("/v", &n.to_string(), ParameterType::String).await;
    }
    assert_eq!(fixture.get("/v:3", false).await.unwrap_err().code, "ParameterVersionNotFound");
    assert_eq!(fixture.get("/v:4", false).await.unwrap().value.as_deref(), Some("4"));
    let request = |next_token| GetParameterHistoryRequest {
        name: "/v".into(),
        next_token,
        ..Default::default()
    };
    let first = fixture.call::<GetParameterHistory>(request(None)).await.unwrap();
    let second = fixture.call::<GetParameterHistory>(request(first.next_token)).await.unwrap();
    assert_eq!(second.next_token, None);
    let versions: Vec<_> = [first.parameters.unwrap(), second.parameters.unwrap()].concat();
    let versions: Vec<_> = versions.iter().map(|version| version.version.unwrap()).collect();
    assert_eq!(versions, (4..=103).collect::<Vec<_>>());

    // A label keeps the oldest, and so refuses a new one.
    let request = LabelParameterVersionRequest {
        name: "/v".into(),
        parameter_version: Some(4),
        labels: vec!["keep".into()],
    };
    fixture.call::<LabelParameterVersion>(request).await.unwrap();
    let request = PutParameterRequest {
        name: "/v".into(),
        value: "x".into(),
        overwrite: Some(true),
        ..Default::default()
    };
    let refused = fixture.call::<PutParameter>(request).await.unwrap_err();
    assert_eq!(refused.code, "ParameterMaxVersionLimitExceeded");
    assert!(refused.message.contains("Version 4, the oldest version"));
}

#[tokio::test]
async fn paths_are_read_level_by_level_and_in_pages() {
    let fixture = Fixture::new().await;
    for name in ["/app/a", "/app/b/c", "/app/b/d/e", "/apple", "top", "/other/x"] {
        fixture.put(name, "v", ParameterType::String).await;
    }
    for n in 0..23 {
        fixture.put(&format!("/many/{n:02}"), "v", ParameterType::String).await;
    }
    let below = |path: &str, recursive: bool| GetParametersByPathRequest {
        path: path.to_owned(),
        recursive: Some(recursive),
        ..Default::default()
    };
    assert_eq!(fixture.by_path(below("/app", false)).await, ["/app/a"]);
    assert_eq!(fixture.by_path(below("/app/", true)).await, ["/app/a", "/app/b/c", "/app/b/d/e"]);
    assert_eq!(fixture.by_path(below("/", false)).await, ["/apple", "top"]);
    assert_eq!(fixture.by_path(below("/", true)).await.len(), 29);
    let expected: Vec<_> = (0..23).map(|n| format!("/many/{n:02}")).collect();
    assert_eq!(fixture.by_path(below("/many", false)).await, expected);
    assert_eq!(fixture.by_path(below("/nothing", true)).await, [""; 0]);

    let asked = fixture.asked();
    let path = "arn:aws:ssm:us-east-1:000000000000:parameter/nothing".to_owned();
    assert_eq!(asked.last(), Some(&("ssm:GetParametersByPath".to_owned(), path)));
    let key = ("ssm:Recursive".to_owned(), vec!["true".to_owned()]);
    fixture.by_path(below("/nothing", true)).await;
    assert!(fixture.conditions().contains(&key));

    for wrong in ["app", "/a b"] {
        let refused = fixture.call::<GetParametersByPath>(below(wrong, false)).await.unwrap_err();
        assert_eq!(refused.code, "ValidationException");
    }
}

#[tokio::test]
async fn parameters_are_described_by_filters() {
    let fixture = Fixture::new().await;
    fixture.put("/app/a", "v", ParameterType::String).await;
    fixture.put("/app/b/c", "v", ParameterType::SecureString).await;
    fixture.put("plain", "v,w", ParameterType::StringList).await;
    let request = PutParameterRequest {
        name: "tagged".into(),
        value: "v".into(),
        r#type: Some(ParameterType::String),
        tags: Some(vec![Tag { key: "team".into(), value: "shop".into() }]),
        ..Default::default()
    };
    fixture.call::<PutParameter>(request).await.unwrap();
    let all = ["/app/a", "/app/b/c", "plain", "tagged"];
    for (key, option, values, expected) in [
        ("Name", None, vec!["/plain", "/app/a"], vec![all[0], all[2]]),
        ("Name", Some("BeginsWith"), vec!["/app"], vec![all[0], all[1]]),
        ("Name", Some("Contains"), vec!["a"], all.to_vec()),
        ("Type", None, vec!["SecureString", "StringList"], vec![all[1], all[2]]),
        ("KeyId", None, vec!["alias/aws/ssm"], vec![all[1]]),
        ("Path", None, vec!["/app"], vec![all[0]]),
        ("Path", Some("Recursive"), vec!["/app"], vec![all[0], all[1]]),
        ("tag:team", None, vec!["shop"], vec![all[3]]),
        ("tag:team", None, vec![], vec![all[3]]),
        ("tag:team", None, vec!["other"], vec![]),
        ("Tier", None, vec!["Standard"], all.to_vec()),
        ("DataType", None, vec!["text"], all.to_vec()),
    ] {
        assert_eq!(fixture.described(key, option, &values).await, expected, "{key} {values:?}");
    }
    for (key, option, values, code) in [
        ("Label", None, vec!["x"], "InvalidFilterKey"),
        ("Name", Some("Like"), vec!["x"], "InvalidFilterOption"),
        ("Path", Some("Equals"), vec!["/x"], "InvalidFilterOption"),
        ("Type", None, vec!["Number"], "InvalidFilterOption"),
        ("Path", None, vec!["x"], "ValidationException"),
        ("Tier", None, vec![], "InvalidFilterValue"),
    ] {
        let mut filter = json!({ "Key": key });
        if let Some(option) = option {
            filter["Option"] = option.into();
        }
        if !values.is_empty() {
            filter["Values"] = values.into();
        }
        let body = json!({ "ParameterFilters": [filter] }).to_string();
        assert_eq!(fixture.wire("DescribeParameters", &body).await["__type"], code, "{body}");
    }
    assert_eq!(fixture.asked().last(), Some(&("ssm:DescribeParameters".into(), "*".into())));
}

#[tokio::test]
async fn tiers_go_up_and_never_down() {
    let fixture = Fixture::new().await;
    let put = |tier: Option<ParameterTier>, size: usize| PutParameterRequest {
        name: "/t".into(),
        value: "x".repeat(size),
        r#type: Some(ParameterType::String),
        overwrite: Some(true),
        tier,
        ..Default::default()
    };
    let refused = fixture.call::<PutParameter>(put(None, 5000)).await.unwrap_err();
    assert!(refused.message.starts_with("Standard tier parameters support a maximum"));
    let tier = async |request| fixture.call::<PutParameter>(request).await.unwrap().tier.unwrap();
    let intelligent = Some(ParameterTier::IntelligentTiering);
    assert_eq!(tier(put(intelligent, 10)).await, ParameterTier::Standard);
    assert_eq!(tier(put(intelligent, 5000)).await, ParameterTier::Advanced);
    assert_eq!(tier(put(None, 10)).await, ParameterTier::Advanced);
    let down = put(Some(ParameterTier::Standard), 10);
    let refused = fixture.call::<PutParameter>(down).await.unwrap_err();
    assert!(refused.message.starts_with("This parameter uses the advanced-parameter tier."));
    assert!(fixture.call::<PutParameter>(put(None, 9000)).await.is_err());
}

#[tokio::test]
async fn a_deleted_parameter_begins_anew() {
    let fixture = Fixture::new().await;
    fixture.put("/d", "one", ParameterType::SecureString).await;
    fixture.put("/d", "two", ParameterType::SecureString).await;
    let request = DeleteParameterRequest { name: "/d".into() };
    fixture.call::<DeleteParameter>(request).await.unwrap();
    fixture.put("/d", "three", ParameterType::String).await;
    let found = fixture.get("/d", true).await.unwrap();
    assert_eq!((found.version, found.value.as_deref()), (Some(1), Some("three")));
    assert!(fixture.get("/d:2", true).await.is_err());
}

#[tokio::test]
async fn leave_is_asked_for_each_name_and_its_tags() {
    let fixture = Fixture::new().await;
    let body = r#"{"Name": "/p", "Value": "v", "Type": "String",
        "Tags": [{"Key": "team", "Value": "shop"}]}"#;
    fixture.wire("PutParameter", body).await;
    let arn = |name: &str| format!("arn:aws:ssm:us-east-1:000000000000:parameter/{name}");
    assert_eq!(
        fixture.asked(),
        [("ssm:PutParameter".to_owned(), arn("p")), ("ssm:AddTagsToResource".to_owned(), arn("p")),]
    );
    fixture.wire("GetParameters", r#"{"Names": ["q:1", "/p"]}"#).await;
    let tag = |key: &str| (key.to_owned(), vec!["shop".to_owned()]);
    assert_eq!(fixture.conditions(), [tag("aws:ResourceTag/team"), tag("ssm:resourceTag/team")]);
    assert_eq!(
        fixture.asked(),
        [("ssm:GetParameters".to_owned(), arn("q")), ("ssm:GetParameters".to_owned(), arn("p")),]
    );
    fixture.deny("ssm:GetParameter");
    assert_eq!(fixture.get("/p", false).await.unwrap_err().code, "AccessDeniedException");
}

#[tokio::test]
async fn a_stack_makes_changes_and_removes_a_parameter() {
    let fixture = Fixture::new().await;
    let cx = fixture.cx();
    let resource = fixture.cloud.registry().resource("AWS::SSM::Parameter").unwrap();
    let properties = |value: Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
    let stack = [("stack".to_owned(), "s".to_owned())];
    let first = properties(json!({
        "Name": "/app/x", "Type": "String", "Value": 5, "Tags": { "a": "1" }
    }));
    let desired = Desired { name: "drawn", properties: &first, tags: &stack };
    let attempt = cx.attempting("parameter");
    let made = resource.create(&attempt, desired).await.unwrap();
    assert_eq!(made.physical_id, "/app/x");
    assert_eq!(made.attributes["Value"], "5");
    // Tried again after a crash, it ends in the same state.
    resource.create(&attempt, desired).await.unwrap();
    assert_eq!(fixture.get("/app/x", false).await.unwrap().version, Some(1));

    let second = properties(json!({ "Name": "/app/x", "Type": "String", "Value": "6" }));
    let after = Desired { properties: &second, ..desired };
    let changed = Changed { physical_id: "/app/x", before: &first, after };
    let actual = resource.update(&cx, changed).await.unwrap();
    assert_eq!(actual.attributes["Value"], "6");
    let body = r#"{"ResourceType": "Parameter", "ResourceId": "/app/x"}"#;
    let tags = fixture.wire("ListTagsForResource", body).await;
    assert_eq!(tags, json!({ "TagList": [{ "Key": "stack", "Value": "s" }] }));

    fixture.put("/taken", "x", ParameterType::String).await;
    for (wrong, code) in [
        (json!({ "Name": "/taken", "Type": "String", "Value": "x" }), "ParameterAlreadyExists"),
        (json!({ "Type": "SecureString", "Value": "x" }), "ValidationException"),
        (json!({ "Type": "String", "Value": "x", "Other": 1 }), "ValidationException"),
    ] {
        let wrong = properties(wrong);
        let refused = resource.create(&cx, Desired { properties: &wrong, ..desired }).await;
        assert_eq!(refused.unwrap_err().code, code);
    }
    resource.delete(&cx, "/app/x").await.unwrap();
    resource.delete(&cx, "/app/x").await.unwrap();
    assert!(fixture.get("/app/x", false).await.is_err());
}
