//! Requests that a browser makes for a page of another origin.

/// What a browser asks, or has asked, for a page (Fetch standard, "HTTP CORS protocol").
#[derive(Debug)]
pub struct CrossOrigin<'a> {
    /// The page's origin: `https://app.example`, or `null`.
    pub origin: &'a str,
    /// The request's method; of a preflight, the one that it asks for.
    pub method: &'a str,
    /// The headers that a preflight asks for, in lower case.
    pub headers: &'a [String],
    /// The labels of the operation's path, decoded: S3's `Bucket`.
    pub labels: &'a [(&'static str, String)],
    /// Whether this is the question before the request.
    pub preflight: bool,
}
