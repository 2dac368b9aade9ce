// Package logs reads the lines of logs: each format that Watch knows turns one
// line into a [record.Record], exactly, with the path of each value, its type by
// its place, its role, the direction and the time of the event.
//
// [Detect] tells the format of a sample and what it was told by. A format keeps
// what the header of its file said (the columns of a table), so each stream has
// one of its own.
//
// What can be read of a broken line is in the record also when Decode fails: a
// line that was cut may still name what somebody looks for.
//
// The package is pure: no I/O, no clock, no randomness.
package logs
