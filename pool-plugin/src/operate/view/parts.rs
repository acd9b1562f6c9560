//! The health of the parts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use pool_core::health::{Health, Level, Part};

/// The health of the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthView {
    /// The worst of the parts
    pub level: Level,
    pub parts: Vec<PartView>,
}

/// A part of the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartView {
    #[schema(value_type = Part)]
    pub part: String,
    pub level: Level,
    /// A name for machines
    pub reason: String,
    /// What is wrong, and what to do
    pub text: String,
}

impl From<&Health> for HealthView {
    fn from(health: &Health) -> Self {
        let parts = health.0.iter().map(|(part, report)| PartView {
            part: part.to_string(),
            level: report.level,
            reason: report.reason.to_owned(),
            text: report.text.clone(),
        });
        Self { level: health.level(), parts: parts.collect() }
    }
}
