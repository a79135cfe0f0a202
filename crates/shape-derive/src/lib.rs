//! `#[derive(Shape)]` for structures and enumerations of AWS's API models.
//!
//! On a structure's field: `wire = "Name"`, `name = "ModelName"` where it differs from `wire`,
//! `at = "uri" | "query" | "queries" | "header" | "headers" | "payload" | "status"`, `required`,
//! and the rules: `min`, `max`, `pattern`, `sensitive`, `time = "epoch" | "iso8601" | "http"`,
//! `each(…)`, `keys(…)` (rules of elements and keys), `item`, `key`, `value`, `flattened`,
//! `attribute`, `xmlns = "uri"`, `xmlns_prefix = "p"`, `token`.
//! On an enumeration's variant: `wire = "VALUE"`. On either type: `name = "ModelName"`.

mod rules;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DataStruct, DeriveInput, Fields, Ident};

use rules::{Field, text_attribute};

/// Derives `cumulet_shape::Shape`.
#[proc_macro_derive(Shape, attributes(shape))]
pub fn derive(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = match syn::parse::<DeriveInput>(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error().into(),
    };
    let code = match &input.data {
        Data::Struct(data) => structure(&input, data),
        Data::Enum(data) => enumeration(&input, data),
        Data::Union(_) => Err(syn::Error::new_spanned(&input.ident, "a union is no shape")),
    };
    code.unwrap_or_else(syn::Error::into_compile_error).into()
}

fn structure(input: &DeriveInput, data: &DataStruct) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let name = text_attribute(&input.attrs, "name")?.unwrap_or_else(|| ident.to_string());
    let fields: Vec<Field> = match &data.fields {
        Fields::Named(fields) => {
            fields.named.iter().map(Field::parse).collect::<syn::Result<_>>()?
        }
        Fields::Unit => Vec::new(),
        Fields::Unnamed(_) => {
            return Err(syn::Error::new_spanned(ident, "a shape's fields have names"));
        }
    };
    if fields.len() > 128 {
        return Err(syn::Error::new_spanned(ident, "a structure has at most 128 members"));
    }
    let schema = schema_tokens(ident, &name, &fields);
    let (read, write, stream) =
        (read_tokens(&fields), write_tokens(&fields), stream_tokens(&fields));
    Ok(quote! {
        #schema

        impl ::cumulet_shape::Shape for #ident {
            const KIND: ::cumulet_shape::Kind = ::cumulet_shape::Kind::Structure(Self::structure);
            #read
            #write
            #stream
        }
    })
}

fn schema_tokens(ident: &Ident, name: &str, fields: &[Field]) -> TokenStream {
    let count = fields.len();
    let patterns = fields.iter().enumerate().flat_map(|(i, field)| field.rules.patterns(i, ""));
    let members = fields.iter().enumerate().map(|(i, field)| field.member(i));
    quote! {
        impl #ident {
            /// The shape's name and members.
            pub fn structure() -> &'static ::cumulet_shape::Structure {
                #(#patterns)*
                static MEMBERS: [::cumulet_shape::Member; #count] = [#(#members),*];
                static STRUCTURE: ::cumulet_shape::Structure =
                    ::cumulet_shape::Structure { name: #name, members: &MEMBERS };
                &STRUCTURE
            }
        }
    }
}

fn read_tokens(fields: &[Field]) -> TokenStream {
    let reads = fields.iter().enumerate().map(|(i, field)| {
        let ident = &field.ident;
        quote!(#i => value.#ident = ::cumulet_shape::Shape::read(member.schema, r, faults)?,)
    });
    let value = if fields.is_empty() { quote!(let value) } else { quote!(let mut value) };
    quote! {
        fn read(
            _: ::cumulet_shape::Schema,
            r: &mut dyn ::cumulet_shape::Reader,
            faults: &mut ::cumulet_shape::Faults,
        ) -> ::core::result::Result<Self, ::cumulet_shape::ReadError> {
            #value = Self::default();
            let structure = Self::structure();
            ::cumulet_shape::read_structure(structure, r, faults, &mut |index, r, faults| {
                let Some(member) = structure.members.get(index) else { return Ok(()) };
                match index {
                    #(#reads)*
                    _ => {
                        let _ = (member, r, faults);
                    }
                }
                Ok(())
            })?;
            Ok(value)
        }
    }
}

fn write_tokens(fields: &[Field]) -> TokenStream {
    let writes = fields.iter().map(|field| {
        let ident = &field.ident;
        quote!(::cumulet_shape::write_member(w, members.next(), &self.#ident);)
    });
    quote! {
        fn write(&self, schema: ::cumulet_shape::Schema, w: &mut dyn ::cumulet_shape::Writer) {
            let structure = Self::structure();
            w.structure(structure, schema, &mut |w| {
                let mut members = structure.members.iter();
                #(#writes)*
                let _ = (members.next(), w);
            });
        }
    }
}

fn stream_tokens(fields: &[Field]) -> TokenStream {
    let streams = fields.iter().filter(|field| field.payload).map(|field| {
        let ident = &field.ident;
        quote!(if let Some(body) = ::cumulet_shape::Shape::take_stream(&mut self.#ident) {
            return Some(body);
        })
    });
    quote! {
        fn take_stream(&mut self) -> ::core::option::Option<::cumulet_shape::Body> {
            #(#streams)*
            None
        }
    }
}

fn enumeration(input: &DeriveInput, data: &DataEnum) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let mut wires = Vec::new();
    let mut variants = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(syn::Error::new_spanned(variant, "a shape's variants carry no data"));
        }
        let wire = text_attribute(&variant.attrs, "wire")?;
        wires.push(wire.unwrap_or_else(|| variant.ident.to_string()));
        variants.push(&variant.ident);
    }
    Ok(quote! {
        impl #ident {
            /// Every value in AWS's order.
            pub const VALUES: &'static [&'static str] = &[#(#wires),*];

            /// The value as it is spelled on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { #(Self::#variants => #wires),* }
            }

            /// The value that is spelled so.
            pub fn from_wire(text: &str) -> Option<Self> {
                match text { #(#wires => Some(Self::#variants),)* _ => None }
            }
        }

        impl ::std::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::cumulet_shape::Shape for #ident {
            const KIND: ::cumulet_shape::Kind = ::cumulet_shape::Kind::Enum(Self::VALUES);

            fn read(
                schema: ::cumulet_shape::Schema,
                r: &mut dyn ::cumulet_shape::Reader,
                faults: &mut ::cumulet_shape::Faults,
            ) -> ::core::result::Result<Self, ::cumulet_shape::ReadError> {
                let text = r.string()?;
                Ok(Self::from_wire(&text).unwrap_or_else(|| {
                    faults.unknown_value(schema, &text, Self::VALUES);
                    Self::default()
                }))
            }

            fn write(&self, schema: ::cumulet_shape::Schema, w: &mut dyn ::cumulet_shape::Writer) {
                w.string(schema, self.as_str());
            }
        }
    })
}
