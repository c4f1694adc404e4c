"""The Redis read model: one customer's contacts in one place, whether they may be surveyed now, and the headline numbers."""
