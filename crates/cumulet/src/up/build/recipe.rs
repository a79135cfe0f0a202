//! How code becomes a package: decided from the template and from what lies in the folder.

use std::path::Path;

use cumulet_sandbox::{Family, Runtime};
use serde_json::{Map, Value};

use crate::up::code::{Code, Kind};

/// What is done to a folder.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Recipe {
    /// The file is a package already.
    Ready,
    /// Its files are the package.
    Copy,
    /// `npm` brings the dependencies, if there are any.
    Npm { install: bool },
    /// `esbuild` bundles, with these `BuildProperties`.
    Esbuild(Map<String, Value>),
    /// `pip` brings the dependencies, for this runtime.
    Pip(Runtime),
    /// `make build-<logical id>`.
    Make,
}

/// The recipe for `code`, and the folder in the package where its files go (layers have one for each
/// language: "Packaging your layer content").
pub(super) fn recipe(code: &Code) -> Result<(Recipe, &'static str), String> {
    let id = &code.id;
    if code.path.is_file() {
        let package = code.path.extension().is_some_and(|end| end == "zip" || end == "jar");
        let wrong = || format!("{id}: {} is neither a folder nor a zip", code.path.display());
        return package.then_some((Recipe::Ready, "")).ok_or_else(wrong);
    }
    if code.metadata.get("SkipBuild").is_some_and(|skip| skip == true || skip == "true") {
        return Ok((Recipe::Copy, ""));
    }
    let named = code.metadata.get("BuildMethod").and_then(Value::as_str);
    let language = match (named, code.kind) {
        (Some("makefile"), _) => return Ok((Recipe::Make, "")),
        (Some("esbuild"), _) => {
            let properties = code.metadata.get("BuildProperties").and_then(Value::as_object);
            return Ok((Recipe::Esbuild(properties.cloned().unwrap_or_default()), ""));
        }
        // A layer is built only where its metadata say so.
        (None, Kind::Layer) => return Ok((Recipe::Copy, "")),
        (Some(runtime), _) => runtime,
        (None, Kind::Function) => match code.runtime.as_deref() {
            Some(runtime) => runtime,
            // What has no runtime is refused where it is deployed, in CloudFormation's words.
            None => return Ok((Recipe::Copy, "")),
        },
    };
    let runtime: Result<Runtime, _> = language.parse();
    let layer = code.kind == Kind::Layer;
    match runtime.map(|runtime| (runtime, runtime.family)) {
        Ok((_, Family::Node)) => Ok((with_npm(&code.path), if layer { "nodejs" } else { "" })),
        Ok((runtime, Family::Python)) => {
            Ok((with_pip(&code.path, runtime), if layer { "python" } else { "" }))
        }
        Ok((_, Family::Provided)) => {
            let makes = code.path.join("Makefile").is_file();
            Ok((if makes { Recipe::Make } else { Recipe::Copy }, ""))
        }
        Err(_) => Err(unknown(id, language, named.is_some())),
    }
}

fn unknown(id: &str, language: &str, method: bool) -> String {
    let offered: Vec<&str> = Runtime::all().map(Runtime::name).collect();
    let offered = offered.join(", ");
    if method {
        return format!(
            "{id}: `up` has no BuildMethod `{language}`. It has esbuild, makefile and the names of \
             runtimes: {offered}. Or build it yourself, let the path lead to the result, and say \
             `SkipBuild: true` in its Metadata."
        );
    }
    format!("{id}: the runtime {language} is not offered by this cloud. It offers: {offered}.")
}

fn with_npm(folder: &Path) -> Recipe {
    let text = std::fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    // One that cannot be read is npm's to complain about.
    let package = serde_json::from_str::<Value>(&text).ok();
    let none = package.is_some_and(|package| {
        ["dependencies", "optionalDependencies"].iter().all(|section| {
            let named = package.get(section).and_then(Value::as_object);
            named.is_none_or(Map::is_empty)
        })
    });
    if text.is_empty() { Recipe::Copy } else { Recipe::Npm { install: !none } }
}

fn with_pip(folder: &Path, runtime: Runtime) -> Recipe {
    let text = std::fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
    let says = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    };
    if text.lines().any(says) { Recipe::Pip(runtime) } else { Recipe::Copy }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn code(path: &Path, kind: Kind, runtime: Option<&str>, metadata: &Value) -> Code {
        Code {
            id: "One".to_owned(),
            kind,
            path: path.to_owned(),
            runtime: runtime.map(str::to_owned),
            handler: None,
            metadata: metadata.as_object().cloned().unwrap(),
        }
    }

    #[test]
    fn the_runtime_and_the_folder_decide() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let of = |kind, runtime, metadata| recipe(&code(at, kind, runtime, &metadata));
        let (function, layer) = (Kind::Function, Kind::Layer);
        assert_eq!(of(function, Some("nodejs20.x"), json!({})), Ok((Recipe::Copy, "")));
        fs::write(at.join("package.json"), r#"{"devDependencies": {"a": "1"}}"#).unwrap();
        let npm = |install| Ok((Recipe::Npm { install }, ""));
        assert_eq!(of(function, Some("nodejs20.x"), json!({})), npm(false));
        fs::write(at.join("package.json"), r#"{"dependencies": {"a": "1"}}"#).unwrap();
        assert_eq!(of(function, Some("nodejs20.x"), json!({})), npm(true));
        fs::write(at.join("requirements.txt"), "# none\n\n").unwrap();
        assert_eq!(of(function, Some("python3.12"), json!({})), Ok((Recipe::Copy, "")));
        fs::write(at.join("requirements.txt"), "requests\n").unwrap();
        let python = "python3.12".parse().unwrap();
        assert_eq!(of(function, Some("python3.12"), json!({})), Ok((Recipe::Pip(python), "")));
        assert_eq!(of(function, Some("provided.al2023"), json!({})), Ok((Recipe::Copy, "")));
        assert_eq!(of(layer, None, json!({})), Ok((Recipe::Copy, "")));
        let built = json!({"BuildMethod": "python3.12"});
        assert_eq!(of(layer, None, built), Ok((Recipe::Pip(python), "python")));
        let skipped = json!({"SkipBuild": true});
        assert_eq!(of(function, Some("python3.12"), skipped), Ok((Recipe::Copy, "")));
        let make = json!({"BuildMethod": "makefile"});
        assert_eq!(of(function, Some("python3.12"), make), Ok((Recipe::Make, "")));
        fs::write(at.join("Makefile"), "").unwrap();
        assert_eq!(of(function, Some("provided.al2023"), json!({})), Ok((Recipe::Make, "")));
    }

    #[test]
    fn what_cannot_be_built_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let rust =
            recipe(&code(at, Kind::Function, None, &json!({"BuildMethod": "rust-cargolambda"})));
        assert!(rust.unwrap_err().starts_with("One: `up` has no BuildMethod `rust-cargolambda`"));
        let java = recipe(&code(at, Kind::Function, Some("java21"), &json!({})));
        assert!(java.unwrap_err().starts_with("One: the runtime java21 is not offered"));
        fs::write(at.join("a.txt"), "").unwrap();
        let file = recipe(&code(&at.join("a.txt"), Kind::Function, Some("python3.12"), &json!({})));
        assert!(file.unwrap_err().contains("neither a folder nor a zip"));
    }
}
