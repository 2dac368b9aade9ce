// Package lang renders what Entente says in codes for people: states, moves, types, refusals, clocks,
// fields of forms, errors and headings, in the languages it has catalogs for. Codes never change;
// only their rendering does, at each end in its reader's language. It is pure: the catalogs are part
// of the program.
//
// A catalog is one text file a language, in catalogs/. Each line is "key = text"; lines that begin
// with "#" and empty lines say nothing. {name} in a text is filled in by the program. A key may have
// a plural form of CLDR (Unicode TR 35, part 3, section 5) in brackets: "count[one] = {n} request".
// A key that a catalog lacks is looked for in English.
//
// What errors and reasons say travels and is kept in English, so that no journal, no record and no answer of two nodes
// depends on a language: it is taken apart where it is read ([Heard]) and told in the reader's language
// ([Catalog.Told]). The sentences stand in said/, a file a package: a sentence in English with places, then one line
// "TAG: TEXT" for each other language; an empty line ends it. A place may be filled with a code of a family,
// {state:held}, or with the kind of an entry, {kind:entry}; one that is named reason or why holds a sentence again.
// A test finds what errors say in the source of packages, and fails where a sentence has no words.
package lang
