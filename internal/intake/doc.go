// Package intake reads what others write that is not STIX (lists of values, tables,
// free text, pages of news and advisories) and drafts STIX objects from it.
//
// [Detect] tells what a file is. [ReadList] and [ReadTable] stream values with the
// line they stand on; [Find] finds the values, CVE numbers and ATT&CK identifiers
// that a text names, defanged or not; [ReadPage] finds the title, the date, the
// language and the main text of a page without what the site puts around it.
// [Drafter] makes objects of what was found.
//
// Nothing here is believed: a line that holds no value is reported with its number
// and the reason, a date whose year the text does not say is marked as inferred,
// with what it was inferred from, and what a report names is drafted as observables,
// not as indicators, because being named is not being guilty. An analyst confirms.
//
// The package is pure: time and identifiers come from its arguments, and the same
// bytes give the same objects.
package intake
