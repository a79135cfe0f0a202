//! Where the app is reached on this machine: AWS's host names in a stack's outputs, as URLs that a
//! browser here can open.

/// Domains of AWS's own names for sites, and what stands for them below `localhost`.
const DOMAINS: [(&str, &str); 5] = [
    (".amazonaws.com", ""),
    (".cloudfront.net", ".cloudfront"),
    (".amazoncognito.com", ""),
    (".on.aws", ""),
    (".amplifyapp.com", ".amplifyapp"),
];

/// `value` as a URL that leads to this cloud, if it is a URL of a site: at the site's own port, if
/// `port_of` knows one for its host (`http://127.0.0.1:4600`), else by its name below `localhost` at
/// the cloud's, `main` (`http://127.0.0.1:4566`).
pub(super) fn local(
    value: &str,
    main: &str,
    port_of: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| value.strip_prefix(scheme))?;
    if rest.contains(char::is_whitespace) || rest.contains(char::is_control) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.split(':').next()?.to_ascii_lowercase();
    if let Some(base) = port_of(&host) {
        return Some(format!("{base}{path}"));
    }
    let port = main.rsplit(':').next()?;
    let name = DOMAINS.iter().find_map(|(domain, local)| {
        let name = host.strip_suffix(domain)?;
        // `s3.us-east-1.amazonaws.com` and its like are the endpoint of a service, not a site.
        (name.split('.').count() > 2 || *domain != ".amazonaws.com")
            .then(|| format!("{name}{local}"))
    });
    match name {
        Some(name) => Some(format!("http://{name}.localhost:{port}{path}")),
        // Made by this cloud for this machine.
        None if host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" => {
            Some(value.to_owned())
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_aws_lead_here() {
        let port =
            |host: &str| (host == "d1.cloudfront.net").then(|| "http://127.0.0.1:4600".to_owned());
        let cases = [
            ("https://d1.cloudfront.net/a?b#c", Some("http://127.0.0.1:4600/a?b#c")),
            ("https://d1.cloudfront.net", Some("http://127.0.0.1:4600")),
            ("https://D2.cloudfront.net/", Some("http://d2.cloudfront.localhost:4566/")),
            (
                "https://a1.execute-api.us-east-1.amazonaws.com/Prod/hello/",
                Some("http://a1.execute-api.us-east-1.localhost:4566/Prod/hello/"),
            ),
            (
                "http://a1.execute-api.x.localhost:4566",
                Some("http://a1.execute-api.x.localhost:4566"),
            ),
            ("https://s3.us-east-1.amazonaws.com/b/k", None),
            ("https://example.com/", None),
            ("arn:aws:lambda:us-east-1:000000000000:function:f", None),
            ("https://", None),
        ];
        for (value, expected) in cases {
            let found = local(value, "http://127.0.0.1:4566", &port);
            assert_eq!(found.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn any_output_can_be_looked_at() {
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            let _ = local(text, "http://127.0.0.1:4566", &|_| None);
            let _ = local(&format!("https://{text}"), "http://127.0.0.1:4566", &|_| None);
        });
    }
}
