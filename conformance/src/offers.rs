//! The capabilities of a driver around another, stated once for all that wrap.

/// Accessors of a `Driver` that itself offers each capability that its `inner` has, and no other.
macro_rules! offers_what_inner_has {
    () => {
        fn multi_attach(&self) -> Option<&dyn ::ashlar_common::driver::capability::MultiAttach> {
            self.inner.multi_attach().map(|_| self as _)
        }

        fn online_extend(&self) -> Option<&dyn ::ashlar_common::driver::capability::OnlineExtend> {
            self.inner.online_extend().map(|_| self as _)
        }

        fn revert(&self) -> Option<&dyn ::ashlar_common::driver::capability::Revert> {
            self.inner.revert().map(|_| self as _)
        }

        fn manage(&self) -> Option<&dyn ::ashlar_common::driver::capability::Manage> {
            self.inner.manage().map(|_| self as _)
        }

        fn group_snapshots(&self) -> Option<&dyn ::ashlar_common::driver::capability::GroupSnapshots> {
            self.inner.group_snapshots().map(|_| self as _)
        }

        fn qos(&self) -> Option<&dyn ::ashlar_common::driver::capability::Qos> {
            self.inner.qos().map(|_| self as _)
        }

        fn migrate(&self) -> Option<&dyn ::ashlar_common::driver::capability::Migrate> {
            self.inner.migrate().map(|_| self as _)
        }

        fn active_active(&self) -> Option<&dyn ::ashlar_common::driver::capability::ActiveActive> {
            self.inner.active_active().map(|_| self as _)
        }
    };
}

pub(crate) use offers_what_inner_has;
