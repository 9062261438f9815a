//! The whole contract at once: sequences by chance, against the model. What only shows when things come together.

use crate::{
    behaviour::{Behaviour, Group},
    claims::Need,
    model::{search, sequence::Flavour},
};

use super::Case;

/// Behaviours 63 to 66.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 63,
            group: Group::Model,
            name: "random_operations_follow_the_model",
            clauses: &["call.1", "call.3", "call.4", "inspect.1", "list.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(search::search(stage, 63, Flavour::Plain)),
    },
    Case {
        behaviour: Behaviour {
            number: 64,
            group: Group::Model,
            name: "random_operations_with_faults_before_and_after_follow_the_model",
            clauses: &["call.1", "call.2", "call.3", "copy.3", "revert.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(search::search(stage, 64, Flavour::Faults)),
    },
    Case {
        behaviour: Behaviour {
            number: 65,
            group: Group::Model,
            name: "random_operations_with_hosts_killed_follow_the_model",
            clauses: &["call.1", "call.4", "copy.3", "revert.3", "inspect.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(search::search(stage, 65, Flavour::Kills)),
    },
    Case {
        behaviour: Behaviour {
            number: 66,
            group: Group::Model,
            name: "operations_at_once_follow_some_order",
            clauses: &["call.5", "call.6", "attach.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(search::search(stage, 66, Flavour::AtOnce)),
    },
];
