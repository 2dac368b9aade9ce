// Package intel is what a node knows: STIX objects that were imported here or
// received from partners, where each came from, and which of them may be used.
//
// The truth is the private local log (what was imported, received, decided and
// destroyed, in that order) and the payloads of the partners' journals. All
// else is derived from them: Intel applies the log record by record to an
// ordered map ([Objects]), each record in one atomic write together with the
// cursor that says how far the log has been applied. So a crash at any moment,
// or a lost map, costs a replay and changes nothing; [Intel.Rebuild] gives the
// same bytes again, and [Intel.Digest] shows it.
//
// Every object of every record has a slot: a number in microseconds that the
// record reserves, unique and rising over the whole log. A slot is the place of
// one arrival of one object, its number in intake, and the moment at which it
// was added. The same bytes arriving twice are one stored object with two
// slots; the same version with other bytes is a second object and a recorded
// conflict.
package intel
