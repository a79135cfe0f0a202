//! Projection expressions: the parts of an item that are returned.

use std::collections::BTreeMap;

use cumulet_attribute::{Item, ItemBuilder, MapRef, ValueError, ValueRef};

use super::error::{ExpressionError, Fault, Kind};
use super::lexer::Tokens;
use super::path::{self, Path, Step};
use super::placeholders::Placeholders;
use super::syntax::RawPath;

/// Which parts of an item: a tree of the paths.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    attributes: BTreeMap<Box<str>, Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Whole,
    Names(BTreeMap<Box<str>, Part>),
    Elements(BTreeMap<u32, Part>),
}

impl Projection {
    /// Compiles a ProjectionExpression, noting the placeholders it uses.
    pub fn parse(
        source: &str,
        placeholders: &mut Placeholders<'_>,
    ) -> Result<Self, ExpressionError> {
        compile(source, placeholders)
            .map(|paths| Self::of(&paths))
            .map_err(|fault| ExpressionError::Invalid(Kind::Projection, fault))
    }

    /// Of paths that do not overlap or conflict (an update's paths do not either; of such as do,
    /// the wider or the earlier one counts).
    pub fn of<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut projection = Self::default();
        for path in paths {
            let leaf = path.steps.is_empty();
            let part = projection
                .attributes
                .entry(path.name.clone())
                .or_insert_with(|| Part::first(path.steps.first()));
            if leaf {
                *part = Part::Whole;
            } else {
                part.insert(&path.steps);
            }
        }
        projection
    }

    /// Of whole attributes: AttributesToGet, an index's projection.
    pub fn of_attributes<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self { attributes: names.into_iter().map(|name| (name.into(), Part::Whole)).collect() }
    }

    /// The attributes it names, sorted.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(AsRef::as_ref)
    }

    /// The attributes into whose values it leads.
    pub fn nested(&self) -> impl Iterator<Item = &str> {
        let parts = self.attributes.iter().map(|(name, part)| (name.as_ref(), part));
        parts.filter(|(_, part)| !matches!(part, Part::Whole)).map(|(name, _)| name)
    }

    /// The parts of an item, in the maps and lists they stand in. Of a list those elements that
    /// were named, in order and without gaps; a list or map of which nothing was found is left
    /// out.
    pub fn project(&self, item: &Item) -> Result<Item, ValueError> {
        let mut builder = ItemBuilder::new();
        project_names(&self.attributes, item.attributes(), &mut builder);
        builder.finish()
    }
}

impl Part {
    fn first(step: Option<&Step>) -> Self {
        match step {
            None => Self::Whole,
            Some(Step::Name(_)) => Self::Names(BTreeMap::new()),
            Some(Step::Index(_)) => Self::Elements(BTreeMap::new()),
        }
    }

    fn insert(&mut self, steps: &[Step]) {
        let Some((step, rest)) = steps.split_first() else {
            *self = Self::Whole;
            return;
        };
        let first = || Self::first(rest.first());
        let part = match (self, step) {
            (Self::Names(names), Step::Name(name)) => {
                names.entry(name.clone()).or_insert_with(first)
            }
            (Self::Elements(elements), Step::Index(at)) => {
                elements.entry(*at).or_insert_with(first)
            }
            _ => return,
        };
        part.insert(rest);
    }

    /// Whether there is anything of it in a value.
    fn is_in(&self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Whole, _) => true,
            (Self::Names(names), ValueRef::M(map)) => {
                names.iter().any(|(name, part)| map.get(name).is_some_and(|one| part.is_in(one)))
            }
            (Self::Elements(elements), ValueRef::L(list)) => elements
                .iter()
                .any(|(at, part)| list.get(*at as usize).is_some_and(|one| part.is_in(one))),
            _ => false,
        }
    }

    fn project(&self, value: ValueRef<'_>, builder: &mut ItemBuilder) {
        match (self, value) {
            (Self::Names(names), ValueRef::M(map)) => {
                builder.begin_map();
                project_names(names, map, builder);
                builder.end();
            }
            (Self::Elements(elements), ValueRef::L(list)) => {
                builder.begin_list();
                for (at, part) in elements {
                    if let Some(one) = list.get(*at as usize).filter(|one| part.is_in(*one)) {
                        part.project(one, builder);
                    }
                }
                builder.end();
            }
            _ => builder.value(value),
        }
    }
}

fn project_names(parts: &BTreeMap<Box<str>, Part>, map: MapRef<'_>, builder: &mut ItemBuilder) {
    for (name, part) in parts {
        if let Some(value) = map.get(name).filter(|value| part.is_in(*value)) {
            builder.name(name);
            part.project(value, builder);
        }
    }
}

/// Order of checks: syntax, reserved words, undefined names, overlap, conflict.
fn compile(source: &str, placeholders: &mut Placeholders<'_>) -> Result<Vec<Path>, Fault> {
    let mut tokens = Tokens::new(source)?;
    let mut raw = vec![RawPath::parse(&mut tokens, &[])?];
    while tokens.symbol(",") {
        raw.push(RawPath::parse(&mut tokens, &[])?);
    }
    tokens.expect_end()?;
    raw.iter().try_for_each(RawPath::check_reserved)?;
    let paths: Vec<Path> =
        raw.iter().map(|path| path.resolve(placeholders)).collect::<Result<_, _>>()?;
    path::check_apart(&paths)?;
    Ok(paths)
}
