//! Which parts of an app a change touches.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::changes::{Changes, Root};
use crate::up::app::App;
use crate::up::code::{self, Code};
use crate::up::settings::PageSettings;

/// Parts of an app.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// What the stack is made from: the template, settings, documents.
    pub(super) definition: bool,
    /// Logical ids of functions and layers.
    pub(super) codes: BTreeSet<String>,
    /// Pages, by their place among the app's.
    pub(super) pages: BTreeSet<usize>,
}

impl Touched {
    /// Whether the change is none of the app's.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What `changes` touch of an app with this code.
pub(super) fn touched(app: &App, codes: &[Code], changes: &Changes) -> Touched {
    let any = |is: &dyn Fn(&Path) -> bool| changes.all || changes.paths.iter().any(|path| is(path));
    let definition = definition(app);
    let code = codes.iter().filter(|code| any(&|path| of_code(app, code, path)));
    let pages = app.pages.iter().enumerate();
    let pages = pages.filter(|(_, page)| any(&|path| of_page(app, page, path)));
    Touched {
        definition: any(&|path| definition.iter().any(|file| file == path)),
        codes: code.map(|code| code.id.clone()).collect(),
        pages: pages.map(|(at, _)| at).collect(),
    }
}

/// Changed files of a function or layer, as they are called from the app's folder.
pub(super) fn names(app: &App, code: &Code, changes: &Changes) -> Vec<String> {
    let of = changes.paths.iter().filter(|path| of_code(app, code, path));
    of.map(|path| path.strip_prefix(&app.folder).unwrap_or(path).display().to_string()).collect()
}

/// Where what is touched lies.
pub(super) fn roots(app: &App, codes: &[Code]) -> Vec<Root> {
    let mut roots = vec![Root { path: app.folder.clone(), deep: true }];
    let outside = |path: &Path| !path.starts_with(&app.folder);
    for code in codes.iter().filter(|code| outside(&code.path)) {
        // Around it too, so that it is seen when it comes back.
        let around = code.path.parent().map(|path| Root { path: path.to_owned(), deep: false });
        roots.extend(around);
        if !code.path.is_file() {
            roots.push(Root { path: code.path.clone(), deep: true });
        }
    }
    for file in definition(app).into_iter().filter(|file| outside(file)) {
        roots.extend(file.parent().map(|path| Root { path: path.to_owned(), deep: false }));
    }
    roots
}

/// The files that the stack is made from.
fn definition(app: &App) -> Vec<PathBuf> {
    let mut files = vec![app.file.clone()];
    files.extend(["cumulet.toml", "samconfig.toml"].map(|name| app.folder.join(name)));
    files.extend(code::documents(app));
    files
}

fn of_code(app: &App, code: &Code, path: &Path) -> bool {
    // A folder around it that came or went took it along.
    if path.starts_with(&code.path) || code.path.starts_with(path) {
        return true;
    }
    // Bundles take their dependencies from the folders above.
    let manifest =
        path.file_name().is_some_and(|name| name == "package.json" || name == "package-lock.json");
    let bundled = code.metadata.get("BuildMethod").is_some_and(|method| method == "esbuild");
    let above = path.parent().is_some_and(|parent| code.path.starts_with(parent));
    bundled && manifest && above && path.starts_with(&app.folder)
}

fn of_page(app: &App, page: &PageSettings, path: &Path) -> bool {
    let folder = app.folder.join(&page.folder);
    if folder.starts_with(path) {
        return true;
    }
    let Ok(inside) = path.strip_prefix(&folder) else { return false };
    // What `up` and the build write there is no source.
    let built = page.build.is_some()
        && !page.output.as_os_str().is_empty()
        && inside.starts_with(&page.output);
    !built && page.config.as_deref() != Some(inside)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cumulet_template::{Limits, parse};
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;
    use crate::up::code::Kind;

    fn app() -> App {
        let template = "
Resources:
  Api: {Type: 'AWS::Serverless::Api', Properties: {DefinitionUri: api.yaml}}
";
        let page = PageSettings {
            folder: "web".into(),
            build: Some("npm run build".to_owned()),
            output: "dist".into(),
            bucket: "b".to_owned(),
            config: Some("src/outputs.json".into()),
            distribution: None,
        };
        App {
            folder: "/app".into(),
            base: "/app".into(),
            file: "/app/template.yaml".into(),
            template: parse(template, &Limits::default()).unwrap(),
            stack: "s".to_owned(),
            parameters: BTreeMap::new(),
            capabilities: Vec::new(),
            pages: vec![page],
        }
    }

    fn code(id: &str, path: &str, metadata: &serde_json::Value) -> Code {
        Code {
            id: id.to_owned(),
            kind: Kind::Function,
            path: path.into(),
            runtime: None,
            handler: None,
            metadata: metadata.as_object().cloned().unwrap(),
        }
    }

    #[test]
    fn each_path_touches_what_is_made_from_it() {
        let app = app();
        let codes = [
            code("One", "/app/src/one", &json!({})),
            code("Shared", "/lib/shared", &json!({})),
            code("Bundled", "/app/src/ts", &json!({"BuildMethod": "esbuild"})),
        ];
        let of = |paths: &[&str], all| {
            let paths = paths.iter().map(PathBuf::from).collect();
            touched(&app, &codes, &Changes { paths, all, since: Instant::now() })
        };
        let check = |path: &str, definition: bool, ids: &[&str], pages: &[usize]| {
            let expect = Touched {
                definition,
                codes: ids.iter().map(|id| (*id).to_owned()).collect(),
                pages: pages.iter().copied().collect(),
            };
            assert_eq!(of(&[path], false), expect, "{path}");
        };
        check("/app/src/one/a.py", false, &["One"], &[]);
        check("/app/src", false, &["Bundled", "One"], &[]);
        check("/app/src/one2/a.py", false, &[], &[]);
        check("/lib/shared/a.py", false, &["Shared"], &[]);
        check("/app/package.json", false, &["Bundled"], &[]);
        check("/app/src/ts/deep/a.ts", false, &["Bundled"], &[]);
        check("/package.json", false, &[], &[]);
        check("/app/template.yaml", true, &[], &[]);
        check("/app/api.yaml", true, &[], &[]);
        check("/app/cumulet.toml", true, &[], &[]);
        check("/app/web/src/a.js", false, &[], &[0]);
        check("/app/web/dist/a.js", false, &[], &[]);
        check("/app/web/src/outputs.json", false, &[], &[]);
        check("/app/README.md", false, &[], &[]);
        assert!(of(&[], false).is_nothing());
        let everything = of(&[], true);
        assert!(
            everything.definition && everything.codes.len() == 3 && everything.pages.len() == 1
        );
    }

    #[test]
    fn what_lies_outside_is_watched_too() {
        let app = app();
        let codes = [code("One", "/app/one", &json!({})), code("Two", "/lib/two", &json!({}))];
        let root = |path: &str, deep| Root { path: path.into(), deep };
        let expect = [root("/app", true), root("/lib", false), root("/lib/two", true)];
        assert_eq!(roots(&app, &codes), expect);
    }
}
