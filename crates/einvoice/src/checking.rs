//! The check: the rules of the format's profile and our own, on the model. No XML, no rule
//! file, no network.

use crate::finding::Finding;
use crate::model::Model;
use crate::{Format, profiles, rules};

/// What the rules say of a model, worst first.
pub(crate) fn check(model: &Model, format: Format) -> Vec<Finding> {
    let report = profiles::profile(format).validate(&model.invoice);
    let mut findings: Vec<Finding> = report.findings().iter().map(|found| Finding::of(found, Some(model))).collect();
    findings.extend(rules::findings(model, format));
    findings.sort_by(|a, b| (a.severity, &a.path, &a.rule).cmp(&(b.severity, &b.path, &b.rule)));
    findings
}
