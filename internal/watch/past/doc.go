// Package past is Watch's index of what the logs said: which values were seen in
// which hours, so that a new indicator can be looked for in the last months
// without reading the logs again.
//
// An index is a folder. Each day has one or a few files, parts, that are complete
// in themselves. A part holds three sorted runs, and with each entry a mask of the
// 24 hours (UTC) of its day:
//
//   - tokens: 47 bits of a keyed hash of a type and a canonical text. A name has
//     one token for itself and one for each name of two labels or more that it
//     stands below; a URL has one without its scheme, and those of its host; an
//     e-mail address has one, and those of its domain; a path has one, and one of
//     its last name.
//   - IPv4 addresses and IPv6 addresses as numbers, so that prefixes can be hunted.
//
// Hashes lie evenly, so the block in which one lies is known from the number of tokens, and its place is one read of
// a directory of six bytes a block: a filter before them would save nothing that it does not cost. Behind them stands which stretches of which log
// files the hours are in.
//
// A false hit of a value that is not there has the chance (tokens of the day) / 2^47:
// with 93 million tokens a day, 1,000 values over 90 days have 0.06 false
// hours together. Addresses have none. A value that is there is never missed.
//
// The key of the hash is random for each index and lies in every part. It keeps
// who writes into the logs from choosing names that collide; it does not hide what
// was seen from who can read the index, who can ask for any value.
//
// Parts are written beside and renamed, never changed. Every byte of one is under a
// checksum that is checked when it is read. Adding what is there already changes
// nothing, so logs may be read twice, and two programs may write into one index.
package past
