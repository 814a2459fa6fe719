"""Paper for reports: numbers, tables, drawings and the look of a page, with nothing to fetch."""
