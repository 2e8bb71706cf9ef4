//! Who is linked to which app at Kakao: what its REST API reads, and what a comparison has to find.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use serde_json::{Map, Value};

/// The members of each app, by app id. A million members take about 30 MB.
#[derive(Clone, Debug, Default)]
pub struct KakaoMembers {
    apps: BTreeMap<String, AppMembers>,
}

#[derive(Clone, Debug, Default)]
struct AppMembers {
    /// The second in which each was linked (Unix time).
    linked: BTreeMap<u64, i64>,
    /// Only of members for whom a test or a demonstration has set something.
    profiles: BTreeMap<u64, Map<String, Value>>,
    scopes: BTreeMap<u64, BTreeMap<String, bool>>,
    dormant: BTreeSet<u64>,
}

impl KakaoMembers {
    /// Links a member number to an app at this second (Unix time). If it is linked already, nothing changes.
    pub fn link(&mut self, app: &str, id: u64, at: i64) {
        self.app(app).linked.entry(id).or_insert(at);
    }

    /// Links many, each with its second. It is the quick way to a large app.
    pub fn link_all(&mut self, app: &str, members: impl IntoIterator<Item = (u64, i64)>) {
        let mut added: BTreeMap<u64, i64> = members.into_iter().collect();
        // Those that are linked already come last, because the later one of a number stays.
        let linked = &mut self.app(app).linked;
        added.append(linked);
        *linked = added;
    }

    /// Ends a member's link and forgets profile and scopes. False if there was no link.
    pub fn unlink(&mut self, app: &str, id: u64) -> bool {
        let members = self.app(app);
        members.profiles.remove(&id);
        members.scopes.remove(&id);
        members.linked.remove(&id).is_some()
    }

    /// When a member was linked; none for a number that is not linked to this app.
    #[must_use]
    pub fn connected_at(&self, app: &str, id: u64) -> Option<i64> {
        self.apps.get(app)?.linked.get(&id).copied()
    }

    /// How many members an app has.
    #[must_use]
    pub fn count(&self, app: &str) -> usize {
        self.apps.get(app).map_or(0, |members| members.linked.len())
    }

    /// An app's member numbers in this range, in ascending order; from the back, in descending order.
    pub fn ids(&self, app: &str, range: RangeInclusive<u64>) -> impl DoubleEndedIterator<Item = u64> {
        let linked = self.apps.get(app).map(|members| &members.linked);
        // `BTreeMap::range` panics on a range that ends before it begins.
        let linked = linked.filter(|_| !range.is_empty());
        linked.into_iter().flat_map(move |linked| linked.range(range.clone()).map(|(id, _)| *id))
    }

    /// Sets the members of `kakao_account` that the API reports of a member.
    pub fn set_profile(&mut self, app: &str, id: u64, profile: Map<String, Value>) {
        self.app(app).profiles.insert(id, profile);
    }

    /// What is set of a member's `kakao_account`.
    #[must_use]
    pub fn profile(&self, app: &str, id: u64) -> Option<&Map<String, Value>> {
        self.apps.get(app)?.profiles.get(&id)
    }

    /// Sets whether a member agrees to a scope.
    pub fn set_scope(&mut self, app: &str, id: u64, scope: &str, agreed: bool) {
        self.app(app).scopes.entry(id).or_default().insert(scope.to_owned(), agreed);
    }

    /// The scopes that are set for a member, and whether they agree to each.
    pub fn scopes(&self, app: &str, id: u64) -> impl Iterator<Item = (&str, bool)> {
        let scopes = self.apps.get(app).and_then(|members| members.scopes.get(&id));
        scopes.into_iter().flatten().map(|(scope, agreed)| (scope.as_str(), *agreed))
    }

    /// Sets whether the account of a member number is dormant: Kakao then answers -103, linked or not.
    pub fn set_dormant(&mut self, app: &str, id: u64, dormant: bool) {
        let accounts = &mut self.app(app).dormant;
        if dormant {
            accounts.insert(id)
        } else {
            accounts.remove(&id)
        };
    }

    /// Whether the account of a member number is dormant.
    #[must_use]
    pub fn is_dormant(&self, app: &str, id: u64) -> bool {
        self.apps.get(app).is_some_and(|members| members.dormant.contains(&id))
    }

    fn app(&mut self, app: &str) -> &mut AppMembers {
        self.apps.entry(app.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_link_keeps_the_first_time_and_a_link_after_an_unlink_has_its_own() {
        let mut members = KakaoMembers::default();
        members.link("1", 7, 100);
        members.link("1", 7, 200);
        members.link_all("1", [(7, 300), (8, 300)]);
        assert_eq!((members.connected_at("1", 7), members.connected_at("1", 8)), (Some(100), Some(300)));
        assert!(members.unlink("1", 7));
        assert!(!members.unlink("1", 7));
        members.link("1", 7, 400);
        assert_eq!(members.connected_at("1", 7), Some(400));
    }

    #[test]
    fn a_member_of_one_app_is_none_of_another() {
        let mut members = KakaoMembers::default();
        members.link("1", 7, 100);
        members.set_dormant("1", 7, true);
        assert_eq!((members.count("1"), members.count("2")), (1, 0));
        assert_eq!(members.connected_at("2", 7), None);
        assert!(members.is_dormant("1", 7) && !members.is_dormant("2", 7));
        assert_eq!(members.ids("2", 0..=u64::MAX).count(), 0);
    }

    #[test]
    fn an_unlink_forgets_what_the_member_agreed_to() {
        let mut members = KakaoMembers::default();
        members.link("1", 7, 100);
        members.set_scope("1", 7, "account_email", true);
        members.set_profile("1", 7, Map::new());
        members.unlink("1", 7);
        assert_eq!(members.scopes("1", 7).count(), 0);
        assert_eq!(members.profile("1", 7), None);
    }
}
