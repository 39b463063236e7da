//! Leaders, arms deals and resolutions in sentences that must fire and near twins that must not.
