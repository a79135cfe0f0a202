//! Dynamic references: `{{resolve:service:reference}}` inside a string.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>

/// One dynamic reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DynamicReference {
    /// `ssm`: a plain parameter, the newest version where none is named.
    Ssm {
        /// Parameter name.
        name: String,
        /// Parameter version.
        version: Option<u64>,
    },
    /// `ssm-secure`: a SecureString parameter.
    SsmSecure {
        /// Parameter name.
        name: String,
        /// Parameter version.
        version: Option<u64>,
    },
    /// `secretsmanager`: a secret, or one key of it.
    SecretsManager {
        /// Name or ARN of the secret.
        secret: String,
        /// Key in the JSON of the secret; the whole string where there is none.
        json_key: Option<String>,
        /// Staging label; AWSCURRENT where there is none.
        version_stage: Option<String>,
        /// Version id.
        version_id: Option<String>,
    },
}

/// A part of a string that holds dynamic references.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'t> {
    /// Text as it is.
    Text(&'t str),
    /// A reference.
    Reference(DynamicReference),
}

/// Splits a string at its references; `None` where it holds none.
pub(crate) fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let mut found = false;
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{resolve:") {
        let Some((body, behind)) = after.split_once("}}") else { break };
        let Some(reference) = reference(body) else {
            // Not a form that AWS documents: it stays as it is.
            let length = before.len() + "{{resolve:".len();
            let (kept, further) = rest.split_at_checked(length)?;
            parts.push(Part::Text(kept));
            rest = further;
            continue;
        };
        found = true;
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Reference(reference));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    found.then_some(parts)
}

fn reference(body: &str) -> Option<DynamicReference> {
    let (service, rest) = body.split_once(':')?;
    match service {
        "ssm" | "ssm-secure" => {
            let (name, version) = match rest.rsplit_once(':') {
                Some((name, version)) if version.chars().all(|c| c.is_ascii_digit()) => {
                    (name, version.parse().ok())
                }
                _ => (rest, None),
            };
            let name = (!name.is_empty()).then(|| name.to_owned())?;
            Some(if service == "ssm" {
                DynamicReference::Ssm { name, version }
            } else {
                DynamicReference::SsmSecure { name, version }
            })
        }
        "secretsmanager" => {
            // An ARN has seven fields of its own before what follows it.
            let fields = if rest.starts_with("arn:") { 7 } else { 1 };
            let split = rest.match_indices(':').nth(fields - 1).map(|(at, _)| at);
            let (secret, more) = match split.and_then(|at| rest.split_at_checked(at)) {
                Some((secret, more)) => (secret, more.strip_prefix(':').unwrap_or(more)),
                None => (rest, ""),
            };
            let mut more = more.split(':').map(|one| (!one.is_empty()).then(|| one.to_owned()));
            // The first field is the constant `SecretString`.
            more.next();
            Some(DynamicReference::SecretsManager {
                secret: (!secret.is_empty()).then(|| secret.to_owned())?,
                json_key: more.next().flatten(),
                version_stage: more.next().flatten(),
                version_id: more.next().flatten(),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_references() {
        let ssm = |name: &str, version| {
            Part::Reference(DynamicReference::Ssm { name: name.to_owned(), version })
        };
        assert_eq!(parts("plain {{x}}"), None);
        assert_eq!(parts("{{resolve:ssm:/a/b:3}}"), Some(vec![ssm("/a/b", Some(3))]));
        assert_eq!(
            parts("x{{resolve:ssm:a}}y"),
            Some(vec![Part::Text("x"), ssm("a", None), Part::Text("y")])
        );
        assert_eq!(parts("{{resolve:nope:a}}"), None);
        assert_eq!(
            parts(
                "{{resolve:secretsmanager:arn:aws:secretsmanager:r:1:secret:n:SecretString:k:S}}"
            ),
            Some(vec![Part::Reference(DynamicReference::SecretsManager {
                secret: "arn:aws:secretsmanager:r:1:secret:n".to_owned(),
                json_key: Some("k".to_owned()),
                version_stage: Some("S".to_owned()),
                version_id: None,
            })])
        );
    }
}
