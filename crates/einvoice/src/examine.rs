//! Examining a file of anyone's: what it calls itself, and what the rules say of it. The
//! reader is the crate `en16931-formats`, not ours, so that it also reads what we write.

use en16931::profiles::{self, Declaration};
use en16931_formats::report::Kind;

use crate::finding::{Finding, Severity};
use crate::presence;

/// What was found in a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// What the file calls itself (BT-24), where it does.
    pub specification: Option<String>,
    /// The rules it was held against.
    pub rules: &'static str,
    /// What of it was not checked, and why.
    pub not_checked: Option<String>,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing fatal was found.
    pub fn is_valid(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Fatal)
    }
}

/// Examines UBL or CII by the rules that the file says it follows: XRechnung, Peppol BIS
/// Billing 3, else plain EN 16931.
///
/// # Errors
/// Why the file can't be read: no XML, no invoice, or OIOUBL, whose rules are not in the program.
pub fn examine(bytes: &[u8]) -> Result<Report, String> {
    let read = en16931_formats::read(bytes).map_err(|fault| fault.to_string())?;
    let specification = read.invoice.specification_id.clone();
    if specification.as_deref().is_some_and(|id| id.starts_with("OIOUBL-")) {
        return Err("the file is OIOUBL, which this program writes but has no rules to examine by".to_owned());
    }
    let declared = profiles::classify(specification.as_deref());
    let profile = declared.profile().unwrap_or(&profiles::EN16931);
    let not_checked = match &declared {
        Declaration::Known(_) => None,
        other => Some(format!("{other}: only the rules of EN 16931 were checked")),
    };
    let mut findings: Vec<Finding> = Vec::new();
    for entry in &read.entries {
        let severity = match entry.level() {
            en16931::Severity::Fatal => Severity::Fatal,
            en16931::Severity::Warning => Severity::Warning,
            en16931::Severity::Info => Severity::Information,
        };
        // What EN 16931 has no term for is no fault of the file.
        if entry.kind == Kind::Unmapped {
            continue;
        }
        findings.push(Finding {
            rule: entry.rule.clone().unwrap_or_else(|| entry.kind.as_str().to_owned()),
            severity,
            path: entry.term.clone().unwrap_or_else(|| entry.path.clone()),
            message: entry.message.clone(),
            field: None,
        });
    }
    let report = profile.validate(&read.invoice);
    findings.extend(report.findings().iter().map(|found| Finding::of(found, None)));
    if let Ok(text) = std::str::from_utf8(bytes) {
        presence::put_right(text.trim_start_matches('\u{feff}'), &mut findings);
    }
    findings.sort_by(|a, b| (a.severity, &a.path, &a.rule).cmp(&(b.severity, &b.path, &b.rule)));
    Ok(Report { specification, rules: profile.id, not_checked, findings })
}
