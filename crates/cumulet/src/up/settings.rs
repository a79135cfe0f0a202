//! `cumulet.toml`, the app's few lines for `up`, and the two settings that are taken from
//! `samconfig.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The file's name, in the app's folder.
pub(super) const FILE: &str = "cumulet.toml";

/// `cumulet.toml`.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) stack: StackSettings,
    /// Web pages that go to buckets.
    #[serde(default, rename = "page")]
    pub(super) pages: Vec<PageSettings>,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct StackSettings {
    pub(super) name: Option<String>,
    /// The template, from the app's folder.
    pub(super) template: Option<PathBuf>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Scalar>,
    /// What the stack may do; by default all that a template can ask for.
    pub(super) capabilities: Option<Vec<String>>,
}

/// A parameter's value: CloudFormation's are all text.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Number(i64),
    Truth(bool),
    List(Vec<String>),
}

impl Scalar {
    /// As CloudFormation takes it.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::List(items) => items.join(","),
        }
    }
}

/// A web page.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct PageSettings {
    /// Where it lies, from the app's folder.
    pub(super) folder: PathBuf,
    /// A command line that builds it, run in its folder.
    pub(super) build: Option<String>,
    /// What is uploaded, from the page's folder: all of it by default.
    #[serde(default)]
    pub(super) output: PathBuf,
    /// Where it goes: the logical id of a bucket, a stack output that names one, or its name.
    pub(super) bucket: String,
    /// A file that this cloud's settings are written to before the build, from the page's folder.
    pub(super) config: Option<PathBuf>,
    /// The distribution in front of the bucket, whose cache forgets the page after an upload: a
    /// logical id, a stack output, or its id.
    pub(super) distribution: Option<String>,
}

/// Reads `cumulet.toml`; a missing one says nothing.
pub(super) fn read(folder: &Path) -> Result<Settings, String> {
    Ok(toml_file(&folder.join(FILE))?.unwrap_or_default())
}

/// What `samconfig.toml` says for `sam deploy` in its default environment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SamConfig {
    pub(super) stack_name: Option<String>,
    pub(super) parameters: BTreeMap<String, String>,
}

/// Reads `samconfig.toml` ("AWS SAM CLI configuration file"); a missing one says nothing.
pub(super) fn read_samconfig(folder: &Path) -> Result<SamConfig, String> {
    let Some(table) = toml_file::<toml::Table>(&folder.join("samconfig.toml"))? else {
        return Ok(SamConfig::default());
    };
    let deploy = |key: &str| {
        ["deploy", "global"]
            .iter()
            .find_map(|command| table.get("default")?.get(command)?.get("parameters")?.get(key))
    };
    let overrides = match deploy("parameter_overrides") {
        Some(toml::Value::String(text)) => words(text),
        Some(toml::Value::Array(items)) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    let pairs = overrides.iter().filter_map(|pair| pair.split_once('='));
    Ok(SamConfig {
        stack_name: deploy("stack_name").and_then(|name| name.as_str()).map(str::to_owned),
        parameters: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    })
}

/// Splits at white space outside of double quotes, which go.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                begun = true;
                word.push(c);
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

fn toml_file<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(format!("{}: {why}", path.display())),
    };
    let parsed = toml::from_str(&text);
    parsed.map(Some).map_err(|why| format!("{}: {}", path.display(), why.to_string().trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        folder
    }

    #[test]
    fn the_apps_settings() {
        let text = r#"
            [stack]
            name = "shop"
            parameters = { Stage = "dev", Size = 3, Public = true, Zones = ["a", "b"] }

            [[page]]
            folder = "web"
            build = "npm run build"
            output = "dist"
            bucket = "PageBucket"
        "#;
        let read = read(written(FILE, text).path()).unwrap();
        assert_eq!(read.stack.name.as_deref(), Some("shop"));
        let values: Vec<String> =
            read.stack.parameters.into_values().map(Scalar::into_text).collect();
        assert_eq!(values, ["true", "3", "dev", "a,b"]);
        assert_eq!(read.pages[0].output, Path::new("dist"));
        assert_eq!(read.pages[0].config, None);
    }

    #[test]
    fn a_word_that_is_none_is_named_with_its_place() {
        let why = read(written(FILE, "[stack]\nnam = 1\n").path()).unwrap_err();
        assert!(why.contains("cumulet.toml") && why.contains("line 2"), "{why}");
        assert!(why.contains("unknown field `nam`"), "{why}");
        assert_eq!(read(tempfile::tempdir().unwrap().path()), Ok(Settings::default()));
    }

    #[test]
    fn what_sam_deploy_would_take() {
        let text = "version = 0.1\n[default.global.parameters]\nstack_name = \"shop\"\n\
                    [default.deploy.parameters]\nconfirm_changeset = true\n\
                    parameter_overrides = 'Stage=dev Words=\"two words\" Empty=\"\"'\n";
        let read = read_samconfig(written("samconfig.toml", text).path()).unwrap();
        assert_eq!(read.stack_name.as_deref(), Some("shop"));
        let pairs: Vec<_> = read.parameters.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("Empty", ""), ("Stage", "dev"), ("Words", "two words")]);
    }
}
