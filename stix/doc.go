// Package stix reads, checks, marks, identifies and writes STIX 2.1 objects
// without losing a byte of them.
//
// # Received bytes
//
// An [Object] holds the text of one STIX object exactly as it was received, and
// beside it the few properties that nearly every reader needs. Nothing is ever
// serialised again, so unknown properties, extensions, the order of members,
// whitespace and the digits of a timestamp all survive, and a signature or hash
// over the text stays valid. Other properties are reached by path with
// [Object.Get], or through a Go struct with [Object.Decode].
//
// # Streams
//
// A [Reader] takes a bundle, an array, a single object or NDJSON and gives one
// object at a time; its memory does not grow with the stream. An object that is
// refused gives an error that names its place, as in "objects[17].valid_from", and
// reading goes on with the next. [WriteBundle] writes a bundle around texts of
// objects, unchanged.
//
// # Bounds
//
// Every size, count and depth that foreign bytes can state is bounded; see
// [Limits] and [ReaderOptions]. JSON with duplicate names or invalid UTF-8 is
// refused, because two readers may understand it differently.
//
// # Judgement
//
// [Parse] refuses an object whose identity, version, markings or (for indicators)
// pattern and validity cannot be relied on. Whatever else the specification
// demands is checked by [Validate], which lists problems instead of refusing, so
// that imperfect real data can be received and judged: each with its path, a stable
// code, whether the specification says MUST or SHOULD, and in which section.
// [ValidateMust] leaves the advice out. What only several objects together can show
// (versions that contradict each other, references to nothing, cycles) a [Context]
// finds in a stream, in bounded memory. Objects of STIX 2.0, which have no
// spec_version, are read as well.
//
// The tables behind it can be read: [SpecOf] has the properties of each type and its
// predefined extensions, [VocabularyOf] the vocabularies and enumerations,
// [RelationshipTypes] what can be related to what.
//
// # New objects
//
// [Build] makes an object and [Revise] a new version of one. Time and randomness are
// arguments, the same calls give the same bytes, and nothing comes out that breaks a
// MUST.
//
// # Patterns
//
// The pattern of an indicator is read by package stix/pattern, which [Validate] asks
// for its faults. [Object.Observed] gives observed data in the form that patterns are
// matched against.
//
// # Purity
//
// The package performs no input or output of its own beyond the io.Reader and
// io.Writer it is given, and reads neither the clock nor any source of randomness.
package stix
