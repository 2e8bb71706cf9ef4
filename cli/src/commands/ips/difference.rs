//! Two sets of networks, compared by the addresses in them and not by how they are written.

use ipnet::IpNet;

/// What differs between what is published and what is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Published, and at least one of its addresses isn't configured.
    pub(super) missing: Vec<IpNet>,
    /// Configured, and at least one of its addresses isn't published.
    pub(super) extra: Vec<IpNet>,
}

impl Difference {
    pub(super) fn of(published: &[IpNet], configured: &[IpNet]) -> Self {
        Self { missing: uncovered(published, configured), extra: uncovered(configured, published) }
    }

    pub(super) const fn is_none(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty()
    }
}

fn uncovered(networks: &[IpNet], by: &[IpNet]) -> Vec<IpNet> {
    networks.iter().filter(|network| !covers(by, network)).copied().collect()
}

/// Whether all addresses of a network are in some of these, together.
pub(super) fn covers(networks: &[IpNet], network: &IpNet) -> bool {
    IpNet::aggregate(&networks.to_vec()).iter().any(|joined| joined.contains(network))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn difference(published: &[&str], configured: &[&str]) -> (Vec<IpNet>, Vec<IpNet>) {
        let difference = Difference::of(&networks(published), &networks(configured));
        (difference.missing, difference.extra)
    }

    #[test]
    fn the_same_addresses_written_otherwise_are_no_difference() {
        let halves = ["192.0.2.0/25", "192.0.2.128/25", "2001:db8::/33", "2001:db8:8000::/33"];
        assert_eq!(difference(&["2001:db8::/32", "192.0.2.0/24"], &halves), (vec![], vec![]));
        assert_eq!(difference(&halves, &["192.0.2.0/24", "2001:db8::/32"]), (vec![], vec![]));
    }

    #[test]
    fn a_network_that_is_covered_in_part_is_missing() {
        let found = difference(&["192.0.2.0/24"], &["192.0.2.0/25"]);
        assert_eq!(found, (networks(&["192.0.2.0/24"]), vec![]));
    }

    #[test]
    fn a_network_that_is_wider_than_what_is_published_is_extra() {
        let found = difference(&["192.0.2.0/25", "2001:db8::1/128"], &["192.0.2.0/24", "2001:db8::1/128"]);
        assert_eq!(found, (vec![], networks(&["192.0.2.0/24"])));
    }

    #[test]
    fn all_addresses_of_one_version_hold_none_of_the_other() {
        let found = difference(&["192.0.2.0/24"], &["::/0"]);
        assert_eq!(found, (networks(&["192.0.2.0/24"]), networks(&["::/0"])));
    }
}
