//! Names of the models as Rust spells them.

/// `PutItem` → `put_item`, `SSESpecification` → `sse_specification`, `S3Bucket` → `s3_bucket`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, &c) in letters.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let before = i.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(i + 1);
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|b| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || (b.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if begins && !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    let out = out.trim_matches('_').to_owned();
    if KEYWORDS.contains(&out.as_str()) { format!("r#{out}") } else { out }
}

const KEYWORDS: [&str; 25] = [
    "type", "match", "ref", "in", "use", "where", "move", "static", "const", "default", "enum",
    "fn", "for", "if", "impl", "let", "loop", "mod", "override", "pub", "return", "struct",
    "trait", "yield", "box",
];

/// `PAY_PER_REQUEST` → `PayPerRequest`, `nodejs20.x` → `Nodejs20X`, `AES256` → `Aes256`.
pub(crate) fn variant(value: &str) -> String {
    let mut out = String::new();
    for word in value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
        let shouted = !word.chars().any(|c| c.is_ascii_lowercase());
        for (i, c) in word.chars().enumerate() {
            match i {
                0 => out.push(c.to_ascii_uppercase()),
                _ if shouted => out.push(c.to_ascii_lowercase()),
                _ => out.push(c),
            }
        }
    }
    match out.chars().next() {
        None => "Empty".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("V{out}"),
        Some(_) if out == "Self" => "Self_".to_owned(),
        Some(_) => out,
    }
}

/// A type's name: the model's, with a capital, never one that Rust's prelude has.
pub(crate) fn type_name(shape: &str) -> String {
    let mut letters = shape.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).filter(|c| *c != '_').collect();
    match name.as_str() {
        "Option" | "Vec" | "String" | "Box" | "Result" | "Default" | "Clone" | "Debug" => {
            format!("{name}Shape")
        }
        _ => name,
    }
}

/// A Rust string literal.
pub(crate) fn literal(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (name, expect) in [
            ("PutItem", "put_item"),
            ("SSESpecification", "sse_specification"),
            ("SSEKMSKeyId", "ssekms_key_id"),
            ("S3Bucket", "s3_bucket"),
            ("Type", "r#type"),
            ("x-amz-meta", "x_amz_meta"),
            ("MFA", "mfa"),
            ("ETag", "e_tag"),
        ] {
            assert_eq!(snake(name), expect);
        }
        for (value, expect) in [
            ("PAY_PER_REQUEST", "PayPerRequest"),
            ("nodejs20.x", "Nodejs20X"),
            ("AES256", "Aes256"),
            ("aws:kms", "AwsKms"),
            ("2012", "V2012"),
            ("", "Empty"),
        ] {
            assert_eq!(variant(value), expect);
        }
    }
}
