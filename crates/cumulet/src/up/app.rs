//! The app in a folder: its template, its stack's name and parameters, its pages.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cumulet_api_cloudformation::types::Capability;
use cumulet_template::{Limits, parse};
use serde_json::Value;

use super::Up;
use super::settings::{self, PageSettings, Scalar};

/// Where `up` keeps what it makes, in the app's folder.
pub(super) const OWN: &str = ".cumulet";
/// Names that a template is looked for under.
const TEMPLATES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];

/// An app that can be deployed.
#[derive(Debug, Clone)]
pub(super) struct App {
    /// Its folder, absolute.
    pub(super) folder: PathBuf,
    /// What its template's paths are relative to.
    pub(super) base: PathBuf,
    /// Its template's file.
    pub(super) file: PathBuf,
    pub(super) template: Value,
    pub(super) stack: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) capabilities: Vec<Capability>,
    pub(super) pages: Vec<PageSettings>,
}

impl App {
    /// Reads the app, so that what is wrong with it is said before anything is started.
    pub(super) fn open(options: &Up) -> Result<Self, String> {
        let given = &options.dir;
        let folder = given.canonicalize().map_err(|why| format!("{}: {why}", given.display()))?;
        if !folder.is_dir() {
            return Err(format!("{}: not a folder", given.display()));
        }
        let settings = settings::read(&folder)?;
        let sam = settings::read_samconfig(&folder)?;
        let path = match (&options.template, &settings.stack.template) {
            (Some(path), _) => path.clone(),
            (None, Some(path)) => folder.join(path),
            (None, None) => find(&folder)?,
        };
        let text = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let template =
            parse(&text, &Limits::default()).map_err(|why| format!("{}: {why}", path.display()))?;
        if !template.get("Resources").is_some_and(Value::is_object) {
            return Err(format!(
                "{}: a template has `Resources`, and this has none",
                path.display()
            ));
        }
        let named = options.stack.clone().or(settings.stack.name).or(sam.stack_name);
        let stack = named.unwrap_or_else(|| stack_name(&folder));
        let mut parameters = sam.parameters;
        let own = settings.stack.parameters.into_iter();
        parameters.extend(own.map(|(key, value)| (key, Scalar::into_text(value))));
        parameters.extend(options.parameters.iter().cloned());
        for page in &settings.pages {
            check_page(&folder, page)?;
        }
        let file = path.canonicalize().unwrap_or(path);
        Ok(Self {
            base: file.parent().unwrap_or(&folder).to_owned(),
            file,
            capabilities: capabilities(settings.stack.capabilities.as_deref())?,
            pages: settings.pages,
            folder,
            template,
            stack,
            parameters,
        })
    }

    /// The folder for what is made of the app.
    pub(super) fn own(&self, name: &str) -> PathBuf {
        self.folder.join(OWN).join(name)
    }
}

fn find(folder: &Path) -> Result<PathBuf, String> {
    let found = TEMPLATES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let (folder, names) = (folder.display(), TEMPLATES.join(", "));
        format!(
            "{folder} has no template: none of {names}. Give the app's folder, or the template \
             with --template."
        )
    })
}

fn check_page(folder: &Path, page: &PageSettings) -> Result<(), String> {
    let at = folder.join(&page.folder);
    if at.is_dir() {
        return Ok(());
    }
    let (file, name) = (settings::FILE, page.folder.display());
    Err(format!("{file}: the page's folder `{name}` is not there ({} is no folder)", at.display()))
}

fn capabilities(named: Option<&[String]>) -> Result<Vec<Capability>, String> {
    let Some(named) = named else {
        return Ok(vec![
            Capability::CapabilityIam,
            Capability::CapabilityNamedIam,
            Capability::CapabilityAutoExpand,
        ]);
    };
    let known = |name: &String| {
        Capability::from_wire(name)
            .ok_or_else(|| format!("{}: `{name}` is no capability", settings::FILE))
    };
    named.iter().map(known).collect()
}

/// A stack's name from a folder's: letters, digits and hyphens, a letter first, 128 at most
/// (API reference, CreateStack).
fn stack_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let made: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let made = made.trim_matches('-');
    let begins = made.starts_with(|c: char| c.is_ascii_alphabetic());
    let made = if begins { made.to_owned() } else { format!("app-{made}") };
    made.chars().take(128).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_named_after_folders() {
        let cases = [
            ("/x/shop", "shop"),
            ("/x/my shop_2", "my-shop-2"),
            ("/x/2nd", "app-2nd"),
            ("/x/…", "app"),
            ("/", "app"),
        ];
        for (folder, name) in cases {
            assert_eq!(stack_name(Path::new(folder)), name);
        }
    }

    #[test]
    fn a_folder_without_a_template_is_told_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let why = find(folder.path()).unwrap_err();
        assert!(why.contains("has no template") && why.contains("--template"), "{why}");
        fs::write(folder.path().join("template.yml"), "").unwrap();
        assert!(find(folder.path()).unwrap().ends_with("template.yml"));
    }
}
