// Package watch finds, in the lines of logs, what a set of indicators names.
//
// A [Set] is what is looked for, compiled: millions of indicators in flat memory,
// shared by all workers and never changed. [Set.Match] is exact: it takes one value
// of a line, brings it into the form that indicators have, and tells each indicator
// that it meets. A [Scanner] is fast: it looks at the bytes of a stream and hands
// over the few lines that may hold something, each of which its caller decodes and
// matches exactly. It hands over too many lines, never too few. A [Live] set takes
// new, changed and revoked indicators while it is used.
//
// The package is pure: no I/O, no clock, no randomness. The seed that keeps
// strangers from choosing names that collide is an argument.
package watch
