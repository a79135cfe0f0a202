//! Every intrinsic function and every error, as data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use cumulet_template::{
    Action, Context, DynamicReference, Given, Limits, Lookup, Pseudo, Stack, Template, diff,
    parameter_values, parse,
};
use serde_json::{Value, json};

/// Two resources that exist, one that is still to come, one export, one parameter store entry.
struct World;

impl Context for World {
    fn reference(&self, resource: &str) -> Lookup {
        match resource {
            "Bucket" => Lookup::Value(json!("bucket-1")),
            "Soon" => Lookup::Later,
            _ => Lookup::Unknown,
        }
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Lookup {
        match (resource, attribute) {
            ("Bucket", "Arn") => Lookup::Value(json!("arn:aws:s3:::bucket-1")),
            ("Bucket", "Outputs.A.B") => Lookup::Value(json!("nested")),
            ("Soon", _) => Lookup::Later,
            _ => Lookup::Unknown,
        }
    }

    fn import(&self, name: &str) -> Option<Value> {
        (name == "shared-vpc").then(|| json!("vpc-1"))
    }

    fn zones(&self, region: &str) -> Vec<String> {
        vec![format!("{region}a"), format!("{region}b")]
    }

    fn dynamic(&self, reference: &DynamicReference) -> Lookup {
        match reference {
            DynamicReference::Ssm { name, version: None } if name == "/a" => {
                Lookup::Value(json!("from-ssm"))
            }
            DynamicReference::SecretsManager { .. } => Lookup::Later,
            _ => Lookup::Unknown,
        }
    }
}

fn evaluate(value: &str) -> Result<Value, String> {
    let text = format!(
        "
Parameters:
  Env: {{Type: String, Default: prod}}
  Names: {{Type: CommaDelimitedList, Default: 'a,b,c'}}
Mappings:
  M: {{eu-1: {{size: 3, list: [x, y]}}}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  NotProd: !Not [!Condition IsProd]
  Both: !And [Condition: !Condition IsProd, !Condition NotProd]
  Either: !Or [!Condition IsProd, !Condition NotProd]
  Alias: !Condition Either
Resources:
  Bucket: {{Type: AWS::S3::Bucket}}
  Soon: {{Type: AWS::S3::Bucket}}
  Never: {{Type: AWS::S3::Bucket, Condition: NotProd}}
  Tested: {{Type: T, Properties: {{P: {value}}}}}
"
    );
    run(&text)
}

fn run(text: &str) -> Result<Value, String> {
    let document = parse(text, &Limits::default()).map_err(|error| error.to_string())?;
    let template = Template::new(&document).map_err(|error| error.to_string())?;
    let parameters = parameter_values(&template.parameters, &Given::default(), &|_| None)
        .map_err(|error| error.to_string())?;
    let pseudo = Pseudo {
        account_id: "123456789012".into(),
        region: "eu-1".into(),
        partition: "aws".into(),
        stack_name: "app".into(),
        ..Pseudo::default()
    };
    let stack = Stack::new(&template, parameters, pseudo).map_err(|error| error.to_string())?;
    let tested = template.resource("Tested").expect("the resource under test");
    let properties = stack.properties(tested, &World).map_err(|error| error.to_string())?;
    Ok(properties.get("P").cloned().unwrap_or(json!("NO VALUE")))
}

#[test]
fn functions() {
    let cases = [
        ("!Ref Env", json!("prod")),
        ("!Ref Names", json!(["a", "b", "c"])),
        ("!Ref Bucket", json!("bucket-1")),
        ("!Ref AWS::Region", json!("eu-1")),
        ("!Ref AWS::NoValue", json!("NO VALUE")),
        ("[1, !Ref AWS::NoValue, {a: !Ref AWS::NoValue}]", json!([1, {}])),
        ("!GetAtt Bucket.Arn", json!("arn:aws:s3:::bucket-1")),
        ("!GetAtt Bucket.Outputs.A.B", json!("nested")),
        ("!Sub '${Env}/${Bucket.Arn}/${!x}/${AWS::AccountId}'", {
            json!("prod/arn:aws:s3:::bucket-1/${x}/123456789012")
        }),
        ("!Sub ['${a}${n}-${Env}', {a: !Ref Bucket, n: 5}]", json!("bucket-15-prod")),
        ("!Join ['-', [a, !Ref Env, 3]]", json!("a-prod-3")),
        ("!Join [',', !Ref Names]", json!("a,b,c")),
        ("!Select [1, !Ref Names]", json!("b")),
        ("!Select ['0', !Split ['/', 'x/y']]", json!("x")),
        ("!Split ['-', !Ref Bucket]", json!(["bucket", "1"])),
        ("!If [IsProd, yes-prod, other]", json!("yes-prod")),
        ("!If [NotProd, a, !Ref AWS::NoValue]", json!("NO VALUE")),
        ("!If [Both, 1, !If [Alias, 2, 3]]", json!(2)),
        ("!FindInMap [M, !Ref AWS::Region, size]", json!(3)),
        ("!FindInMap [M, nowhere, size, {DefaultValue: 9}]", json!(9)),
        ("!Select [1, !FindInMap [M, eu-1, list]]", json!("y")),
        ("Fn::Base64: !Sub '${Env}'", json!("cHJvZA==")),
        ("!GetAZs ''", json!(["eu-1a", "eu-1b"])),
        ("!Select [0, !GetAZs us-1]", json!("us-1a")),
        ("Fn::ImportValue: !Sub shared-vpc", json!("vpc-1")),
        ("!Cidr [10.0.0.0/16, 2, 8]", json!(["10.0.0.0/24", "10.0.1.0/24"])),
        ("Fn::Length: !Ref Names", json!(3)),
        ("Fn::ToJsonString: {a: !Ref Env}", json!("{\"a\":\"prod\"}")),
        ("'x-{{resolve:ssm:/a}}'", json!("x-from-ssm")),
        ("'{{resolve:secretsmanager:s}}'", json!("{{resolve:secretsmanager:s}}")),
        ("{Condition: {StringEquals: {a: !Ref Env}}}", {
            json!({"Condition": {"StringEquals": {"a": "prod"}}})
        }),
    ];
    for (value, expected) in cases {
        let flow =
            if value.starts_with("Fn::") { format!("{{{value}}}") } else { value.to_owned() };
        assert_eq!(evaluate(&flow), Ok(expected), "{value}");
    }
}

#[test]
fn what_is_known_later_stays() {
    let cases = [
        ("!Ref Soon", json!({"Ref": "Soon"})),
        ("!GetAtt Soon.Arn", json!({"Fn::GetAtt": ["Soon", "Arn"]})),
        ("!Sub '${Soon}-${Env}'", json!({"Fn::Sub": "${Soon}-${Env}"})),
        ("!Join ['-', [!Ref Env, !Ref Soon]]", {
            json!({"Fn::Join": ["-", ["prod", {"Ref": "Soon"}]]})
        }),
        ("!Select [0, !Split ['-', !Ref Soon]]", {
            json!({"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "Soon"}]}]})
        }),
    ];
    for (value, expected) in cases {
        assert_eq!(evaluate(value), Ok(expected), "{value}");
    }
}

#[test]
fn errors() {
    let cases = [
        ("!Ref Nothing", {
            "Template format error: Unresolved resource dependencies [Nothing] in the Resources \
             block of the template"
        }),
        ("!Ref Never", {
            "Template format error: Unresolved resource dependencies [Never] in the Resources \
             block of the template"
        }),
        ("!GetAtt Nothing.Arn", {
            "Template error: instance of Fn::GetAtt references undefined resource Nothing"
        }),
        ("!GetAtt Bucket.Nothing", {
            "Template error: resource Bucket does not support attribute type Nothing in Fn::GetAtt"
        }),
        ("!Sub '${Nothing}'", {
            "Template format error: Unresolved resource dependencies [Nothing] in the Resources \
             block of the template"
        }),
        ("!Sub [1]", {
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected \
             arguments. Specify a string as first argument, and an optional second argument to \
             specify a mapping of values to replace in the string"
        }),
        (
            "!Select [7, [a]]",
            "Template error: Fn::Select cannot select nonexistent value at index 7",
        ),
        ("!FindInMap [M, nowhere, size]", {
            "Template error: Unable to get mapping for M::nowhere::size"
        }),
        ("!If [Nothing, 1, 2]", {
            "Template format error: Unresolved condition dependency Nothing in the Resources block \
             of the template"
        }),
        ("!If [IsProd, 1]", "Template error: Fn::If requires a list argument with three elements"),
        ("!Equals [1]", {
            "Template error: every Fn::Equals object requires a list of 2 string parameters."
        }),
        ("!Not [1, 2]", "Template error: every Fn::Not object requires one boolean parameter."),
        ("!ImportValue nope", "No export named nope found."),
        ("!Cidr [10.0.0.0/30, 9, 1]", {
            "Template error: Fn::Cidr: 10.0.0.0/30 does not hold 9 blocks of 1 bits, or is no IP \
             block"
        }),
        ("{Fn::Nope: 1}", "Template error: Fn::Nope is not a supported intrinsic function."),
        ("'{{resolve:ssm:/b}}'", {
            "Could not resolve the following dynamic reference: {{resolve:ssm:/b}}"
        }),
        ("~", {
            "Template format error: [/Resources/Tested/Properties/P] 'null' values are not \
             allowed in templates"
        }),
    ];
    for (value, expected) in cases {
        assert_eq!(evaluate(value), Err(expected.to_owned()), "{value}");
    }
}

#[test]
fn templates_that_are_refused() {
    let cases = [
        ("Resources: {}", "Template format error: At least one Resources member must be defined."),
        ("[1]", "Template format error: unsupported structure."),
        ("Oops: 1\nResources: {A: {Type: T}}", {
            "Invalid template property or properties [Oops]"
        }),
        ("AWSTemplateFormatVersion: 2011-01-01\nResources: {A: {Type: T}}", {
            "Template format error: unsupported value for AWSTemplateFormatVersion."
        }),
        ("Resources: {A-b: {Type: T}}", {
            "Template format error: Resource name A-b is non alphanumeric."
        }),
        ("Resources: {A: {Properties: {}}}", {
            "Template format error: [/Resources/A] Every Resources object must contain a Type \
             member."
        }),
        ("Resources: {A: {Type: T, Nope: 1}}", "Invalid template resource property 'Nope'"),
        ("Resources: {A: {Type: T}}\nOutputs: {O: {Export: {Name: x}}}", {
            "Template format error: Output O is malformed. Every Outputs member must contain a \
             Value object."
        }),
        ("Conditions: {A: !Condition B, B: !Condition A}\nResources: {Tested: {Type: T}}", {
            "Template format error: Circular dependency between conditions: [A, B]"
        }),
        ("Conditions: {A: !Equals [!Ref Tested, 1]}\nResources: {Tested: {Type: T}}", {
            "Template format error: Unresolved resource dependencies [Tested] in the Conditions \
             block of the template"
        }),
    ];
    for (text, expected) in cases {
        assert_eq!(run(text), Err(expected.to_owned()), "{text}");
    }
    let many: Vec<String> = (0..501).map(|at| format!("R{at}: {{Type: T}}")).collect();
    let many = format!("Resources: {{{}}}", many.join(", "));
    assert_eq!(
        run(&many),
        Err(
            "Template format error: Number of resources, 501, is greater than maximum allowed, 500"
                .to_owned()
        )
    );
}

#[test]
fn a_parameter_changes_resources() {
    let text = "
Parameters: {Size: {Type: Number, Default: 1}}
Conditions: {Large: !Equals [!Ref Size, 2]}
Resources:
  Bucket: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}
  Other: {Type: T, Properties: {Size: !Ref Size, Name: !Ref Bucket}}
  Extra: {Type: T, Condition: Large}
";
    let document = parse(text, &Limits::default()).unwrap();
    let template = Template::new(&document).unwrap();
    let resources = |size: &str| {
        let given = Given::from([("Size".to_owned(), size.to_owned())]);
        let values = parameter_values(&template.parameters, &given, &|_| None).unwrap();
        let stack = Stack::new(&template, values, Pseudo::default()).unwrap();
        stack.resources(&World).unwrap()
    };
    let (small, large) = (resources("1"), resources("2"));
    assert_eq!(small["Bucket"]["DeletionPolicy"], json!("Retain"));
    let changes: Vec<_> = diff(&small, &large)
        .into_iter()
        .map(|change| (change.id, change.action, change.paths.join(" ")))
        .collect();
    assert_eq!(
        changes,
        [
            ("Other".to_owned(), Action::Modify, "/Properties/Size".to_owned()),
            ("Extra".to_owned(), Action::Add, String::new()),
        ]
    );
}

#[test]
fn rules_are_checked() {
    let text = |value: &str| {
        format!(
            "
Parameters:
  Version: {{Type: 'List<Number>', Default: '{value}'}}
Rules:
  Check:
    Assertions:
      - Assert: !Not [!Contains [['1', '2'], !Select [0, !Ref Version]]]
        AssertDescription: too old
Resources:
  Tested: {{Type: T, Properties: {{P: 1}}}}
"
        )
    };
    assert_eq!(run(&text("3")), Ok(json!(1)));
    assert_eq!(
        run(&text("2")),
        Err("Template validation error: Rule Check failed: too old".to_owned())
    );
}

#[test]
fn amplification_is_bounded() {
    let mut value = "'0123456789'".to_owned();
    for _ in 0..30 {
        value = format!("!Sub ['${{a}}${{a}}', {{a: {value}}}]");
    }
    assert!(evaluate(&value).expect_err("2^30 bytes").contains("produce more than"));
}

#[test]
fn never_panics() {
    bolero::check!().with_iterations(3000).for_each(|bytes: &[u8]| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = evaluate(text);
        }
        // The same bytes choose functions and arguments, so that most inputs reach the evaluator.
        let _ = evaluate(&composed(bytes));
    });
}

fn composed(bytes: &[u8]) -> String {
    const HEADS: [&str; 14] = [
        "!Ref",
        "!Sub",
        "!GetAtt",
        "!Join",
        "!Select",
        "!Split",
        "!If",
        "!FindInMap",
        "!Equals",
        "!Cidr",
        "!And",
        "!Base64",
        "!ImportValue",
        "!GetAZs",
    ];
    const LEAVES: [&str; 10] = [
        "Env",
        "Names",
        "Bucket.Arn",
        "'${Env}'",
        "1",
        "''",
        "Soon",
        "IsProd",
        "{a: b}",
        "10.0.0.0/8",
    ];
    let mut text = String::new();
    let mut open = 0;
    for byte in bytes.iter().take(40) {
        let at = usize::from(*byte);
        match at % 4 {
            0 => {
                text.extend([HEADS[at / 4 % HEADS.len()], " ["]);
                open += 1;
            }
            1 if open > 0 => {
                text.push_str("x], ");
                open -= 1;
            }
            2 => text.extend([HEADS[at / 4 % 3], " ", LEAVES[at / 8 % 4], ", "]),
            _ => text.extend([LEAVES[at / 4 % LEAVES.len()], ", "]),
        }
    }
    format!("[{text}{}]", "]".repeat(open))
}
