//! The attributes of one field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Ident, LitInt, LitStr, Type};

/// One field of a structure.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) payload: bool,
    pub(crate) rules: Rules,
    name: String,
    wire: String,
    at: Ident,
    required: bool,
    ty: Type,
}

/// What `shape::Rules` will hold.
#[derive(Default)]
pub(crate) struct Rules {
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<String>,
    sensitive: bool,
    time: Option<Ident>,
    each: Option<Box<Rules>>,
    keys: Option<Box<Rules>>,
    item: Option<String>,
    key: Option<String>,
    value: Option<String>,
    flattened: bool,
    attribute: bool,
    xmlns: Option<String>,
    xmlns_prefix: Option<String>,
    token: bool,
}

/// The text of `key = "…"` in the `shape` attributes of a type or variant.
pub(crate) fn text_attribute(attributes: &[Attribute], key: &str) -> syn::Result<Option<String>> {
    let mut found = None;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("shape")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident(key) {
                return Err(meta.error("unknown attribute"));
            }
            found = Some(text(&meta)?);
            Ok(())
        })?;
    }
    Ok(found)
}

fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

fn number(meta: &ParseNestedMeta<'_>) -> syn::Result<i64> {
    let value = meta.value()?;
    let negative = value.parse::<Option<syn::Token![-]>>()?.is_some();
    let number = value.parse::<LitInt>()?.base10_parse::<i64>()?;
    Ok(if negative { -number } else { number })
}

impl Field {
    pub(crate) fn parse(field: &syn::Field) -> syn::Result<Self> {
        let ident = field.ident.clone().ok_or_else(|| syn::Error::new_spanned(field, "no name"))?;
        let (mut name, mut wire, mut at) = (None, None, format_ident!("Body"));
        let (mut required, mut rules) = (false, Rules::default());
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("shape")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("wire") {
                    wire = Some(text(&meta)?);
                } else if meta.path.is_ident("name") {
                    name = Some(text(&meta)?);
                } else if meta.path.is_ident("at") {
                    at = one_of(
                        &meta,
                        &["uri", "query", "queries", "header", "headers", "payload", "status"],
                    )?;
                } else if meta.path.is_ident("required") {
                    required = true;
                } else {
                    rules.parse(&meta)?;
                }
                Ok(())
            })?;
        }
        let wire = wire.unwrap_or_else(|| ident.to_string());
        let name = name.unwrap_or_else(|| wire.clone());
        let payload = at == "Payload";
        Ok(Self { ident, payload, rules, name, wire, at, required, ty: field.ty.clone() })
    }

    /// The `shape::Member` of the field with number `index`.
    pub(crate) fn member(&self, index: usize) -> TokenStream {
        let Self { name, wire, at, required, ty, .. } = self;
        let rules = self.rules.tokens(index, "");
        quote!(::cumulet_shape::Member {
            name: #name,
            wire: #wire,
            at: ::cumulet_shape::Location::#at,
            required: #required,
            schema: ::cumulet_shape::Schema {
                kind: <#ty as ::cumulet_shape::Shape>::KIND,
                rules: &#rules,
            },
        })
    }
}

fn one_of(meta: &ParseNestedMeta<'_>, words: &[&str]) -> syn::Result<Ident> {
    let word = text(meta)?;
    if !words.contains(&word.as_str()) {
        return Err(meta.error(format!("one of {words:?}")));
    }
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    Ok(format_ident!("{}", first.into_iter().chain(letters).collect::<String>()))
}

impl Rules {
    fn parse(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let word = meta.path.require_ident()?.to_string();
        match word.as_str() {
            "min" => self.min = Some(number(meta)?),
            "max" => self.max = Some(number(meta)?),
            "pattern" => self.pattern = Some(text(meta)?),
            "sensitive" => self.sensitive = true,
            "time" => self.time = Some(one_of(meta, &["epoch", "iso8601", "http"])?),
            "each" => self.each = Some(nested(meta)?),
            "keys" => self.keys = Some(nested(meta)?),
            "item" => self.item = Some(text(meta)?),
            "key" => self.key = Some(text(meta)?),
            "value" => self.value = Some(text(meta)?),
            "flattened" => self.flattened = true,
            "attribute" => self.attribute = true,
            "xmlns" => self.xmlns = Some(text(meta)?),
            "xmlns_prefix" => self.xmlns_prefix = Some(text(meta)?),
            "token" => self.token = true,
            _ => return Err(meta.error("unknown attribute")),
        }
        Ok(())
    }

    /// A static for each pattern in these rules and those nested in them.
    pub(crate) fn patterns(&self, index: usize, path: &str) -> Vec<TokenStream> {
        let own = self.pattern.iter().map(|text| {
            let ident = format_ident!("PATTERN_{index}{path}");
            quote!(static #ident: ::cumulet_shape::Pattern = ::cumulet_shape::Pattern::new(#text);)
        });
        let each = self.each.iter().flat_map(|r| r.patterns(index, &format!("{path}E")));
        let keys = self.keys.iter().flat_map(|r| r.patterns(index, &format!("{path}K")));
        own.chain(each).chain(keys).collect()
    }

    fn tokens(&self, index: usize, path: &str) -> TokenStream {
        let mut set = Vec::new();
        let mut field = |name: &str, value: TokenStream| {
            let name = format_ident!("{name}");
            set.push(quote!(#name: #value));
        };
        if let Some(min) = self.min {
            field("min", quote!(Some(#min)));
        }
        if let Some(max) = self.max {
            field("max", quote!(Some(#max)));
        }
        if self.pattern.is_some() {
            let ident = format_ident!("PATTERN_{index}{path}");
            field("pattern", quote!(Some(&#ident)));
        }
        if let Some(time) = &self.time {
            field("time", quote!(Some(::cumulet_shape::TimeFormat::#time)));
        }
        for (name, rules, mark) in [("each", &self.each, "E"), ("keys", &self.keys, "K")] {
            if let Some(rules) = rules {
                let rules = rules.tokens(index, &format!("{path}{mark}"));
                field(name, quote!(Some(&#rules)));
            }
        }
        for (name, text) in [("item", &self.item), ("key", &self.key), ("value", &self.value)] {
            if let Some(text) = text {
                field(name, quote!(Some(#text)));
            }
        }
        for (name, on) in [
            ("sensitive", self.sensitive),
            ("flattened", self.flattened),
            ("attribute", self.attribute),
            ("token", self.token),
        ] {
            if on {
                field(name, quote!(true));
            }
        }
        if let Some(uri) = &self.xmlns {
            let prefix = self.xmlns_prefix.as_deref().unwrap_or_default();
            field("xmlns", quote!(Some((#prefix, #uri))));
        }
        if set.is_empty() {
            quote!(::cumulet_shape::Rules::NONE)
        } else {
            quote!(::cumulet_shape::Rules { #(#set,)* ..::cumulet_shape::Rules::NONE })
        }
    }
}

fn nested(meta: &ParseNestedMeta<'_>) -> syn::Result<Box<Rules>> {
    let mut rules = Rules::default();
    meta.parse_nested_meta(|meta| rules.parse(&meta))?;
    Ok(Box::new(rules))
}
