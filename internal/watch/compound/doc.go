// Package compound finds compound STIX patterns (§9) in a stream of records: AND, OR,
// FOLLOWEDBY, WITHIN, REPEATS, START and STOP, per host and on the time of the events.
//
// # What is asked
//
// A record becomes one observation, the objects of [Observe]. So "[a AND b]" is one
// line, and one object of it, and "[a] AND [b]" is two lines. Whether observations match
// is asked of package stix/pattern, which alone says what a pattern means.
//
// # When
//
// A pattern that one observation can satisfy is told at once, for each that does. Any
// other one is asked per host, over the time of the events: at each observation that
// satisfies one of its parts, of those no older than the horizon that came after the last
// match. If they match, the match is told and its observations are used up. The horizon
// is the WITHIN around the whole pattern, or [Options.Horizon] where there is none or
// a longer one. So a match is told if and only if "(pattern) WITHIN horizon SECONDS"
// matches all observations of the host, whatever their number and order.
//
// Records may come late by [Options.Late], so a pattern of several observations waits so
// long before it looks at one. What comes later still is tried with what is kept, and is
// counted: matches may then be missing.
//
// A record without a host is alone: it can satisfy a pattern of one observation and is never
// joined with another, or FOLLOWEDBY would fire everywhere.
//
// # What it costs
//
// The values that a pattern cannot match without go into the index of all indicators:
// [Engine.Add] gives them, and who matches records says which patterns they were of. Only
// those patterns are looked at. A pattern with a part that no value stands for, such as
// [network-traffic:dst_port = 4444], is open: it is looked at with every record that has
// such an object. [Counts] tells how many there are.
//
// The package is pure: time and records are arguments.
package compound
