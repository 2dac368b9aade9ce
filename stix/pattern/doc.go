// Package pattern reads, checks, rewrites and evaluates patterns of STIX 2.1 (§9).
//
// # Reading
//
// [Parse] takes what the grammar of the standard takes (STIXPattern.g4 of the OASIS
// committee), comments and Unicode white space included, and gives a [Tree]. Its one
// rule beyond the grammar is that of §9.5: directly after "[...]" each kind of
// qualifier stands once. Work and memory are linear in the length of the pattern,
// and bounded; see [MaxBytes] and the bounds beside it.
//
// # Faults
//
// Each fault is an [*Error], which names a [Rule], the byte, line and column, what
// was found and what was expected. Parse reports the first. [Tree.Check] reports
// everything that the grammar lets pass, each mistake once, in three degrees: what
// the standard forbids ([Invalid], such as REPEATS 0 or a set of two types), what
// this package cannot evaluate ([Unsupported], such as a look-ahead), and what can
// never match ([Futile], such as an AND of two types of object, or a START after its
// STOP). The published test patterns of the OASIS validator contain some of the last
// kind as valid ones, so they are read, compiled, and match nothing.
//
// # One tree, one text
//
// A tree has no parentheses without need, flat lists instead of nested joints of one
// word, and one spelling of each constant, so equal trees have one canonical text
// ([Tree.String]), and that text reads as the same tree. FOLLOWEDBY may be flat
// because both ways of nesting it ask for the same: no part is later than one that
// follows it. Integers and floats stay what they are, as do h and b constants; the
// order of operands stays. Nothing is replaced by what is only logically equal.
//
// # Atoms
//
// [Tree.Atoms] lists the comparisons without how they are joined, for an index: a
// pattern can match only where one of its atoms that is not negated does, or where
// it has atoms that no index can find.
//
// # Observations
//
// [Pattern.Match] looks for a choice of observations (§9.3). Each part "[...]" that
// the match needs gets an observation of its own, and an [Observed] with a Count of n
// is n of them. REPEATS n needs n choices of what it qualifies; OR needs one side.
// Each choice happened at some moment between First and Last, and there must be
// moments for all of them at once such that FOLLOWEDBY (not later than), WITHIN (no
// more than so far apart) and START and STOP (at or after the one, before the other)
// hold. By the words of §9.5.1 exactly so far apart is too far for WITHIN; the
// published tests of the OASIS matcher have it within, and so has this package. Moments are exact to the nanosecond; where observations lie more than a
// century apart, to 100 nanoseconds. The result names one choice, of the earliest
// observations, in the order of the pattern.
//
// # Objects
//
// All comparisons of one "[...]" look at one object. A path that leads nowhere makes
// its comparison false, also under NOT and with "!="; NOT EXISTS is true of an object
// of the type that lacks the property. A path that leads to several values is true if
// one of them satisfies it, and NOT turns each of these answers round. [*] is every
// element of a list and, because patterns such as file:hashes[*] are in use, every
// value of a dictionary. A name that follows _ref or _refs is one of the object
// referred to, which is looked for among the objects of the observation and then with
// Resolve; a path that ends in a reference is the identifier. Objects come through
// the interface [Object], so a caller needs no JSON; [MapObject] is for those who
// have it decoded.
//
// # Comparing
//
// Values of different types are not equal and have no order (§9.6); numbers compare
// by value, exactly. Strings compare code point by code point without normalisation,
// as the standard has it; only LIKE and MATCHES look at Unicode normal form C, of
// both sides. A property named _hex or _bin is octets; octets and strings compare by
// code point where all are below 256. A string is a timestamp when a timestamp
// constant asks, if it has the form of one. ISSUBSET and ISSUPERSET take addresses
// and prefixes of both families, which are never in one another; bits beyond the
// prefix do not count, and an IPv4-mapped address is an IPv6 address.
//
// # LIKE and MATCHES
//
// In LIKE, % is any characters and _ one; both also stand for line ends; there is no
// escape, and case matters. MATCHES is to be PCRE; here it is RE2 (package regexp),
// whose work is linear in the text. It finds the expression anywhere, and . stands for line ends
// too, as demanded (DOTALL). The differences:
// look-around, back references, atomic groups, possessive quantifiers, recursion and
// conditions do not exist and are [Unsupported]; $ without (?m) is the very end, not
// also the place before a last line feed; a class such as \d or \w is ASCII; of
// alternatives, which one is taken does not matter to a yes or no. Expressions are
// compiled once and bounded by [MaxRegexpBytes] and [MaxRegexpSize]. Octets are
// matched as the code points of the same numbers, so \xd4 is that octet.
//
// # Budget
//
// To find a choice is to try, and there are patterns and observations for which no
// quick way is known. Every step is counted, and at [DefaultSteps], or at what
// [Pattern.MatchWithin] is given, a match ends with a [*BudgetError], which means
// that nobody knows. Parts that match nothing by themselves, windows without enough
// in them, and more parts than observations to share are recognised without trying
// all ways.
//
// # Purity
//
// The package reads no clock, no randomness and no input but its arguments. A
// [Pattern] does not change and may be used by many goroutines at once.
package pattern
