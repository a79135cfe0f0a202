//! What one sandbox, and all of them together, may hold in the platform.

use std::time::Duration;

use rustix::process::Resource;

/// Bounds of egress. All but `connections_in_all` are for one sandbox.
#[derive(Debug, Clone)]
pub struct EgressLimits {
    /// Connections open at once. A function may have 1,024 descriptors ("Lambda quotas").
    pub connections: usize,
    /// Connections, flows and questions of all sandboxes together: each takes one or two of the
    /// platform's descriptors.
    pub connections_in_all: usize,
    /// How long dialling may take.
    pub dial: Duration,
    /// How long a connection may stay silent in both directions. AWS's NAT gateways: 350 s.
    pub idle: Duration,
    /// Bytes read from one end of connections and not yet written to the other.
    pub buffered: usize,
    /// Pairs of a socket in the sandbox and a destination that datagrams go between. The one that
    /// was silent for longest makes room for a new one.
    pub flows: usize,
    /// How long such a pair is remembered.
    pub flow_idle: Duration,
    /// Bytes of datagrams that wait for their destination to be dialled; others are lost.
    pub datagrams: usize,
    /// Questions for names under way at once; others are not answered, so clients ask again.
    pub questions: usize,
    /// Connections that ask for names.
    pub question_streams: usize,
    /// How long a resolver has for an answer, before the next one is asked.
    pub answer: Duration,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_in_all: 8192,
            dial: Duration::from_secs(30),
            idle: Duration::from_secs(350),
            buffered: 8 << 20,
            flows: 256,
            flow_idle: Duration::from_secs(60),
            datagrams: 1 << 20,
            questions: 64,
            question_streams: 16,
            answer: Duration::from_secs(3),
        }
    }
}

impl EgressLimits {
    /// The default, with no more connections than a quarter of the descriptors that this process
    /// may have is for, at two each. What it may have is the maximum, which
    /// [`climb`](crate::climb) raises the limit to.
    pub fn of_this_process() -> Self {
        let descriptors = rustix::process::getrlimit(Resource::Nofile).maximum;
        let connections = descriptors.map_or(usize::MAX, |most| (most / 8) as usize);
        let default = Self::default();
        Self { connections_in_all: default.connections_in_all.min(connections), ..default }
    }
}

/// Bytes copied at once, where there are few connections.
const LARGE: usize = 64 << 10;
/// The same where there are many.
const SMALL: usize = 8 << 10;

impl EgressLimits {
    /// The size of one direction's buffer while so many connections are open. Two for each of them
    /// stay below `buffered`, as long as that is at least 16 KiB for every connection.
    pub(super) fn buffer(&self, open: usize) -> usize {
        (self.buffered / (2 * open.max(1))).clamp(SMALL, LARGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_stay_below_the_bound() {
        let limits = EgressLimits::default();
        assert_eq!(limits.buffer(0), LARGE);
        for open in 1..=limits.connections {
            assert!(2 * open * limits.buffer(open) <= limits.buffered);
        }
    }
}
