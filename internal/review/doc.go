// Package review reports on the timeliness and quality of what the members of a unit asked each other
// in a period. [Compute] is a pure function of what the fold has at a named cut of the journals, so
// that each node computes the report alone and all come to the same bytes: [Report.JSON] is what
// members countersign by its SHA-256. It holds no floating point number: times are whole seconds,
// means are decimals of two places. docs/protocol/state.md specifies every member.
package review
