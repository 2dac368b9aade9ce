// Package lang renders what Entente says in codes for people: states, moves, types, refusals, clocks,
// fields of forms, errors and headings, in the languages it has catalogs for. Codes never change;
// only their rendering does, at each end in its reader's language. It is pure: the catalogs are part
// of the program.
//
// A catalog is one text file a language, in catalogs/. Each line is "key = text"; lines that begin
// with "#" and empty lines say nothing. {name} in a text is filled in by the program. A key may have
// a plural form of CLDR (Unicode TR 35, part 3, section 5) in brackets: "count[one] = {n} request".
// A key that a catalog lacks is looked for in English.
package lang
