use std::net::IpAddr;

use ipnet::IpNet;

/// The addresses that Kakao is expected to call from, and what happens to a call from another. A second
/// lock behind the sender's proof, never in its place: addresses can be shared, and Kakao's change.
///
/// Source: Kakao's REST API, `GET /v1/system/ips`, lists them; `khook ips` shows the difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    check: SourceCheck,
    networks: Vec<IpNet>,
}

/// What happens to an authenticated request from an unlisted address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceCheck {
    /// Addresses are not checked.
    #[default]
    Off,
    /// It is accepted and counted.
    Observe,
    /// It is refused. Kakao doesn't send most webhooks again: observe for weeks first.
    Enforce,
}

/// Why settings for [`Sources`] can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourcesError {
    /// The check is not one of the three.
    #[error("is not off, observe or enforce")]
    Check,
    /// An element of the list is neither an address nor a network. It is named by its place: what was put
    /// there by mistake may be a secret.
    #[error("element {0} is neither an address nor a network in CIDR notation")]
    Network(usize),
    /// A check is configured without networks: it would refuse every request.
    #[error("is empty while the sources are to be checked")]
    Empty,
}

/// An authenticated request came from an unlisted address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address that isn't listed")]
pub struct Unlisted;

impl SourceCheck {
    /// `off`, `observe` or `enforce`.
    ///
    /// # Errors
    /// [`SourcesError::Check`].
    pub fn from_text(text: &str) -> Result<Self, SourcesError> {
        match text.trim() {
            "off" => Ok(Self::Off),
            "observe" => Ok(Self::Observe),
            "enforce" => Ok(Self::Enforce),
            _ => Err(SourcesError::Check),
        }
    }
}

impl Sources {
    /// Sources from a comma-separated list of networks (CIDR) and addresses, IPv4 and IPv6.
    ///
    /// # Errors
    /// [`SourcesError::Network`] or [`SourcesError::Empty`].
    pub fn new(check: SourceCheck, list: &str) -> Result<Self, SourcesError> {
        let elements = list.split(',').map(str::trim).filter(|element| !element.is_empty());
        let read = |(index, element): (usize, &str)| network(element).ok_or(SourcesError::Network(index + 1));
        let networks: Vec<IpNet> = elements.enumerate().map(read).collect::<Result<_, _>>()?;
        if check != SourceCheck::Off && networks.is_empty() {
            return Err(SourcesError::Empty);
        }
        Ok(Self { check, networks })
    }

    /// What is done with a request from `address`: `Ok(true)` where it is listed or not checked, `Ok(false)`
    /// where it isn't and is only observed. An address that the gateway didn't name is not listed.
    ///
    /// # Errors
    /// [`Unlisted`]: answer 403.
    pub fn admit(&self, address: Option<IpAddr>) -> Result<bool, Unlisted> {
        let is_listed = || {
            // `::ffff:192.0.2.1` is 192.0.2.1.
            let address = address.map(|address| address.to_canonical());
            address.is_some_and(|address| self.networks.iter().any(|network| network.contains(&address)))
        };
        match self.check {
            SourceCheck::Off => Ok(true),
            SourceCheck::Observe => Ok(is_listed()),
            SourceCheck::Enforce => is_listed().then_some(true).ok_or(Unlisted),
        }
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|it| it.to_canonical().into()))?;
    // No address would be in it: they are compared as the IPv4 addresses that they are.
    let is_mapped = matches!(network, IpNet::V6(network) if network.addr().to_ipv4_mapped().is_some());
    (!is_mapped).then_some(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "192.0.2.0/24, 198.51.100.7,2001:db8::/32,";

    fn admit(check: SourceCheck, address: &str) -> Result<bool, Unlisted> {
        Sources::new(check, LIST).unwrap().admit(address.parse().ok())
    }

    #[test]
    fn a_listed_address_is_admitted_in_either_notation() {
        for check in [SourceCheck::Off, SourceCheck::Observe, SourceCheck::Enforce] {
            for address in ["192.0.2.255", "198.51.100.7", "2001:db8:1::5", "::ffff:192.0.2.1"] {
                assert_eq!(admit(check, address), Ok(true), "{check:?} {address}");
            }
        }
    }

    #[test]
    fn an_unlisted_address_is_accepted_accepted_with_a_warning_or_refused() {
        for address in ["192.0.3.0", "198.51.100.8", "2001:db9::", "::1", "no address"] {
            assert_eq!(admit(SourceCheck::Off, address), Ok(true));
            assert_eq!(admit(SourceCheck::Observe, address), Ok(false));
            assert_eq!(admit(SourceCheck::Enforce, address), Err(Unlisted));
        }
    }

    #[test]
    fn a_list_that_is_empty_or_has_an_entry_that_is_not_a_network_is_refused() {
        assert_eq!(Sources::new(SourceCheck::Enforce, " , "), Err(SourcesError::Empty));
        assert_eq!(Sources::new(SourceCheck::Observe, ""), Err(SourcesError::Empty));
        assert_eq!(Sources::new(SourceCheck::Off, ""), Ok(Sources::default()));
        assert_eq!(Sources::new(SourceCheck::Off, "192.0.2.1, kakao.com"), Err(SourcesError::Network(2)));
        assert_eq!(Sources::new(SourceCheck::Off, "192.0.2.0/33"), Err(SourcesError::Network(1)));
        assert_eq!(Sources::new(SourceCheck::Off, "::ffff:192.0.2.0/120"), Err(SourcesError::Network(1)));
        assert_eq!(
            Sources::new(SourceCheck::Enforce, "::ffff:192.0.2.1").unwrap().admit("192.0.2.1".parse().ok()),
            Ok(true)
        );
        assert_eq!(SourceCheck::from_text("on"), Err(SourcesError::Check));
    }
}
