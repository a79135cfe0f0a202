//! Every bound of the process in one place.

use std::time::Duration;

/// Named limits. AWS's own where there is one; what is over a limit gets AWS's error for it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a control-plane request body that is held in memory (DynamoDB's is 16 MiB).
    pub body: usize,
    /// Bytes of a control-plane request body that carries a package: Lambda's 50 MB in base64, and
    /// the rest of the request.
    pub package: usize,
    /// Bytes of a query-protocol form (AWS: 1 MB for CloudFormation's largest call).
    pub form: usize,
    /// Bytes of a request's head, all headers together.
    pub head: usize,
    /// Levels of nesting in a decoded document.
    pub nesting: usize,
    /// Connections open at once on one listener.
    pub connections: usize,
    /// Requests under way at once on one HTTP/2 connection (an AWS load balancer: 128).
    pub streams: u32,
    /// How long a client may take to send a request's head.
    pub head_timeout: Duration,
    /// How long a connection may stand idle between requests.
    pub idle_timeout: Duration,
    /// How long `SIGTERM` waits for requests under way.
    pub drain: Duration,
    /// How far a signature's date may be from this machine's (SigV4: 15 minutes).
    pub skew: Duration,
    /// Requests of one client that re-enter this cloud in-process.
    pub hops: u8,
    /// Bytes of a DynamoDB item collection: the items of a table with local indexes, and their
    /// entries, that share a partition key (AWS: 10 GB).
    pub item_collection: u64,
    /// Sites that get a loopback port of their own.
    pub site_ports: usize,
    /// Bytes of answers that the CDN keeps in memory, over all distributions.
    pub cdn_cache: usize,
    /// Bytes of one answer that the CDN keeps; longer ones are passed through.
    pub cdn_object: usize,
    /// How long a request to the CDN waits for another's fetch of the same object.
    pub cdn_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 << 20,
            package: 70 << 20,
            form: 1 << 20,
            head: 64 << 10,
            nesting: 200,
            connections: 8192,
            streams: 128,
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(350),
            drain: Duration::from_secs(20),
            skew: Duration::from_secs(15 * 60),
            hops: 8,
            item_collection: 10 << 30,
            site_ports: 256,
            cdn_cache: 128 << 20,
            cdn_object: 8 << 20,
            cdn_wait: Duration::from_secs(30),
        }
    }
}
