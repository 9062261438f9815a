//! A request, read once for all pools.

use super::{filters::Wanted, function::Given, policy::Policy, pool::PoolView, request::Request};

/// What filters and weighers look at besides the pool.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    /// As it was asked.
    pub(super) request: &'a Request,
    /// The operator's rules.
    pub(super) policy: &'a Policy,
    /// What the extra specs require, parsed.
    pub(super) wanted: Vec<Wanted<'a>>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(request: &'a Request, policy: &'a Policy) -> Self {
        Self { request, policy, wanted: Wanted::all(&request.extra_specs) }
    }

    /// What a function of this pool is evaluated over.
    pub(super) fn given(&self, pool: &'a PoolView) -> Given<'a> {
        Given { pool, request: self.request }
    }
}
